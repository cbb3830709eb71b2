"""Copies a database from one MySQL server to another, definers left behind."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from deployments.beaver_contest.day2.mysql import connected
from operations.errors import OperatorError

if TYPE_CHECKING:
    from deployments.beaver_contest.day2.mysql import Endpoint

_DUMP_OPTIONS = (
    "--single-transaction",  # the source goes on working
    "--quick",
    "--routines",
    "--events",
    "--hex-blob",
    "--default-character-set=utf8mb4",
    "--no-tablespaces",  # needs a right that RDS gives nobody
)
_DEFINER = rb"DEFINER=(?:`(?:[^`]|``)*`|'[^']*'|[\w%.-]+)@(?:`(?:[^`]|``)*`|'[^']*'|[\w%.-]+)\s*"
_DEFINERS = (
    re.compile(rb"^(CREATE\s+)" + _DEFINER + rb"(?=PROCEDURE|FUNCTION|TRIGGER|EVENT|VIEW|AGGREGATE)"),
    re.compile(rb"^((?:/\*!\d+ CREATE\*/ )?/\*!\d+ )" + _DEFINER),
)
"""Where mysqldump writes definers: at the beginning of a line. Further on it is somebody's data."""

_SANDBOX = b"/*M!999999\\- enable the sandbox mode */"
"""First line of MariaDB's dump, which MySQL's client does not understand."""

_END = 4096


@dataclass(frozen=True)
class Copying:
    """One copy: everything in `target` that has the same name is replaced."""

    source: Endpoint
    target: Endpoint
    triggers: bool = True

    def tables_replaced(self) -> list[str]:
        """The tables that `target` has now. Raises OperatorError when it cannot be reached."""
        with connected(self.target) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW TABLES")
            return [str(row[0]) for row in cursor.fetchall()]

    def run(self, progress: Callable[[int], None]) -> int:
        """Dump, strip and load in one stream; returns its bytes.

        Raises OperatorError with what the programs say when one of them fails; the target may then hold a part, and
        running the copy again mends that.
        """
        dump_program, load_program = _program("mysqldump", "mariadb-dump"), _program("mysql", "mariadb")
        with _login(self.source) as source, _login(self.target) as target, tempfile.TemporaryFile() as said:
            dump = [dump_program, source, *_DUMP_OPTIONS, *([] if self.triggers else ["--skip-triggers"])]
            load = [load_program, target, "--default-character-set=utf8mb4", self.target.database]
            with (
                subprocess.Popen([*dump, self.source.database], stdout=subprocess.PIPE, stderr=said) as reading,
                subprocess.Popen(load, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said) as writing,
            ):
                try:
                    octets = _pour(without_definers(_pipe(reading.stdout)), _pipe(writing.stdin), progress)
                except BaseException:
                    reading.kill()
                    writing.kill()
                    raise
            if reading.returncode or writing.returncode:
                which = "Loading" if writing.returncode else "Dumping"
                raise OperatorError(f"{which} failed:\n{_last(said)}", hint="Mend that and run the copy again.")
        return octets


def without_definers(lines: Iterable[bytes]) -> Iterator[bytes]:
    """A dump's lines without DEFINER clauses, so that routines belong to whoever loads them; data stays as it is.

    >>> list(without_definers([b"/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER `t` */"]))
    [b'/*!50003 CREATE*/ /*!50017 */ /*!50003 TRIGGER `t` */']
    >>> list(without_definers([b"INSERT INTO `a` VALUES ('DEFINER=`root`@`%`');"]))
    [b"INSERT INTO `a` VALUES ('DEFINER=`root`@`%`');"]
    """
    for line in lines:
        if line.startswith(_SANDBOX):
            continue
        if b"DEFINER=" in line:
            for definer in _DEFINERS:
                line = definer.sub(rb"\1", line)
        yield line


def _pour(lines: Iterable[bytes], into: IO[bytes], progress: Callable[[int], None]) -> int:
    octets = 0
    try:
        for number, line in enumerate(lines):
            into.write(line)
            octets += len(line)
            if number % 1000 == 0:
                progress(octets)
        into.close()
    except BrokenPipeError:  # the loading program ended; what it said says why
        with suppress(BrokenPipeError):
            into.close()
    progress(octets)
    return octets


@contextmanager
def _login(endpoint: Endpoint) -> Iterator[str]:
    """The option that lets a MySQL program sign in, by a file that only its owner reads and that goes afterwards."""
    password = endpoint.password.replace("\\", "\\\\").replace('"', '\\"')
    with tempfile.TemporaryDirectory(prefix="quintet-mysql-") as folder:
        file = Path(folder) / "login.cnf"
        file.touch(mode=0o600)
        file.write_text(
            f'[client]\nprotocol=tcp\nhost="{endpoint.host}"\nport={endpoint.port}\n'
            f'user="{endpoint.user}"\npassword="{password}"\n',
            encoding="utf-8",
        )
        yield f"--defaults-extra-file={file}"


def _program(*names: str) -> str:
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    raise OperatorError(
        f"Neither {' nor '.join(names)} is installed.", hint="On Debian: apt-get install default-mysql-client"
    )


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - started with a pipe
    return stream


def _last(said: IO[bytes]) -> str:
    size = said.seek(0, 2)
    said.seek(max(0, size - _END))
    return said.read().decode("utf-8", errors="replace").strip()
