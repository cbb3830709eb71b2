"""The webheads' user data: executed for real in a scratch root, with the emulator as AWS."""

from __future__ import annotations

import ast
import configparser
import getpass
import grp
import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import pytest

from deployments.sync_storage import runtime
from emulator.server import Emulator
from modules.policy import assumed_by
from modules.user_data import render
from operations.aws import Aws
from operations.engines.host import INSTANCE_ID, Host, HostSurroundings
from operations.engines.keys import keys_of
from operations.engines.server import free_port
from tests.deployments.role_of_stack import keys_of_role
from tests.deployments.stack_json import StackJson
from tests.deployments.sync_storage.day2.test_secrets import mozsvc
from tests.engines import need
from tests.generated.closure import Committed
from tests.generated.user_data import user_data

pytestmark = pytest.mark.engines

RUNTIME = Path(runtime.__file__).parent
REGION = "us-east-1"
EXPRESSION = re.compile(r"\$\{[^}]*\}")
VALUES = {
    "region": REGION,
    "registry": "111122223333.dkr.ecr.us-east-1.amazonaws.com",
    "container_image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/syncstorage:1.8.0",
    "parameter_path": "/sync-storage/dev",
    "application_secret": "application-user",
    "gunicorn_workers": "4",
    "nginx_log_group": "/quintet/webheads/nginx",
    "gunicorn_log_group": "/quintet/webheads/gunicorn",
    "boot_log_group": "/quintet/webheads/boot",
}
HEX = "ab" * 64
PASSWORD = "0123456789abcdef" * 4
GUNICORN = f'''#!{sys.executable}
"""gunicorn as far as nginx sees it: serves the heartbeat where it is told to listen, once it has read its settings."""
import configparser, http.server, json, os, pathlib, signal, sys

def reload(*_):
    global nodes
    nodes = set() if (root / "deaf").exists() else set(line.split(",")[0] for line in open(secrets))

signal.signal(signal.SIGHUP, reload)

root = pathlib.Path(os.environ.get("STAND_IN_ROOT") or os.environ["HOST_ROOT"])
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
parser = configparser.RawConfigParser()
with open(root / arguments["--paste"].lstrip("/")) as file:
    parser.read_file(file)
secrets = root / parser["hawkauth"]["secrets_file"].lstrip("/")
reload()
port = json.loads((root / "host.json").read_text())["ports"][arguments["--bind"].rpartition(":")[2]]

class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        served = self.headers["X-Forwarded-Proto"] + "://" + self.headers["Host"] in nodes
        signed = self.headers.get("Authorization", "").startswith("Hawk ") and self.path.startswith("/1.5/0/")
        self.send_response(200 if self.path == "/__heartbeat__" or signed and served else 404)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", port), Answers).serve_forever()
'''


@dataclass
class Webhead:
    """A machine that is this one below `root`."""

    host: Host
    client: Callable[[str], Any]

    @property
    def root(self) -> Path:
        return self.host.root

    def boot(self, **values: str) -> subprocess.CompletedProcess[str]:
        return self.host.boot(render(RUNTIME / "user_data.sh", **{**VALUES, **values}))

    def render(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.host.run(str(self.root / "usr/local/sbin/syncstorage-render"), *arguments)

    @property
    def calls(self) -> list[str]:
        return self.host.calls

    def file(self, name: str) -> Path:
        return self.root / "etc/mozilla-services/syncstorage" / name

    def add_node(self, node: str, *, lines: str | None = None) -> list[str]:
        """A node as Terraform makes it, with secrets when there are lines."""
        names = [f"{node}-{number}.sync.example.org" for number in range(10)]
        entry = {
            "address": f"{node}.rds.example.org", "port": 3306, "identifier": node, "scheme": "https",
            "host_names": names, "master_secrets": f"sync-storage-dev-master-secrets-{node}",
        }  # fmt: skip
        self.client("ssm").put_parameter(
            Name=f"/sync-storage/dev/nodes/{node}", Value=json.dumps(entry), Type="String", Overwrite=True
        )
        self.client("secretsmanager").create_secret(Name=f"sync-storage-dev-master-secrets-{node}")
        if lines is None:
            lines = "".join(f"https://{name},1700000000:{HEX}\n" for name in names)
        if lines:
            self.set_secrets(node, lines)
        return names

    def set_secrets(self, node: str, lines: str) -> None:
        self.client("secretsmanager").put_secret_value(
            SecretId=f"sync-storage-dev-master-secrets-{node}", SecretString=lines
        )


@pytest.fixture
def webhead(emulator: Emulator, account: str, aws: Callable[..., Any], tmp_path: Path) -> Iterator[Webhead]:
    """A machine before its first boot; the cache and the application's user are known, no node is."""
    need("nginx", "nginx")

    def client(service: str) -> Any:
        return aws(service, region=REGION)

    client("ssm").put_parameter(Name="/sync-storage/dev/cache", Value="cache.example.org:11211", Type="String")
    login = json.dumps({"username": "syncstorage_app", "password": PASSWORD})
    application = client("secretsmanager").create_secret(Name="application-user", SecretString=login)
    root, port = tmp_path / "root", free_port()
    own = {
        "SYNCSTORAGE_ROOT": str(root),
        "SYNCSTORAGE_GROUP": grp.getgrgid(os.getgid()).gr_name,
        "SYNCSTORAGE_PORT": str(port),
        "SYNCSTORAGE_ANSWER_SECONDS": "60",
        "USER": getpass.getuser(),
    }
    operator = Aws(emulator.environment(account_id=account, region=REGION))
    keys = keys_of_role(
        operator,
        "sync-storage-dev",
        "webheads_role",
        account=account,
        region=REGION,
        resources={"aws_secretsmanager_secret.configuration_application_user": application["ARN"]},
    )
    host = Host(root, emulator.full_environment(account_id=account, region=REGION) | keys | own, ports={80: port})
    host.write("image/gunicorn", GUNICORN, executable=True)
    yield Webhead(host, client)
    host.close()


def test_the_first_boot_writes_both_files_and_starts_everything(webhead: Webhead) -> None:
    names = webhead.add_node("a")
    done = webhead.boot()
    assert done.returncode == 0, done.stderr
    assert mozsvc(webhead.file("secrets").read_text()) == {f"https://{name}": [HEX] for name in names}
    assert "systemctl restart --no-block gunicorn-syncstorage.service" in webhead.calls
    assert "systemctl restart nginx.service" in webhead.calls
    assert f"docker pull --quiet {VALUES['container_image']}" in webhead.calls
    assert done.stdout.endswith("syncstorage: started\n")


def test_production_ini_names_cache_and_a_database_for_each_host_name(webhead: Webhead) -> None:
    names = webhead.add_node("a")
    webhead.boot()
    parser = configparser.RawConfigParser()
    parser.read(webhead.file("production.ini"))
    assert dict(parser["server:main"]) == {"use": "egg:gunicorn"}  # gunicorn 19 does not start without it
    assert dict(parser["app:main"]) == {"use": "egg:syncstorage"}
    assert dict(parser["storage"]) == {
        "backend": "syncstorage.storage.memcached.MemcachedStorage", "cache_servers": "cache.example.org:11211",
        "cached_collections": "meta", "cache_only_collections": "tabs", "wraps": "sqlstorage",
    }  # fmt: skip
    for number, name in enumerate(names):
        assert dict(parser[f"host:{name}"]) == {
            "sqlstorage.sqluri": f"pymysql://syncstorage_app:{PASSWORD}@a.rds.example.org:3306/syncstorage{number}",
        }  # without create_tables: workers would race for the same tables
    assert parser["hawkauth"]["secrets_file"] == "/etc/mozilla-services/syncstorage/secrets"


def test_what_the_application_logs_as_an_error_goes_to_the_log_of_gunicorn(webhead: Webhead) -> None:
    webhead.boot()
    ini = webhead.file("production.ini")
    program = (
        "import logging, logging.config, sys; logging.config.fileConfig(sys.argv[1], disable_existing_loggers=False); "
        "logging.getLogger('syncstorage').error('database is gone')"
    )
    done = subprocess.run([sys.executable, "-c", program, ini], capture_output=True, text=True, check=True)
    assert "ERROR" in done.stderr
    assert "database is gone" in done.stderr


def test_no_file_with_a_secret_is_readable_by_the_world_and_no_other_file_holds_one(webhead: Webhead) -> None:
    webhead.add_node("a")
    done = webhead.boot()
    for name in ("production.ini", "secrets"):
        assert stat.S_IMODE(webhead.file(name).stat().st_mode) == 0o640
    assert stat.S_IMODE(webhead.file("secrets").parent.stat().st_mode) == 0o750
    holders = {
        path.name
        for path in webhead.root.rglob("*")
        if path.is_file() and any(secret in path.read_text(errors="replace") for secret in (PASSWORD, HEX))
    }
    assert holders == {"production.ini", "secrets"}
    assert PASSWORD not in done.stdout + done.stderr
    assert HEX not in done.stdout + done.stderr


def test_a_node_without_secrets_is_not_served_yet(webhead: Webhead) -> None:
    webhead.add_node("a")
    webhead.add_node("b", lines="")
    assert webhead.boot().returncode == 0
    assert "[host:b-" not in webhead.file("production.ini").read_text()
    assert "https://b-" not in webhead.file("secrets").read_text()


def test_without_any_node_it_starts_all_the_same(webhead: Webhead) -> None:
    assert webhead.boot().returncode == 0
    assert "[host:" not in webhead.file("production.ini").read_text()


def test_rendered_again_only_a_change_is_reloaded(webhead: Webhead) -> None:
    webhead.add_node("a")
    webhead.boot()
    before = len(webhead.calls)
    assert webhead.render("--reload").returncode == 0
    assert webhead.calls[before:] == []
    webhead.add_node("b")
    done = webhead.render("--reload")
    assert done.returncode == 0, done.stderr
    assert webhead.calls[before:] == ["systemctl reload-or-restart gunicorn-syncstorage.service"]
    assert "[host:b-9.sync.example.org]" in webhead.file("production.ini").read_text()


def test_a_reload_is_done_when_every_host_name_is_served_and_fails_when_one_is_not(webhead: Webhead) -> None:
    webhead.boot()
    webhead.add_node("a")
    done = webhead.render("--reload")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("sync.example.org answers") == 10
    (webhead.root / "deaf").touch()
    webhead.host.environment = {**webhead.host.environment, "SYNCSTORAGE_ANSWER_SECONDS": "0"}
    webhead.add_node("b")
    done = webhead.render("--reload")
    assert done.returncode == 1
    assert "https://a-0.sync.example.org does not answer after 0 seconds: HTTP Error 404" in done.stderr


def test_many_nodes_are_read_although_answers_come_in_parts(webhead: Webhead) -> None:
    webhead.boot()
    for number in range(23):
        webhead.add_node(f"n{number}")
    done = webhead.render()
    assert done.returncode == 0, done.stderr
    assert len(webhead.file("secrets").read_text().splitlines()) == 230


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines.replace(HEX, "xyz", 1), "malformed, foreign or double: https://a-0"),
        (lambda lines: lines + lines.splitlines()[0] + "\n", "malformed, foreign or double: https://a-0"),
        (lambda lines: lines.replace("a-0.", "z-0."), "malformed, foreign or double: https://z-0"),
        (lambda lines: "".join(lines.splitlines(keepends=True)[1:]), "has no line for https://a-0"),
    ],
)
def test_secrets_that_would_be_misread_leave_the_files_as_they_are(
    webhead: Webhead, change: Callable[[str], str], reason: str
) -> None:
    webhead.add_node("a")
    webhead.boot()
    before = webhead.file("secrets").read_text()
    webhead.set_secrets("a", change(before))
    done = webhead.render("--reload")
    assert done.returncode == 1
    assert reason in done.stderr
    assert webhead.file("secrets").read_text() == before


def test_a_restart_while_aws_is_out_of_reach_keeps_the_files(webhead: Webhead) -> None:
    webhead.add_node("a")
    webhead.boot()
    webhead.host.surround(HostSurroundings(network=False))
    done = webhead.render()
    assert done.returncode == 0
    assert "WARNING: staying with the files of an earlier start" in done.stderr
    assert webhead.render("--reload").returncode == 1


def test_a_first_boot_while_aws_is_out_of_reach_fails_and_says_so(webhead: Webhead) -> None:
    webhead.host.surround(HostSurroundings(network=False))
    done = webhead.boot(container_image="docker.io/example/syncstorage:1", registry="")
    assert done.returncode != 0
    assert "syncstorage: user data failed at line" in done.stderr


def test_the_committed_user_data_boots_with_nothing_but_what_terraform_creates_before_it(
    webhead: Webhead, emulator: Emulator, account: str
) -> None:
    document = StackJson("sync-storage-dev")
    stack = Committed.of("sync-storage-dev", document.document)
    before = {address: stack.resources[address] for address in stack.before("aws_autoscaling_group.webheads")}

    def known(expression: re.Match[str]) -> str:
        """Names stand in the JSON; the rest is known once AWS has created it."""
        address, _, attribute = expression[0].strip("${}").rpartition(".")
        return str(before[address]["name"]) if attribute == "name" else "known-later.example.org"

    def created(kind: str) -> list[dict[str, Any]]:
        return [
            json.loads(EXPRESSION.sub(known, json.dumps(body)).replace("111122223333", account))
            for address, body in before.items()
            if address.startswith(f"{kind}.")
        ]

    def arn(expression: re.Match[str]) -> str:
        kind, role, _ = expression[0].strip("${}").split(".")
        service = {"aws_cloudwatch_log_group": "logs", "aws_secretsmanager_secret": "secretsmanager"}[kind]
        end = ":log-group:" if service == "logs" else ":secret:"
        return f"arn:aws:{service}:{REGION}:{account}{end}{before[f'{kind}.{role}']['name']}" + "-*" * (
            service != "logs"
        )

    webhead.client("ssm").delete_parameter(Name="/sync-storage/dev/cache")
    for parameter in created("aws_ssm_parameter"):
        webhead.client("ssm").put_parameter(Name=parameter["name"], Value=parameter["value"], Type=parameter["type"])
    for secret in created("aws_secretsmanager_secret"):
        webhead.client("secretsmanager").create_secret(Name=secret["name"])
    for group in created("aws_cloudwatch_log_group"):
        webhead.client("logs").create_log_group(logGroupName=group["name"])
    iam = webhead.client("iam")
    role = iam.create_role(RoleName="webheads", AssumeRolePolicyDocument=assumed_by("ec2.amazonaws.com"))["Role"]["Arn"]
    for address, policy in before.items():
        if address.startswith("aws_iam_role_policy.") and "webheads" in policy["role"]:
            text = EXPRESSION.sub(arn, policy["policy"]).replace("111122223333", account)
            iam.put_role_policy(RoleName="webheads", PolicyName=policy["name"], PolicyDocument=text)
    operator = Aws(emulator.environment(account_id=account, region=REGION))
    webhead.host.environment = {**webhead.host.environment, **keys_of(operator, role, region=REGION)}

    template = document.resource("aws_launch_template.webheads_launch_template")
    done = webhead.host.boot(user_data(document.folder, template, lambda _: "sync-storage-dev-application-user"))
    assert done.returncode == 0, done.stderr
    assert heartbeat(webhead) == 200
    streams = webhead.client("logs").describe_log_streams(logGroupName="/quintet/sync-storage-dev-webheads/boot")
    assert [stream["logStreamName"] for stream in streams["logStreams"]] == [f"{INSTANCE_ID}/first-boot"]


def test_nginx_serves_and_the_application_follows_when_the_caches_parameter_comes_late(webhead: Webhead) -> None:
    ssm = webhead.client("ssm")
    ssm.delete_parameter(Name="/sync-storage/dev/cache")
    with ThreadPoolExecutor() as pool:
        booting = pool.submit(webhead.boot)
        log = webhead.root / "var/log/gunicorn-syncstorage.log"  # CloudWatch gets it
        until(lambda: log.exists() and "ParameterNotFound" in log.read_text())
        until(lambda: heartbeat(webhead) == 502)
        ssm.put_parameter(Name="/sync-storage/dev/cache", Value="cache.example.org:11211", Type="String")
        done = booting.result()
    assert done.returncode == 0, done.stderr
    assert heartbeat(webhead) == 200
    assert not webhead.host.ends_itself


def heartbeat(webhead: Webhead) -> int:
    """Status of nginx's answer; 0 while it does not run."""
    try:
        with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{webhead.host.ports[80]}/__heartbeat__") as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except URLError:
        return 0


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def test_mirrors_that_fail_twice_only_delay_the_first_boot(webhead: Webhead) -> None:
    webhead.host.surround(HostSurroundings(package_failures=2))
    done = webhead.boot()
    assert done.returncode == 0, done.stderr
    assert "attempt 2 of 5 failed" in done.stderr
    assert not webhead.host.ends_itself


def test_an_application_that_does_not_answer_is_an_error(webhead: Webhead) -> None:
    webhead.host.environment |= {"SYNCSTORAGE_PORT": "1", "SYNCSTORAGE_ANSWER_SECONDS": "0"}
    done = webhead.boot()
    assert done.returncode != 0
    assert "does not answer after 0 seconds" in done.stderr
    assert webhead.host.ends_itself


def test_a_baked_image_is_not_installed_again(webhead: Webhead) -> None:
    bake = {name: VALUES[name] for name in ("region", "registry", "container_image")}
    script = render(RUNTIME / "bake.sh", **bake).replace("\nroot=\n", f"\nroot={webhead.root}\n")
    (webhead.root / "bake").write_text(script)
    baked = webhead.host.run("bash", str(webhead.root / "bake"))
    assert baked.returncode == 0, baked.stderr
    installed = len(webhead.calls)
    assert webhead.boot().returncode == 0
    assert not [call for call in webhead.calls[installed:] if call.startswith(("dnf", "docker login", "docker pull"))]


def shellcheck(path: Path) -> str:
    program = Path(sys.executable).with_name("shellcheck")
    options = ["--enable=all", "--exclude=SC2250,SC2310,SC2311,SC2312"]
    return subprocess.run([program, *options, path], check=False, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", ["user_data.sh", "bake.sh"])
def test_shellcheck_finds_nothing(name: str, tmp_path: Path) -> None:
    wanted = VALUES if name == "user_data.sh" else {key: VALUES[key] for key in list(VALUES)[:3]}
    (tmp_path / name).write_text(render(RUNTIME / name, **wanted))
    assert shellcheck(tmp_path / name) == ""
    assert shellcheck(RUNTIME / "serve.sh") == ""


def test_what_runs_on_the_instance_is_python_of_amazon_linux() -> None:
    ast.parse((RUNTIME / "render.py").read_text(), feature_version=(3, 9))


def test_the_unit_renders_before_it_starts_and_reloads_by_signal() -> None:
    unit = (RUNTIME / "gunicorn-syncstorage.service").read_text().splitlines()
    assert {
        "ExecStartPre=/usr/local/sbin/syncstorage-render",
        "ExecStart=/usr/local/sbin/syncstorage-serve",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "Restart=always",
        "StandardError=append:/var/log/gunicorn-syncstorage.log",
    } <= set(unit)


def container(folder: Path) -> list[str]:
    """The command line with which serve.sh becomes docker."""
    (folder / "docker").write_text('#!/bin/bash\n[[ $1 = rm ]] || printf "%s\\n" "$@"\n')
    (folder / "docker").chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "CONTAINER_IMAGE": "syncstorage:1.8", "GUNICORN_WORKERS": "4"}
    done = subprocess.run(["bash", RUNTIME / "serve.sh"], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_gunicorn_is_given_the_application_that_production_ini_configures(tmp_path: Path) -> None:
    words = container(tmp_path)
    arguments = words[words.index("syncstorage:1.8") + 1 :]
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    ini = "/etc/mozilla-services/syncstorage/production.ini"
    assert given.items() >= {"--paste": ini, "--log-config": ini, "--workers": "4"}.items()
    assert words[words.index("--entrypoint") + 1] == "gunicorn"


def test_the_container_reaches_no_metadata_and_this_machine_alone_reaches_the_container(tmp_path: Path) -> None:
    words = container(tmp_path)
    assert "--network" not in words  # Docker's bridge is a hop, and the tokens of the metadata service travel one
    assert words[words.index("--publish") + 1] == "127.0.0.1:8000:8000"
    assert words[words.index("--bind") + 1] == "0.0.0.0:8000"
    assert words[words.index("--forwarded-allow-ips") + 1] == "*"  # nginx comes from the bridge's address
    for stack in ("sync-storage-dev", "sync-storage-prod"):
        options = StackJson(stack).resource("aws_launch_template.webheads_launch_template")["metadata_options"]
        assert options["http_put_response_hop_limit"] == 1
        assert options["http_tokens"] == "required"


def test_gunicorn_gives_up_before_nginx_does() -> None:
    assert "--timeout 500" in (RUNTIME / "serve.sh").read_text()
    assert "proxy_read_timeout 575s;" in (RUNTIME / "nginx/syncstorage.conf").read_text()
    assert "keepalive_timeout 650s;" in (RUNTIME / "nginx/nginx.conf").read_text()


def test_all_logs_go_to_cloudwatch() -> None:
    text = render(RUNTIME / "user_data.sh", **VALUES)
    written = json.loads(text.split("amazon-cloudwatch-agent.json\" <<'END_OF_FILE'\n")[1].split("END_OF_FILE")[0])
    files = written["logs"]["logs_collected"]["files"]["collect_list"]
    assert {file["file_path"] for file in files} == {
        "/var/log/nginx/access.log", "/var/log/nginx/error.log", "/var/log/gunicorn-syncstorage.log",
        "/var/log/cloud-init.log", "/var/log/cloud-init-output.log",
    }  # fmt: skip
