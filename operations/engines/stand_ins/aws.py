"""aws of a host: the real AWS command line, by way of the process that has loaded it.

It is not a stand-in for AWS's program, but its caller: see `operations.engines.command_line`.
"""

from __future__ import annotations

import json
import os
import socket
import sys


def main(path: str, arguments: list[str]) -> int:
    """Exit code of the call."""
    umask = os.umask(0)
    os.umask(umask)
    folder = os.getcwd()  # noqa: PTH109 - loading pathlib would take longer than all else here
    called = {"arguments": arguments, "environment": dict(os.environ), "folder": folder, "umask": umask}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [b"\0"], [0, 1, 2])
        connection.sendall(json.dumps(called).encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1)
    if not answer:
        sys.stderr.write("aws ended without an exit code\n")
        return 255
    return answer[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
