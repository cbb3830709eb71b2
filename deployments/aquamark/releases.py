"""Upstream's releases as an image of each tag has them: variables, paths, port, client library.

Read in the source of every tag of Radhika-Envision/Upmark, and run from 1.3.3 on, on 2026-11-28.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Generation = Literal["documented", "current"]
_NUMBER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(.*)")


@dataclass(frozen=True)
class AquamarkRelease:
    """The releases from `first` to `last`, which have everything below in common."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    base_image: str
    libpq: str
    """The client library of Ubuntu in `base_image`: SCRAM needs 10."""
    tls_12: bool
    """True for a library that speaks TLS 1.2, the least that RDS takes."""
    generation: Generation | None
    """None: alembic reads no address of a database, so nothing can be migrated."""
    variables: tuple[str, ...]
    """The variables that web server, alembic and daemons read for the database."""
    app_directory: str
    """Where `alembic.ini` is, and `config/` below it."""
    daemons: tuple[str, ...]
    default_port: int
    """Where the web server listens without `PORT`."""

    @property
    def scram(self) -> bool:
        """True for a client library that signs in by SCRAM."""
        return int(self.libpq.partition(".")[0]) >= 10

    @property
    def name(self) -> str:
        """From first to last; upstream's head has no number."""
        first, last = (".".join(map(str, number)) for number in (self.first, self.last))
        return (first or "HEAD") if first == last else f"{first} to {last}"


_URL = ("DATABASE_URL",)
_APP = "/usr/share/aquamark/app"
_DAEMONS = ("./server/recalculate.py", "./server/notifications.py")
RELEASES: Final = (
    AquamarkRelease((1, 0, 1), (1, 0, 4), "ubuntu:14.04", "9.3", False, None, (), "/usr/share/aquamark", (), 8000),
    AquamarkRelease(
        (1, 1, 0), (1, 2, 0), "ubuntu:14.04", "9.3", False, None, (), "/usr/share/aquamark",
        ("./app/server/recalculate.py",), 8000,
    ),
    AquamarkRelease(
        (1, 2, 1), (1, 3, 2), "ubuntu:14.04", "9.3", False, None, (), "/usr/share/aquamark",
        ("./app/server/recalculate.py", "./app/server/notifications.py"), 8000,
    ),
    AquamarkRelease((1, 3, 3), (1, 4, 7), "ubuntu:14.04", "9.3", False, "documented", _URL, _APP, _DAEMONS, 8000),
    AquamarkRelease((1, 5, 0), (1, 5, 0), "ubuntu:16.04", "9.5", True, "documented", _URL, _APP, _DAEMONS, 80),
)  # fmt: skip
CURRENT: Final = AquamarkRelease(
    (), (), "ubuntu:18.04", "10.3", True, "current",
    ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD"), _APP, _DAEMONS, 80,
)  # fmt: skip
"""Upstream's head, 5813fa8 of 2021-11-27, which has no tag: its image has a tag of your own."""
SUPPORTED: Final = (*(release for release in RELEASES if release.generation), CURRENT)


def release_of(tag: str) -> AquamarkRelease | None:
    """The release that an image's tag names, `1.4.7` or with more behind it; None for any other tag.

    >>> release_of("1.4.7-build2").name, release_of("head-5813fa8")
    ('1.3.3 to 1.4.7', None)
    """
    found = _NUMBER.match(tag)
    number = tuple(int(part) for part in found.groups()[:3]) if found else ()
    return next((release for release in RELEASES if release.first <= number <= release.last), None)


def is_upstreams(tag: str) -> bool:
    """True for a tag that is a release's and nothing more: an image by upstream's own Dockerfile.

    >>> is_upstreams("1.4.7"), is_upstreams("1.4.7-build2")
    (True, False)
    """
    found = _NUMBER.fullmatch(tag)
    return bool(found and not found[4])
