"""Runs the emulator in the foreground: `python -m emulator --port N`."""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

from emulator import process
from emulator.code_rights import RIGHTS
from emulator.server import DEFAULT_ACCOUNT_ID, STAGES, listen, new_secret


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; a free one when left out")
    where.add_argument(
        "--listener", type=int, help="file descriptor of a listening socket; reads the secret from stdin"
    )
    parser.add_argument("--account", default=DEFAULT_ACCOUNT_ID, help="account of access keys that name none")
    parser.add_argument("--facts", type=Path, metavar="FOLDER", help="dated facts of AWS, for the rules that need them")
    parser.add_argument("--without", action="append", default=[], choices=STAGES, help="a stage to leave out")
    parser.add_argument("--end-with", type=int, metavar="FD", help="end when this pipe's other end is closed")
    arguments = parser.parse_args()
    if arguments.end_with is not None:
        process.end_with(arguments.end_with)
    if arguments.listener is None:
        listener, secret = listen(arguments.port), new_secret()
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - the answer
        print(f"Access key id that may run code: {arguments.account}{secret}", flush=True)  # noqa: T201 - the answer
    else:
        listener, secret = socket.socket(fileno=arguments.listener), sys.stdin.readline().strip()
    RIGHTS.use(secret)
    try:
        process.serve(
            listener,
            default_account_id=arguments.account,
            facts=arguments.facts,
            without=frozenset(arguments.without),
        )
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
