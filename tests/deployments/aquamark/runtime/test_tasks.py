"""Operators' tasks on the daemon host, with a real PostgreSQL: logins, migrations, the way back, dumps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from operations.engines.postgresql import PostgreSql
from tests.deployments.aquamark.runtime.conftest import REPOSITORY, AquamarkHost

pytestmark = pytest.mark.engines


@pytest.fixture
def daemons(host: AquamarkHost) -> AquamarkHost:
    """The daemon host, with the application's login made."""
    host.told(role="daemons", fleet="aquamark-dev-daemons")
    done(host, "login", host.arns["master"])
    return host


def done(host: AquamarkHost, *arguments: str) -> str:
    ran = host.task(*arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def constraints(database: PostgreSql) -> str:
    """The names of the foreign keys that upstream renames."""
    named = "SELECT conname FROM pg_constraint WHERE conrelid = 'purchased_survey'::regclass AND contype = 'f'"
    return database.psql(named, "aquamark")


def back_to_before_renaming(database: PostgreSql) -> None:
    """The schema of revision 4959ae79bed, made from that of 151aa56ffd8."""
    database.psql(
        "UPDATE alembic_version SET version_num = '4959ae79bed'; ALTER TABLE survey DROP COLUMN response_type;"
        "ALTER TABLE purchased_survey RENAME CONSTRAINT purchased_survey_survey_id_fkey"
        " TO purchased_survey_hierarchy_id_survey_id_fkey",
        "aquamark",
    )


def version(database: PostgreSql) -> str:
    return database.psql("SELECT version_num FROM alembic_version", "aquamark")


def test_the_login_owns_the_database_and_has_a_password_that_needs_no_quoting(
    daemons: AquamarkHost, database: PostgreSql
) -> None:
    login = daemons.kept("login")
    assert login["username"] == "aquamark"
    assert login["password"].isalnum()
    owner = "SELECT rolname FROM pg_roles JOIN pg_database ON datdba = pg_roles.oid WHERE datname = 'aquamark'"
    assert database.psql(owner) == "aquamark"
    assert database.psql("SELECT rolcreaterole, rolsuper FROM pg_roles WHERE rolname = 'aquamark'") == "t|f"
    assert done(daemons, "login", daemons.arns["master"]) == "aquamark signs in with a new password"
    assert daemons.kept("login")["password"] != login["password"]
    assert not (daemons.root / "etc/aquamark/login.json").exists()


@pytest.mark.parametrize("method", ["md5", "scram-sha-256"])
def test_the_server_keeps_the_password_by_the_method_that_it_is_set_to(
    daemons: AquamarkHost, database: PostgreSql, method: str
) -> None:
    database.psql(f"ALTER DATABASE aquamark SET password_encryption = '{method}'")
    done(daemons, "login", daemons.arns["master"])
    kept = database.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'aquamark'")
    assert kept.startswith("md5" if method == "md5" else "SCRAM-SHA-256$4096:")
    if method != "md5":  # this server lets nobody in by the other
        done(daemons, "migrate", "1.4.7")


def test_a_migration_reaches_the_database_makes_the_analyst_and_may_run_again(
    daemons: AquamarkHost, database: PostgreSql
) -> None:
    assert done(daemons, "migrate", "1.4.7") == "the schema is at 151aa56ffd8"
    assert done(daemons, "migrate", "1.4.7") == "the schema is at 151aa56ffd8"
    assert database.psql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'analyst'") == "t"
    grants = (
        "SELECT has_table_privilege('analyst', 'survey', 'SELECT'), has_table_privilege('analyst', 'survey', 'INSERT')"
    )
    assert database.psql(grants, "aquamark") == "t|f"
    columns = "SELECT has_column_privilege('analyst', 'appuser', 'password', 'SELECT')"
    assert database.psql(columns, "aquamark") == "f"
    assert "--env-file" in (daemons.root / "calls").read_text()


@pytest.mark.parametrize("tag", ["1.4.7", "1.5.0"])
def test_a_constraint_named_by_a_newer_postgresql_stops_no_migration(
    daemons: AquamarkHost, database: PostgreSql, tag: str
) -> None:
    """In one run, alembic looks for the name that PostgreSQL 11 would have given, and nothing remains."""
    host_, port = daemons.settings["database_host"], daemons.settings["database_port"]
    login = daemons.kept("login")
    env = {"DATABASE_URL": f"postgresql://aquamark@{host_}:{port}/aquamark", "PGPASSWORD": login["password"]}
    variables = {**daemons.machine.variables, **env, "STAND_IN_IMAGE": f"x:{tag}", "PYTHONPATH": ""}
    upstream = [daemons.root / "image/alembic", "upgrade", "head"]
    broken = subprocess.run(upstream, env=variables, capture_output=True, text=True, check=False)
    assert (
        'constraint "purchased_survey_hierarchy_id_fkey" for table "purchased_survey" does not exist' in broken.stderr
    )

    for _ in range(2):
        assert done(daemons, "migrate", tag).startswith("the schema is at ")
    assert constraints(database) == "purchased_survey_survey_id_fkey"


def test_a_migration_cut_off_before_or_after_the_renaming_goes_on(daemons: AquamarkHost, database: PostgreSql) -> None:
    for rename in (False, True):
        done(daemons, "migrate", "1.4.7")
        back_to_before_renaming(database)
        if rename:
            database.psql(
                "ALTER TABLE purchased_survey RENAME CONSTRAINT purchased_survey_hierarchy_id_survey_id_fkey"
                " TO purchased_survey_hierarchy_id_fkey",
                "aquamark",
            )
        assert done(daemons, "migrate", "1.5.0") == "the schema is at b989f35f3862"
        assert constraints(database) == "purchased_survey_survey_id_fkey"
        database.psql(
            "UPDATE alembic_version SET version_num = '151aa56ffd8'; DROP TABLE id_map;"
            "ALTER TABLE survey DROP COLUMN tracking_id",
            "aquamark",
        )


def test_a_schema_from_an_older_server_gets_its_analyst_back_with_the_rights_that_upstream_gives(
    daemons: AquamarkHost, database: PostgreSql
) -> None:
    """Restored from a dump: constraints have their old names, roles and grants are missing."""
    done(daemons, "migrate", "1.4.7")
    back_to_before_renaming(database)
    database.psql(
        "ALTER TABLE purchased_survey RENAME CONSTRAINT purchased_survey_hierarchy_id_survey_id_fkey"
        " TO purchased_survey_hierarchy_id_fkey",
        "aquamark",
    )
    database.psql("DROP OWNED BY analyst", "aquamark")
    database.psql("DROP ROLE analyst")
    assert done(daemons, "migrate", "1.5.0") == "the schema is at b989f35f3862"

    def may_read(*what: str) -> str:
        asked = ", ".join(f"has_{kind}_privilege('analyst', {where}, 'SELECT')" for kind, where in map(str.split, what))
        return database.psql(f"SELECT {asked}", "aquamark")

    assert may_read("table 'survey'", "table 'purchased_survey'", "table 'id_map'") == "t|t|t"
    assert may_read("table 'systemconfig'", "table 'alembic_version'", "table 'appuser'") == "f|f|f"
    assert may_read("column 'appuser','email'", "column 'appuser','password'") == "t|f"
    # as the program does when it starts and finds the wrong one
    database.psql("SET ROLE aquamark; ALTER ROLE analyst PASSWORD 'x'", "aquamark")


def test_a_look_into_a_database_counts_what_is_there_and_changes_nothing(
    daemons: AquamarkHost, database: PostgreSql
) -> None:
    elsewhere = daemons.settings["database_host"]
    master = daemons.arns["master"]
    daemons.told(database_host="the-application-uses-another.example")
    assert done(daemons, "look", elsewhere, master) == '{"schema": "", "tables": {}}'
    daemons.told(database_host=elsewhere)
    done(daemons, "migrate", "1.4.7")
    database.psql("INSERT INTO survey SELECT 1, 'x' FROM generate_series(1, 7)", "aquamark")
    database.psql('CREATE TABLE "Odd | name\'s" (id int); INSERT INTO "Odd | name\'s" VALUES (1)', "aquamark")
    database.psql('ALTER TABLE "Odd | name\'s" OWNER TO aquamark', "aquamark")
    for _ in range(2):
        found = json.loads(done(daemons, "look", elsewhere, master))
        assert found == {"schema": "151aa56ffd8", "tables": {
            "appuser": 0, "survey": 7, "hierarchy": 0, "purchased_survey": 0, "systemconfig": 1, "Odd | name's": 1,
        }}  # fmt: skip


def test_a_look_into_a_database_that_does_not_answer_fails_and_says_so(daemons: AquamarkHost) -> None:
    refused = daemons.task("look", "no-such-host.invalid", daemons.arns["master"])
    assert refused.returncode == 1
    assert "no-such-host.invalid" in refused.stderr


def test_the_way_back_lets_the_older_image_start_and_forward_again_repeats_no_migration(
    daemons: AquamarkHost, database: PostgreSql
) -> None:
    done(daemons, "migrate", "1.4.7")
    assert done(daemons, "migrate", "1.5.0") == "the schema is at b989f35f3862"
    refused = daemons.task("migrate", "1.4.7")
    assert refused.returncode == 1
    assert "Can't locate revision identified by 'b989f35f3862'" in refused.stderr

    for _ in range(2):
        assert done(daemons, "back", "1.4.7") == "the schema is at b989f35f3862, 1.4.7 finds 151aa56ffd8"
        assert version(database) == "151aa56ffd8"
    assert "tracking_id" in database.psql("SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'survey'::regclass", "aquamark")  # fmt: skip

    assert done(daemons, "migrate", "1.5.0") == "the schema is at b989f35f3862"
    assert version(database) == "b989f35f3862"
    assert database.psql("SELECT obj_description('alembic_version'::regclass)", "aquamark") == ""


def test_a_dump_can_be_restored_into_an_empty_database_with_its_grants(
    daemons: AquamarkHost, database: PostgreSql, tmp_path: Path
) -> None:
    done(daemons, "migrate", "1.4.7")
    database.psql("INSERT INTO survey VALUES (1, 'größer & länger')", "aquamark")
    target = done(daemons, "dump", "first.dump")
    bucket = daemons.settings["dumps_bucket"]
    assert target == f"s3://{bucket}/first.dump"
    file = tmp_path / "first.dump"
    daemons.aws("s3").download_file(bucket, "first.dump", str(file))
    database.psql("CREATE DATABASE copy")
    login = ["--host", database.host, "--port", str(database.port), "--username", database.user]
    command = [database.programs / "pg_restore", "--exit-on-error", "--dbname=copy", *login, file]
    restored = subprocess.run(
        command, env={"PGPASSWORD": database.password}, capture_output=True, text=True, check=False
    )
    assert restored.returncode == 0, restored.stderr
    assert database.psql("SELECT title FROM survey", "copy") == "größer & länger"
    assert database.psql("SELECT has_table_privilege('analyst', 'survey', 'SELECT')", "copy") == "t"
    assert database.psql("SELECT version_num FROM alembic_version", "copy") == "151aa56ffd8"


def test_a_dump_that_fails_leaves_nothing_in_the_bucket(daemons: AquamarkHost) -> None:
    daemons.told(database_name="missing")
    refused = daemons.task("dump", "broken.dump")
    assert refused.returncode == 1
    assert "was not written: pg_dump 1" in refused.stderr
    assert daemons.aws("s3").list_objects_v2(Bucket=daemons.settings["dumps_bucket"])["KeyCount"] == 0


def test_status_names_the_image_of_each_daemon(daemons: AquamarkHost) -> None:
    assert done(daemons, "status") == '{"recalc": null, "notify": null}'


def test_the_test_mails_are_sent_by_both_daemons(daemons: AquamarkHost) -> None:
    assert daemons.task("mail-test").returncode != 0, "no daemon runs yet"
    image = f"{REPOSITORY}:1.4.7"
    daemons.machine.run(
        "docker", "login", "--username", "AWS", "--password-stdin", REPOSITORY.partition("/")[0], text="x"
    )
    daemons.machine.run("docker", "pull", image)
    for name in ("recalc", "notify"):
        assert daemons.machine.run("docker", "run", "-d", "--name", name, image).returncode == 0
    assert done(daemons, "mail-test").count("has sent a mail to to@example.org") == 2
    calls = (daemons.root / "calls").read_text()
    assert "docker exec recalc python3 ./server/recalculate.py --test" in calls
    assert "docker exec notify python3 ./server/notifications.py --test" in calls


def test_a_task_reads_a_secret_once_however_many_statements_it_sends(daemons: AquamarkHost) -> None:
    aws = Path(sys.executable).with_name("aws")
    daemons.machine.install("aws", f'#!/bin/sh\necho "aws $*" >>"{daemons.root}/calls"\nexec "{aws}" "$@"\n')
    done(daemons, "migrate", "1.4.7")
    calls = (daemons.root / "calls").read_text().splitlines()
    assert len([call for call in calls if call.startswith("aws ") and "get-secret-value" in call]) == 1
