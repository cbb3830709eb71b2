"""Causes of a failed HTTP request, in words an operator can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.no_access import without_password

if TYPE_CHECKING:
    import requests


def why_unreachable(error: requests.RequestException) -> str:
    """A short reason without object names: `404 Not Found`, `no answer in time`, `Failed to resolve '…'`.

    A proxy that does not serve is named, without its password.
    """
    from requests import exceptions

    match error:
        case exceptions.ProxyError():
            return f"the proxy {_proxy_of(error)} does not serve ({_innermost(error)}): correct or unset it"
        case exceptions.HTTPError(response=answer) if answer is not None:
            return f"{answer.status_code} {answer.reason}"
        case exceptions.Timeout():
            return "no answer in time"
        case exceptions.ChunkedEncodingError():
            return "the connection broke off before the end"
    return _innermost(error)


def _innermost(error: BaseException) -> str:
    """The message of the error that began it, without the connection it is about."""
    causes = [cause for cause in (getattr(error, "reason", None), *error.args) if isinstance(cause, Exception)]
    return _innermost(causes[0]) if causes else str(error).split(": ", 1)[-1]


def _proxy_of(error: requests.RequestException) -> str:
    from requests.utils import get_environ_proxies, select_proxy

    url = str(error.request.url) if error.request is not None else ""
    proxy = select_proxy(url, get_environ_proxies(url)) if url else None
    return without_password(proxy) if proxy else "of this shell"
