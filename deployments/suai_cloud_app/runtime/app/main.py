"""The program: read `config.toml` in the working directory, listen, answer until told to stop."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from functools import partial
from pathlib import Path
from typing import NoReturn

from . import config, log
from .bounded import BoundedCheck
from .checks.database import check_database
from .checks.dynamodb import check_dynamodb
from .checks.failure import SignInRefusedError
from .checks.redis import check_redis
from .checks.s3 import check_s3
from .pages import CheckPages
from .refresh_request import request_refresh

CHECK_SECONDS = 5
WAITING_PER_CHECK = 16
FREE_THREADS = 8
"""Threads that checks cannot occupy: `/health` answers at once while every checked server hangs."""

_log = logging.getLogger("suaicloudapp")


def main() -> int:
    """Serve until the process is told to end; 1 when it cannot start, with the reason on stderr and in the log."""
    if len(sys.argv) > 1:
        sys.stderr.write(f"suaicloudapp takes no arguments; it reads {config.FILE_NAME} in the working directory.\n")
        return 2
    directory = Path.cwd()
    try:
        log.open_log(directory, log.Redaction())
    except OSError as error:
        sys.stderr.write(f"suaicloudapp cannot write {log.FILE_NAME} in {directory}: {error.strerror}\n")
        return 1
    try:
        settings = config.load(Path(config.FILE_NAME))
    except config.ConfigError as error:
        return _refuse(str(error))
    redact = log.Redaction([settings.database.password])
    log.open_log(directory, redact)
    checks = {
        "database": partial(_check_sign_in, settings.database, directory),
        "redis": partial(check_redis, settings.redis),
        "s3": partial(check_s3, settings.s3, settings.aws),
        "dynamodb": partial(check_dynamodb, settings.dynamodb, settings.aws),
    }
    bounded = {
        name: BoundedCheck(check, seconds=CHECK_SECONDS, waiting=WAITING_PER_CHECK) for name, check in checks.items()
    }
    return _serve(CheckPages(bounded, directory=directory, redact=redact), settings.server)


def _check_sign_in(settings: config.DatabaseConfig, directory: Path) -> None:
    try:
        check_database(settings)
    except SignInRefusedError:
        request_refresh(directory)
        raise


def _serve(pages: CheckPages, server: config.ServerConfig) -> int:
    import waitress  # type: ignore[import-untyped]

    signal.signal(signal.SIGTERM, _stop)
    try:
        listener = waitress.create_server(
            pages,
            host=server.host,
            port=server.port,
            threads=4 * WAITING_PER_CHECK + FREE_THREADS,
            connection_limit=1000,
            asyncore_use_poll=True,  # select() cannot watch more than 1024 descriptors
            ident=None,
        )
    except OSError as error:
        return _refuse(
            f"{config.FILE_NAME}: cannot listen on server.host {server.host}, server.port {server.port}: {error}"
        )
    _log.info("listening on %s:%d", server.host, server.port)
    with contextlib.suppress(SystemExit, KeyboardInterrupt):
        listener.run()
    _log.info("stopped")
    return 0


def _refuse(reason: str) -> int:
    _log.error("cannot start:\n%s", reason)
    sys.stderr.write(f"suaicloudapp cannot start:\n{reason}\n")
    return 1


def _stop(signal_number: int, frame: object) -> NoReturn:
    del signal_number, frame
    raise SystemExit(0)
