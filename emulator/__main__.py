"""Runs the emulator in the foreground: `python -m emulator --port N`."""

from __future__ import annotations

import argparse
import socket

from emulator import process
from emulator.server import DEFAULT_ACCOUNT_ID, listen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; a free one when left out")
    where.add_argument("--listener", type=int, help="file descriptor of a socket that listens already")
    parser.add_argument("--account", default=DEFAULT_ACCOUNT_ID, help="account of access keys that name none")
    parser.add_argument("--end-with", type=int, metavar="FD", help="end when this pipe's other end is closed")
    arguments = parser.parse_args()
    if arguments.end_with is not None:
        process.end_with(arguments.end_with)
    listener = listen(arguments.port) if arguments.listener is None else socket.socket(fileno=arguments.listener)
    if arguments.listener is None:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
    try:
        process.serve(listener, default_account_id=arguments.account)
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
