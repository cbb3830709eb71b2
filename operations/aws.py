"""Clients for AWS, or for the emulator where its environment variables are given."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal, overload

from operations.errors import OperatorError
from operations.no_access import NoAccessError, cause_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.loaders import Loader
    from botocore.session import Session
    from mypy_boto3_autoscaling.client import AutoScalingClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_ecr.client import ECRClient
    from mypy_boto3_elasticbeanstalk.client import ElasticBeanstalkClient
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_rds.client import RDSClient
    from mypy_boto3_route53.client import Route53Client
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_sts.client import STSClient

THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Error codes by which AWS's own SDKs know a request that came too fast (botocore.retries.standard, 2026-11-29)."""


class Aws:
    """How to reach AWS: with the operator's own credentials, or as `environment` says (AWS_ENDPOINT_URL and keys).

    Safe to use from several threads. A client is made once: making one takes a tenth of a second.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self._clients: dict[tuple[str, str], Any] = {}
        self._guard = threading.Lock()

    @overload
    def client(self, service: Literal["autoscaling"], *, region: str) -> AutoScalingClient: ...
    @overload
    def client(self, service: Literal["dynamodb"], *, region: str) -> DynamoDBClient: ...
    @overload
    def client(self, service: Literal["ec2"], *, region: str) -> EC2Client: ...
    @overload
    def client(self, service: Literal["ecr"], *, region: str) -> ECRClient: ...
    @overload
    def client(self, service: Literal["elasticbeanstalk"], *, region: str) -> ElasticBeanstalkClient: ...
    @overload
    def client(self, service: Literal["iam"], *, region: str) -> IAMClient: ...
    @overload
    def client(self, service: Literal["logs"], *, region: str) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["rds"], *, region: str) -> RDSClient: ...
    @overload
    def client(self, service: Literal["route53"], *, region: str) -> Route53Client: ...
    @overload
    def client(self, service: Literal["s3"], *, region: str) -> S3Client: ...
    @overload
    def client(self, service: Literal["ssm"], *, region: str) -> SSMClient: ...
    @overload
    def client(self, service: Literal["sts"], *, region: str) -> STSClient: ...
    @overload
    def client(self, service: str, *, region: str) -> Any: ...
    def client(self, service: str, *, region: str) -> Any:
        """A boto3 client of `service` in `region`."""
        with self._guard:  # a session must not make two clients at once; clients themselves may be shared
            if (service, region) not in self._clients:
                with _settings_explained():
                    self._clients[service, region] = self._session.client(service, region, **self._endpoint)
            return self._clients[service, region]

    @cached_property
    def _session(self) -> Any:
        import boto3

        if self._environment is None:
            return boto3.Session()
        keys = self._environment["AWS_ACCESS_KEY_ID"], self._environment["AWS_SECRET_ACCESS_KEY"]
        return boto3.Session(*keys, botocore_session=_session_without_environment())

    @cached_property
    def _endpoint(self) -> dict[str, Any]:
        from botocore.config import Config

        if self._environment is None:
            return {}
        # An HTTP proxy of the operator has no business between two programs of one machine.
        return {"endpoint_url": self._environment["AWS_ENDPOINT_URL"], "config": Config(proxies={})}


def _session_without_environment() -> Session:
    """A session that heeds neither the AWS variables of this shell (AWS_PROFILE, AWS_RETRY_MODE …) nor its files."""
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
    from botocore.session import Session

    variables = {name: (None, None, *rest) for name, (_, _, *rest) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    session = Session(session_vars=variables | files)
    session.register_component("data_loader", _models())
    return session


@cache
def _models() -> Loader:
    """AWS's models, read once for all sessions of this process: reading them is most of what a session costs."""
    from botocore.loaders import create_loader

    return create_loader()


@contextmanager
def _settings_explained() -> Iterator[None]:
    """Turns what botocore cannot do with the operator's AWS settings into an OperatorError that names them."""
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except (BotoCoreError, ValueError) as error:
        # Never those with keys and tokens, whose values are secret.
        settings = {
            name: value
            for name, value in os.environ.items()
            if name.startswith("AWS_") and value and "KEY" not in name and "TOKEN" not in name
        }
        named = [f"{name}={value}" for name, value in settings.items() if value in str(error)]
        hint = f"Correct or unset {', '.join(named)}." if named else "Look at AWS_* in this shell and at ~/.aws/config."
        raise OperatorError(f"The AWS settings of this shell cannot be used: {error}.", hint=hint) from None


@contextmanager
def refusals_explained() -> Iterator[None]:
    """Turns what AWS or the network refuses within the block into an OperatorError."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionClosedError,
        IncompleteReadError,
        ReadTimeoutError,
    )
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        reason = error.response.get("Error", {})
        refuse_no_access(error)
        # A HEAD has no body: its error has the bare status for a code.
        if reason.get("Code") in THROTTLED or reason.get("Code") in ("429", "503"):
            raise OperatorError(
                f"AWS throttles {error.operation_name}: too many requests at once ({reason.get('Code')}).",
                hint="Nothing is wrong with the request. Wait a minute, then run the same command again.",
            ) from None
        raise OperatorError(
            f"AWS refused {error.operation_name}: {reason.get('Message') or reason.get('Code')} ({reason.get('Code')})."
        ) from None
    except (ConnectionClosedError, IncompleteReadError, ReadTimeoutError, ResponseParserError) as error:
        raise OperatorError(
            f"An answer of AWS was cut off, so it is not known what the request did: {error}.",
            hint="Look at what is there, then run the same command again.",
        ) from None
    except BotoCoreError as error:
        refuse_no_access(error)
        raise OperatorError(
            f"AWS cannot be used: {error}.", hint="Go online, then run the same command again."
        ) from None


def refuse_no_access(error: BotoCoreError | ClientError) -> None:
    """Raises NoAccessError for an error by which every other request would fail as well."""
    if cause := cause_in(f"{type(error).__name__}: {error}"):
        raise NoAccessError(cause.message, hint=cause.hint) from None


def account_of(aws: Aws, *, region: str) -> str:
    """The account the credentials belong to. Raises OperatorError when AWS refuses."""
    with refusals_explained():
        account: str = aws.client("sts", region=region).get_caller_identity()["Account"]
        return account


def check_account(aws: Aws, account_id: str, *, region: str) -> None:
    """Raises OperatorError when the credentials belong to another account than `account_id`."""
    found = account_of(aws, region=region)
    if found != account_id:
        raise OperatorError(
            f"These AWS credentials are for account {found}, not for {account_id}.",
            hint="Use credentials of that account, or correct account_id in config/environments.",
        )
