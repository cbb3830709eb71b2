"""A new AUTH token for Redis, without a moment in which the application is turned away."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 1800
_POLL_SECONDS = 10
_PENDING = "AWSPENDING"


@dataclass(frozen=True)
class RedisAuth:
    """The token of one replication group, and the secret that instances read it from.

    ElastiCache takes a new token beside the one before (`ROTATE`), or beside none, until it is told to take no other
    (`SET`). The token never passes through Terraform, and is in the secret before ElastiCache knows it.
    """

    elasticache: Any
    secrets_manager: Any
    group: str
    secret_arn: str
    say: Callable[[str], None]
    poll_seconds: float = _POLL_SECONDS

    def add(self) -> None:
        """Make a token, or take the one that an interrupted run left; Redis takes it, and instances find it."""
        version, token = self._pending()
        self._apply(token, "ROTATE")
        self.say(f"{self.group} takes a new token, and still what it took before.")
        versions = self.secrets_manager.describe_secret(SecretId=self.secret_arn)["VersionIdsToStages"]
        current = next((id_ for id_, stages in versions.items() if "AWSCURRENT" in stages), None)
        if current != version:
            moved = {"RemoveFromVersionId": current} if current else {}
            self.secrets_manager.update_secret_version_stage(
                SecretId=self.secret_arn, VersionStage="AWSCURRENT", MoveToVersionId=version, **moved
            )
        self.secrets_manager.update_secret_version_stage(
            SecretId=self.secret_arn, VersionStage=_PENDING, RemoveFromVersionId=version
        )
        self.say("Instances read it within 20 minutes, when a timer of theirs restarts the application.")

    def finish(self) -> None:
        """Have Redis take no other token than the one in the secret. Raises OperatorError when there is none."""
        try:
            token = self.secrets_manager.get_secret_value(SecretId=self.secret_arn)["SecretString"]
        except self.secrets_manager.exceptions.ResourceNotFoundException:
            raise OperatorError(
                f"{self.secret_arn} holds no token yet; nothing was changed.", hint="Make one first, without --finish."
            ) from None
        self._apply(token, "SET")
        self.say(f"{self.group} takes the token of {self.secret_arn} only.")

    def _pending(self) -> tuple[str, str]:
        try:
            found = self.secrets_manager.get_secret_value(SecretId=self.secret_arn, VersionStage=_PENDING)
        except self.secrets_manager.exceptions.ResourceNotFoundException:
            token = secrets.token_hex(32)
            made = self.secrets_manager.put_secret_value(
                SecretId=self.secret_arn, SecretString=token, VersionStages=[_PENDING]
            )
            return made["VersionId"], token
        return found["VersionId"], found["SecretString"]

    def _apply(self, token: str, strategy: str) -> None:
        self._wait()
        self.elasticache.modify_replication_group(
            ReplicationGroupId=self.group, AuthToken=token, AuthTokenUpdateStrategy=strategy, ApplyImmediately=True
        )
        self._wait()

    def _wait(self) -> None:
        give_up = time.monotonic() + _SECONDS
        while True:
            (found,) = self.elasticache.describe_replication_groups(ReplicationGroupId=self.group)["ReplicationGroups"]
            changing = found.get("PendingModifiedValues", {}).get("AuthTokenStatus")
            if found["Status"] == "available" and not changing:
                return
            if time.monotonic() > give_up:
                raise OperatorError(
                    f"{self.group} is {found['Status']} for {_SECONDS // 60} minutes.",
                    hint="Safe to run again when it is available.",
                )
            time.sleep(self.poll_seconds)
