"""A request as AWS reads it: caller, service, action and parameters, taken apart by moto's routers and parsers."""

from __future__ import annotations

import functools
import io
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_CLASSIC_LOAD_BALANCING = "2012-06-01"
"""The API version that tells classic load balancers from the newer ones, which share their signing name."""
_MODELS = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "elasticloadbalancing": "elbv2",
    "email": "ses",
    "s3-control": "s3control",
}
"""Names in signatures that differ from botocore's name of the service."""


class Refusal(Exception):
    """AWS does not carry the call out: its error code, its message, and the HTTP status where no model names one."""

    def __init__(self, code: str, message: str, *, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Signature:
    """The signer of a request, and the service and region it was signed for."""

    access_key: str
    region: str
    service: str
    signed_at: str = ""
    """The time in a pre-signed URL, as 20261128T120000Z; empty for a signature in the header."""

    @staticmethod
    def of(environ: WSGIEnvironment) -> Signature | None:
        """The signature in the header or in the query (pre-signed URLs); None when there is none."""
        query = parse_qs(environ.get("QUERY_STRING", ""))
        header = environ.get("HTTP_AUTHORIZATION")
        found = _CREDENTIAL.search(header or f"Credential={query.get('X-Amz-Credential', [''])[0]}/")
        signed_at = "" if header else query.get("X-Amz-Date", [""])[0]
        return Signature(found["key"], found["region"], found["service"], signed_at) if found else None


@dataclass(frozen=True, eq=False)
class Call:
    """One call of an AWS API."""

    environ: WSGIEnvironment
    account_id: str
    signature: Signature | None
    """None for an unsigned request, which has no service either."""
    service: str = ""
    """botocore's name: `elbv2`, `stepfunctions`; empty when the request names none."""
    action: str = ""
    """`CreateDBInstance`; method and path when the service's model has no such operation."""
    operation: Any = None
    """moto's OperationModel; None when the model has no such operation, or the service no model."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """The input, members named as in the service's model. Members that the model does not have are kept."""
    malformed: str = ""
    """Reason why the parameters could not be read."""

    @property
    def region(self) -> str:
        """The region the request was signed for."""
        return self.signature.region if self.signature else ""

    def __str__(self) -> str:
        return f"{self.service or 'unsigned'} {self.action}"


def read_call(environ: WSGIEnvironment, account_id: str) -> Call:
    """Take a request apart; its body stays readable for the stages behind."""
    from emulator.parsers import parse

    signature = Signature.of(environ)
    bare = f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}"
    if signature is None:
        return Call(environ, account_id, None, action=bare)
    request = _request(environ)
    service = _service(signature, request)
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    named = target or request.values.get("Action") or bare
    found = _match(service, request)
    if found is None:
        return Call(environ, account_id, signature, service, named)
    operation, labels = found
    try:
        parameters, malformed = parse(operation, labels, request), ""
    except ValueError as error:
        parameters, malformed = {}, str(error)
    return Call(environ, account_id, signature, service, operation.name, operation, parameters, malformed)


def refuse(call: Call, refusal: Refusal, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with an error in the form of the call's protocol."""
    status, headers, body = _error(call, refusal)
    start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
    return [body]


def _error(call: Call, refusal: Refusal) -> tuple[int, dict[str, str], bytes]:
    from moto.core.model import OperationModel
    from moto.core.serialize import get_serializer_class

    model = _model(call.service)
    if model is None:
        error = f"<Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message></Error>"
        return refusal.status, {"Content-Type": "application/xml"}, error.encode()
    serializer = get_serializer_class(call.service, _protocol(model, call.environ))
    serialized = serializer(call.operation or OperationModel({}, model)).serialize(refusal)
    body = serialized["body"]
    headers = {name.lower(): text for name, text in serialized["headers"].items()}
    headers = {"content-type": "text/xml", "x-amzn-errortype": refusal.code, **headers}
    status = serialized["status_code"] if refusal.status == HTTPStatus.BAD_REQUEST else refusal.status
    return status, headers, body if isinstance(body, bytes) else body.encode()


def _request(environ: WSGIEnvironment) -> Any:
    """The request as moto sees it, with a body of its own."""
    from moto.core.request import Request

    length = environ.get("CONTENT_LENGTH")
    ends = bool(length) or environ.get("wsgi.input_terminated", False)
    body = environ["wsgi.input"].read(int(length) if length else -1) if ends else b""
    environ["wsgi.input"] = io.BytesIO(body)
    request = Request({**environ, "wsgi.input": io.BytesIO(body)})
    request.get_data(cache=True)
    return request


def _service(signature: Signature, request: Any) -> str:
    service = signature.service.lower()
    if service == "elasticloadbalancing" and request.values.get("Version") == _CLASSIC_LOAD_BALANCING:
        return "elb"
    if service == "ses" and request.path.startswith("/v2/"):
        return "sesv2"
    if service == "dynamodb" and request.headers.get("X-Amz-Target", "").startswith("DynamoDBStreams"):
        return "dynamodbstreams"
    return _MODELS.get(service, service)


@functools.cache
def _model(service: str) -> Any:
    """The service's model; None when botocore has none."""
    from botocore.exceptions import UnknownServiceError
    from moto.core.utils import get_service_model

    try:
        return get_service_model(service)
    except UnknownServiceError:
        return None


def _protocol(model: Any, environ: WSGIEnvironment) -> str:
    from moto.core.request import determine_request_protocol

    try:
        return determine_request_protocol(model, environ.get("CONTENT_TYPE", ""))
    except NotImplementedError:
        return str(model.protocol)


def _match(service: str, request: Any) -> tuple[Any, dict[str, Any]] | None:
    """The operation and the labels of its path; None when the service has no such operation or no model."""
    from moto.core.routing import get_service_router
    from werkzeug.exceptions import NotFound

    if _model(service) is None:
        return None
    try:
        operation, labels = get_service_router(service).match(request)
    except (NotFound, NotImplementedError):
        return None
    return operation, labels
