"""The packed application, and an AWS for it that can lose one service at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest

import operations.aws
from deployments.suai_cloud_app.runtime.package import build
from emulator.server import Emulator
from operations.terraform.toolchain.one_at_a_time import one_at_a_time
from tests.deployments.role_of_stack import keys_of_role

REGION = "eu-central-1"
ACCOUNT_ID = "123456789012"
BUCKET = "suaicloudbucket"
TABLE = "suaicloudtable"
_WHEELS = Path(__file__).parents[4] / ".cache" / "suaicloudapp-wheels"


class Aws:
    """S3 and DynamoDB, each in an emulator of its own unless `together`; holds the document's bucket and table."""

    def __init__(self, directory: Path, *, together: bool = False) -> None:
        self._log = directory / "emulator.log"
        s3 = Emulator.start(log=self._log)
        self._emulators = {"s3": s3, "dynamodb": s3 if together else Emulator.start(log=self._log)}
        self._fill("s3")
        self._fill("dynamodb")

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which AWS's clients find both, and Secrets Manager beside S3."""
        s3, dynamodb = self._emulators["s3"], self._emulators["dynamodb"]
        # a key with the secret of one emulator is unknown to the other; the account's own is enough, as no code runs
        own = {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb.endpoint, "AWS_ACCESS_KEY_ID": ACCOUNT_ID}
        return s3.full_environment(account_id=ACCOUNT_ID, region=REGION) | own

    def as_role(self, resources: Mapping[str, str]) -> dict[str, str]:
        """The same with keys of the instances' role; for emulators that are one, as another knows no session of it."""
        operator = operations.aws.Aws(self._emulators["s3"].environment(account_id=ACCOUNT_ID, region=REGION))
        own = {"aws_s3_bucket.bucket": f"arn:aws:s3:::{BUCKET}", **resources}
        keys = keys_of_role(
            operator, "suai-cloud-app-prod", "web_role", account=ACCOUNT_ID, region=REGION, resources=own
        )
        return self.environment | keys

    def client(self, service: str) -> Any:
        """A client of the emulator that has the service."""
        emulator = self._emulators.get(service, self._emulators["s3"])
        return botocore.session.get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=emulator.endpoint,
            aws_access_key_id=ACCOUNT_ID,
            aws_secret_access_key="emulator",
        )

    @contextlib.contextmanager
    def without(self, service: str) -> Iterator[None]:
        """The service refuses connections; afterwards it is back with what the document wants and nothing else."""
        emulator = self._emulators[service]
        gone = [name for name, other in self._emulators.items() if other is emulator]
        emulator.stop()
        try:
            yield
        finally:
            back = Emulator.start(log=self._log, port=emulator.port)
            for name in gone:
                self._emulators[name] = back
                self._fill(name)

    def stop(self) -> None:
        """End both processes."""
        for emulator in self._emulators.values():
            emulator.stop()

    def _fill(self, service: str) -> None:
        if service == "s3":
            self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        else:
            self.create_table(TABLE, {"id": ("HASH", "S")})

    def create_table(self, name: str, keys: dict[str, tuple[str, str]]) -> None:
        """Keys are attribute names with kind (HASH, RANGE) and type (S, N, B)."""
        self.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, (kind, _) in keys.items()],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": type_} for key, (_, type_) in keys.items()],
        )


@pytest.fixture(scope="session")
def executable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application as it is published: one executable file."""
    with one_at_a_time(_WHEELS / "lock"):
        return build(tmp_path_factory.mktemp("package") / "suaicloudapp", wheels=_WHEELS)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """AWS as the application sees it."""
    running = Aws(tmp_path_factory.mktemp("aws"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """AWS as an instance with its role sees it."""
    running = Aws(tmp_path_factory.mktemp("account"), together=True)
    try:
        yield running
    finally:
        running.stop()
