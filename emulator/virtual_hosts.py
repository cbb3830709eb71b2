"""S3's virtual-host style: the bucket in the host's name, as SDKs write it that take dots in bucket names for DNS's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from emulator.call import Signature

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_HOST: Final = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.(?P<host>localhost(?::\d{1,5})?)")


def name_bucket_in_path(environ: WSGIEnvironment) -> None:
    """Turn a request to a bucket's host into one that names the bucket, dots and all, at the beginning of its path."""
    found = _HOST.fullmatch(environ.get("HTTP_HOST", ""))
    signature = Signature.of(environ)
    if found is None or (signature is not None and signature.service != "s3"):
        return
    environ["HTTP_HOST"] = found["host"]
    for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI"):
        if name in environ:
            environ[name] = f"/{found['bucket']}{environ[name]}"
