"""Clients for AWS, or for the emulator where its environment variables are given."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Aws:
    """How to reach AWS: with the operator's own credentials, or as `environment` says (AWS_ENDPOINT_URL and keys).

    Safe to use from several threads, as every client is made in a session of its own.
    """

    environment: Mapping[str, str] | None = None

    def client(self, service: str, *, region: str) -> Any:
        """A boto3 client of `service` in `region`."""
        import boto3
        from botocore.config import Config

        if self.environment is None:
            return boto3.Session().client(service, region_name=region)
        session = boto3.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.environment.get("AWS_SESSION_TOKEN") or None,
        )
        # An HTTP proxy of the operator has no business between two programs of one machine.
        config = Config(proxies={})
        return session.client(
            service, region_name=region, endpoint_url=self.environment["AWS_ENDPOINT_URL"], config=config
        )


@contextmanager
def refusals_explained() -> Iterator[None]:
    """Turns what AWS or the network refuses within the block into an OperatorError."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError:
        raise OperatorError(
            "There are no AWS credentials.",
            hint="Sign in (aws sso login, aws configure) or set AWS_PROFILE; for the emulator: quintet emulator env",
        ) from None
    except ClientError as error:
        reason = error.response.get("Error", {})
        raise OperatorError(
            f"AWS refused {error.operation_name}: {reason.get('Message') or reason.get('Code')} ({reason.get('Code')})."
        ) from None
    except BotoCoreError as error:
        raise OperatorError(f"AWS cannot be used: {error}.") from None


def check_account(aws: Aws, account_id: str, *, region: str) -> None:
    """Raises OperatorError when the credentials belong to another account than `account_id`."""
    caller = aws.client("sts", region=region).get_caller_identity()
    if caller["Account"] != account_id:
        raise OperatorError(
            f"These AWS credentials are for account {caller['Account']} ({caller['Arn']}), not for {account_id}.",
            hint="Use credentials of that account, or correct account_id in config/environments.",
        )
