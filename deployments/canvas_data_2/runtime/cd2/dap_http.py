"""As much of the DAP API as listing tables takes, with nothing but Python's own library."""

from __future__ import annotations

import base64
import json
import logging
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from . import log
from .parameters import ApiCredentials

logger = logging.getLogger(__name__)
ATTEMPTS = 6
_WORTH_TRYING_AGAIN = (408, 429, 500, 502, 503, 504)
_LONGEST_PAUSE_SECONDS = 15.0


class ApiError(Exception):
    """The API refused, or could not be reached in time; the message says which and how."""


class Api:
    """The API at `base_url`. What is throttled or fails on the other side is tried again, after growing pauses."""

    def __init__(
        self, base_url: str, credentials: ApiCredentials, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials
        self._sleep = sleep
        self._token: str | None = None

    def tables(self, namespace: str) -> list[str]:
        """The names of all tables of `namespace`. Raises ApiError."""
        answer = self._send(f"/dap/query/{urllib.parse.quote(namespace)}/table", self._bearer())
        tables: list[str] = answer["tables"]
        return tables

    def _bearer(self) -> str:
        if self._token is None:
            basic = base64.b64encode(":".join(self._credentials).encode()).decode()
            form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
            self._token = self._send("/ids/auth/login", f"Basic {basic}", form)["access_token"]
            log.hide(self._token)
        return f"Bearer {self._token}"

    def _send(self, path: str, authorization: str, body: bytes | None = None) -> dict[str, Any]:
        # the scheme is https: settings take nothing else
        request = urllib.request.Request(self._base_url + path, body, {"Authorization": authorization})  # noqa: S310
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    loaded: dict[str, Any] = json.load(answer)
                    return loaded
            except urllib.error.HTTPError as error:
                reason = f"{path} answered {error.code} {error.reason}"
                asked = error.headers.get("Retry-After", "")
                if error.code not in _WORTH_TRYING_AGAIN:
                    raise ApiError(reason) from None
            except OSError as error:
                reason, asked = f"{path} cannot be reached: {error}", ""
            if attempt < ATTEMPTS:
                pause = float(asked) if asked.isdigit() else random.uniform(0.5, 1) * 2**attempt  # noqa: S311
                logger.warning("Trying again", extra={"about": {"reason": reason, "attempt": attempt}})
                self._sleep(min(pause, _LONGEST_PAUSE_SECONDS))
        raise ApiError(f"{reason}, {ATTEMPTS} times")
