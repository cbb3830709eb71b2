"""Master secrets changed without a token being refused: a new one beside the old, webheads first, the old one last."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.sync_storage.day2.master_secrets import Held, MasterSecrets
from deployments.sync_storage.day2.secrets_file import Secrets, file_text, new_secret
from operations.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.sync_storage.day2.deployed import Deployed, DeployedNode
    from deployments.sync_storage.day2.webheads import RunningWebheads

TOKEN_LIFETIME = timedelta(hours=1)
"""How long the token server's tokens are good."""
GRACE = 2 * TOKEN_LIFETIME


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Rotation:
    """The steps of a change of master secrets; each can be run again, which goes on with what was interrupted."""

    deployed: Deployed
    webheads: RunningWebheads
    console: Console
    _: KW_ONLY
    dry_run: bool = False
    now: Callable[[], datetime] = field(default=_now)

    def add(self, nodes: list[DeployedNode]) -> None:
        """Give every host name of the nodes a further secret, then have the webheads take it beside the old one.

        A node whose newest secret the token server does not have yet gets no other one. Raises OperatorError for a node
        that was never added.
        """
        stores = [MasterSecrets(self.deployed, node) for node in nodes]
        found = [(store, self._expected(store)) for store in stores]
        for store, held in found:
            if held.published is None:
                self._say(
                    f"Node {store.node.name}: its newest secret is not with the token server yet; no other is made."
                )
                continue
            self._say(f"Node {store.node.name}: {self._would('a further secret for')} {len(held.secrets)} host names")
            if not self.dry_run:
                store.replace(held, self._with_new(held.secrets))
        self.bring_to_webheads(nodes)
        self._say("Next: quintet sync-storage secrets publish")

    def create(self, node: DeployedNode) -> None:
        """Give a new node its first secrets; one that has some keeps them."""
        store = MasterSecrets(self.deployed, node)
        if store.held() is not None:
            return
        stamp = int(self.now().timestamp())
        store.replace(None, {name: (new_secret(stamp),) for name in node.names})

    def bring_to_webheads(self, nodes: list[DeployedNode], *, anyway: bool = False) -> None:
        """Have all webheads read the current secrets of the nodes; nothing is done when they have, unless `anyway`."""
        stores = {node.name: MasterSecrets(self.deployed, node) for node in nodes}
        # read before the webheads do: they may only have what is newer still
        versions = {name: held for name, store in stores.items() if (held := store.held()) and not held.on_webheads}
        if not versions and not anyway:
            self._say("The webheads have them.")
            return
        if self.dry_run:
            self._say(f"Would render on {len(self.webheads.instances())} webheads")
            return
        number = self.webheads.refresh()
        for name, held in versions.items():
            stores[name].mark_on_webheads(held.version_id)
        self._say(f"{number} webheads are up to date.")

    def publish(self, file: Path, *, confirm: Callable[[], bool]) -> None:
        """Write the secrets file for the token server, and note since when it has it, once `confirm` says that it has.

        Raises OperatorError when webheads would refuse tokens made with it, or when it is not confirmed.
        """
        stores = [MasterSecrets(self.deployed, node) for node in self.deployed.chosen([])]
        found = [(store, held) for store in stores if (held := store.held()) is not None]
        if behind := [store.node.name for store, held in found if not held.on_webheads]:
            raise OperatorError(
                f"The webheads have not read the secrets of node {', '.join(behind)} yet: "
                "they would refuse tokens made with them.",
                hint=f"quintet sync-storage refresh --environment {self.deployed.environment}",
            )
        everything: Secrets = {node: secrets for _, held in found for node, secrets in held.secrets.items()}
        if not everything:
            raise OperatorError("No node has secrets yet.", hint="quintet sync-storage add-node NAME makes them.")
        if self.dry_run:
            self._say(f"Would write {len(everything)} lines to {file}")
            return
        write_private(file, file_text(everything))
        self._say(
            f"Wrote {len(everything)} lines to {file}, which only you can read. Delete it when it is handed over."
        )
        outstanding = [(store, held) for store, held in found if held.published is None]
        if not outstanding:
            self._say("The token server has had these secrets before; nothing is noted.")
            return
        if not confirm():
            raise OperatorError(
                "Nothing is noted: the token server does not have it yet.", hint="Run the same again once it has."
            )
        for store, held in outstanding:
            store.mark_published(held.version_id, self.now())
        self._say(f"The token server makes tokens with them: {', '.join(store.node.name for store, _ in outstanding)}")

    def retire(self, nodes: list[DeployedNode], *, grace: timedelta) -> None:
        """Take every secret but the newest away, from the webheads too.

        Raises OperatorError, with nothing changed, while tokens made with an old one may still be good.
        """
        stores = [MasterSecrets(self.deployed, node) for node in nodes]
        found = [(store, self._expected(store)) for store in stores]
        old = [(store, held) for store, held in found if held.secrets_per_host_name > 1]
        for store, held in old:
            self._refuse_too_early(store.node, held, grace)
        for store, held in found:
            if (store, held) not in old:
                self._say(f"Node {store.node.name} has no old secret.")
                continue
            self._say(f"Node {store.node.name}: {self._would('only the newest secret is kept')}")
            if not self.dry_run:
                store.replace(held, {name: secrets[-1:] for name, secrets in held.secrets.items()})
        self.bring_to_webheads(nodes)
        if old:
            self._say("Next, to take it from the token server too: quintet sync-storage secrets publish")

    def _refuse_too_early(self, node: DeployedNode, held: Held, grace: timedelta) -> None:
        if held.published is None:
            raise OperatorError(
                f"The token server does not have the newest secret of node {node.name} yet: it still makes tokens with "
                "the old one.",
                hint="quintet sync-storage secrets publish",
            )
        end = held.published + grace
        if self.now() < end:
            raise OperatorError(
                f"Node {node.name}: tokens made with the old secret may be good until {end:%Y-%m-%d %H:%M:%S} UTC "
                f"({grace.total_seconds() / 60:.0f} minutes after it was published).",
                hint="Run the same again after that.",
            )

    def _expected(self, store: MasterSecrets) -> Held:
        held = store.held()
        if held is None:
            raise OperatorError(
                f"Node {store.node.name} has no secrets yet.",
                hint=f"quintet sync-storage add-node {store.node.name} --environment {self.deployed.environment}",
            )
        return held

    def _with_new(self, secrets: Secrets) -> Secrets:
        newest = max(secret.timestamp for found in secrets.values() for secret in found)
        stamp = max(int(self.now().timestamp()), newest + 1)
        return {name: (*found, new_secret(stamp)) for name, found in secrets.items()}

    def _would(self, what: str) -> str:
        return f"would be: {what}" if self.dry_run else what

    def _say(self, text: str) -> None:
        self.console.print(text)


def write_private(file: Path, text: str) -> None:
    """Replace `file` at once; nobody but its owner can read it. Raises OperatorError when it cannot be written."""
    try:
        descriptor, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # for its owner alone
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as target:
                target.write(text)
            Path(unfinished).replace(file)
        except BaseException:
            Path(unfinished).unlink()
            raise
    except OSError as error:
        raise OperatorError(f"{file} cannot be written: {error.strerror}.") from None
