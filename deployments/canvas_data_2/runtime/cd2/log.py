"""Logs as JSON, one object for each line, without secrets."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from typing import Any

_TEXT_SECRETS = re.compile(
    r"(?i)(\b(?:bearer|basic)\s+|://[^:/\s@]+:|\b(?:password|client_secret|access_token|x-amz-\w+)['\"]?\s*[=:]\s*['\"]?)"
    r"[^\s'\"&@,}]+"
)
_QUERY = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]+")
_known: set[str] = set()


def hide(secret: str) -> None:
    """Never let `secret` appear in a log line, whatever prints it."""
    if len(secret) >= 4:
        _known.add(secret)


def redacted(text: str) -> str:
    """`text` without known secrets, credentials of URLs and tokens, and the signatures of links.

    >>> redacted("GET https://files.example.org/a.gz?X-Amz-Signature=abc with Bearer eyJ.x.y")
    'GET https://files.example.org/a.gz?*** with Bearer ***'
    """
    for secret in _known:
        text = text.replace(secret, "***")
    return _TEXT_SECRETS.sub(r"\1***", _QUERY.sub(r"\1?***", text))


class JsonFormatter(logging.Formatter):
    """Level, logger, message and whatever was given as `extra={"about": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redacted(json.dumps(line, default=str))


def set_up() -> None:
    """Send everything to standard error, from LOG_LEVEL on; safe to call again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    # these write what they send, and every statement with its data, when asked for more
    for talkative in ("asyncio", "asyncpg", "boto3", "botocore", "dap", "pysqlsync", "urllib3"):
        logging.getLogger(talkative).setLevel(max(logging.root.level, logging.INFO))
