"""Refusals of AWS and networks are named as what they are, and the shell's AWS settings are heeded only where they should be."""

from __future__ import annotations

import http.server
import os
import shutil
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from config.settings import ROOT
from operations import cli
from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError
from operations.no_access import NoAccessError
from operations.stacks import find_stacks, select
from operations.terraform.run import Run
from operations.terraform.terraform import Terraform, TerraformProblem
from tests.engines import need

EMULATOR = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}


def said(error: Exception) -> str:
    with pytest.raises(OperatorError) as caught, refusals_explained():
        raise error
    return str(caught.value)


def refused(code: str, message: str = "The security token included in the request is expired") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    "code", ["Throttling", "SlowDown", "ThrottlingException", "RequestLimitExceeded", "503", "429"]
)
def test_throttling_is_called_that(code: str) -> None:
    text = said(ClientError({"Error": {"Code": code, "Message": "Bad Request"}}, "HeadBucket"))
    assert "AWS throttles HeadBucket" in text
    assert "Bad Request" not in text


@pytest.mark.parametrize(
    "error", [ResponseParserError("invalid XML received"), ConnectionClosedError(endpoint_url="http://127.0.0.1:9")]
)
def test_half_an_answer_is_called_that(error: Exception) -> None:
    assert "An answer of AWS was cut off" in said(error)


def test_other_refusals_keep_their_words() -> None:
    text = said(ClientError({"Error": {"Code": "AccessDenied", "Message": "not yours"}}, "GetObject"))
    assert "AWS refused GetObject: not yours (AccessDenied)." in text
    assert "AWS cannot be used" in said(EndpointConnectionError(endpoint_url="http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("api error ThrottlingException: Rate exceeded", "AWS throttled"),
        (
            "operation error S3: PutObject, https response error StatusCode: 503, RequestID: , Slow Down",
            "AWS throttled",
        ),
        ("deserialization failed, failed to decode response body, unexpected EOF", "was cut off"),
        (
            "api error ExpiredToken: The security token included in the request is expired",
            "have expired. Sign in again",
        ),
        (
            "No valid credential sources found\n\nError: failed to refresh cached credentials, refresh cached SSO token"
            " failed, cached SSO token is expired, or not present, and cannot be refreshed",
            "have expired. Sign in again: aws sso login",
        ),
        ("No valid credential sources found", "There are no AWS credentials."),
        (
            'Post "https://sts.eu-central-1.amazonaws.com/": proxyconnect tcp: dial tcp 127.0.0.1:9: connect: refused',
            "The proxy HTTPS_PROXY=http://127.0.0.1:9 does not answer.",
        ),
        (
            "reading custom CA bundle: open /gone.pem: no such file or directory",
            "AWS_CA_BUNDLE=/gone.pem is no file of certificates in PEM. Correct or unset AWS_CA_BUNDLE.",
        ),
        (
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            "Nobody whom this machine trusts",
        ),
        ("write plan: no space left on device", "is full. Free some, then plan again."),
        ("api error AccessDenied: not yours", ""),
    ],
)
def test_a_failed_command_of_terraform_says_so_too(tmp_path: Path, message: str, hint: str) -> None:
    terraform = Terraform(
        tmp_path,
        stack="a-dev",
        binary=Path("terraform"),
        environment={"HTTPS_PROXY": "http://me:secret@127.0.0.1:9", "AWS_CA_BUNDLE": "/gone.pem"},
        log=tmp_path / "log",
        init_lock=tmp_path / "l",
    )
    error: Any = terraform._error("apply", 1, (TerraformProblem("aws_sns_topic.a", message),))
    assert hint in (error.hint or "")
    assert bool(error.hint) == bool(hint)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("error", "shell", "words"),
    [
        (
            refused("ExpiredToken"),
            {"AWS_PROFILE": "corp"},
            "have expired.\nSign in again: aws sso login --profile corp",
        ),
        (refused("ExpiredTokenException"), {"AWS_ACCESS_KEY_ID": "ASIA"}, "Sign in again: set AWS_ACCESS_KEY_ID, "),
        (
            refused("InvalidClientTokenId"),
            {},
            "AWS does not know the credentials of this shell (InvalidClientTokenId).",
        ),
        (TokenRetrievalError(provider="sso", error_msg="Token has expired"), {}, "Sign in again: aws sso login"),
        (NoCredentialsError(), {}, "There are no AWS credentials.\nSign in (aws sso login"),
        (
            ProxyConnectionError(proxy_url="http://127.0.0.1:9"),
            {"HTTPS_PROXY": "http://me:secret@127.0.0.1:9"},
            "The proxy HTTPS_PROXY=http://127.0.0.1:9 does not answer.\nCorrect or unset HTTPS_PROXY",
        ),
        (refused("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than"), {}, "the clock"),
    ],
)
def test_access_that_cannot_succeed_is_named_with_the_next_command(
    error: Exception, shell: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*os.environ,):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NoAccessError) as caught, refusals_explained():
        raise error
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_PROFILE", "gone"), ("AWS_RETRY_MODE", "often"), ("AWS_MAX_ATTEMPTS", "abc")]
)
def test_settings_of_the_shell_are_named_when_they_cannot_be_used_and_are_nothing_to_the_emulator(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", value[:1])  # part of every message, and never shown
    Aws(EMULATOR).client("sts", region="eu-central-1")
    with pytest.raises(OperatorError, match=value) as caught:
        Aws().client("sts", region="eu-central-1")
    assert "SECRET" not in str(caught.value)


@pytest.mark.engines
@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        (None, "Nobody whom this machine trusts signed the certificate that answers for AWS."),
        ("gone.pem", "gone.pem is no file of certificates in PEM.\nCorrect or unset AWS_CA_BUNDLE."),
        ("text.pem", "text.pem is no file of certificates in PEM.\nCorrect or unset AWS_CA_BUNDLE."),
    ],
)
def test_certificates_that_are_not_trusted_or_not_there_are_named(
    bundle: str | None, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    request = [
        *need("openssl", "openssl"),
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    if bundle:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / bundle))
    for name, value in EMULATOR.items():
        monkeypatch.setenv(name, value)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Expired) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(NoAccessError) as caught, refusals_explained():
            Aws().client("sts", region="eu-central-1").get_caller_identity()
        server.shutdown()
    assert words in str(caught.value)


class Expired(http.server.BaseHTTPRequestHandler):
    """An AWS for which every token has expired."""

    def do_POST(self) -> None:
        code, message = "ExpiredToken", "The security token included in the request is expired"
        answer = (
            f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>".encode()
        )
        self.send_response(403)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("command", ["preflight", "status", "output"])
def test_commands_end_in_one_sentence_when_the_token_has_expired(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Expired) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        for name, value in {**EMULATOR, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}.items():
            monkeypatch.setenv(name, value)
        assert cli.run([command, "suai-cloud-app-dev"]) == 1
        server.shutdown()
    said = capsys.readouterr()
    assert said.err.startswith("Error: The AWS credentials of this shell have expired.\nSign in again: ")
    assert said.out == ""


def test_a_working_copy_on_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path, **_: object) -> None:
        raise shutil.Error([(str(source), str(target), f"[Errno 28] No space left on device: '{target}'")])

    monkeypatch.setattr(shutil, "copytree", refuse)
    (stack,) = select(find_stacks(ROOT, "dev"), ["suai-cloud-app-dev"])
    run = Run.__new__(Run)  # without looking for Terraform
    run.folder = tmp_path
    with pytest.raises(OperatorError) as caught:
        run.terraform(stack)
    assert str(caught.value).endswith(
        ": No space left on device.\nFree some space there, then run the same command again."
    )
