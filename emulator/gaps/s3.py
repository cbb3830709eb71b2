"""S3.

* deleting several versions fails when a delete marker is among them (`aws_s3_bucket` with `force_destroy`)
* request payment, intelligent tiering and EventBridge notifications are forgotten
  (`aws_s3_bucket_request_payment_configuration`, `aws_s3_bucket_intelligent_tiering_configuration`,
  `aws_s3_bucket_notification` with `eventbridge`)
* the expected bucket owner, with which clients guard against a foreign bucket of the same name, is not looked at
* a statement of a bucket policy counts whatever its conditions say: a bucket that refuses plain HTTP would refuse all
* every statement of a bucket policy whose conditions do not hold denies, so that "deny unless TLS" locks all out
* an unsigned reader is let in where a statement denies everybody but an account's identities, and by an ACL that the
  public access block has S3 ignore
* server access logging wants a bucket policy of one certain form, and fails on others (`aws_s3_bucket_logging`)
* creating a bucket whose name another account has is "access denied" and not "already exists"
* an object that is replaced while somebody reads it cannot be read to its end
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, urlparse

from moto.core.common_types import TYPE_RESPONSE
from moto.iam.access_control import IAMPolicy
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response

from emulator.gap import Gap
from emulator.store import Shelf
from iam.document import parse
from iam.errors import UndecidedError
from iam.evaluation import evaluate
from iam.request import Context, Principal, Request

GAP = Gap("s3")

_documents: Shelf[tuple[str, str, str], bytes] = Shelf("s3", "configurations", counted=False)
"""The XML documents clients have set, by bucket, sub-resource and id."""

_REQUEST_CONTEXT = {"aws:SecureTransport": "true"}
"""Conditions of a request: the emulator stands for HTTPS, though it speaks HTTP on this machine."""

_PUBLIC = Principal("anonymous", account_id="anonymous")
"""Whoever sends a request without a signature: only statements about everybody speak of it."""
_PUBLIC_CONTEXT = Context(
    dict.fromkeys(("aws:principalaccount", "aws:principalarn", "aws:sourcevpc", "aws:sourcevpce")) | _REQUEST_CONTEXT
)

_NO_PAYMENT = b"<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>"
_TIERING_LIST = (
    b"<ListBucketIntelligentTieringConfigurationsOutput><IsTruncated>false</IsTruncated>%s"
    b"</ListBucketIntelligentTieringConfigurationsOutput>"
)


@GAP.also
def delete_markers_can_be_disposed_of() -> None:
    """Do nothing: moto disposes of every version it deletes, but gave the method to object versions only."""

    def dispose(self: FakeDeleteMarker, garbage: bool = False) -> None:
        del self, garbage

    FakeDeleteMarker.dispose = dispose  # type: ignore[attr-defined]  # what moto forgot


@GAP.around(S3Backend, "create_bucket")
def foreign_names_are_taken(original: Any, backend: S3Backend, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
    if _owner(bucket_name) not in (None, backend.account_id):
        raise S3ClientError("BucketAlreadyExists", "The requested bucket name is not available.")
    return original(backend, bucket_name, *args, **kwargs)


@GAP.around(FakeBucket, "get_permission")
def conditions_do_not_hold(original: Any, bucket: FakeBucket, action: str, resource: str) -> Any:
    """Leave out statements with conditions: those about transport must not hold here, and others are not known."""
    if bucket.policy is None:
        return original(bucket, action, resource)
    policy = json.loads(bucket.policy)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    policy["Statement"] = [statement for statement in statements if not statement.get("Condition")]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)


@GAP.around(FakeBucket, "get_permission")
def permission_by_statements_that_apply(original: Any, bucket: FakeBucket, action: str, resource: str) -> Any:
    """Look only at statements for everybody whose conditions hold; what others say of the caller is not known here."""
    del original
    applying = [
        {name: value for name, value in statement.items() if name != "Condition"}
        for statement in _statements(bucket)
        if statement.get("Principal") in ("*", {"AWS": "*"}) and _conditions_hold(statement)
    ]
    return IAMPolicy(json.dumps({"Statement": applying})).is_action_permitted(action, resource)


@GAP.around(FakeBucket, "_log_permissions_enabled_policy")
def logging_allowed_by_policy(original: Any, target_bucket: FakeBucket, target_prefix: str | None) -> bool:
    del original
    logs = f"{target_bucket.arn}/{target_prefix or ''}"
    return any(
        statement["Effect"] == "Allow"
        and "logging.s3.amazonaws.com" in _listed(_mapping(statement.get("Principal")).get("Service"))
        and any(fnmatchcase("s3:PutObject", action) for action in _listed(statement.get("Action")))
        and any(fnmatchcase(f"{logs}log", resource) for resource in _listed(statement.get("Resource")))
        for statement in _statements(target_bucket)
    )


@GAP.around(S3Response, "_key_response")
def key_of_the_expected_owner(original: Any, response: S3Response, request: Any, full_url: str) -> Any:
    bucket = response.parse_bucket_name_from_url(request, full_url)
    _refuse_unexpected_owner(response, bucket)
    signed = "Authorization" in request.headers or "Signature=" in full_url
    if request.method in ("GET", "HEAD") and not signed:
        _refuse_the_public(bucket, response.parse_key_name())
    return original(response, request, full_url)


@GAP.around(FakeKey, "dispose")
def left_to_its_readers(original: Any, key: FakeKey, garbage: bool = False) -> None:
    if garbage:  # nobody reads it any more
        original(key)
    key.disposed = True


@GAP.around(S3Response, "_bucket_response")
def bucket_with_all_its_documents(
    original: Any, response: S3Response, request: Any, full_url: str
) -> str | TYPE_RESPONSE:
    bucket = response.parse_bucket_name_from_url(request, full_url)
    _refuse_unexpected_owner(response, bucket)
    query = parse_qs(urlparse(full_url).query, keep_blank_values=True)
    answer: str | TYPE_RESPONSE | None = None
    if "requestPayment" in query:
        answer = _request_payment(response, request.method, bucket)
    elif "intelligent-tiering" in query:
        answer = _intelligent_tiering(response, request.method, bucket, query.get("id", [""])[0])
    elif "notification" in query:
        answer = _notification(response, request.method, bucket)
    return original(response, request, full_url) if answer is None else answer


def _statements(bucket: FakeBucket) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = _listed(json.loads(bucket.policy)["Statement"]) if bucket.policy else []
    return statements


def _conditions_hold(statement: dict[str, Any]) -> bool:
    """True when all conditions are about a key known here and ask for its value."""
    return all(
        key in _REQUEST_CONTEXT and _REQUEST_CONTEXT[key] in [str(value).lower() for value in _listed(values)]
        for keys in statement.get("Condition", {}).values()
        for key, values in keys.items()
    )


def _listed(value: Any) -> list[Any]:
    """A list, also of a value that a policy allows to stand alone."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _mapping(principal: Any) -> dict[str, Any]:
    return principal if isinstance(principal, dict) else {}


def _request_payment(response: S3Response, method: str, bucket: str) -> TYPE_RESPONSE:
    documents = _documents_of(response, bucket)
    if method == "PUT":
        documents[bucket, "requestPayment", ""] = response.raw_body
        return 200, {}, ""
    return 200, {}, documents.get((bucket, "requestPayment", ""), _NO_PAYMENT)


def _intelligent_tiering(response: S3Response, method: str, bucket: str, name: str) -> TYPE_RESPONSE:
    documents = _documents_of(response, bucket)
    key = (bucket, "intelligent-tiering", name)
    if method == "PUT":
        documents[key] = response.raw_body
        return 200, {}, ""
    if method == "GET" and not name:
        return 200, {}, _TIERING_LIST % b"".join(xml for (b, kind, _), xml in documents.items() if (b, kind) == key[:2])
    if key not in documents:
        raise S3ClientError("NoSuchConfiguration", "The specified configuration does not exist.")
    if method == "DELETE":
        del documents[key]
        return 204, {}, ""
    return 200, {}, documents[key]


def _notification(response: S3Response, method: str, bucket: str) -> TYPE_RESPONSE | None:
    """Keep the document for reading it back; moto gets it as well, since it delivers by it."""
    documents = _documents_of(response, bucket)
    key = (bucket, "notification", "")
    if method == "PUT":
        documents[key] = response.raw_body
        return None
    return (200, {}, documents[key]) if key in documents else None


def _documents_of(response: S3Response, bucket: str) -> dict[tuple[str, str, str], bytes]:
    """The account's documents, after a look whether the bucket exists and is the account's."""
    response.backend.get_bucket(bucket)
    return _documents.of(response.current_account, response.partition)


def _refuse_unexpected_owner(response: S3Response, bucket: str) -> None:
    expected = response.headers.get("x-amz-expected-bucket-owner")
    if expected and _owner(bucket) not in (None, expected):
        raise S3ClientError("AccessDenied", "Access Denied")


def _refuse_the_public(name: str, key: str) -> None:
    """Refuse what neither the bucket's policy nor the object's ACL opens to everybody, or what the policy denies."""
    owner = _owner(name)
    bucket = s3_backends[owner]["aws"].buckets[name] if owner else None
    found = bucket.keys.get(key) if bucket else None
    if bucket is None or found is None:
        return
    block = bucket.public_access_block
    policy = parse(json.loads(bucket.policy), name="the bucket's policy") if bucket.policy else None
    asked = Request("s3:GetObject", f"arn:aws:s3:::{name}/{key}", _PUBLIC, _PUBLIC_CONTEXT)
    try:
        decision = evaluate(asked, (), resource=policy)
    except UndecidedError as unknown:
        raise S3ClientError("AccessDenied", f"Access Denied: {unknown}") from None
    by_policy = decision.allowed and not (block and block.restrict_public_buckets)
    by_acl = bool(found.acl and found.acl.public_read) and not (block and block.ignore_public_acls)
    if decision.explicit or not (by_policy or by_acl):
        raise S3ClientError("AccessDenied", "Access Denied")


def _owner(bucket: str) -> str | None:
    _, account_id = s3_backends.bucket_accounts.get(bucket, (None, None))
    return account_id
