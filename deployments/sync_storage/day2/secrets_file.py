"""The secrets file of webheads and token server: `https://host,timestamp:secret,timestamp:secret`, a line each.

mozsvc, which reads it, takes every secret of a line when it checks a token and the last one when it makes a token; it
refuses a node that has two lines.
"""

from __future__ import annotations

import re
import secrets as random_source
from collections.abc import Mapping
from dataclasses import dataclass

from operations.errors import OperatorError

SECRET_BYTES = 128
"""As many as mozsvc makes by itself; written as hexadecimal digits."""
_NODE = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_SECRET = re.compile(r"(?P<timestamp>[0-9]{1,12}):(?P<secret>([0-9a-f]{2}){16,256})")


@dataclass(frozen=True, order=True)
class MasterSecret:
    """One secret and the second it was made in; the newest of a node is the one tokens are made with."""

    timestamp: int
    secret: str

    def __str__(self) -> str:
        return f"{self.timestamp}:{self.secret}"

    def __repr__(self) -> str:
        return f"MasterSecret({self.timestamp}, …)"


Secrets = Mapping[str, tuple[MasterSecret, ...]]
"""Node (`https://host`) → its secrets, the newest last."""


def new_secret(timestamp: int) -> MasterSecret:
    """A secret from the operating system's random source."""
    return MasterSecret(timestamp, random_source.token_hex(SECRET_BYTES))


def file_text(found: Secrets) -> str:
    """The file: a line for each node, sorted; within it the secrets sorted, the newest last."""
    return "".join(f"{','.join([node, *map(str, sorted(found[node]))])}\n" for node in sorted(found))


def parse(text: str, *, source: str) -> dict[str, tuple[MasterSecret, ...]]:
    """Secrets by host name. Raises OperatorError, without the secrets, for what mozsvc would misread or refuse.

    `source` is what the text is called in messages.
    """
    found: dict[str, tuple[MasterSecret, ...]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{source}, line {number}"
        node, *fields = line.split(",")
        if not _NODE.fullmatch(node):
            raise OperatorError(f"{place} does not begin with a node such as https://a-0.sync.example.org.")
        if node in found:
            raise OperatorError(f"{place}: {node} has a line already; a node may have one.")
        if not fields:
            raise OperatorError(f"{place}: {node} has no secret.")
        secrets = []
        for position, field in enumerate(fields, start=1):
            match = _SECRET.fullmatch(field)
            if match is None:
                raise OperatorError(f"{place}: secret {position} of {node} is not timestamp:hexadecimal digits.")
            secrets.append(MasterSecret(int(match["timestamp"]), match["secret"]))
        stamps = [secret.timestamp for secret in secrets]
        # mozsvc sorts them as text, so that an order by number that differs would make tokens with another secret
        if stamps != sorted(set(stamps)) or [str(stamp) for stamp in stamps] != sorted(map(str, stamps)):
            raise OperatorError(
                f"{place}: the secrets of {node} are not in the order of their timestamps, each its own."
            )
        found[node] = tuple(secrets)
    return found
