"""Preflight on what instances fetch at boot: a current release with its executable, and a login to the database."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from config.settings import ROOT
from deployments.suai_cloud_app.day2.preflight import login, release
from emulator.server import Emulator
from operations.aws import Aws
from operations.review.preflight.account import Account
from operations.review.preflight.findings import PreflightFinding, Question, Verdict
from operations.review.preflight.planned import PlannedDocument
from operations.stacks import find_stacks, only

STACK = only(find_stacks(ROOT), "suai-cloud-app-dev")
BUCKET = "quintet-suai-cloud-app-dev"
PUBLISH = "quintet suai publish --environment dev"


@pytest.fixture
def ask(emulator: Emulator, account: str) -> Callable[..., PreflightFinding]:
    stack = dataclasses.replace(STACK, account_id=account)

    def ask(question: Question = release) -> PreflightFinding:
        aws = Aws(emulator.environment(account_id=account, region=stack.region))
        (found,) = question(Account(aws, region=stack.region), PlannedDocument(stack))
        return found

    return ask


def test_a_release_is_looked_for_with_its_executable(
    ask: Callable[[], PreflightFinding], aws: Callable[..., Any]
) -> None:
    first = ask()
    assert (first.verdict, first.hint) == (Verdict.WARNING, PUBLISH)
    s3 = aws("s3", region=STACK.region)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": STACK.region})
    assert ask() == first
    s3.put_object(Bucket=BUCKET, Key="releases/current", Body=b"not what was written")
    assert ask().verdict is Verdict.FAILS
    assert "unreadable" in ask().found
    pointer = {"version": "1.4", "sha256": "0" * 64, "previous": None}
    s3.put_object(Bucket=BUCKET, Key="releases/current", Body=json.dumps(pointer).encode())
    missing = ask()
    assert (missing.verdict, missing.hint) == (Verdict.FAILS, PUBLISH)
    assert f"there is no s3://{BUCKET}/releases/1.4/suaicloudapp" in missing.found
    s3.put_object(Bucket=BUCKET, Key="releases/1.4/suaicloudapp", Body=b"#!/bin/sh\n")
    assert (ask().verdict, ask().found) == (Verdict.FINE, f"1.4 is in {BUCKET}")
    s3.delete_object(Bucket=BUCKET, Key="releases/1.4/suaicloudapp")
    s3.delete_object(Bucket=BUCKET, Key="releases/current")
    s3.delete_bucket(Bucket=BUCKET)


def test_a_user_without_a_password_is_warned_of(ask: Callable[..., PreflightFinding], aws: Callable[..., Any]) -> None:
    empty = ask(login)
    assert (empty.verdict, empty.hint) == (Verdict.WARNING, "quintet suai database-user --environment dev")
    manager = aws("secretsmanager", region=STACK.region)
    manager.create_secret(Name="suai-cloud-app-dev-database-user")
    assert ask(login) == empty
    manager.put_secret_value(SecretId="suai-cloud-app-dev-database-user", SecretString="{}")
    assert ask(login).verdict is Verdict.FINE
