"""Causes of a failed HTTP request, in words an operator can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests


def why_unreachable(error: requests.RequestException) -> str:
    """A short reason without object names: `404 Not Found`, `no answer in time`, `Failed to resolve '…'`."""
    from requests import exceptions

    match error:
        case exceptions.HTTPError(response=answer) if answer is not None:
            return f"{answer.status_code} {answer.reason}"
        case exceptions.Timeout():
            return "no answer in time"
        case exceptions.ChunkedEncodingError():
            return "the connection broke off before the end"
    cause = error.args[0] if error.args else error
    return str(getattr(cause, "reason", cause)).split(": ", 1)[-1]
