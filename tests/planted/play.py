"""Rehearsals of applied stacks that end with a search for all of their secrets where none may stand."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from operations.commands.day2 import rehearsal_of
from operations.console import new_console
from operations.demo.check import Check, CheckContext, expect
from operations.demo.rehearsals import NotRehearsedError, Rehearsal, Stage
from operations.demo.stack_roles import role_arn
from operations.plans.plan_files import report_on_files
from operations.plans.report.html import html
from operations.plans.report.markdown import markdown
from operations.plans.report.terminal import print_report
from operations.plans.standing_provider import StandingProviders
from operations.review.addresses import read_document
from operations.review.adoption import look_up, section
from operations.review.orphans import ORPHANS, find_orphans
from operations.roles.provider_rights import roles_of
from operations.roles.role import Role
from operations.state.difference import resources_of
from operations.state.status import current_state
from operations.terraform.run import Run
from operations.terraform.terraform import Terraform, run_environment
from operations.terraform.toolchain.providers import provider_installation
from operations.terraform.toolchain.terraform_release import find_terraform
from tests.planted.held import known_secrets, plant
from tests.planted.processes import Processes
from tests.planted.readable import ReadableTexts
from tests.planted.search import SecretSearch

OTHER_IDS = frozenset(
    {
        "aws_appautoscaling_policy",
        "aws_appautoscaling_target",
        "aws_autoscaling_policy",
        "aws_backup_selection",
        "aws_ecs_task_definition",
        "aws_iam_role_policy_attachment",
        "aws_route",
        "aws_route_table_association",
        "aws_s3_object",
    }
)
"""Types that Terraform imports by another id than the one in its state."""
UNDECIDED = frozenset({"aws_route53_record"})
"""Records that validate a certificate have names that AWS gives."""


CONTAINERS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"})
"""Variables by which Aquamark's containers, psql and pg_dump take a login: its owner and root alone read them."""


def shown(processes: Processes) -> Iterator[tuple[str, str]]:
    """Arguments of processes, which everybody reads, and their environments but for what is a login's place."""
    logins = {f"variable {name} of a process" for name in CONTAINERS}
    return ((place, text) for place, text in processes.texts() if place not in logins)


class SecretsPlay:
    """Searches while the stacks are there, and keeps the secrets for a last search when they are gone."""

    def __init__(self, processes: Processes, *, planned_too: str) -> None:
        self.secrets: dict[str, str] = {}
        self.folder: Path | None = None
        """The run's."""
        self._processes = processes
        self._readable = ReadableTexts()
        self._planned_too = planned_too
        """The stack that `quintet plan` plans besides."""

    def rehearsal_of(self, deployment: str) -> Rehearsal:
        """The deployment's own rehearsal, if it has one, then the search."""
        own = rehearsal_of(deployment)

        @contextmanager
        def played(stage: Stage) -> Iterator[Sequence[Check]]:
            left_out: NotRehearsedError | None = None
            roles = roles_of(stage.context.stack)
            with ExitStack() as stack:
                checks: Sequence[Check] = ()
                try:
                    checks = stack.enter_context(own(stage)) if own else ()
                except NotRehearsedError as reason:
                    left_out = reason
                yield (
                    *checks,
                    *([Check("operate role", partial(operated, stage))] if Role.OPERATE in roles else []),
                    Check("orphans", orphans_would_be_found),
                    Check("secrets", lambda context: self._search(stage, context)),
                )
            if left_out is not None:
                raise left_out

        return played

    def _search(self, stage: Stage, context: CheckContext) -> str:
        plant(context.client("secretsmanager"), context.stack.name)
        self.folder = stage.behind.parent
        texts = dict(self._of_plans(stage, context))
        secrets = known_secrets(context.client("secretsmanager"), context.client("ssm"))
        self.secrets |= secrets
        search = SecretSearch(secrets)
        found = search.in_texts([*texts.items(), *shown(self._processes)])
        found += search.in_files(self.folder)
        found += [one for place, data in self._readable.read(context.client) for one in search.in_bytes(place, data)]
        expect(secrets, "there are no secrets to search for")
        expect(not found, "\n    ".join([f"{len(found)} places hold a secret:", *sorted(set(found))[:40]]))
        return f"none of {len(secrets)} values anywhere"

    def _of_plans(self, stage: Stage, context: CheckContext) -> Iterator[tuple[str, str]]:
        """Plan with every secret in place, and what is shown and kept of the plan; what adoption proposes."""
        stack = context.stack
        terraform = Terraform(
            stage.behind.parent / stack.name,
            stack=stack.name,
            binary=find_terraform(stage.root),
            environment=run_environment(stage.environment, provider_installation(stage.root)),
            log=stage.behind.parent / f"{stack.name}-planted.log",
            init_lock=stage.root / ".runs" / "init.lock",
        )
        file = terraform.directory / "planted.json"
        with (
            Run("planted", root=stage.root) as run,
            StandingProviders(run) as providers,
            providers.attached(terraform, stack),
        ):
            file.write_text(json.dumps(terraform.show_json(terraform.plan("planted"))))
        report, shown = report_on_files([file], stack=stack.name), io.StringIO()
        print_report(report, new_console(file=shown))
        yield "report for the terminal", shown.getvalue()
        yield "report.html", html(report)
        yield "report.md", markdown(report)
        yield "proposal of adoption", section(list(look_up(context.aws, stack)))
        yield "outputs", json.dumps(dict(context.applied.values))
        if stack.name == self._planned_too:
            reports = stage.behind.parent / "reports"
            command = [sys.executable, "-m", "operations", "plan", stack.name, "--report-to", str(reports)]
            done = subprocess.run(
                command, cwd=stage.root, env=stage.environment, capture_output=True, text=True, check=False
            )
            expect(done.returncode in (0, 2), f"quintet plan ended with {done.returncode}: {done.stdout}{done.stderr}")
            yield "quintet plan", done.stdout + done.stderr
            folder = stage.root / ".runs" / (reports / "run.txt").read_text().strip()
            folder.rename(stage.behind.parent / folder.name)  # searched with the run


def operated(stage: Stage, context: CheckContext) -> str:
    """Run the commands of the role that operates the SUAI Cloud App, with its keys."""
    stack, executable = context.stack, stage.behind.parent / "app"
    executable.write_bytes(b"\x7fELF")
    publish = ("suai", "publish", "--environment", stack.environment, "--app", str(executable), "--version", "one")
    commands = (
        ("output", stack.name, "url"),
        (*publish, "--no-refresh"),
        ("suai", "releases", "--environment", stack.environment),
        ("logs", stack.name, "boot"),
        ("shell", stack.name),
    )
    environment = {**stage.environment, **stage.keys_of(role_arn(stack, Role.OPERATE))}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "operations", *arguments]
        return subprocess.run(command, cwd=stage.root, env=environment, capture_output=True, text=True, check=False)

    user = run("suai", "database-user", "--environment", stack.environment)
    # the function gives its secret a password; no MySQL answers at the name that RDS would give it
    expect("was not made: (2003, " in user.stderr, f"suai database-user ended with {user.returncode}: {user.stderr}")
    for arguments in commands:
        done = run(*arguments)
        expect(done.returncode == 0, f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return f"{len(commands) + 1} commands"


def as_declared(kind: str, body: Mapping[str, object], attributes: Mapping[str, object]) -> bool:
    """True unless a rehearsal has applied another name than the committed one."""
    literal = {path: value for path in ORPHANS[kind].arguments if isinstance(value := body.get(path), str)}
    return all("${" in value or attributes.get(path) == value for path, value in literal.items())


def orphans_would_be_found(context: CheckContext) -> str:
    """Take each resource out of the state in turn: it is found again, by the id that Terraform imports it by."""
    recorded = resources_of(current_state(context.aws, context.stack))
    declared = read_document(context.stack.folder)["resource"]  # a rehearsal may have applied another release
    wrong, number = [], 0
    for address, attributes in recorded.items():
        kind = address.partition(".")[0]
        if kind not in ORPHANS or address.partition(".")[2] not in declared.get(kind, {}):
            continue
        if not as_declared(kind, declared[kind][address.partition(".")[2]], attributes):
            continue
        others = {other: known for other, known in recorded.items() if other != address}
        ids = find_orphans(context.aws, context.stack, [address], known=others, found={}).get(address)
        known_by = {attributes.get("id"), attributes.get("arn")}
        if ids is None and kind in UNDECIDED:
            continue
        if not ids or (kind not in OTHER_IDS and not known_by & set(ids)):
            wrong.append(f"{address}: {ids} in place of {attributes.get('id')}")
        number += 1
    expect(not wrong, "\n    ".join(wrong))
    return f"{number} resources"
