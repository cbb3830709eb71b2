"""A small server that speaks the DAP API as the client library expects it, about tables that live in this process."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import threading
import time
import urllib.parse
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt

CLIENT_ID = "us-east-1#00000000-1111-2222-3333-444444444444"
CLIENT_SECRET = "a-secret-of-rehearsals-only"  # noqa: S105  # no secret: only this server takes it
_KEY = "signs the tokens of a server that lives as long as one program"


@dataclass
class SourceTable:
    """One table of Canvas: its rows by key, when each changed, and its columns' JSON schemas."""

    columns: dict[str, dict[str, Any]]
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    changed: dict[int, float] = field(default_factory=dict)
    version: int = 1

    def put(self, key: int, **values: Any) -> None:
        """Add the row or change it."""
        self.rows[key] = values
        self.changed[key] = time.time()

    def delete(self, key: int) -> None:
        """The row goes, and incremental queries say so."""
        del self.rows[key]
        self.changed[key] = time.time()

    def schema(self) -> dict[str, Any]:
        """The answer of `…/schema`."""
        return {
            "version": self.version,
            "schema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "definitions": {},
                "title": "A table",
                "type": "object",
                "properties": {
                    "key": {
                        "type": "object",
                        "properties": {"id": {"type": "integer", "format": "int64"}},
                        "required": ["id"],
                        "additionalProperties": False,
                    },
                    "value": {
                        "type": "object",
                        "properties": self.columns,
                        "required": [],
                        "additionalProperties": False,
                    },
                    "meta": {
                        "type": "object",
                        "properties": {"ts": {"type": "string", "format": "date-time"}},
                        "required": ["ts"],
                        "additionalProperties": False,
                    },
                },
                "required": ["key", "value", "meta"],
                "additionalProperties": False,
            },
        }

    def tsv(self, since: float | None) -> bytes:
        """All rows, or what changed since."""
        head = ["meta.ts", *(["meta.action"] if since is not None else []), "key.id"]
        lines = ["\t".join([*head, *(f"value.{name}" for name in self.columns)])]
        keys = sorted(self.rows) if since is None else sorted(k for k, at in self.changed.items() if at >= since)
        for key in keys:
            row = self.rows.get(key)
            meta = [_time(self.changed[key])]
            if since is not None:
                meta.append("U" if row is not None else "D")
            values = [_cell(None if row is None else row.get(name)) for name in self.columns]
            lines.append("\t".join([*meta, str(key), *values]))
        return ("\n".join(lines) + "\n").encode()


def checksum(rows: list[dict[str, Any]]) -> str:
    """Checksum of every value of every row."""
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def checksum_of(table: SourceTable) -> str:
    """The checksum of an exact copy."""
    return checksum(
        [{"id": key, **{name: row.get(name) for name in table.columns}} for key, row in sorted(table.rows.items())]
    )


@dataclass
class Faults:
    """Faults by table or path; a number counts down to none."""

    throttled: Counter[str] = field(default_factory=Counter)
    """Path prefix → how many requests are still answered with 429."""
    expired_links: Counter[str] = field(default_factory=Counter)
    """Table → how many of its links still lead to 403."""
    broken: set[str] = field(default_factory=set)
    """Tables whose jobs fail."""
    slow: dict[str, float] = field(default_factory=dict)
    """Table → seconds until its data is sent."""
    maintained: Counter[str] = field(default_factory=Counter)
    """Path prefix → how many requests still hear that the account is under maintenance."""
    polls: Counter[str] = field(default_factory=Counter)
    """Table → how many questions about its job hear that it is still running."""
    too_old: set[str] = field(default_factory=set)
    """Tables that need a new snapshot."""


class DapApi:
    """The server, on a free port of 127.0.0.1; a context manager that ends it."""

    def __init__(self) -> None:
        self.tables: dict[str, SourceTable] = {}
        self.faults = Faults()
        self.requests: Counter[str] = Counter()
        self._jobs: dict[str, dict[str, Any]] = {}
        self._table_of: dict[str, str] = {}
        self._objects: dict[str, tuple[str, bytes]] = {}
        self._guard = threading.Lock()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api._answer(self, None)

            def do_POST(self) -> None:
                api._answer(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> DapApi:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes | None) -> None:
        path = urllib.parse.urlsplit(request.path).path
        with self._guard:
            self.requests[path] += 1
            throttled = _counted_down(self.faults.throttled, path)
            maintained = not throttled and _counted_down(self.faults.maintained, path)
        if throttled:
            return _send(request, 429, {"message": "API rate limit exceeded"})
        if maintained:
            return _send(request, 403, _error("AccountUnderMaintenance", "back soon"))
        if path.startswith("/files/"):
            return self._file(request, path.split("/")[2])
        if path == "/ids/auth/login":
            return self._login(request)
        try:
            jwt.decode(request.headers.get("Authorization", "").removeprefix("Bearer "), _KEY, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return _send(request, 401, _error("AuthenticationError", "no token"))
        status, answer = self._dispatch(path, json.loads(body) if body else None)
        return _send(request, status, answer)

    def _login(self, request: BaseHTTPRequestHandler) -> None:
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return _send(request, 401, _error("AuthenticationError", "unknown client"))
        token = jwt.encode({"exp": int(time.time()) + 3600}, _KEY, algorithm="HS256")
        answer = {"access_token": token, "expires_in": 3600, "scope": "dap", "token_type": "Bearer"}
        return _send(request, 200, answer)

    def _dispatch(self, path: str, body: Any) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        match parts:
            case ["dap", "query", "canvas" | "new_quizzes", "table"]:
                return 200, {"tables": sorted(self.tables)}
            case ["dap", "query", "canvas" | "new_quizzes", "table", table, _] if table not in self.tables:
                return 404, {
                    "error": {**_error("NotFoundError", "no such table")["error"], "id": table, "kind": "table"}
                }
            case ["dap", "query", "canvas" | "new_quizzes", "table", table, "schema"]:
                return 200, self.tables[table].schema()
            case ["dap", "query", "canvas" | "new_quizzes", "table", table, "data"]:
                return self._query(table, body)
            case ["dap", "job", job]:
                return 200, self._job(job)
            case ["dap", "object", "url"]:
                links = {
                    o["id"]: {"url": f"{self.url}/files/{o['id']}/part-0.tsv.gz?X-Amz-Signature=signed"} for o in body
                }
                return 200, {"urls": links}
        return 404, _error("NotFoundError", path)

    def _query(self, name: str, body: Any) -> tuple[int, Any]:
        job = str(uuid.uuid4())
        if name in self.faults.broken:
            failed = {"id": job, "status": "failed", "error": _error("ProcessingError", "the job broke")["error"]}
            self._jobs[job] = failed
            return 200, failed
        since = body.get("since")
        if since and name in self.faults.too_old:
            self.faults.too_old.discard(name)
            window = {"since": _time(time.time()), "until": _time(time.time())}
            return 400, {"error": {**_error("SnapshotRequiredError", "reloaded")["error"], **window}}
        now = time.time()
        table = self.tables[name]
        data = gzip.compress(table.tsv(None if since is None else _seconds(since)))
        self._objects[f"{job}-0"] = (name, data)
        window = {"at": _time(now)} if since is None else {"since": since, "until": _time(now)}
        self._table_of[job] = name
        self._jobs[job] = {
            "id": job,
            "status": "complete",
            "expires_at": _time(now + 3600),
            "objects": [{"id": f"{job}-0"}],
            "schema_version": table.version,
            **window,
        }
        return 200, self._job(job)

    def _job(self, job: str) -> dict[str, Any]:
        name = self._table_of.get(job, "")
        if self.faults.polls[name] > 0:
            self.faults.polls[name] -= 1
            return {"id": job, "status": "running"}
        return self._jobs[job]

    def _file(self, request: BaseHTTPRequestHandler, object_id: str) -> None:
        name, data = self._objects[object_id]
        if self.faults.expired_links[name] > 0:
            self.faults.expired_links[name] -= 1
            return _send(request, 403, {"error": "Request has expired"})
        time.sleep(self.faults.slow.get(name, 0))
        request.send_response(200)
        request.send_header("Content-Type", "application/octet-stream")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
        return None


def _counted_down(faults: Counter[str], path: str) -> bool:
    """True when a fault is left for this path; it is used up."""
    prefix = next((prefix for prefix, left in faults.items() if left > 0 and path.startswith(prefix)), None)
    if prefix is not None:
        faults[prefix] -= 1
    return prefix is not None


def _send(request: BaseHTTPRequestHandler, status: int, answer: Any) -> None:
    body = json.dumps(answer).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"type": kind, "uuid": str(uuid.uuid4()), "message": message}}


def _time(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1e6):06d}Z"


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
