"""What is remembered of a restore that is under way, so that any operator's machine can go on with it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from deployments.aquamark.day2.site import Site


@dataclass(frozen=True)
class DatabaseRestoration:
    """One restore: from what, begun when, and which instances are meant, by the ids that no renaming changes."""

    source: str
    stamp: str
    old: str
    new: str | None = None
    finished: bool = False


@dataclass(frozen=True)
class RestoreRecord:
    """The last restore of an environment, in a parameter of Systems Manager."""

    site: Site

    @property
    def name(self) -> str:
        """What the parameter is called."""
        return f"/quintet/{self.site.stack().name}/restore"

    def read(self) -> DatabaseRestoration | None:
        """The last one; None before the first."""
        ssm = self._ssm()
        try:
            text = ssm.get_parameter(Name=self.name)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return None
        return DatabaseRestoration(**json.loads(text))

    def begin(self, restoration: DatabaseRestoration, *, after: DatabaseRestoration | None) -> None:
        """Write down a new one. Raises OperatorError when somebody else has begun one meanwhile."""
        ssm = self._ssm()
        if after is not None:
            self._put(restoration)
            return
        try:
            ssm.put_parameter(Name=self.name, Type="String", Value=json.dumps(asdict(restoration)))
        except ssm.exceptions.ParameterAlreadyExists:
            raise OperatorError("Somebody else has just begun a restore.", hint="Ask who, then run it again.") from None

    def update(self, restoration: DatabaseRestoration) -> None:
        """Write down how far it is."""
        self._put(restoration)

    def forget(self) -> None:
        """As if there had been none."""
        self._ssm().delete_parameter(Name=self.name)

    def _put(self, restoration: DatabaseRestoration) -> None:
        text = json.dumps(asdict(restoration))
        self._ssm().put_parameter(Name=self.name, Type="String", Value=text, Overwrite=True)

    def _ssm(self) -> Any:
        return self.site.client("ssm")
