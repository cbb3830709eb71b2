"""The record of a restore that is under way, from which any operator's machine can go on with it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from operations.restore.place import DatabasePlace


@dataclass(frozen=True)
class DatabaseRestoration:
    """One restore: its source, its beginning, and the two databases, by the ids that no renaming changes."""

    source: str
    stamp: str
    old: str
    new: str | None = None
    finished: bool = False


@dataclass(frozen=True)
class RestoreRecord:
    """The last restore of a database, in a parameter of Systems Manager."""

    place: DatabasePlace

    @property
    def name(self) -> str:
        """The name of the parameter."""
        return f"/quintet/{self.place.stack.name}/{self.place.record}"

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
        """Delete the record: there is no restore to go on with."""
        self._ssm().delete_parameter(Name=self.name)

    def _put(self, restoration: DatabaseRestoration) -> None:
        text = json.dumps(asdict(restoration))
        self._ssm().put_parameter(Name=self.name, Type="String", Value=text, Overwrite=True)

    def _ssm(self) -> Any:
        return self.place.client("ssm")
