"""The access key the application stores attachments with: made, handed over, and the one before it removed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.aws import refusals_explained

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.aquamark.day2.site import Site


@dataclass(frozen=True)
class StorageKey:
    """Rotates the key. The old one goes only after every host uses the new one; run again, it goes on."""

    site: Site
    dry_run: bool = False

    def rotate(self, console: Console) -> None:
        """Do it, saying each step. Raises OperatorError when it fails."""
        with refusals_explained():
            outputs = self.site.outputs()
            user, secret_arn = outputs.storage_user, outputs.storage_secret_arn
            iam, manager = self.site.client("iam"), self.site.client("secretsmanager")
            keys = [key["AccessKeyId"] for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]]
            current = _current(manager, secret_arn)
            if self.dry_run:
                going = ", ".join(keys) or "none"
                console.print(f"Would make a key for {user}, hand it to every host, and remove: {going}.")
                return
            for stray in [key for key in keys if key != current]:
                iam.delete_access_key(UserName=user, AccessKeyId=stray)
                console.print(f"Removed {stray}, which no host uses: an earlier run was cut off.")
            made = iam.create_access_key(UserName=user)["AccessKey"]
            text = json.dumps({"access_key_id": made["AccessKeyId"], "secret_access_key": made["SecretAccessKey"]})
            manager.put_secret_value(SecretId=secret_arn, SecretString=text)
            console.print(f"Made {made['AccessKeyId']} and kept it in the secret.")
            hosts = self.site.refresh_hosts()
            console.print(f"{hosts} hosts have read it.")
            if current in keys:
                iam.update_access_key(UserName=user, AccessKeyId=current, Status="Inactive")
                iam.delete_access_key(UserName=user, AccessKeyId=current)
                console.print(f"Removed {current}.")


def _current(manager: Any, secret_arn: str) -> str | None:
    """The key in the secret; None before the first."""
    try:
        text = manager.get_secret_value(SecretId=secret_arn)["SecretString"]
    except manager.exceptions.ResourceNotFoundException:
        return None
    key: str = json.loads(text)["access_key_id"]
    return key
