"""Pytest plugin: one emulator process per test session, and an AWS account of its own for each test."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from config.limits import FACTS
from emulator.server import Emulator

REGION = "eu-central-1"
_numbers = itertools.count(100_000_000_001)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulator; use `account` so that tests do not see each other's resources."""
    log = tmp_path_factory.mktemp("emulator") / "emulator.log"
    with Emulator.start(log=log, facts=FACTS) as running:
        yield running


@pytest.fixture
def account() -> str:
    """The id of an account no other test has used."""
    return str(next(_numbers))


@pytest.fixture
def aws(emulator: Emulator, account: str) -> Callable[..., Any]:
    """`aws("s3")` is a boto3 client of the test's own account, `aws("s3", account_id=…, region=…)` of another."""
    import boto3
    from botocore.config import Config

    @functools.cache
    def client(service: str, *, account_id: str = account, region: str = REGION) -> Any:
        return boto3.client(
            service,
            endpoint_url=emulator.endpoint,
            region_name=region,
            aws_access_key_id=f"{account_id}{emulator.secret}",
            aws_secret_access_key="emulator",
            config=Config(retries={"total_max_attempts": 1}),
        )

    return client
