"""Preflight refuses an Aquamark whose release or secrets are missing, for whose instances an apply would wait in vain."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from deployments.aquamark.day2 import preflight as own
from emulator.server import Emulator
from operations.aws import Aws
from operations.review.preflight.account import Account
from operations.review.preflight.findings import PreflightFinding, Verdict
from operations.review.preflight.planned import PlannedDocument
from operations.stacks import find_stacks, only

Client = Callable[..., Any]
REGION = "ap-southeast-2"
SECRETS = ("aquamark-prod-attachments", "aquamark-prod-login", "aquamark-prod-smtp")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "deployments" / "aquamark" / "environments"
    shutil.copytree(ROOT / "deployments" / "aquamark" / "environments", folder)
    monkeypatch.setattr(own, "ROOT", tmp_path)
    return folder / "prod.toml"


@pytest.fixture
def ask(emulator: Emulator, account: str, settings: Path) -> Callable[[str | None], list[PreflightFinding]]:
    """`ask("head-5813fa8")` with that version in the settings; None leaves it out."""

    def ask(version: str | None) -> list[PreflightFinding]:
        lines = [line for line in settings.read_text().splitlines() if not line.startswith("version = ")]
        at = next(index for index, line in enumerate(lines) if line.startswith("region"))
        settings.write_text(
            "\n".join([*lines[: at + 1], *([f'version = "{version}"'] if version else []), *lines[at + 1 :]])
        )
        stack = dataclasses.replace(only(find_stacks(ROOT), "aquamark-prod"), account_id=account)
        asked = Account(Aws(emulator.environment(account_id=account, region=REGION)), region=REGION)
        return list(own.release(asked, PlannedDocument(stack)))

    return ask


def test_without_a_version_nothing_has_to_be_published(ask: Callable[[str | None], list[PreflightFinding]]) -> None:
    (found,) = ask(None)
    assert found.verdict is Verdict.FINE


def test_a_version_before_the_repository_exists_fails_with_the_order_of_steps(
    ask: Callable[[str | None], list[PreflightFinding]],
) -> None:
    (found,) = ask("head-5813fa8")
    assert found.verdict is Verdict.FAILS
    assert "aquamark-prod-app is not created yet" in found.found
    assert found.hint.endswith("quintet aquamark upgrade head-5813fa8 --environment prod")


def test_a_missing_tag_and_an_empty_secret_fail(
    ask: Callable[[str | None], list[PreflightFinding]], aws: Client
) -> None:
    aws("ecr", region=REGION).create_repository(repositoryName="aquamark-prod-app")
    assert "has no image head-5813fa8" in ask("head-5813fa8")[0].found
    manifest = '{"schemaVersion": 2, "config": {"digest": "sha256:0"}, "layers": []}'
    aws("ecr", region=REGION).put_image(
        repositoryName="aquamark-prod-app",
        imageManifest=manifest,
        imageTag="head-5813fa8",
        imageManifestMediaType="application/vnd.docker.distribution.manifest.v2+json",
    )
    secrets = aws("secretsmanager", region=REGION)
    for name in SECRETS:
        secrets.create_secret(Name=name)
    empty = ask("head-5813fa8")[1:]
    assert [found.found for found in empty] == [f"the secret {name} has no value" for name in SECRETS]
    assert [found.hint.split(" --")[0] for found in empty] == [
        "quintet aquamark rotate-storage-key",
        "quintet aquamark database-login",
        "quintet aquamark smtp-login NAME",
    ]
    for name in SECRETS:
        secrets.put_secret_value(SecretId=name, SecretString="x")
    assert [found.verdict for found in ask("head-5813fa8")] == [Verdict.FINE]
