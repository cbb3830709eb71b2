"""A memcached server of its own, on a free port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import getpass
import socket
from collections.abc import Iterator

from operations.engines.server import HOST, Engine, free_port, private_folder, programs_of, running


@contextlib.contextmanager
def memcached() -> Iterator[Engine]:
    """The memcached that is installed. Raises MissingEngineError when there is none."""
    (program,) = programs_of("memcached", "memcached")
    with private_folder("memcached") as directory:
        port = free_port()

        def ask() -> None:
            with socket.create_connection((HOST, port), timeout=1) as connection:
                connection.sendall(b"version\r\n")
                if not connection.recv(100).startswith(b"VERSION"):
                    raise ConnectionError("no version")

        command = [program, "-l", HOST, "-p", str(port), "-U", "0", "-u", getpass.getuser()]
        with running(command, directory, ask) as server:
            yield Engine(server, HOST, port)
