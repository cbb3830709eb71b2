"""The emulator's process: moto's server with the gaps filled, on the loopback address only."""

from __future__ import annotations

import gc
import http.client
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from emulator.server import HOST, KEYS_PATH, RESET_PATH, STATUS_PATH, TURN_ON_PATH, UPGRADE_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed.wsgi import WSGIApplication
    from flask import Flask

_GARBAGE_THRESHOLDS = (50_000, 20, 100)
"""Seldom: looking for garbage among moto's modules and AWS's models was a fifth of the start."""


def serve(
    listener: socket.socket,
    *,
    default_account_id: str,
    facts: Path | None = None,
    without: frozenset[str] = frozenset(),
) -> None:
    """Answer requests on the listening socket until the process ends; `without` names stages to leave out."""
    port: int = listener.getsockname()[1]
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    _settle_environment(port)
    from werkzeug.serving import make_server

    from emulator.connections import RequestHandler, parse_headers

    http.client.parse_headers = parse_headers  # type: ignore[assignment]  # typed as two functions
    app = create_app(default_account_id, facts, without)
    gc.freeze()
    server = make_server(HOST, port, app, threaded=True, request_handler=RequestHandler, fd=listener.fileno())
    server.serve_forever()


def create_app(default_account_id: str, folder: Path | None, without: frozenset[str]) -> WSGIApplication:
    """Moto's server application with the gaps filled; `default_account_id` owns what unknown access keys make."""
    from emulator import remembered

    remembered.install()  # before moto's EC2 is imported, which asks for its regions
    import moto
    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.exceptions import NotFound

    from emulator import facts, postponed, steady, target_health
    from emulator.authorise import Decisions
    from emulator.gaps.imagebuilder import ImageBuilder
    from emulator.gaps.registry import GAPS
    from emulator.identities import keys_page
    from emulator.inventory import inventory
    from emulator.pipeline import chain
    from emulator.shortcomings import Shortcomings
    from emulator.store import Shelf

    default_user_config["iam"]["load_aws_managed_policies"] = True
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    default_user_config["batch"]["use_docker"] = False  # the emulator runs no containers
    for gap in GAPS:
        gap.apply()
    postponed.install()
    steady.install()
    left_out = set(without)
    if "target-health" not in left_out:
        target_health.GAP.apply()
    known = facts.use(folder)
    shortcomings = Shortcomings()
    decisions = Decisions()

    def create_service_app(service: Any) -> Flask:
        app = create_backend_app(service)
        app.register_error_handler(NotFound, _no_such_route)
        return app

    def status(asked: Mapping[str, str]) -> dict[str, object]:
        del asked
        return {
            "moto": moto.__version__,
            "pid": os.getpid(),
            "inventory": [entry._asdict() for entry in inventory()],
            "unhealthy": [target._asdict() for target in target_health.unhealthy_targets()],
            "missing": dict(shortcomings.missing),
            "failed": dict(shortcomings.failed),
            "decisions": decisions.shown(),
        }

    def reset(asked: Mapping[str, str]) -> dict[str, str]:
        del asked
        from moto.moto_api._internal.models import moto_api_backend

        moto_api_backend.reset()
        Shelf.clear_all()
        shortcomings.clear()
        decisions.clear()
        return {"status": "ok"}

    def upgrade(asked: Mapping[str, str]) -> dict[str, str]:
        from emulator.gaps.rds import upgrade_minor_versions

        return upgrade_minor_versions(asked["account_id"], asked["region"], asked.get("names", "").split(","))

    def turn_on(asked: Mapping[str, str]) -> dict[str, list[str]]:
        del asked
        if "target-health" in left_out:
            target_health.GAP.apply()
        turned_on = sorted(left_out)
        left_out.clear()
        return {"turned_on": turned_on}

    dispatcher = DomainDispatcherApplication(create_service_app)
    pages = {
        STATUS_PATH: status,
        RESET_PATH: reset,
        KEYS_PATH: keys_page,
        UPGRADE_PATH: upgrade,
        TURN_ON_PATH: turn_on,
        "/moto-api/reset": reset,
    }
    return chain(
        ImageBuilder(dispatcher),
        default_account_id=default_account_id,
        pages=pages,
        shortcomings=shortcomings,
        facts=known,
        without=left_out,
        decisions=decisions,
    )


def end_with(pipe: int) -> None:
    """End this process and everything it started as soon as the other end of the pipe is closed.

    The kernel closes it when the process that holds it dies in whatever way. (Linux's parent-death signal would
    also fire when merely the thread that started the emulator ends.)
    """

    def wait() -> None:
        os.read(pipe, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()


def _settle_environment(port: int) -> None:
    """Settings moto reads from the environment when it is imported."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ |= {
        "MOTO_PORT": str(port),  # Step Functions and Lambda call back
        "MOTO_ACM_VALIDATION_WAIT": "1",  # seconds until a certificate counts as validated, 60 otherwise
        "MOTO_DISABLE_GLOBAL_CORS": "true",  # the door lets no page read an answer
        "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS": "false",  # another account's bucket is 403, as on AWS
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if "moto" in sys.modules:
        raise RuntimeError("moto was imported before its settings were made")


def _no_such_route(error: Exception) -> NoReturn:
    """Flask has no route for the request: an action moto lacks, not an object that does not exist."""
    raise NotImplementedError("no such route") from error
