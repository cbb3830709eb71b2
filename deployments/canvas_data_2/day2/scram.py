"""The SCRAM verifier that PostgreSQL keeps of a password, so that the password itself is in no statement and no log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

_ITERATIONS = 4096


def verifier(password: str, *, salt: bytes | None = None) -> str:
    """The SCRAM-SHA-256 verifier of an ASCII password (RFC 5803), as ALTER ROLE … PASSWORD takes it.

    >>> verifier("pencil", salt=b"0123456789abcdef")[:40]
    'SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZ'
    """
    salt = os.urandom(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt_text}${stored_text}:{server_text}"
