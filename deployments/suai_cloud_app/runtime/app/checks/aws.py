"""Clients of AWS that give up in time, and AWS's errors in words."""

from __future__ import annotations

import os
from typing import Any

import botocore.session
from botocore.config import Config as ClientConfig
from botocore.exceptions import ClientError
from botocore.loaders import create_loader

_CONFIG = ClientConfig(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
_loader = create_loader(os.environ.get("AWS_DATA_PATH"))


def client(service: str, region: str) -> Any:
    """A client with the credentials of this moment: the instance's role may have been attached after the start."""
    session = botocore.session.Session()
    session.register_component("data_loader", _loader)  # keeps the parsed service descriptions from check to check
    return session.create_client(service, region_name=region, config=_CONFIG)


def cause(error: Exception) -> str:
    """What AWS, or the way to it, answered."""
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        return f"{answer.get('Code', 'error')}: {answer.get('Message', error)} ({error.operation_name})"
    return str(error)


def is_denied(error: ClientError) -> bool:
    """Whether IAM refused the call."""
    return error.response.get("Error", {}).get("Code") in {"AccessDenied", "AccessDeniedException"}
