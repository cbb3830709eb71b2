"""`quintet beaver`: deploy the Beaver Contest, move its data, look after its database and keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import DEFAULT_ENVIRONMENT, DryRunOption, EnvironmentOption, JsonOption, YesOption
from operations.commands.restore_database import add_restore
from operations.console import new_console
from operations.listing import Cell, Listing, show

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.beaver_contest.day2.contest import Contest
    from deployments.beaver_contest.settings import BeaverContestSettings
    from operations.restore.database import RestoredApplication

app = new_app("Day-2 work on the Beaver Contest.")

Through = Annotated[
    str | None,
    typer.Option(help="HOST:PORT where the database is reached, such as a tunnel's end.", show_default=False),
]
Source = Annotated[
    Path, typer.Argument(help="A checkout of the contest.", exists=True, file_okay=False, show_default=False)
]
_CHECKOUT = typer.Option("--checkout", help="A checkout of the contest.", exists=True, file_okay=False)
Checkout = Annotated[Path, _CHECKOUT]
Restart = Annotated[bool, typer.Option("--restart", help="Begin anew instead of where a stopped run ended.")]
_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")


@app.command()
def deploy(
    source: Source,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    folder: Annotated[
        list[str] | None, typer.Option(help="Another folder of the checkout to take along; may be repeated.")
    ] = None,
    timeout_minutes: Annotated[float, typer.Option(help="How long one environment may take.", min=1, max=240)] = 30,
    dry_run: DryRunOption = False,
) -> None:
    """Builds a checkout into a bundle, publishes its static files and brings it to both environments.

    Both go back to the version before if one fails.
    """
    from deployments.beaver_contest.day2.deploy import BundleRollout

    console, php = new_console(), _settings(environment).php_version
    with _changed(environment, "deploy", dry_run=dry_run) as contest:
        rollout = BundleRollout(contest, say=_teller(console), php=php, timeout_seconds=timeout_minutes * 60)
        label = rollout.run(source, folders=folder or (), dry_run=dry_run)
    console.print(f"Would deploy {label}." if dry_run else f"Both environments run {label}.")


@app.command("publish-assets")
def publish_assets(
    source: Source, environment: EnvironmentOption = DEFAULT_ENVIRONMENT, dry_run: DryRunOption = False
) -> None:
    """Publishes the static files of a checkout, as deploy does before it deploys; only what differs is uploaded."""
    from deployments.beaver_contest.day2.assets import publish, read_assets
    from deployments.beaver_contest.runtime.bundle import staged

    console = new_console()
    with staged(source) as bundle, _changed(environment, "publish-assets", dry_run=dry_run) as contest:
        for line in bundle.told:
            console.print(line)
        assets = read_assets(bundle.stage, bundle.label)
        changed = publish(contest, assets, dry_run=dry_run, say=_teller(console))
    console.print(f"{len(changed)} of {len(assets)} {'would be published' if dry_run else 'published'}.")


@app.command("transfer-table")
def transfer_table(
    table: Annotated[str, typer.Argument(help="team or team_question", show_default=False)],
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    through: Through = None,
    restart: Restart = False,
    count: Annotated[
        bool, typer.Option(help="Compare the numbers in the end; that reads the whole table in DynamoDB.")
    ] = True,
    dry_run: DryRunOption = False,
) -> None:
    """Copies a table from MySQL to DynamoDB; a stopped run goes on where it ended."""
    from config.settings import ROOT
    from deployments.beaver_contest.day2.mysql import connected, of_contest
    from deployments.beaver_contest.day2.transfer import Transfer
    from operations.aws import refusals_explained

    if table not in ("team", "team_question"):
        raise typer.BadParameter(f"{table!r} is neither team nor team_question.", param_hint="TABLE")
    console = new_console()
    with (
        _changed(environment, "transfer-table", dry_run=dry_run) as contest,
        connected(of_contest(contest, through)) as connection,
        refusals_explained(),
    ):
        checkpoint = ROOT / ".runs" / "beaver-contest" / f"{contest.name}-{table}.json"
        with _bar(console, table) as (total, progress):
            transfer = Transfer(
                connection,
                contest.client("dynamodb"),
                source=table,
                target=contest.outputs.tables[table],
                checkpoint=checkpoint,
                progress=progress,
            )
            rows = transfer.count_source()
            total(rows)
            if restart and not dry_run:
                checkpoint.unlink(missing_ok=True)
            if not dry_run:
                transfer.run()
        if dry_run:
            console.print(f"{rows} rows of {table} would be written to {transfer.target}.")
            return
        if not count:
            console.print(f"{rows} rows of {table} are in {transfer.target}; not counted there.")
            return
        items = transfer.count_target()
    console.print(f"{rows} rows of {table} in MySQL, {items} items of {transfer.target} in DynamoDB.")
    if items < rows:
        console.print(f"{rows - items} are missing: run it again with --restart.")
        raise typer.Exit(1)


@app.command("export-answers")
def export_answers(
    output: Annotated[Path, typer.Argument(help="The file of items; SQL goes beside it.", dir_okay=False)] = Path(
        "recentteamquestion.dump"
    ),
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    begin: Annotated[
        str | None, typer.Option(help='Answers after this time: "2016-11-11 07:00:00".', show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option(help="Answers before this time.", show_default=False)] = None,
    load: Annotated[bool, typer.Option("--import", help="Load the SQL into the contest's database as well.")] = False,
    sql_table: Annotated[str, typer.Option(help="MySQL's table for the answers.")] = "team_question",
    through: Through = None,
    restart: Restart = False,
    dry_run: DryRunOption = False,
) -> None:
    """Writes the answers in DynamoDB into a file of items and a file of SQL, and loads it with --import.

    Provisioned read capacity is raised to 200 meanwhile and put back in any case.
    """
    from deployments.beaver_contest.day2.answers_sql import write_sql
    from deployments.beaver_contest.day2.capacity import LEAST_FOR_EXPORTS, ReadCapacity
    from deployments.beaver_contest.day2.export import Export, Interval
    from operations.aws import refusals_explained
    from operations.terraform.stop_signals import stop_signals_interrupt

    for name, value in (("--begin", begin), ("--end", end)):
        if value is not None and not _TIME.fullmatch(value):
            raise typer.BadParameter(f"{value!r} is not a time like 2016-11-11 07:00:00.", param_hint=name)
    if (begin is None) != (end is None) or (begin and end and begin >= end):
        raise typer.BadParameter("Give both --begin and a later --end, or neither.", param_hint="--begin")
    console = new_console()
    with _changed(environment, "export-answers", dry_run=dry_run) as contest:
        dynamodb, table = contest.client("dynamodb"), contest.outputs.team_question_table
        sql = output.with_suffix(".sql")
        if dry_run:
            which = f"between {begin} and {end}" if begin else "of all times"
            console.print(f"The items of {table} {which} would be written to {output} and {sql}.")
            return
        capacity = ReadCapacity(dynamodb, contest.client("application-autoscaling"), table)
        with _bar(console, table) as (total, progress), refusals_explained(), stop_signals_interrupt():
            export = Export(
                dynamodb,
                table,
                output,
                Interval(begin, end) if begin and end else None,
                progress=lambda looked_at, _: progress(looked_at),
            )
            if restart:
                export.forget()
            total(dynamodb.describe_table(TableName=table)["Table"]["ItemCount"])
            with capacity.raised(LEAST_FOR_EXPORTS, say=_teller(console)):
                items = export.run()
        number = write_sql(output, sql, table=sql_table)
        console.print(f"{items} items in {output}; {number} statements in {sql}.")
        if load:
            _load(console, contest, sql, through)


@app.command("import-answers")
def import_answers(
    sql: Annotated[Path, typer.Argument(help="The file that export-answers wrote.", exists=True, dir_okay=False)],
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    through: Through = None,
    dry_run: DryRunOption = False,
) -> None:
    """Loads a file of SQL from export-answers into the contest's database; rows that are there stay."""
    console = new_console()
    with _changed(environment, "import-answers", dry_run=dry_run) as contest:
        if dry_run:
            console.print(f"{sql} ({sql.stat().st_size} bytes) would be loaded into {contest.outputs.database_name}.")
            return
        _load(console, contest, sql, through)


@app.command("copy-database")
def copy_database(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    source: Annotated[
        str | None,
        typer.Option("--from", help="mysql://user@host:port/database to copy from, with SOURCE_PASSWORD set."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--to", help="mysql://user@host:port/database to copy to, with TARGET_PASSWORD set."),
    ] = None,
    through: Through = None,
    triggers: Annotated[bool, typer.Option(help="Take triggers along; a contest must not have them.")] = True,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Copies a database into the contest's (--from) or the contest's to another server (--to), without definers."""
    from deployments.beaver_contest.day2.copying import Copying
    from deployments.beaver_contest.day2.mysql import of_contest, parse

    if (source is None) == (target is None):
        raise typer.BadParameter("Give either --from or --to; the contest's database is the other end.")
    console = new_console()
    with _changed(environment, "copy-database", dry_run=dry_run) as contest:
        own = of_contest(contest, through)
        copying = Copying(
            source=parse(source, password_variable="SOURCE_PASSWORD") if source else own,  # noqa: S106 - a name
            target=parse(target, password_variable="TARGET_PASSWORD") if target else own,  # noqa: S106 - a name
            triggers=triggers,
        )
        replaced = copying.tables_replaced()
        console.print(f"{copying.source} → {copying.target}, which has {len(replaced)} tables.")
        if dry_run:
            return
        if replaced and not yes and not typer.confirm("Replace those that the source has as well?"):
            console.print("Nothing was copied.")
            raise typer.Exit(1)
        with _bar(console, "bytes") as (_, progress):
            octets = copying.run(progress)
    console.print(f"Copied, {octets / 1e6:.1f} MB of SQL.")


@app.command()
def migrate(
    checkout: Checkout,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    through: Through = None,
    baseline: Annotated[
        int | None, typer.Option(help="The revision that a copied database has already.", show_default=False)
    ] = None,
    dry_run: DryRunOption = False,
) -> None:
    """Brings the database's schema to the checkout's newest revision; safe to repeat, and resumes where it stopped."""
    from deployments.beaver_contest.day2.migrations import Migration, revisions
    from deployments.beaver_contest.day2.mysql import connected, of_contest

    console, known = new_console(), revisions(checkout)
    with (
        _changed(environment, "migrate", dry_run=dry_run) as contest,
        connected(of_contest(contest, through)) as connection,
    ):
        migration = Migration(connection, _teller(console))
        if dry_run:
            pending = [str(revision.number) for revision, _ in migration.pending(known, baseline=baseline)]
            console.print(f"{len(pending)} of {len(known)} revisions would be run: {', '.join(pending) or 'none'}.")
            return
        run = migration.run(known, baseline=baseline)
    console.print(f"{run} of {len(known)} revisions were run; the schema is at {known[-1].number}.")


@app.command()
def rehearse(checkout: Checkout, environment: EnvironmentOption = DEFAULT_ENVIRONMENT) -> None:
    """Applies the stack to an emulator and plays a contest through with a checkout; 1 if a step fails."""
    from deployments.beaver_contest.day2.rehearsal.report import rehearse as play

    if not play(new_console(steady=True), checkout, environment):
        raise typer.Exit(1)


@app.command("make-admin")
def make_admin(
    email: Annotated[str, typer.Argument(help="The address with which the teacher registered.", show_default=False)],
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    through: Through = None,
    dry_run: DryRunOption = False,
) -> None:
    """Makes a teacher who registered at /teacherInterface an administrator, such as the first one."""
    from deployments.beaver_contest.day2.migrations import make_admin as make
    from deployments.beaver_contest.day2.mysql import connected, of_contest

    with (
        _changed(environment, "make-admin", dry_run=dry_run) as contest,
        connected(of_contest(contest, through)) as connection,
    ):
        make(connection, email, dry_run=dry_run)
    new_console().print(f"{email} {'would be' if dry_run else 'is'} an administrator.")


@app.command("open-database")
def open_database(
    cidr: Annotated[str | None, typer.Argument(help="Your address, as 203.0.113.7/32.", show_default=False)] = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    minutes: Annotated[int, typer.Option(help="How long.", min=1, max=480)] = 30,
    tunnel: Annotated[
        bool, typer.Option("--tunnel", help="Forward a local port through Session Manager; opens nothing.")
    ] = False,
    local_port: Annotated[int, typer.Option(help="The tunnel's end here.", min=1024, max=65535)] = 13306,
    close: Annotated[bool, typer.Option("--close", help="Only close what was left open.")] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Lets one address reach the database for a while, or makes a tunnel to it; closed again whatever happens."""
    from deployments.beaver_contest.day2.opening import Gate, block_of, run_tunnel, tunnel_command, wait

    if sum((cidr is not None, tunnel, close)) != 1:
        raise typer.BadParameter("Give an address, --tunnel or --close.", param_hint="CIDR")
    block = block_of(cidr) if cidr is not None else ""
    console, contest = new_console(), _contest(environment)
    gate = Gate(contest)
    if close:
        blocks = [rule["CidrIpv4"] for rule in gate.rules()] if dry_run else gate.close_all()
        console.print(f"{'Would close' if dry_run else 'Closed'}: {', '.join(blocks) or 'nothing was open'}.")
    elif tunnel:
        command = tunnel_command(contest, local_port=local_port)
        console.print(" ".join(command))
        if not dry_run and run_tunnel(command):
            raise typer.Exit(1)
    elif dry_run:
        console.print(f"{block} would reach the database for {minutes} minutes.")
    else:
        if not gate.has_public_address():
            console.print(
                "The database has no public address: this helps who comes through a VPN or a peered network. "
                "From the internet use --tunnel."
            )
        try:
            with gate.open(block, minutes=minutes):
                console.print(f"{block} reaches the database for {minutes} minutes; Ctrl-C ends that earlier.")
                wait(minutes)
        except KeyboardInterrupt:
            console.print()
        console.print("Closed.")


@app.command()
def diagnose(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT, through: Through = None, as_json: JsonOption = False
) -> None:
    """Asks the database what it is busy with; 1 when triggers are left on team, group or question."""
    from deployments.beaver_contest.day2.diagnosis import diagnose as ask
    from deployments.beaver_contest.day2.diagnosis import triggers_left
    from deployments.beaver_contest.day2.mysql import connected, of_contest, quoted

    console, contest = new_console(stderr=as_json), _contest(environment)
    with connected(of_contest(contest, through)) as connection:
        answers, left = ask(connection), triggers_left(connection)
    listings = []
    for answer in answers:
        listings.append(Listing(answer.title.lower().replace(" ", "_"), answer.columns, title=answer.title))
        for row in answer.rows:
            listings[-1].add(*(value if isinstance(value, int | float | None) else str(value) for value in row))
    show(*listings, console=console, as_json=as_json)
    if left:
        console.print("Triggers that make writes wait for each other; drop them before the contest:")
        for _, name in left:
            console.print(f"  DROP TRIGGER {quoted(name)};")
        raise typer.Exit(1)
    console.print("No triggers on team, group or question.")


@app.command()
def platforms(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    branch: Annotated[
        str | None,
        typer.Option(help='Move both environments to this branch: "PHP 8.5", or its whole name.', show_default=False),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Put the newest version into the settings file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Lists PHP's platform branches that your account is offered, with the newest version of each.

    A change within a branch is for environments that are yet to be created; those that run keep theirs. A move to
    another branch is planned and reviewed; --write once more, after it was applied, ends it.
    """
    from config.environment import load_environment
    from deployments.beaver_contest.day2 import platforms as look
    from operations.aws import Aws, check_account, refusals_explained

    path, settings, aws = _settings_file(environment), _settings(environment), Aws()
    check_account(aws, load_environment(environment).account_id, region=settings.region)
    with refusals_explained():
        beanstalk = aws.client("elasticbeanstalk", region=settings.region)
        versions, runs = look.offered(beanstalk), look.running(beanstalk, settings)
    named = {role: getattr(settings, role) for role in look.ROLES}
    listing = Listing("platforms", ("branch", "newest_version", "in_settings", "running"))
    for name, version in versions.items():
        in_settings = [f"{role} {its.platform_version}" for role, its in named.items() if its.platform_branch == name]
        listing.add(name, version, in_settings, [role for role, its in runs.items() if its == name])
    wanted = look.changes(settings, versions, runs, branch=branch)
    if write:
        look.write(path, wanted)
    show(listing, console=new_console(), as_json=as_json)
    console = new_console(stderr=as_json)
    for change in wanted:
        for key, value in change.values.items():
            console.print(f"{change.role}.{key}: {'removed' if value is None else value}")
        if change.waits:
            console.print(f"{change.role} does not run {named[change.role].platform_branch} yet: apply the move first.")
    if not any(change.values for change in wanted):
        console.print("The settings name the newest versions.")
    elif write:
        console.print(f"Written. Next: make synth, then quintet plan beaver-contest --environment {environment}")
    else:
        console.print("Nothing was written; --write does it.")


@app.command("rotate-key")
def rotate_key(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    grace_seconds: Annotated[
        float, typer.Option(help="How long instances may take to fetch the new key.", min=0, max=3600)
    ] = 180,
    dry_run: DryRunOption = False,
) -> None:
    """Makes a new access key for the PHP code and deactivates the old one; the first run makes the first key."""
    from deployments.beaver_contest.day2.keys import AccessKeys

    with _changed(environment, "rotate-key", dry_run=dry_run) as contest:  # each of two would delete the other's key
        AccessKeys(contest, say=_teller(new_console())).rotate(grace_seconds=grace_seconds, dry_run=dry_run)


@app.command("database-user")
def database_user(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    new_password: Annotated[bool, typer.Option("--new-password", help="Give the user another password.")] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Makes the database user that the PHP code signs in as, with a password that only its secret holds.

    Safe to run again: secret and database agree afterwards.
    """
    from deployments.beaver_contest.day2.database_user import database_user as user_of
    from operations.aws import refusals_explained

    with refusals_explained(), _changed(environment, "database-user", dry_run=dry_run) as contest:
        user = user_of(contest)
        if dry_run:
            typer.echo(user.would_make(new_password=new_password))
            return
        typer.echo(f"{user.make(new_password=new_password)}. Instances fetch it within a minute.")


@app.command("protect-tasks")
def protect_tasks(
    file: Annotated[typer.FileText, typer.Argument(help="An htpasswd file; - reads what is piped in.")],
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    dry_run: DryRunOption = False,
) -> None:
    """Sets who may read teacherInterface/beaver_tasks: htpasswd -nB teacher | quintet beaver protect-tasks -"""
    from deployments.beaver_contest.day2.tasks_password import protect_tasks as protect

    with _changed(environment, "protect-tasks", dry_run=dry_run) as contest:
        names = protect(contest, file.read(), dry_run=dry_run)
    typer.echo(f"{', '.join(names)} {'would be let in' if dry_run else 'is let in within a minute, nobody else'}.")


def _restored(environment: str) -> RestoredApplication:
    from config.settings import ROOT
    from deployments.beaver_contest.day2.restore import RestoredContest

    return RestoredContest.applied(_contest(environment), ROOT)


add_restore(
    app,
    _restored,
    meanwhile="While the instances change their names the application has no database: some minutes. What was written "
    "since then stays in the old instance only.",
)


@app.command()
def check(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    checkout: Annotated[Path | None, _CHECKOUT] = None,
    pages: Annotated[bool, typer.Option(help="Fetch both environments' front pages as well.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Looks at environments, tables, assets, key and gate, or at a checkout only, and says what is wrong; 1 if so."""
    from deployments.beaver_contest.day2.health import look, status_of
    from deployments.beaver_contest.day2.source_check import look_at_checkout

    console = new_console(stderr=as_json)
    if checkout is not None:
        findings = look_at_checkout(checkout, php=_settings(environment).php_version)
    else:
        findings = look(_contest(environment), get=status_of if pages else None)
    listing = Listing("checks", ("name", "seen", "wrong"))
    for finding in findings:
        listing.add(finding.what, finding.seen, Cell(finding.wrong, style="red"))
    show(listing, console=console, as_json=as_json)
    wrong = sum(bool(finding.wrong) for finding in findings)
    if wrong:
        console.print(f"{wrong} of {len(findings)} need attention.")
        raise typer.Exit(1)
    console.print("Everything is as it should be.")


def _load(console: Console, contest: Contest, sql: Path, through: str | None) -> None:
    from deployments.beaver_contest.day2.answers_sql import load_sql
    from deployments.beaver_contest.day2.mysql import connected, of_contest

    with connected(of_contest(contest, through)) as connection, _bar(console, sql.name) as (total, progress):
        total(sql.stat().st_size)
        new = load_sql(sql, connection, progress)
    console.print(f"{new} rows were new in {contest.outputs.database_name}.")


def _contest(environment: str) -> Contest:
    from config.settings import ROOT
    from deployments.beaver_contest.day2.contest import Contest
    from operations.aws import Aws

    return Contest.applied(ROOT, environment, Aws())


@contextmanager
def _changed(environment: str, operation: str, *, dry_run: bool) -> Iterator[Contest]:
    """The contest, one operator's at a time while the block runs; a dry run changes nothing and keeps nobody out."""
    from operations.state.one_operator import one_operator

    contest = _contest(environment)
    with one_operator(contest.aws, contest.stack, operation, dry_run=dry_run):
        yield contest


def _settings_file(environment: str) -> Path:
    from config.settings import ROOT

    return ROOT / "deployments" / "beaver_contest" / "environments" / f"{environment}.toml"


def _settings(environment: str) -> BeaverContestSettings:
    from config.settings import load
    from deployments.beaver_contest.settings import BeaverContestSettings

    return load(_settings_file(environment), BeaverContestSettings)


def _teller(console: Console) -> Callable[[str], None]:
    return console.print


@contextmanager
def _bar(console: Console, title: str) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """A progress bar: yields what sets its whole and what sets how much is done."""
    from rich.progress import Progress

    with Progress(*Progress.get_default_columns(), console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)

        def total(number: int) -> None:
            progress.update(task, total=number or None)

        def done(number: int) -> None:
            progress.update(task, completed=number)

        yield total, done
