"""The programs that stand in for Upmark's: what they refuse and what a first start leaves, as the real ones do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from deployments.aquamark.day2.admin_login import default_login_works
from deployments.aquamark.day2.rehearsal.application import UP
from deployments.aquamark.day2.rehearsal.migrations import REVISIONS
from operations.engines.postgresql import PostgreSql
from operations.engines.server import HOST, free_port

pytestmark = pytest.mark.engines

PACKAGE = "deployments.aquamark.day2.rehearsal"


@pytest.fixture
def variables(postgresql: PostgreSql) -> Iterator[dict[str, str]]:
    """Environment of a container of 1.4.7, with a database of its own that has no schema."""
    postgresql.psql("CREATE ROLE aquamark LOGIN CREATEROLE PASSWORD 'x'")
    postgresql.psql("CREATE DATABASE aquamark OWNER aquamark")
    yield {
        "PATH": os.pathsep.join([str(postgresql.programs), os.environ["PATH"]]),
        "STAND_IN_IMAGE": "repository:1.4.7",
        "STAND_IN_PYTHONPATH": "",
        "DATABASE_URL": f"postgresql://aquamark@{postgresql.host}:{postgresql.port}/aquamark",
        "PGPASSWORD": "x",
        "PORT": str(free_port()),
        "FORCE_HTTPS": "True",
    }
    postgresql.psql("DROP DATABASE aquamark WITH (FORCE)")
    for role in ("analyst", "aquamark"):
        postgresql.psql(f"DROP ROLE IF EXISTS {role}")


def run(module: str, variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"{PACKAGE}.{module}", *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def serving(variables: dict[str, str]) -> Iterator[Callable[[], str]]:
    """Starts the web server on a schema; its address once it answers."""
    with ExitStack() as started:

        def start() -> str:
            command = [sys.executable, "-m", f"{PACKAGE}.application"]
            process = started.enter_context(subprocess.Popen(command, env=variables))
            started.callback(process.kill)
            address = f"http://{HOST}:{variables['PORT']}"
            give_up = time.monotonic() + 60
            while True:
                try:
                    urllib.request.urlopen(f"{address}/ping").close()
                except OSError:
                    assert process.poll() is None
                    assert time.monotonic() < give_up
                    time.sleep(0.1)
                else:
                    return address

        yield start


def test_neither_web_server_nor_alembic_starts_without_the_variables_of_its_release(variables: dict[str, str]) -> None:
    for tag, name in (("1.4.7", "DATABASE_URL"), ("head-5813fa8", "PGHOST")):
        bare = {key: value for key, value in variables.items() if key != "DATABASE_URL"}
        for module, arguments in (("application", ()), ("migrations", ("upgrade", "head"))):
            ended = run(module, bare | {"STAND_IN_IMAGE": f"repository:{tag}"}, *arguments)
            assert ended.returncode == 1
            assert f"KeyError: '{name}'" in ended.stderr


def test_a_web_server_makes_no_schema_and_no_use_of_half_a_key(variables: dict[str, str]) -> None:
    ended = run("application", variables)
    assert (ended.returncode, 'relation "systemconfig" does not exist' in ended.stderr) == (1, True)
    ended = run("application", variables | {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"})
    assert (ended.returncode, "S3 Environment variable is missing" in ended.stderr) == (1, True)


def test_a_first_start_makes_one_admin_and_mends_the_analyst(
    variables: dict[str, str], postgresql: PostgreSql, serving: Callable[[], str]
) -> None:
    assert run("migrations", variables, "upgrade", "4959ae79bed").returncode == 0
    postgresql.psql("ALTER ROLE analyst PASSWORD 'somebody changed it'")
    address = serving()
    with urllib.request.urlopen(f"{address}/ping") as answer:
        assert answer.read().decode() == UP
    assert default_login_works(address)
    postgresql.psql("UPDATE appuser SET password = 'changed'", "aquamark")
    assert not default_login_works(address)
    assert postgresql.psql("SELECT count(*) FROM appuser", "aquamark") == "1"
    kept = postgresql.psql("SELECT value FROM systemconfig WHERE name = '_analyst_password'", "aquamark")
    assert kept not in ("", "made-by-the-migration")


def test_every_release_knows_its_own_head_and_no_later_revision(variables: dict[str, str]) -> None:
    line = list(REVISIONS)
    path = {"STAND_IN_PYTHONPATH": "/usr/share/aquamark/app/alembic/versions"}
    for tag, head in (("1.4.7", line[3]), ("1.5.0", line[4]), ("head-5813fa8", line[5])):
        image = {"STAND_IN_IMAGE": f"repository:{tag}"}
        assert run("migrations", variables | image | path, "heads").stdout.split()[0] == head
        without = run("migrations", variables | image, "heads")
        assert ("No module named 'old_deps'" in without.stderr) == (tag != "1.4.7")
