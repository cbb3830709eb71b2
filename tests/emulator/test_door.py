"""The door of the emulator: no web page and nobody without its secret changes or runs anything."""

from __future__ import annotations

import http.client
import http.server
import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from emulator.server import RESET_PATH, SECRET_HEADER, Emulator
from tests.operations.plans.browser import Browser, find_browser

REGION = "eu-central-1"
QUERY = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Authorization": "AWS4-HMAC-SHA256 Credential=111122223333/20261129/eu-central-1/sns/aws4_request, Signature=x",
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
FUNCTION = """
import json, os, pathlib
def handler(event, context):
    return {"environment": dict(os.environ), "parent": pathlib.Path(f"/proc/{os.getppid()}/environ").read_text()}
"""


def ask(emulator: Emulator, method: str, path: str, headers: dict[str, str], body: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    allowed = [name for name, _ in answer.getheaders() if name.lower().startswith("access-control-")]
    assert not allowed, allowed
    return answer.status, answer.read().decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example.com"},
        {"Host": "127.0.0.1.evil.example.com"},
        {"Host": "localhost.evil.example.com:80"},
        {"Host": "sns.eu-central-1.amazonaws.com"},
        {"Host": ""},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/"), ("GET", "/_emulator/status"), ("POST", "/moto-api/reset"), ("OPTIONS", "/"), ("GET", "/bucket")],
)
def test_a_foreign_page_is_refused(emulator: Emulator, headers: dict[str, str], method: str, path: str) -> None:
    status, text = ask(emulator, method, path, {**QUERY, **headers}, "Action=ListTopics&Version=2010-03-31")
    assert status == 403
    assert text.startswith("Refused: the header ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "own-bucket.localhost:5555"])
def test_programs_of_this_machine_are_answered(emulator: Emulator, host: str) -> None:
    headers = {**QUERY, "Host": host, "Sec-Fetch-Site": "none"}
    assert ask(emulator, "POST", "/", headers, "Action=ListTopics&Version=2010-03-31")[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", RESET_PATH),
        ("POST", RESET_PATH),
        ("GET", "/moto-api/reset"),
        ("POST", "/moto-api/reset"),
        ("POST", "/moto-api/config"),
        ("GET", "/moto-api/data.json"),
        ("POST", "/moto-api/recorder/start-recording"),
        ("GET", "/_emulator/keys?arn=arn:aws:iam::111122223333:role/web&region=eu-central-1"),
        ("POST", "/_emulator/upgrade"),
    ],
)
@pytest.mark.parametrize("secret", ["", "x", "_" + "0" * 32])
def test_only_holders_of_the_secret_reach_what_changes_the_emulator(
    emulator: Emulator, method: str, path: str, secret: str
) -> None:
    assert ask(emulator, method, path, {SECRET_HEADER: secret})[0] == 403


def test_the_secret_does_not_turn_get_into_a_reset(emulator: Emulator) -> None:
    assert ask(emulator, "GET", RESET_PATH, {SECRET_HEADER: emulator.secret})[0] == 403


def test_the_secret_is_no_argument_and_no_variable_of_the_process(emulator: Emulator) -> None:
    for file in ("cmdline", "environ"):
        assert emulator.secret not in Path(f"/proc/{emulator.pid}/{file}").read_text()


def client(emulator: Emulator, service: str, access_key: str) -> Any:
    keys = {"aws_access_key_id": access_key, "aws_secret_access_key": "x"}
    return boto3.client(service, endpoint_url=emulator.endpoint, region_name=REGION, **keys)


def function(client_of: Callable[[str], Any], **changes: Any) -> Any:
    """Create a function that returns all it can see of its environment."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("code.py", FUNCTION)
    role = client_of("iam").create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    settings = {"Runtime": "python3.12", "Handler": "code.handler", "Role": role, **changes}
    client_of("lambda").create_function(FunctionName="f", Code={"ZipFile": archive.getvalue()}, **settings)
    return role


def test_a_plain_account_id_reads_and_writes_and_runs_nothing(
    emulator: Emulator, aws: Callable[..., Any], account: str
) -> None:
    role = function(aws)
    plain = client(emulator, "lambda", account)
    assert plain.get_function(FunctionName="f")["Configuration"]["Role"] == role
    with pytest.raises(ClientError, match="started with an access key without the emulator's secret"):
        plain.invoke(FunctionName="f")
    assert "FunctionError" not in aws("lambda").invoke(FunctionName="f")

    states = client(emulator, "stepfunctions", account)
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    trust = json.dumps(TRUST).replace("lambda.", "states.")
    machine_role = aws("iam").create_role(RoleName="m", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    machine = states.create_state_machine(name="m", definition=definition, roleArn=machine_role)["stateMachineArn"]
    with pytest.raises(ClientError, match="The state machine m was started with"):
        states.start_execution(stateMachineArn=machine)
    assert aws("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"]


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.update_function_configuration(
            FunctionName="f", Environment={"Variables": {"LD_PRELOAD": "/tmp/x.so"}}
        ),
        lambda plain: plain.update_function_code(FunctionName="f", ZipFile=b"PK\x05\x06" + bytes(18)),
    ],
    ids=["settings", "code"],
)
def test_a_function_changed_with_a_plain_account_id_never_runs(
    emulator: Emulator, aws: Callable[..., Any], account: str, change: Callable[[Any], Any]
) -> None:
    function(aws)
    change(client(emulator, "lambda", account))
    with pytest.raises(
        ClientError, match="The function f was written with an access key without the emulator's secret"
    ):
        aws("lambda").invoke(FunctionName="f")


def test_a_function_created_with_a_plain_account_id_never_runs(
    emulator: Emulator, aws: Callable[..., Any], account: str
) -> None:
    function(lambda service: client(emulator, service, account))
    with pytest.raises(ClientError, match="was written with"):
        aws("lambda").invoke(FunctionName="f")


def test_keys_of_a_user_have_the_right_of_who_created_them(
    emulator: Emulator, aws: Callable[..., Any], account: str
) -> None:
    function(aws)
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}]}
    aws("iam").create_user(UserName="u")
    aws("iam").put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(anything))
    trusted = aws("iam").create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
    assert "FunctionError" not in client(emulator, "lambda", trusted).invoke(FunctionName="f")
    guessed = client(emulator, "iam", account).create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
    with pytest.raises(ClientError, match="started with an access key without"):
        client(emulator, "lambda", guessed).invoke(FunctionName="f")


def test_the_secret_of_another_emulator_is_refused_with_the_command(emulator: Emulator, account: str) -> None:
    with pytest.raises(ClientError, match="of another emulator"):
        client(emulator, "sns", f"{account}_{'0' * 32}").list_topics()


def test_functions_see_nothing_of_the_developer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function's own environment, and that of the process that started it."""
    developer = {"HOME": str(tmp_path), "AWS_PROFILE": "of-the-developer", "GITHUB_TOKEN": "of-the-developer"}
    with monkeypatch.context() as shell:
        for name, value in developer.items():
            shell.setenv(name, value)
        emulator = Emulator.start(log=tmp_path / "log")
    with emulator:
        key = f"111122223333{emulator.secret}"
        function(lambda service: client(emulator, service, key))
        seen = json.loads(client(emulator, "lambda", key).invoke(FunctionName="f")["Payload"].read())
    assert not {*developer} & {*seen["environment"]}
    assert seen["environment"]["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert seen["environment"]["PATH"] == os.defpath
    parent = {entry.partition("=")[0] for entry in seen["parent"].split("\0")}
    assert "PATH" in parent
    assert not {*developer} & parent


@pytest.fixture
def site() -> Iterator[int]:
    """The port of a web site on this machine: one empty page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is the library's
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>A page</title>")

        def log_message(self, *arguments: Any) -> None:
            del arguments

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


ATTACK = """(async () => {
  const emulator = EMULATOR, query = 'Action=CreateTopic&Version=2010-03-31&Name=made-by-a-page';
  const scope = '111122223333/20261129/eu-central-1/sns/aws4_request';
  const signed = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=x`;
  const form = {'Content-Type': 'application/x-www-form-urlencoded'};
  const readable = [];
  const attempt = async (name, path, options) => {
    try { const answer = await fetch(emulator + path, options); if (answer.type !== 'opaque') readable.push([name, answer.status]); }
    catch (refused) {}
  };
  await attempt('signed', '/', {method: 'POST', headers: {...form, Authorization: signed}, body: query});
  await attempt('simple', `/?X-Amz-Credential=${encodeURIComponent(scope)}`, {method: 'POST', mode: 'no-cors', headers: form, body: query});
  await attempt('reset', '/_emulator/reset', {method: 'POST', mode: 'no-cors'});
  await attempt('moto', '/moto-api/reset', {method: 'POST', mode: 'no-cors'});
  await attempt('status', '/_emulator/status', {});
  await attempt('object', '/keep-me/planted', {method: 'PUT', headers: {Authorization: signed}, body: 'x'});
  for (const path of [`/?${query}&X-Amz-Credential=${encodeURIComponent(scope)}`, '/_emulator/reset', '/moto-api/reset'])
    await new Promise(done => { const image = new Image(); image.onload = image.onerror = done; image.src = emulator + path; });
  const submitted = document.createElement('iframe');
  submitted.name = 'sink';
  document.body.append(submitted);
  const sent = document.createElement('form');
  sent.method = 'POST'; sent.action = emulator + '/_emulator/reset'; sent.target = 'sink';
  document.body.append(sent);
  await new Promise(done => { submitted.onload = done; sent.submit(); setTimeout(done, 2000); });
  return readable;
})()"""


@pytest.mark.parametrize("origin", ["127.0.0.1", "evil.example.com", "rebound.example.com"])
def test_a_page_in_a_browser_can_do_nothing(tmp_path: Path, site: int, origin: str) -> None:
    """Another port of this machine, another site, and another site whose name was made to resolve to the emulator."""
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium (Debian: apt install chromium-headless-shell)")
    with Emulator.start(log=tmp_path / "log") as emulator:
        s3 = client(emulator, "s3", "111122223333")
        s3.create_bucket(Bucket="keep-me", CreateBucketConfiguration={"LocationConstraint": REGION})
        before = emulator.status()["inventory"]
        rebound = f"MAP rebound.example.com:{emulator.port} 127.0.0.1:{emulator.port}"
        rules = f"{rebound}, MAP *.example.com 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        target = f"http://rebound.example.com:{emulator.port}" if origin.startswith("rebound") else emulator.endpoint
        with Browser(program, tmp_path / "profile", resolver_rules=rules) as browser:
            browser.visit(f"http://{origin}:{site}/")
            assert browser.run("document.title") == "A page"
            assert browser.run(ATTACK.replace("EMULATOR", json.dumps(target))) == []
            if origin.startswith("rebound"):  # the page itself comes from the emulator's port
                browser.visit(f"{target}/_emulator/status")
                assert browser.run("document.body.innerText").startswith("Refused: the header Host")
        assert emulator.status()["inventory"] == before
        assert not client(emulator, "sns", "111122223333").list_topics()["Topics"]
        assert "Contents" not in s3.list_objects_v2(Bucket="keep-me")
    refused = (tmp_path / "log").read_text().count("refused at the door")
    assert refused >= 9
