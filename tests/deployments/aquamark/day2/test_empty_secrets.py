"""An upgrade is refused at once while a secret that hosts wait for has no value."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from config.settings import ROOT
from deployments.aquamark.day2.empty_secrets import _FILLED_BY
from deployments.aquamark.day2.site import Site
from deployments.aquamark.day2.upgrade import Upgrade
from operations.console import new_console
from operations.errors import OperatorError
from operations.review.addresses import read_document
from operations.stacks import find_stacks, only

STACK = only(find_stacks(ROOT), "aquamark-dev")
SECRETS = ("aquamark-dev-attachments", "aquamark-dev-login", "aquamark-dev-smtp")


@pytest.fixture
def upgrade(aws: Callable[..., Any]) -> Callable[[], str]:
    """A dry run of an upgrade to an image that is there; what it says."""

    def client(service: str) -> Any:
        return aws(service, region=STACK.region)

    client("ecr").create_repository(repositoryName="aquamark-dev-app")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {"digest": "1"}})
    client("ecr").put_image(repositoryName="aquamark-dev-app", imageManifest=manifest, imageTag="1.4.7")
    outputs = SimpleNamespace(version="none", repository="aquamark-dev-app", repository_url="registry/aquamark-dev-app")
    site = SimpleNamespace(environment="dev", root=ROOT, client=client, outputs=lambda: outputs)

    def run() -> str:
        said = io.StringIO()
        Upgrade(cast("Site", site), version="1.4.7", dry_run=True).run(new_console(file=said, width=200))
        return said.getvalue()

    return run


def test_each_empty_secret_is_named_with_the_command_that_fills_it(
    upgrade: Callable[[], str], aws: Callable[..., Any]
) -> None:
    secrets = aws("secretsmanager", region=STACK.region)
    for name in SECRETS[:2]:
        secrets.create_secret(Name=name)
    secrets.put_secret_value(SecretId="aquamark-dev-login", SecretString="x")
    with pytest.raises(OperatorError, match=r"-attachments, aquamark-dev-smtp have no value: .*Nothing was") as refused:
        upgrade()
    assert refused.value.hint == (
        "quintet aquamark rotate-storage-key --environment dev\nquintet aquamark smtp-login NAME --environment dev"
    )
    secrets.put_secret_value(SecretId="aquamark-dev-attachments", SecretString="x")
    secrets.create_secret(Name="aquamark-dev-smtp", SecretString="x")
    assert "Would write version 1.4.7" in upgrade()


def test_every_secret_of_the_stack_has_a_command_that_fills_it() -> None:
    assert set(read_document(STACK.folder)["resource"]["aws_secretsmanager_secret"]) == set(_FILLED_BY)
