"""What stands between a request and moto: the account it is for, and an answer at once to what moto cannot do."""

from __future__ import annotations

import io
import json
import re
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ACCOUNT_HEADER = "HTTP_X_MOTO_ACCOUNT_ID"
"""Where moto reads the account of a request from, in its WSGI spelling."""
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_ACCOUNT_ID = re.compile(r"\d{12}")
_XML_SERVICES = frozenset({"s3", "cloudfront", "route53", "s3-control"})


@dataclass(frozen=True)
class Signature:
    """Who signed a request, and for what."""

    access_key: str
    region: str
    service: str

    @staticmethod
    def of(environ: WSGIEnvironment) -> Signature | None:
        """The signature in the header or in the query (pre-signed URLs); None when there is none."""
        query = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
        found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION") or f"Credential={query}/")
        return Signature(found["key"], found["region"], found["service"]) if found else None


class Accounts:
    """Lets the access key decide the account: a twelve-digit access key id is the account id itself.

    Keys that moto made (users, assumed roles) belong to the account they were made in; every other key is the
    default account's. An unsigned request for a bucket is answered from the account that owns the bucket.
    """

    def __init__(self, app: WSGIApplication, default_account_id: str) -> None:
        self._app = app
        self._default = default_account_id

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on with its account in the header moto reads it from."""
        environ[ACCOUNT_HEADER] = self._account_of(environ)
        return self._app(environ, start_response)

    def _account_of(self, environ: WSGIEnvironment) -> str:
        from moto.iam.models import iam_backends
        from moto.s3.models import s3_backends

        signature = Signature.of(environ)
        if signature is None:
            bucket = environ.get("PATH_INFO", "").strip("/").split("/")[0]
            _, owner = s3_backends.bucket_accounts.get(bucket, ("aws", self._default))
            return owner
        if _ACCOUNT_ID.fullmatch(signature.access_key):
            return signature.access_key
        for account_id, partitions in list(iam_backends.items()):
            if any(signature.access_key in backend.access_keys for backend in list(partitions.values())):
                return account_id
        return self._default


@dataclass
class Shortcomings:
    """What was asked for and could not be answered, with how often, since the last reset."""

    missing: Counter[str] = field(default_factory=Counter)
    """Actions that neither moto nor the gaps have."""
    failed: Counter[str] = field(default_factory=Counter)
    """Actions in which moto itself failed; the process's log has the traceback."""

    def clear(self) -> None:
        """Forget all of it."""
        self.missing.clear()
        self.failed.clear()


class FastRefusal:
    """Answers what moto cannot do with HTTP 501 in the protocol's error form.

    moto answers a missing action and a failure of its own with HTTP 500, which AWS's SDKs repeat up to 25 times,
    silent for minutes; 501 they do not repeat.
    """

    def __init__(self, app: WSGIApplication, shortcomings: Shortcomings) -> None:
        self._app = app
        self._shortcomings = shortcomings

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on; what comes back as an exception is answered here."""
        body = _read_form(environ)
        try:
            return self._app(environ, start_response)
        except NotImplementedError as missing:
            action = _action(environ, body)
            self._shortcomings.missing[action] += 1
            print(f"missing: {action}: {missing}", flush=True)  # noqa: T201  # standard output is the process's log
            return _refuse(environ, start_response, "NotImplemented", f"the emulator has no {action} ({missing})")
        except Exception as failure:  # any failure of moto's would be retried for minutes otherwise
            action = _action(environ, body)
            self._shortcomings.failed[action] += 1
            print(f"failed: {action}\n{traceback.format_exc()}", flush=True)  # noqa: T201
            reason = f"{action} failed in the emulator: {type(failure).__name__}: {failure}"
            return _refuse(environ, start_response, "EmulatorFailure", reason)


class Routes:
    """Serves the emulator's own pages, below a path no AWS API uses."""

    def __init__(self, app: WSGIApplication, pages: dict[str, Any]) -> None:
        self._app = app
        self._pages = pages

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the page as JSON, or pass the request on."""
        page = self._pages.get(environ.get("PATH_INFO", ""))
        if page is None:
            return self._app(environ, start_response)
        body = json.dumps(page()).encode()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]


def _read_form(environ: WSGIEnvironment) -> str:
    """The body of a request of the query protocol, left readable for moto; empty for the other protocols."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return ""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body.decode(errors="replace")


def _action(environ: WSGIEnvironment, form: str) -> str:
    signature = Signature.of(environ)
    service = signature.service if signature else "unsigned"
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    name = target or parse_qs(form).get("Action", [""])[0] or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    return f"{service} {name}"


def _refuse(environ: WSGIEnvironment, start_response: StartResponse, code: str, message: str) -> Iterable[bytes]:
    signature = Signature.of(environ)
    service = signature.service if signature else ""
    error = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        kind, body = "text/xml", f"<Response><Errors><Error>{error}</Error></Errors></Response>"
    elif service == "s3":
        kind, body = "application/xml", f"<Error>{error}</Error>"
    elif service in _XML_SERVICES or environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        kind, body = "text/xml", f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
    else:
        kind, body = "application/json", json.dumps({"__type": code, "message": message})
    status = HTTPStatus.NOT_IMPLEMENTED
    start_response(f"{status.value} {status.phrase}", [("Content-Type", kind), ("x-amzn-errortype", code)])
    return [body.encode()]
