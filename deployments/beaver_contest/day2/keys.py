"""The access key of the PHP code, which cannot use a role."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.aws import refusals_explained

if TYPE_CHECKING:
    from deployments.beaver_contest.day2.contest import Contest

GRACE_SECONDS = 180
"""Instances look for a new key every minute; this is three looks."""

_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class AccessKeys:
    """The IAM user's keys, and the secret from which instances fetch the one that counts."""

    contest: Contest
    say: Callable[[str], None]
    pause: Callable[[float], None] = time.sleep

    def rotate(self, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool) -> None:
        """Make a new key, put it into the secret, wait until instances have it, and end the old one.

        A key that is in nobody's hands, since an earlier run was interrupted, goes first. The old key is deactivated
        and deleted only in the next rotation, so that it can be woken up should somebody miss it. Raises OperatorError
        when AWS refuses; the key in the secret works at every moment.
        """
        with refusals_explained():
            current = self.current()
            others = [key for key in self._all() if key != current]
            if dry_run:
                for key in others:
                    self.say(f"{key}, which no instance uses, would be deleted")
                self.say(f"A new key would be made{f' and {current} be deactivated' if current else ''}")
                return
            for key in others:
                self._iam.delete_access_key(UserName=self._user, AccessKeyId=key)
                self.say(f"{key}, which no instance uses, is deleted")
            made = self._iam.create_access_key(UserName=self._user)["AccessKey"]
            try:
                self._store(made["AccessKeyId"], made["SecretAccessKey"])
            except BaseException:
                self._iam.delete_access_key(UserName=self._user, AccessKeyId=made["AccessKeyId"])
                raise
            self.say(f"{made['AccessKeyId']} is in the secret; instances fetch it within a minute")
            if current is None:
                return
            self.say(f"Waiting {grace_seconds:.0f} seconds until none of them uses {current}")
            for _ in range(round(grace_seconds / _POLL_SECONDS)):
                self.pause(_POLL_SECONDS)
            self._iam.update_access_key(UserName=self._user, AccessKeyId=current, Status="Inactive")
            self.say(f"{current} is deactivated; the next rotation deletes it")

    def current(self) -> str | None:
        """The id of the key in the secret; None when there is none yet, or the user has it no more."""
        secrets = self.contest.client("secretsmanager")
        try:
            value = secrets.get_secret_value(SecretId=self.contest.outputs.key_secret_arn)["SecretString"]
        except secrets.exceptions.ResourceNotFoundException:
            return None
        key = json.loads(value).get("key")
        return key if key in self._all() else None

    def _all(self) -> list[str]:
        keys = self._iam.list_access_keys(UserName=self._user)["AccessKeyMetadata"]
        return [key["AccessKeyId"] for key in keys]

    def _store(self, key: str, secret: str) -> None:
        self.contest.client("secretsmanager").put_secret_value(
            SecretId=self.contest.outputs.key_secret_arn,
            SecretString=json.dumps({"key": key, "secret": secret}),
        )

    @property
    def _iam(self) -> Any:
        return self.contest.client("iam")

    @property
    def _user(self) -> str:
        return self.contest.outputs.php_user
