"""What an operator's command has done on the daemon host, sent there by Run Command: python3 - TASK ARGUMENTS.

  login MASTER      make or change the application's login to the database, and keep it in its secret
  look HOST MASTER  say what the database at HOST holds, which need not be the one that the application uses
  migrate TAG       bring the schema to what the image TAG wants, by its own migrations
  back TAG          let the image TAG, older than the schema, start again
  dump KEY          put a dump of the database into the bucket of dumps
  mail-test         have both daemons send a test mail
  status            say which containers run which image

MASTER is the ARN of the master user's secret: another database, put in this one's place, has another.

Runs with Python 3.9 beside host.py, whose settings and functions it uses.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(os.environ.get("AQUAMARK_ROOT", "/"), "usr/local/lib/aquamark")))
import host  # type: ignore[import-not-found]  # found on the instance only

MARK = "quintet: schema is at "
BEFORE_RENAMING = "4959ae79bed"
"""The revision before upstream's 1ef306add5e, which renames a foreign key by the name that PostgreSQL 11 gave it."""
RENAME = """DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass('purchased_survey')
               AND conname = 'purchased_survey_hierarchy_id_survey_id_fkey')
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass('purchased_survey')
                    AND conname = 'purchased_survey_hierarchy_id_fkey') THEN
        ALTER TABLE purchased_survey
            RENAME CONSTRAINT purchased_survey_hierarchy_id_survey_id_fkey TO purchased_survey_hierarchy_id_fkey;
    END IF;
END $$;"""
"""PostgreSQL names it after both columns since 12. A database from before that keeps the old name."""
ANALYST = """CREATE ROLE analyst LOGIN;
GRANT USAGE ON SCHEMA public TO analyst;
DO $$ DECLARE granted record; BEGIN
    FOR granted IN SELECT relname, CASE WHEN relname = 'appuser' THEN '(' || (
            SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
            WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attname <> 'password') || ')' END
            AS columns FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND relname NOT IN ('systemconfig', 'alembic_version')
    LOOP EXECUTE format('GRANT SELECT %s ON public.%I TO analyst', granted.columns, granted.relname); END LOOP;
END $$;"""
"""The rights that upstream's create_analyst_user gives: every table but two, and of users all but the password."""


def psql(values: dict[str, str], login: str, statements: str) -> str:
    """What psql prints for the statements, all of them or none; they come by standard input, so no list shows them."""
    options = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction"]
    with_login = {**os.environ, **server(values, login)}
    done = subprocess.run(["psql", *options], input=statements.encode(), capture_output=True, env=with_login)
    if done.returncode:
        raise host.HostError(f"psql: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode().strip()


def server(values: dict[str, str], login: str) -> dict[str, str]:
    """The variables that lead psql and pg_dump to the database, signed in with a secret."""
    user, password = host.secret(values, login, "username", "password")
    where = {"PGHOST": values["database_host"], "PGPORT": values["database_port"]}
    return {**where, "PGDATABASE": values["database_name"], "PGUSER": user, "PGPASSWORD": password}


def verifier(user: str, password: str, method: str) -> str:
    """The password as the server keeps it, so that it stands in no statement that the server may log."""
    if method == "md5":
        return "md5" + hashlib.md5((password + user).encode()).hexdigest()  # noqa: S324 - PostgreSQL's own method
    salt, rounds = os.urandom(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    keys = (base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b"Server Key", "sha256")))
    return f"SCRAM-SHA-256${rounds}:{next(keys)}${next(keys)}:{next(keys)}"


def login(values: dict[str, str], master: str) -> None:
    """The application's role owns the database and may make roles, since its migrations make `analyst`."""
    values = {**values, "master_secret_arn": master}
    user, name = values["database_user"], values["database_name"]
    # letters and digits only: alembic of either release takes no % in a URL, which any other character becomes
    password = secrets.token_hex(24)
    method = psql(values, "master_secret_arn", "SHOW password_encryption;")
    psql(
        values,
        "master_secret_arn",
        f"""DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{user}') THEN CREATE ROLE "{user}"; END IF;
        END $$;
        ALTER ROLE "{user}" LOGIN CREATEROLE PASSWORD '{verifier(user, password, method)}';
        GRANT "{user}" TO CURRENT_USER;
        ALTER DATABASE "{name}" OWNER TO "{user}";""",
    )
    text = json.dumps({"username": user, "password": password})
    arguments = ["secretsmanager", "put-secret-value", "--secret-id", values["login_secret_arn"], "--secret-string"]
    path = host.ETC / "login.json"
    host.write(path, text)
    try:
        host.aws(values, *arguments, f"file://{path}")
    finally:
        path.unlink()
    print(f"{user} signs in with a new password")  # noqa: T201 - the answer


def look(values: dict[str, str], address: str, master: str) -> None:
    """One line of JSON: the revision of the schema, and table → how many rows it has. Changes nothing."""
    values = {**values, "database_host": address, "master_secret_arn": master}

    def ask(statement: str) -> str:
        return psql(values, "master_secret_arn", statement)

    known = ask("SELECT to_regclass('alembic_version');")
    counting = ask(
        """SELECT string_agg(format('SELECT %L, count(*) FROM %I.%I', relname, nspname, relname), ' UNION ALL ')
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p') AND NOT relispartition
        AND nspname NOT IN ('pg_catalog', 'information_schema') AND relname <> 'alembic_version';"""
    )
    counted = [line.rpartition("|") for line in ask(f"{counting};").splitlines()] if counting else []
    found = {
        "schema": ask("SELECT version_num FROM alembic_version;") if known else "",
        "tables": {name: int(rows) for name, _, rows in counted},
    }
    print(json.dumps(found))  # noqa: T201 - the answer


def alembic(values: dict[str, str], tag: str, *arguments: str) -> str:
    """What alembic of the image says; the environment file leads it to the database, as the document forgot."""
    image = f"{values['repository']}:{tag}"
    host.pull(values, image)
    environment = ["--env-file", str(host.write_environment(values))]
    app = Path(values["config_directory"]).parent
    # from 1.5.0 on, heads and history import modules that only env.py, which they do not run, adds to the path
    path = ["--env", f"PYTHONPATH=.:{app}/server/:{app}/alembic/versions"]
    said: str = host.run("docker", "run", "--rm", *environment, *path, image, "alembic", *arguments)
    return said


def revision(values: dict[str, str]) -> tuple[str, str]:
    """The revision the database says it is at, and the one its schema is really at; empty before the first."""
    if not psql(values, "login_secret_arn", "SELECT to_regclass('alembic_version');"):
        return "", ""
    said = psql(values, "login_secret_arn", "SELECT version_num FROM alembic_version;")
    mark = psql(values, "login_secret_arn", "SELECT obj_description('alembic_version'::regclass);")
    return said, mark[len(MARK) :] if mark.startswith(MARK) else said


def say_revision(values: dict[str, str], number: str, comment: str) -> None:
    """Write down which revision the application shall find, and in the comment which one the schema is at."""
    update = f"UPDATE alembic_version SET version_num = '{number}';"  # noqa: S608 - alembic's own words
    psql(values, "login_secret_arn", f"{update} COMMENT ON TABLE alembic_version IS {comment};")


def migrate(values: dict[str, str], tag: str) -> None:
    """Undo what `back` wrote, or its columns would be added twice; then bring the schema up to the image's head.

    On the way, a foreign key gets the name that upstream's next revision looks for. All by the application's role,
    which upstream expects to own what the migrations create.
    """
    said, schema = revision(values)
    if said != schema:
        say_revision(values, schema, "NULL")
    if schema:
        restore_analyst(values)
    early = alembic(values, tag, "history", "-r", f"base:{BEFORE_RENAMING}")
    if not schema or schema in re.findall(r"\w+", early):
        if schema != BEFORE_RENAMING:
            alembic(values, tag, "upgrade", BEFORE_RENAMING)
        psql(values, "login_secret_arn", RENAME)
    alembic(values, tag, "upgrade", "head")
    print(f"the schema is at {revision(values)[0]}")  # noqa: T201 - the answer


def restore_analyst(values: dict[str, str]) -> None:
    """Create the role `analyst` where the schema has one and the server has none: dumps hold no roles.

    The application's role creates it, or could not change its password: the web server gives it a new one as it starts.
    """
    if not psql(values, "login_secret_arn", "SELECT to_regclass('systemconfig');"):
        return
    known = psql(values, "login_secret_arn", "SELECT name FROM systemconfig WHERE name LIKE '%analyst_password';")
    if known and not psql(values, "login_secret_arn", "SELECT oid FROM pg_roles WHERE rolname = 'analyst';"):
        psql(values, "login_secret_arn", ANALYST)


def back(values: dict[str, str], tag: str) -> None:
    """Name the older image's head as the revision: it looks for that when it starts, and knows no newer one.

    The schema stays: migrations are backward compatible, and nothing that was written since is lost.
    """
    heads = alembic(values, tag, "heads").split("\n")[0].split()
    if not heads:
        raise host.HostError(f"alembic of {tag} names no head")
    said, schema = revision(values)
    if said and said != heads[0]:
        comment = "NULL" if heads[0] == schema else f"'{MARK}{schema}'"
        say_revision(values, heads[0], comment)
    print(f"the schema is at {schema or 'nothing yet'}, {tag} finds {heads[0]}")  # noqa: T201 - the answer


def dump(values: dict[str, str], key: str) -> None:
    """In pg_dump's own format, for pg_restore; straight into the bucket, as it may be larger than this disk."""
    target = f"s3://{values['dumps_bucket']}/{key}"
    command = ["pg_dump", "--format=custom", "--no-owner"]
    made = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **server(values, "login_secret_arn")})
    put = subprocess.run(["aws", "--region", values["region"], "s3", "cp", "--quiet", "-", target], stdin=made.stdout)
    if made.stdout:
        made.stdout.close()
    if made.wait() or put.returncode:
        subprocess.run(["aws", "--region", values["region"], "s3", "rm", "--quiet", target], check=False)
        raise host.HostError(f"{target} was not written: pg_dump {made.returncode}, aws s3 cp {put.returncode}")
    print(target)  # noqa: T201 - the answer


def mail_test(values: dict[str, str]) -> None:
    """Each daemon has a flag for that; it uses the configuration file that the daemon runs with."""
    for name, program in host.PROGRAMS.items():
        host.run("docker", "exec", name, "python3", program, "--test")
        print(f"{name} has sent a mail to {values['error_send_to']}")  # noqa: T201 - the answer


def status(values: dict[str, str]) -> None:
    """One line of JSON: container → the image it runs, or null when it does not run."""
    names = ["aquamark"] if values["role"] == "web" else list(host.PROGRAMS)
    found = {name: host.inspect(name) for name in names}
    running = {name: c["Config"]["Image"] if c and c["State"]["Running"] else None for name, c in found.items()}
    print(json.dumps(running))  # noqa: T201 - the answer


def main() -> int:
    """Do what the arguments say."""
    tasks = {
        "login": login,
        "look": look,
        "migrate": migrate,
        "back": back,
        "dump": dump,
        "mail-test": mail_test,
        "status": status,
    }
    try:
        tasks[sys.argv[1]](host.settings(), *sys.argv[2:])  # type: ignore[operator]  # each takes what it is sent
    except (host.HostError, OSError) as error:
        host.say(f"ERROR: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
