"""Runs the emulator in the foreground: `python -m emulator --port N`."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from emulator import process
from emulator.server import DEFAULT_ACCOUNT_ID, STAGES, listen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; a free one when left out")
    where.add_argument("--listener", type=int, help="file descriptor of a socket that listens already")
    parser.add_argument("--account", default=DEFAULT_ACCOUNT_ID, help="account of access keys that name none")
    parser.add_argument("--facts", type=Path, metavar="FOLDER", help="dated facts of AWS, for the rules that need them")
    parser.add_argument("--without", action="append", default=[], choices=STAGES, help="a stage to leave out")
    parser.add_argument("--end-with", type=int, metavar="FD", help="end when this pipe's other end is closed")
    arguments = parser.parse_args()
    if arguments.end_with is not None:
        process.end_with(arguments.end_with)
    listener = listen(arguments.port) if arguments.listener is None else socket.socket(fileno=arguments.listener)
    if arguments.listener is None:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
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
