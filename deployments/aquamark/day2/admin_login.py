"""Tries to sign in as admin with the password admin, which the first start of Aquamark sets."""

from __future__ import annotations

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from operations.errors import OperatorError

_SECONDS = 20


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is the answer: to the login page again, or on to the first page."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def default_login_works(url: str) -> bool:
    """Try it as a browser would. Raises OperatorError when the login page answers otherwise than Aquamark's does."""
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(_Stay, urllib.request.HTTPCookieProcessor(cookies))
    page = f"{url}/login/"
    try:
        browser.open(page, timeout=_SECONDS).read()
        token = next((cookie.value for cookie in cookies if cookie.name == "_xsrf"), "") or ""
        form = {"email": "admin", "password": "admin", "_xsrf": token}
        browser.open(page, data=urllib.parse.urlencode(form).encode(), timeout=_SECONDS)
    except urllib.error.HTTPError as answer:
        if answer.code in (301, 302, 303, 307):
            return "/login" not in answer.headers.get("Location", "/login")
        raise OperatorError(f"{page} answers {answer.code}, neither letting admin in nor turning it away.") from None
    except OSError as error:
        raise OperatorError(f"{page} cannot be asked: {error}") from None
    raise OperatorError(f"{page} does not answer a sign-in with a redirect: is this Aquamark?")
