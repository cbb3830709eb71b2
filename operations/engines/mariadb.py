"""A MariaDB server of its own, on a free port of 127.0.0.1, that offers TLS."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Iterator
from dataclasses import dataclass

import pymysql

from operations.engines.server import (
    HOST,
    PASSWORD,
    USER,
    Engine,
    free_port,
    private_folder,
    programs_of,
    run_program,
    running,
)


@dataclass(frozen=True)
class MariaDb(Engine):
    """A MariaDB server that offers TLS; `user` may do everything."""

    user: str = USER
    password: str = PASSWORD

    def connect(self, database: str | None = None) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection that commits every statement."""
        return _connect(self.port, database)


@contextlib.contextmanager
def mariadb() -> Iterator[MariaDb]:
    """The MariaDB that is installed. Raises MissingEngineError when there is none."""
    mariadbd, install_db = programs_of("mariadb-server", "mariadbd", "mariadb-install-db")
    (openssl,) = programs_of("openssl", "openssl")
    with private_folder("mariadb") as directory:
        port, temporary = free_port(), directory / "tmp"
        temporary.mkdir()
        # A MariaDB server that starts deletes the temporary tables of all others that share its folder for them.
        own = ["--no-defaults", f"--datadir={directory}/data", f"--tmpdir={temporary}", f"--user={getpass.getuser()}"]
        run_program([install_db, *own, "--skip-test-db", "--auth-root-authentication-method=normal"])
        certificate, key = directory / "certificate.pem", directory / "key.pem"
        request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        run_program([*request, "-keyout", str(key), "-out", str(certificate)])
        login = directory / "login.sql"
        login.write_text(
            f"CREATE OR REPLACE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO {USER}@'%' WITH GRANT OPTION;\n"
        )
        command = [mariadbd, *own, f"--port={port}", f"--bind-address={HOST}"]
        command += [f"--socket={directory}/socket", f"--pid-file={directory}/pid", f"--init-file={login}"]
        command += ["--skip-name-resolve", f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        with running(command, directory, lambda: _connect(port).close()) as server:
            yield MariaDb(server, HOST, port)


def _connect(port: int, database: str | None = None) -> pymysql.Connection[pymysql.cursors.Cursor]:
    login = {"user": USER, "password": PASSWORD}
    return pymysql.connect(host=HOST, port=port, database=database, charset="utf8mb4", autocommit=True, **login)
