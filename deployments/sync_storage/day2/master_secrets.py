"""A node's master secrets in Secrets Manager: the lines of the secrets file, and how far each version of them has come.

A version that all webheads have read bears the label `webheads`; one that the token server has, `token-server-` and the
second since when. So one secret says everything about its node, and no two places can disagree.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployments.sync_storage.day2.secrets_file import Secrets, file_text, parse
from operations.errors import OperatorError

if TYPE_CHECKING:
    from deployments.sync_storage.day2.deployed import Deployed, DeployedNode

WEBHEADS = "webheads"
TOKEN_SERVER = "token-server-"  # noqa: S105  # a label
_CURRENT = "AWSCURRENT"


@dataclass(frozen=True)
class Held:
    """The current version: its secrets, whether all webheads have read it, and since when the token server has it."""

    version_id: str
    secrets: Secrets
    on_webheads: bool
    published: datetime | None

    @property
    def secrets_per_host_name(self) -> int:
        """The most that any host name has."""
        return max(len(secrets) for secrets in self.secrets.values())


class MasterSecrets:
    """The master secrets of one node. Methods raise what botocore raises (see `operations.aws.refusals_explained`)."""

    def __init__(self, deployed: Deployed, node: DeployedNode) -> None:
        self.node = node
        self._manager = deployed.client("secretsmanager")
        self._id = node.master_secrets

    def held(self) -> Held | None:
        """The present lines; None before the first. Raises OperatorError for lines that webheads would refuse."""
        try:
            found = self._manager.get_secret_value(SecretId=self._id, VersionStage=_CURRENT)
        except self._manager.exceptions.ResourceNotFoundException:
            return None
        secrets = parse(found["SecretString"], source=self._id)
        if set(secrets) != set(self.node.names):
            differing = ", ".join(sorted(set(secrets) ^ set(self.node.names)))
            raise OperatorError(f"{self._id} is not for the host names of node {self.node.name}: {differing}.")
        stages = self._stages()[found["VersionId"]]
        since = [int(stage.removeprefix(TOKEN_SERVER)) for stage in stages if stage.startswith(TOKEN_SERVER)]
        published = datetime.fromtimestamp(since[0], UTC) if since else None
        return Held(found["VersionId"], secrets, WEBHEADS in stages, published)

    def replace(self, before: Held | None, secrets: Secrets) -> None:
        """Make `secrets` the current ones, unless they are no longer those of `before`: OperatorError then."""
        # a version's successor always has the same id, so that of two at the same time one is refused
        predecessor = before.version_id if before else "none"
        token = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._id}/{predecessor}"))
        try:
            self._manager.put_secret_value(SecretId=self._id, SecretString=file_text(secrets), ClientRequestToken=token)
        except self._manager.exceptions.ResourceExistsException:
            raise OperatorError(
                f"The master secrets of node {self.node.name} were changed by somebody else at this moment.",
                hint="Look at what there is, then decide anew: quintet sync-storage secrets status",
            ) from None

    def mark_on_webheads(self, version_id: str) -> None:
        """Notes that all webheads have read this version."""
        self._label(version_id, WEBHEADS)

    def mark_published(self, version_id: str, moment: datetime) -> None:
        """Notes that the token server has this version since `moment`."""
        earlier = {
            stage: version
            for version, stages in self._stages().items()
            for stage in stages
            if stage.startswith(TOKEN_SERVER)
        }
        self._label(version_id, f"{TOKEN_SERVER}{int(moment.timestamp())}")
        # an unlabelled version may go: what the token server had before is of no use
        for stage, version in earlier.items():
            if version != version_id:
                self._manager.update_secret_version_stage(
                    SecretId=self._id, VersionStage=stage, RemoveFromVersionId=version
                )

    def _label(self, version_id: str, stage: str) -> None:
        holders = [version for version, stages in self._stages().items() if stage in stages]
        if version_id in holders:
            return
        removal = {"RemoveFromVersionId": holders[0]} if holders else {}
        self._manager.update_secret_version_stage(
            SecretId=self._id, VersionStage=stage, MoveToVersionId=version_id, **removal
        )

    def _stages(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self._manager.describe_secret(SecretId=self._id).get("VersionIdsToStages", {})
        return found
