"""Terraform in one working directory: typed results, events while it works, errors that name the resource."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager, nullcontext, suppress
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from operations.errors import OperatorError
from operations.no_access import cause_in
from operations.state.locks import Lock
from operations.terraform import under_way
from operations.terraform.processes import Children
from operations.terraform.toolchain.one_at_a_time import one_at_a_time
from operations.terraform.under_way import ApplyRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from operations.terraform.documents import State

PARALLELISM = 30
"""Resources at once within a run: they mostly wait on fixed delays, so a stack costs about its longest chain."""

Kind = Literal["planned", "started", "done", "errored", "problem"]


@dataclass(frozen=True)
class Event:
    """Something that happened to the resource at `address` while Terraform worked.

    `errored` says at once that a resource failed; the provider's message follows when Terraform ends, as `problem`.
    """

    kind: Kind
    address: str
    action: str = ""
    message: str = ""


@dataclass(frozen=True)
class TerraformProblem:
    """An error of Terraform or of the provider; `address` is empty where it is about no resource."""

    address: str
    message: str

    def __str__(self) -> str:
        return f"{self.address}: {self.message}" if self.address else self.message


@dataclass(frozen=True)
class PlanResult:
    """A plan in a file: whether it would change anything, and each change as (address, action)."""

    path: Path
    changes: bool
    planned: tuple[tuple[str, str], ...]


class TerraformError(OperatorError):
    """A Terraform command failed; names the stack, the resources, the provider's messages and the log."""

    def __init__(
        self, stack: str, command: str, problems: tuple[TerraformProblem, ...], log: Path, hint: str = ""
    ) -> None:
        lines = [f"{stack}: terraform {command} failed.", *(f"  {problem}" for problem in problems), f"Log: {log}"]
        super().__init__("\n".join(lines), hint=hint or None)
        self.stack = stack
        self.problems = problems
        self.log = log


class StateLockedError(TerraformError):
    """Somebody else holds the lock on the stack's state; `lock` says who."""

    def __init__(self, stack: str, command: str, problems: tuple[TerraformProblem, ...], log: Path, lock: Lock) -> None:
        locked = (TerraformProblem("", f"The state is locked: {lock.describe()} (lock {lock.id})."), *problems)
        hint = f"Wait until they are done. If they have died, break the lock with: quintet state unlock {stack}"
        super().__init__(stack, command, locked, log, hint)
        self.lock = lock


class StateDigestError(TerraformError):
    """The state is not what its digest in the lock table says: its writer was ended between the two."""

    def __init__(self, stack: str, command: str, problems: tuple[TerraformProblem, ...], log: Path) -> None:
        mend = f"quintet state versions {stack}, then quintet state restore {stack} VERSION"
        hint = f"Write the current version again: {mend}"
        super().__init__(stack, command, problems, log, hint)


def run_environment(inherited: Mapping[str, str], additions: Mapping[str, str]) -> dict[str, str]:
    """The environment Terraform runs in: `inherited` without what would change its commands, and our own settings.

    GOGC=400 lets the provider's garbage collector rest: a third less CPU for a quarter more memory. The provider writes
    a trace of everything, which Terraform throws away, unless it is told not to or the operator asks for a log.
    """
    steering = ("TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE", "TF_REATTACH_PROVIDERS")
    kept = {name: value for name, value in inherited.items() if not name.startswith(steering)}
    ours = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "GOGC": "400"}
    if not any(name.startswith("TF_LOG") for name in kept):
        ours |= {"TF_LOG_SDK": "OFF", "TF_LOG_PROVIDER_AWS": "OFF"}
    return {**kept, **ours, **additions}


class Terraform:
    """Terraform in `directory`, a copy of a stack's committed folder that it may write to.

    `environment` is the whole environment of the commands (see `run_environment`). All output goes to `log`, readable
    and complete; runs that share `init_lock` connect one after the other. Every method raises TerraformError when the
    command fails, and what Children.follow raises when the run is stopped: Ctrl-C lets Terraform finish the requests
    under way, save its state and release its lock.
    """

    def __init__(
        self,
        directory: Path,
        *,
        stack: str,
        binary: Path,
        environment: Mapping[str, str],
        log: Path,
        init_lock: Path,
        children: Children | None = None,
        on_event: Callable[[Event], None] | None = None,
        lock_timeout_seconds: int = 5,
    ) -> None:
        self.directory = directory
        self.stack = stack
        self.log = log
        self._binary = binary
        self._environment = environment
        self._init_lock = init_lock
        self._children = children or Children()
        self._on_event = on_event or _ignore
        self._lock_timeout = f"-lock-timeout={lock_timeout_seconds}s"

    @property
    def environment(self) -> Mapping[str, str]:
        """The whole environment of the commands."""
        return self._environment

    @contextmanager
    def using(self, **variables: str) -> Iterator[None]:
        """Commands in the block have these environment variables besides."""
        before = self._environment
        self._environment = {**before, **variables}
        try:
            yield
        finally:
            self._environment = before

    def elsewhere(self, directory: Path) -> Terraform:
        """The same Terraform in another directory, for the same stack and with the same log."""
        other = copy(self)
        other.directory = directory
        return other

    def init(self, *, link: bool = True) -> None:
        """Connect the state and link the provider; not to link it is for who attaches one to every other command."""
        # Terraform does not promise that two inits may fill one plugin cache at the same time, and the operator's own
        # CLI configuration may name one.
        with one_at_a_time(self._init_lock), nullcontext() if link else self._without_provider():
            self._stream("init", "-json", "-input=false", "-no-color")

    def plan(self, name: str = "plan", *, destroy: bool = False, refresh_only: bool = False) -> PlanResult:
        """Plan into the file `name` of the working directory, readable by its owner only: plans hold secret values."""
        path = self.directory / name
        flags = [flag for flag, wanted in (("-destroy", destroy), ("-refresh-only", refresh_only)) if wanted]
        path.touch(mode=0o600)
        planned: list[tuple[str, str]] = []
        try:
            code = self._stream(
                "plan",
                *("-json", "-input=false", "-no-color", "-detailed-exitcode", f"-parallelism={PARALLELISM}"),
                *(self._lock_timeout, f"-out={name}", *flags),
                allowed=(0, 2),
                planned=planned,
            )
        except BaseException:
            # A failed plan leaves a file as well, which nobody can apply.
            path.unlink(missing_ok=True)
            raise
        return PlanResult(path, changes=code == 2, planned=tuple(planned))

    def apply(self, plan: PlanResult) -> None:
        """Apply exactly what was planned; the plan file is used up by it.

        Terraform goes on to its end when this program is killed; `applies_under_way` finds it until then. What it
        wrote stays in the directory when it fails, and with it `errored.tfstate`, a state that could not be saved.
        """
        try:
            self._apply(str(plan.path))
        finally:
            plan.path.unlink(missing_ok=True)

    def plan_and_apply(self, *, destroy: bool = False, refresh: bool = True) -> None:
        """Plan and apply in one command, where nobody reads the plan: what needs the provider's schema is done once.

        Without `refresh` Terraform takes what its state says for what there is; the rest is as `apply` has it.
        """
        options = {"-destroy": destroy, "-refresh=false": not refresh}
        self._apply("-auto-approve", *(flag for flag, wanted in options.items() if wanted))

    def destroy(self, *, refresh: bool = True) -> None:
        """Destroy everything in the state."""
        self.plan_and_apply(destroy=True, refresh=refresh)

    def show_json(self, plan: PlanResult) -> dict[str, Any]:
        """The plan in Terraform's JSON format. Holds secret values."""
        shown: dict[str, Any] = json.loads(self._capture("show", "-json", "-no-color", str(plan.path)))
        return shown

    def state_list(self) -> list[str]:
        """The addresses of everything in the state."""
        with self._without_provider():
            return self._capture("state", "list").split()

    def state_pull(self) -> State:
        """The state. Holds secret values."""
        with self._without_provider():
            state: State = json.loads(self._capture("state", "pull") or "{}")
        return state

    def state_push(self, file: Path) -> None:
        """Make the state in `file` the current one. Terraform refuses another lineage, and a serial that is older."""
        self._capture("state", "push", self._lock_timeout, str(file))

    def state_remove(self, address: str) -> None:
        """Forget the resource at `address`, which goes on to exist."""
        self._capture("state", "rm", self._lock_timeout, address)

    def import_resource(self, address: str, id_: str) -> None:
        """Take what the provider knows as `id_` into the state at `address`, where nothing may be."""
        self._capture("import", "-input=false", "-no-color", self._lock_timeout, address, id_)

    def _without_provider(self) -> AbstractContextManager[None]:
        """Commands in the block read the state and start no provider, so Terraform need not hash its 700 MB first."""
        return self.using(**{_ATTACHED: self._environment.get(_ATTACHED, _NOBODY)})

    def _apply(self, *arguments: str) -> None:
        record = self.directory / under_way.FILE
        output = self.directory / under_way.OUTPUT

        def keep_record(pid: int) -> None:
            begun = ApplyRecord.of_process(self.stack, pid, self._environment)
            with suppress(OSError):  # a disk that has become full is no reason to stop
                record.write_text(begun.model_dump_json(), encoding="utf-8")

        try:
            self._stream(
                "apply",
                *("-json", "-input=false", "-no-color", f"-parallelism={PARALLELISM}", self._lock_timeout),
                *arguments,
                output=output,
                on_start=keep_record,
            )
        finally:
            record.unlink(missing_ok=True)
        output.unlink(missing_ok=True)

    def _stream(
        self,
        command: str,
        *arguments: str,
        allowed: tuple[int, ...] = (0,),
        planned: list[tuple[str, str]] | None = None,
        output: Path | None = None,
        on_start: Callable[[int], None] = lambda _: None,
    ) -> int:
        problems: list[TerraformProblem] = []

        def handle(line: str) -> None:
            message = _message(line)
            _write_to(log, line, message)
            if message.get("type") == "diagnostic" and message["diagnostic"]["severity"] == "error":
                problem = _problem(message["diagnostic"])
                problems.append(problem)
                self._on_event(Event("problem", problem.address, message=problem.message))
            elif (event := _event(message)) is not None:
                if event.kind == "planned" and planned is not None:
                    planned.append((event.address, event.action))
                self._on_event(event)

        with self._logged(command, *arguments) as log:
            code = self._children.follow(
                [str(self._binary), command, *arguments],
                cwd=self.directory,
                environment=self._environment,
                on_line=handle,
                output=output,
                on_start=on_start,
            )
        if code not in allowed:
            raise self._error(command, code, tuple(problems))
        return code

    def _capture(self, *arguments: str) -> str:
        # What is captured may hold secrets and is not logged.
        with self._logged(*arguments) as log:
            code, output, errors = self._children.capture(
                [str(self._binary), *arguments], cwd=self.directory, environment=self._environment
            )
            log(errors)
        if code != 0:
            raise self._error(arguments[0], code, (TerraformProblem("", errors.strip()),) if errors.strip() else ())
        return output

    @contextmanager
    def _logged(self, *arguments: str) -> Iterator[Callable[[str], None]]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

        def write(text: str) -> None:
            with suppress(OSError):  # a disk that has become full must not disturb what Terraform does
                if text:
                    os.write(log, f"{text}\n".encode())

        try:
            write(f"\n{datetime.now().astimezone().isoformat(timespec='seconds')} $ terraform {' '.join(arguments)}")
            yield write
        finally:
            os.close(log)

    def _error(self, command: str, code: int, problems: tuple[TerraformProblem, ...]) -> TerraformError:
        for problem in problems:
            lock = Lock.from_message(problem.message)
            if lock is not None:
                others = tuple(other for other in problems if other is not problem)
                return StateLockedError(self.stack, command, others, self.log, lock)
        said = "\n".join(problem.message for problem in problems if not problem.address)
        if _WRONG_DIGEST.search(said):
            return StateDigestError(self.stack, command, problems, self.log)
        if _MISSING_PLACE.search(said):
            hint = "The state bucket or the lock table is missing. Make them with: quintet state bootstrap ENVIRONMENT"
            return TerraformError(self.stack, command, problems, self.log, hint)
        said_of_all = "\n".join(problem.message for problem in problems)
        if cause := cause_in(said_of_all, self._environment):
            return TerraformError(self.stack, command, problems, self.log, f"{cause.message} {cause.hint}")
        if _FULL.search(said_of_all):
            hint = f"The disk of {self.directory} is full. Free some, then plan again."
            return TerraformError(self.stack, command, problems, self.log, hint)
        if _THROTTLED.search(said_of_all):
            hint = "AWS throttled: too many requests at once, none of them wrong. Wait a minute, then plan again."
            return TerraformError(self.stack, command, problems, self.log, hint)
        if _CUT_OFF.search(said_of_all):
            hint = "An answer of AWS was cut off, so it is not known what that request did. Plan again."
            return TerraformError(self.stack, command, problems, self.log, hint)
        if code < 0:
            died = TerraformProblem("", f"It was ended by signal {-code} and may have left its lock behind.")
            hint = f"Who holds the lock: quintet state status. Break it: quintet state unlock {self.stack}"
            return TerraformError(self.stack, command, (*problems, died), self.log, hint)
        return TerraformError(self.stack, command, problems or (TerraformProblem("", f"Exit code {code}."),), self.log)


_ATTACHED = "TF_REATTACH_PROVIDERS"
_NOBODY = json.dumps(
    {"hashicorp/aws": {"Protocol": "grpc", "Pid": 0, "Addr": {"Network": "unix", "String": "/nonexistent/provider"}}}
)
"""A provider that Terraform takes for started already; a command that used it all the same would fail."""


def _ignore(event: Event) -> None:
    del event


def _message(line: str) -> dict[str, Any]:
    """The message in a line of Terraform's machine-readable output; empty for a line that is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _write_to(log: Callable[[str], None], line: str, message: dict[str, Any]) -> None:
    if not message:
        log(line)
        return
    log(f"{message.get('@timestamp', '')[11:19]} {message.get('@message', '')}")
    detail = message.get("diagnostic", {}).get("detail")
    if detail:
        log("\n".join(f"         {part}" for part in detail.splitlines()))


_MISSING_PLACE = re.compile(
    r"S3 bucket .* does not exist|(?s:Unable to retrieve item from DynamoDB table.*ResourceNotFoundException)"
)
_THROTTLED = re.compile(
    r"\b(Throttl\w+|RequestLimitExceeded|SlowDown|TooManyRequests\w*|Rate exceeded|ProvisionedThroughputExceeded\w*)\b"
    r"|StatusCode: (429|503)\b"
)
_CUT_OFF = re.compile(r"unexpected EOF|deserialization failed|connection reset by peer|failed to read response body")
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_WRONG_DIGEST = re.compile("does not have the expected content")

_HOOKS: dict[str, Kind] = {"apply_start": "started", "apply_complete": "done", "apply_errored": "errored"}


def _event(message: dict[str, Any]) -> Event | None:
    kind = message.get("type", "")
    if kind == "planned_change":
        change = message["change"]
        return Event("planned", change["resource"]["addr"], change["action"])
    if kind in _HOOKS:
        hook = message["hook"]
        return Event(_HOOKS[kind], hook["resource"]["addr"], hook["action"], message.get("@message", ""))
    return None


def _problem(diagnostic: dict[str, Any]) -> TerraformProblem:
    text = "\n".join(part.strip() for part in (diagnostic["summary"], diagnostic.get("detail", "")) if part.strip())
    return TerraformProblem(diagnostic.get("address", ""), text)
