"""A PostgreSQL server of its own, on a free port of 127.0.0.1, that offers TLS."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from operations.engines.authority import CertificateAuthority
from operations.engines.server import (
    HOST,
    PASSWORD,
    USER,
    Engine,
    MissingEngineError,
    free_port,
    private_folder,
    programs_of,
    run_program,
    running,
)

PACKAGE = "postgresql"


@dataclass(frozen=True)
class PostgreSql(Engine):
    """A PostgreSQL server; `user` is a superuser."""

    programs: Path
    """The folder of psql, pg_dump, pg_restore …"""
    directory: Path
    authority: CertificateAuthority
    """The issuer of its certificate."""
    user: str = USER
    password: str = PASSWORD

    @property
    def trusted(self) -> Path:
        """The file with the certificate authority that a client has to trust."""
        return self.directory / "authority.pem"

    def psql(self, statement: str, database: str = "postgres") -> str:
        """Output of psql: a line for each row, columns separated by `|`, no headings. Raises EngineError."""
        return _psql(self.programs, self.port, statement, database)

    def certified_by(self, authority: CertificateAuthority) -> contextlib.AbstractContextManager[None]:
        """The server has a certificate of another authority meanwhile."""
        return self._certified(authority.issue(HOST))

    def certified_for(self, address: str) -> contextlib.AbstractContextManager[None]:
        """The server has a certificate for another address meanwhile."""
        return self._certified(self.authority.issue(address))

    @contextlib.contextmanager
    def _certified(self, pair: tuple[bytes, bytes]) -> Iterator[None]:
        own = self.authority.issue(HOST)
        try:
            self._use(pair)
            yield
        finally:
            self._use(own)

    def _use(self, pair: tuple[bytes, bytes]) -> None:
        _write_pair(self.directory, *pair)
        loaded = "SELECT pg_conf_load_time()"
        before = self.psql(loaded)
        self.psql("SELECT pg_reload_conf()")
        while self.psql(loaded) == before:
            time.sleep(0.05)


@contextlib.contextmanager
def postgresql(*, authentication: Literal["scram-sha-256", "md5"] = "scram-sha-256") -> Iterator[PostgreSql]:
    """The newest PostgreSQL that is installed. Raises MissingEngineError when there is none.

    With `authentication="md5"` it takes passwords that are kept by either method.
    """
    folders = Path("/usr/lib/postgresql").glob("*/bin")  # where Debian keeps one folder for each version
    newest = max(folders, key=lambda folder: int(folder.parent.name), default=None)
    initdb, postgres, psql = programs_of(PACKAGE, "initdb", "postgres", "psql", folder=newest)
    account = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if account and shutil.which("setpriv") is None:
        raise MissingEngineError("util-linux", ["setpriv"])
    with private_folder(PACKAGE, account) as directory:
        port, programs = free_port(), Path(psql).parent
        password = directory / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)  # within a folder that only `account` may enter
        authority = CertificateAuthority("PostgreSQL on this machine")
        (directory / "authority.pem").write_bytes(authority.pem)
        _write_pair(directory, *authority.issue(HOST))
        make = [initdb, f"--pgdata={directory}/data", f"--username={USER}", f"--pwfile={password}"]
        run_program([*_as(account), *make, f"--auth={authentication}", "--encoding=UTF8", "--locale=C", "--no-sync"])
        settings = {
            "fsync": "off",
            "listen_addresses": HOST,
            "unix_socket_directories": str(directory),
            "ssl": "on",
            "ssl_cert_file": str(directory / "certificate.pem"),
            "ssl_key_file": str(directory / "key.pem"),
        }
        command = [*_as(account), postgres, "-D", f"{directory}/data", "-p", str(port)]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        # the interrupt ends sessions, the polite signal would wait for them
        with running(command, directory, lambda: _psql(programs, port, "SELECT 1"), signal.SIGINT) as server:
            yield PostgreSql(server, HOST, port, programs, directory, authority)


def _write_pair(directory: Path, certificate: bytes, key: bytes) -> None:
    """Certificate and key, the key for the folder's owner only: the server insists on it."""
    (directory / "certificate.pem").write_bytes(certificate)
    path = directory / "key.pem"
    path.touch(mode=0o600)
    path.write_bytes(key)
    os.chown(path, directory.stat().st_uid, -1)


def _as(account: str | None) -> list[str]:
    return [] if account is None else ["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups"]


def _psql(programs: Path, port: int, statement: str, database: str = "postgres") -> str:
    where = ["-h", HOST, "-p", str(port), "-U", USER, "-d", database]
    command = [str(programs / "psql"), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where]
    # as input: statements may hold passwords, and everybody on the machine reads arguments
    return run_program(command, os.environ | {"PGPASSWORD": PASSWORD}, given=statement)
