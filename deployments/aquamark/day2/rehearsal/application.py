"""Upmark's web server and daemons as far as a rehearsal needs them, where no checkout of the real ones is given.

They keep what the real ones decide, with the place each was read at on 2026-11-29 (v1.4.7, below src/app/server):

* they end without the variables of their release (app.py:138, recalculate.py:92; see `postgres`);
* the web server makes no schema; it signs in as `analyst` with the password in systemconfig, makes that role where it
  is missing, gives it a new password where it is wrong, and ends when it still cannot (app.py:137, model.py:1450-1545);
* a cookie secret and, where there is no user, `admin` with the password `admin` come with the first start
  (app.py:99, 156);
* without AWS_ACCESS_KEY_ID files go into the database; with it, an empty secret or region and a key that S3 does not
  know end the program (aws.py:15-45); so do a refusal and a missing bucket up to 1.4.7, whose boto3 is 1.2.6, and not
  later (boto3's s3/inject.py, bucket_load);
* `/ping` asks the database; what the load balancer says came by HTTP is redirected (handlers.py:204);
* a sign-in needs the cookie `_xsrf` and is answered by a redirect: to `/` or to `/login/?error=…` (auth.py:41-83);
* a daemon reads its file below `config/` and the database before it works (recalculate.py:83, notifications.py:190).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import sys
import time
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from deployments.aquamark.day2.rehearsal.postgres import DatabaseError, psql

UP = "Web services are UP"
_FILES = {"./server/recalculate.py": "recalculate.yaml", "./server/notifications.py": "notification.yaml"}


def _stored(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _storage() -> None:
    """Tell the log where files go. Ends the program where the real one ends."""
    key, secret, region = (
        os.environ.get(f"AWS_{name}", "") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "REGION_NAME")
    )
    if not key:
        print("Using database storage for new files", flush=True)  # noqa: T201 - its log
        return
    if not secret or not region:
        sys.exit("StorageError: S3 Environment variable is missing")
    import boto3
    from botocore.exceptions import ClientError

    session = boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)
    strict = os.environ["STAND_IN_IMAGE"].rpartition(":")[2].startswith("1.4.")
    try:
        found = {bucket["Name"] for bucket in session.client("s3").list_buckets()["Buckets"]}
    except ClientError as refused:
        if strict or refused.response["Error"]["Code"] not in ("AccessDenied", "403"):
            sys.exit(f"botocore.exceptions.ClientError: {refused}")
    else:
        if strict and os.environ.get("AWS_BUCKET") not in found:
            sys.exit("botocore.exceptions.ClientError: An error occurred (404) when calling ListBuckets: NotFound")


def _analyst() -> None:
    """Sign in as the read-only role. Raises DatabaseError when that cannot be brought about."""

    def sign_in() -> None:
        kept = psql("SELECT value FROM systemconfig WHERE name = '_analyst_password';")
        psql("SELECT count(*) FROM survey;", user="analyst", password=kept)

    def keep() -> str:
        password = base64.b32encode(secrets.token_bytes(30)).decode()
        psql(
            "DELETE FROM systemconfig WHERE name = '_analyst_password';"  # noqa: S608 - the password is made above
            f"INSERT INTO systemconfig VALUES ('_analyst_password', '{password}');"
        )
        return password

    if psql("SELECT count(*) FROM pg_catalog.pg_user WHERE usename = 'analyst';") != "1":
        psql(f"CREATE USER analyst WITH PASSWORD '{keep()}'; GRANT SELECT ON survey TO analyst;")
    try:
        sign_in()
    except DatabaseError:
        psql(f"ALTER ROLE analyst WITH PASSWORD '{keep()}';")
        sign_in()


def _first_start() -> None:
    psql(
        f"INSERT INTO systemconfig SELECT '_cookie_secret', '{secrets.token_hex(50)}'"  # noqa: S608 - both are made here
        " WHERE NOT EXISTS (SELECT FROM systemconfig WHERE name = '_cookie_secret');"
        f"INSERT INTO appuser (id, email, password) SELECT 1, 'admin', '{_stored('admin')}'"
        " WHERE NOT EXISTS (SELECT FROM appuser);"
    )


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.headers.get("X-Forwarded-Proto", "https") != "https" and os.environ.get("FORCE_HTTPS") == "True":
            self._redirect(f"https://{self.headers['Host']}{self.path}")
        elif self.path == "/ping":
            try:
                psql("SELECT 1;")
            except DatabaseError as refused:
                self._answer(500, str(refused))
            else:
                self._answer(200, UP)
        elif self.path.startswith("/login"):
            self._answer(200, "<form method=post>", cookie=f"_xsrf={secrets.token_hex(16)}; Path=/")
        else:
            self._answer(404, "404: Not Found")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        email, password, token = (form.get(name, [""])[0] for name in ("email", "password", "_xsrf"))
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("_xsrf")
        if cookie is None or cookie.value != token:
            self._answer(403, "403: Forbidden")
            return
        rows = psql("SELECT email, password FROM appuser;").splitlines()
        known = dict(row.rpartition("|")[::2] for row in rows)
        correct = known.get(email) == _stored(password)
        self._redirect("/#/2/" if correct else f"/login/?error={quote('Login incorrect')}")

    def _redirect(self, location: str) -> None:
        self._answer(302, "", location=location)

    def _answer(self, status: int, text: str, *, location: str = "", cookie: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in (("Location", location), ("Set-Cookie", cookie)):
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


def serve() -> None:
    """Be the web server. Raises DatabaseError when it cannot start."""
    _storage()
    _analyst()
    _first_start()
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), _Handler).serve_forever()


def work(program: str) -> None:
    """Be a daemon. Raises DatabaseError when it cannot start."""
    volumes = dict(line.split(":")[1::-1] for line in os.environ["STAND_IN_VOLUMES"].splitlines())
    (file,) = (Path(host) for inside, host in volumes.items() if inside.endswith(f"/config/{_FILES[program]}"))
    config = dict(re.findall(r"(?m)^([A-Z_]+): (.+)$", file.read_text()))
    for name in ("SMTP_SERVER", "SMTP_USERNAME", "SMTP_PASSWORD", "MESSAGE_SEND_FROM", "ERROR_SEND_TO"):
        json.loads(config[name])  # a JSON text is YAML as well; the image's own examples are not
    while True:
        psql("SELECT count(*) FROM survey;")
        time.sleep(int(config["JOB_INTERVAL_SECONDS"]))


if __name__ == "__main__":
    try:
        work(sys.argv[1]) if sys.argv[1:] else serve()
    except DatabaseError as refused:
        sys.exit(str(refused))
