"""gunicorn with server-syncstorage as far as a rehearsal needs them, where no checkout of the real one is given.

It keeps what the real ones decide, with the place each was read at on 2026-11-29 (gunicorn 19.9.0, server-syncstorage
4b0aaaa, mozsvc 0.10):

* it does not start without `[server:main]` that uses gunicorn (gunicorn/app/pasterapp.py:38), nor with a file of
  logging sections that does not load (gunicorn/glogging.py), nor with options that gunicorn does not know;
* it makes no table without `create_tables` (syncstorage/storage/sql/dbconnect.py:384): a request then fails with 503;
* a request counts when its token is signed by a master secret of the host it was asked by, scheme included
  (mozsvc/user/__init__.py:199), and its Hawk signature fits (syncstorage/views/authentication.py:54);
* collections of `cache_only_collections` are in memcached and nowhere else (syncstorage/storage/memcached.py:136);
* `/info/configuration` advertises max_request_bytes 2101248 (syncstorage/views/util.py:107);
* `/__heartbeat__` asks neither database nor cache (mozsvc/__init__.py:24);
* HUP has it read its files anew.

The files of `/etc/mozilla-services` are those below $STAND_IN_ROOT, as a container's volume would have it.
"""

from __future__ import annotations

import argparse
import configparser
import csv
import hmac
import json
import logging
import logging.config
import os
import re
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql

from deployments.sync_storage.day2.rehearsal.sync_client import key_of, mac, parse_token

LARGEST_REQUEST = 2 * 2**20 + 4096
COLLECTIONS = {"meta": 6, "bookmarks": 7, "tabs": 9}
_ITEM = re.compile(r"/1\.5/(?P<uid>\d+)/(storage/(?P<collection>[a-z]+)/(?P<item>[\w-]{1,64})|info/configuration)")
_FIELD = re.compile(r'(\w+)="([^"]*)"')
logger = logging.getLogger("syncstorage")


class StartError(Exception):
    """The program does not start; the message says why."""


class StandInApplication:
    """Settings of the files, and the answers to requests that follow from them."""

    def __init__(self, ini: Path) -> None:
        self._ini = ini
        self.load()

    def load(self) -> None:
        """Read the files."""
        parser = configparser.RawConfigParser()
        with self._ini.open() as file:
            parser.read_file(file)
        if not parser.has_section("server:main"):
            raise StartError("No section 'main' (prefixed by 'server')")
        if not parser.get("server:main", "use", fallback="").startswith("egg:gunicorn"):
            raise StartError("No loader given in section 'server:main'")
        if parser.get("app:main", "use").lower() != "egg:syncstorage":
            raise StartError("distribution was not found")
        host, _, port = parser.get("storage", "cache_servers").partition(":")
        self._cache = (host, int(port))
        self._cache_only = parser.get("storage", "cache_only_collections").split()
        self._databases = {
            section.removeprefix("host:"): urlsplit(parser.get(section, "sqlstorage.sqluri"))
            for section in parser.sections()
            if section.startswith("host:")
        }
        secrets_file = here(parser.get("hawkauth", "secrets_file"))
        self._secrets: dict[str, list[str]] = {}
        for node, *fields in csv.reader(secrets_file.read_text().splitlines()):
            self._secrets[node] = [field.partition(":")[2] for field in sorted(fields)]

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """Status and JSON."""
        if path == "/__heartbeat__":
            return 200, "OK"
        found = _ITEM.fullmatch(path)
        if found is None:
            return 404, 0
        host, scheme = headers.get("Host", ""), headers.get("X-Forwarded-Proto", "http")
        if not self._signed(method, path, f"{scheme}://{host}", headers, int(found["uid"])):
            return 401, 0
        if found["collection"] is None:
            return 200, {"max_request_bytes": LARGEST_REQUEST}
        uid, collection, item = int(found["uid"]), found["collection"], found["item"]
        if method == "GET":
            payload = self._read(host, uid, collection, item)
            return (404, 0) if payload is None else (200, {"id": item, "payload": payload})
        self._write(host, uid, collection, item, json.loads(body)["payload"])
        return 200, time.time()

    def _signed(self, method: str, path: str, node: str, headers: Any, uid: int) -> bool:
        given = dict(_FIELD.findall(headers.get("Authorization", "")))
        parts = urlsplit(node)
        for secret in self._secrets.get(node, ()):
            try:
                data = parse_token(given["id"], secret)
            except (ValueError, KeyError):
                continue
            port = 443 if parts.scheme == "https" else 80
            about = {"stamp": given["ts"], "nonce": given["nonce"], "host": parts.hostname or "", "port": port}
            expected = mac(key_of(given["id"], secret), method=method, path=path, **about)
            return data["node"] == node and data["uid"] == uid and hmac.compare_digest(expected, given["mac"])
        return False

    def _read(self, host: str, uid: int, collection: str, item: str) -> str | None:
        if collection in self._cache_only:
            return self._cached(f"get {uid}:{collection}:{item}\r\n".encode())
        where = (uid, COLLECTIONS[collection], item, int(time.time()))
        with self._connect(host) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT payload FROM bso WHERE userid=%s AND collection=%s AND id=%s AND ttl > %s", where)
            row = cursor.fetchone()
        return None if row is None else str(row[0])

    def _write(self, host: str, uid: int, collection: str, item: str, payload: str) -> None:
        if collection in self._cache_only:
            data = payload.encode()
            self._cached(f"set {uid}:{collection}:{item} 0 0 {len(data)}\r\n".encode() + data + b"\r\n")
            return
        values = (uid, COLLECTIONS[collection], item, int(time.time() * 1000), payload, len(payload))
        with self._connect(host) as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO bso (userid, collection, id, modified, payload, payload_size) "
                "VALUES (%s, %s, %s, %s, %s, %s) "
                "ON DUPLICATE KEY UPDATE modified = VALUES(modified), payload = VALUES(payload)",
                values,
            )
            connection.commit()

    def _connect(self, host: str) -> Any:
        uri = self._databases[host]
        login = {"user": uri.username, "password": unquote(uri.password or ""), "database": uri.path[1:]}
        return pymysql.connect(host=uri.hostname, port=uri.port or 3306, connect_timeout=10, **login)  # type: ignore[arg-type,unused-ignore]  # pymysql's types

    def _cached(self, command: bytes) -> str | None:
        with socket.create_connection(self._cache, timeout=10) as connection, connection.makefile("rb") as answer:
            connection.sendall(command)
            head = answer.readline().split()
            return answer.read(int(head[3])).decode() if head[0] == b"VALUE" else None


def here(path: str) -> Path:
    """A path of the container as a path of this machine."""
    return Path(os.environ["STAND_IN_ROOT"]) / path.lstrip("/")


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(prog="gunicorn", allow_abbrev=False)
    for option in ("--paste", "--log-config", "--bind"):
        parser.add_argument(option, required=True)
    for option in ("--forwarded-allow-ips", "--worker-class"):
        parser.add_argument(option)
    for option in ("--workers", "--timeout", "--graceful-timeout", "--max-requests"):
        parser.add_argument(option, type=int)
    given = parser.parse_args()
    logging.config.fileConfig(given.log_config, disable_existing_loggers=False)
    try:
        application = StandInApplication(Path(given.paste))
    except (StartError, configparser.Error) as error:
        sys.exit(f"Error: {error}")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, said = application.answer(self.command, self.path, self.headers, body)
            except (OSError, pymysql.MySQLError, KeyError) as error:
                logger.error("%s %s: %s", self.command, self.path, error)
                status, said = 503, 0
            answer = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_: Any) -> None:
            return

    host, _, port = given.bind.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGHUP, lambda *_: application.load())
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
