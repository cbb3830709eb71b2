"""A client of Sync Storage: a token as the token server makes it, and requests signed with Hawk.

From tokenlib 0.3.1 (`TokenManager.make_token`, `get_derived_secret`), hawkauthlib 0.1.1
(`utils.get_normalized_request_string`) and server-syncstorage 4b0aaaa (`views/authentication.py:54`), read on
2026-11-29.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_SIGNING = b"services.mozilla.com/tokenlib/v1/signing"
_DERIVING = b"services.mozilla.com/tokenlib/v1/derive/"
_TOKEN_SECONDS = 3600


class SyncToken(NamedTuple):
    """A token of the token server: an id that says who it is for, and the key to sign with."""

    id: str
    key: str


class SyncAnswer(NamedTuple):
    """The answer to a request."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def make_token(node: str, uid: int, secret: str) -> SyncToken:
    """A token for the user on `node`, `https://host`, made with the node's master secret."""
    salt = secrets.token_hex(3)
    data = {"uid": uid, "node": node, "salt": salt, "expires": time.time() + _TOKEN_SECONDS}
    payload = json.dumps(data).encode()
    signature = hmac.digest(derived(secret.encode(), b"", _SIGNING), payload, "sha256")
    token = base64.urlsafe_b64encode(payload + signature).decode()
    key = derived(secret.encode(), salt.encode(), _DERIVING + token.encode())
    return SyncToken(token, base64.urlsafe_b64encode(key).decode())


def parse_token(token: str, secret: str) -> dict[str, Any]:
    """The data of a token made with this master secret. Raises ValueError for any other, and an expired one."""
    decoded = base64.urlsafe_b64decode(token)
    payload, signature = decoded[:-32], decoded[-32:]
    if not hmac.compare_digest(signature, hmac.digest(derived(secret.encode(), b"", _SIGNING), payload, "sha256")):
        raise ValueError("the signature is made with another secret")
    data: dict[str, Any] = json.loads(payload)
    if data["expires"] <= time.time():
        raise ValueError("the token has expired")
    return data


def key_of(token: str, secret: str) -> str:
    """The key that belongs to a token."""
    salt = json.loads(base64.urlsafe_b64decode(token)[:-32])["salt"]
    key = derived(secret.encode(), salt.encode(), _DERIVING + token.encode())
    return base64.urlsafe_b64encode(key).decode()


def derived(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF with SHA-256 (RFC 5869), as many bytes as one block has."""
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def mac(key: str, *, stamp: str, nonce: str, method: str, path: str, host: str, port: int) -> str:
    """The Hawk signature of a request without a payload hash."""
    text = "\n".join(["hawk.1.header", stamp, nonce, method, path, host.lower(), str(port), "", "", ""])
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha256)).decode()


@dataclass(frozen=True)
class SyncClient:
    """One user of one node's host name, who reaches webheads as the load balancer would: HTTPS ends before them."""

    node: str
    """`https://host`."""
    uid: int
    secret: str
    ports: tuple[int, ...]
    """Where webheads listen on this machine; requests take one after another."""

    def put(self, collection: str, item: str, payload: str) -> SyncAnswer:
        """Store an item."""
        return self._send("PUT", f"/storage/{collection}/{item}", {"id": item, "payload": payload})

    def get(self, collection: str, item: str) -> SyncAnswer:
        """Fetch an item."""
        return self._send("GET", f"/storage/{collection}/{item}")

    def configuration(self) -> Any:
        """Limits that the server advertises."""
        return self._send("GET", "/info/configuration").json()

    def _send(self, method: str, path: str, body: Any = None) -> SyncAnswer:
        whole, parts = f"/1.5/{self.uid}{path}", urlsplit(self.node)
        host, port = parts.hostname or "", 443 if parts.scheme == "https" else 80
        token = make_token(self.node, self.uid, self.secret)
        stamp, nonce = str(int(time.time())), secrets.token_hex(4)
        signed = mac(token.key, stamp=stamp, nonce=nonce, method=method, path=whole, host=host, port=port)
        headers = {
            "Host": host,
            "X-Forwarded-Proto": parts.scheme,
            "Content-Type": "application/json",
            "Authorization": f'Hawk id="{token.id}", ts="{stamp}", nonce="{nonce}", mac="{signed}"',
        }
        connection = http.client.HTTPConnection("127.0.0.1", secrets.choice(self.ports), timeout=60)
        try:
            connection.request(method, whole, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return SyncAnswer(answer.status, answer.read())
        finally:
            connection.close()
