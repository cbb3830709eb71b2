"""The account of a request: the access key id decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.call import Signature

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ACCOUNT_HEADER = "HTTP_X_MOTO_ACCOUNT_ID"
"""Where moto reads the account of a request from, in its WSGI spelling."""
_ACCOUNT_ID = re.compile(r"\d{12}(?!\d)")
"""Alone, or in front of the emulator's secret."""


def account_of(environ: WSGIEnvironment, default: str) -> str:
    """The account a request is for: twelve digits at the beginning of an access key id are the account id itself.

    Keys that moto made (users, assumed roles) belong to the account they were made in; every other key is the
    default account's. An unsigned request for a bucket is answered from the account that owns the bucket.
    """
    from moto.iam.models import iam_backends
    from moto.s3.models import s3_backends

    signature = Signature.of(environ)
    if signature is None:
        bucket = environ.get("PATH_INFO", "").strip("/").split("/")[0]
        _, owner = s3_backends.bucket_accounts.get(bucket, ("aws", default))
        return owner
    if named := _ACCOUNT_ID.match(signature.access_key):
        return named[0]
    for account_id, partitions in list(iam_backends.items()):
        if any(signature.access_key in backend.access_keys for backend in list(partitions.values())):
            return account_id
    return default
