"""Refusals of AWS and networks are named as what they are, and the shell's AWS settings are heeded only where they should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError
from operations.terraform.terraform import Terraform, TerraformProblem

EMULATOR = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}


def said(error: Exception) -> str:
    with pytest.raises(OperatorError) as caught, refusals_explained():
        raise error
    return str(caught.value)


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
        ("api error AccessDenied: not yours", ""),
    ],
)
def test_a_failed_command_of_terraform_says_so_too(tmp_path: Path, message: str, hint: str) -> None:
    terraform = Terraform(
        tmp_path,
        stack="a-dev",
        binary=Path("terraform"),
        environment={},
        log=tmp_path / "log",
        init_lock=tmp_path / "l",
    )
    error: Any = terraform._error("apply", 1, (TerraformProblem("aws_sns_topic.a", message),))
    assert hint in (error.hint or "")
    assert bool(error.hint) == bool(hint)


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
