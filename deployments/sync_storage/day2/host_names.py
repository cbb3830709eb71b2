"""Asks every host name of every node for its heartbeat, over the load balancer."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

AT_ONCE = 16
PATH = "/__heartbeat__"


@dataclass(frozen=True)
class HeartbeatAnswer:
    """The answer of a host name, and the verdict on it."""

    name: str
    said: str
    fine: bool
    seconds: float


def ask_all(names: Sequence[str], *, through: str | None, timeout_seconds: float) -> list[HeartbeatAnswer]:
    """Asks `https://host` for each name; `through` is a host, or host:port, to connect to in place of each.

    With `through` a load balancer can be tried before DNS leads to it; the host name is sent and its certificate
    expected all the same.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda name: _ask(name, through, timeout_seconds), names))


def _ask(name: str, through: str | None, timeout_seconds: float) -> HeartbeatAnswer:
    started = time.monotonic()
    try:
        status, reason = _heartbeat(name, through, timeout_seconds)
        said, fine = f"{status} {reason}".strip(), status == http.HTTPStatus.OK
    except ssl.SSLCertVerificationError as error:
        said, fine = f"its certificate is not accepted: {error.verify_message}", False
    except TimeoutError:
        said, fine = f"no answer within {timeout_seconds:g} s", False
    except (OSError, http.client.HTTPException) as error:
        said, fine = str(getattr(error, "strerror", None) or error or type(error).__name__), False
    return HeartbeatAnswer(name, said, fine, time.monotonic() - started)


def _heartbeat(name: str, through: str | None, timeout_seconds: float) -> tuple[int, str]:
    parts = urlsplit(name)
    host = parts.hostname or ""
    port = 443 if parts.scheme == "https" else 80
    if through is None:
        where = (host, port)
    else:
        address, _, given = through.partition(":")
        where = (address, int(given) if given else port)
    connection = http.client.HTTPConnection(host, timeout=timeout_seconds)
    plain = socket.create_connection(where, timeout=timeout_seconds)
    try:
        connection.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) if parts.scheme == "https" else plain
        )
        connection.request("GET", PATH, headers={"Host": host})
        answer = connection.getresponse()
        answer.read(1024)
        return answer.status, answer.reason
    finally:
        connection.close()
        plain.close()
