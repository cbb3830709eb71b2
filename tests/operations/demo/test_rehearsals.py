"""Rehearsals in `make demo`: shown beside the checks, and left out, with the reason, where something is missing."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from deployments.aquamark.day2.rehearsal import checks as aquamark
from deployments.beaver_contest.day2.rehearsal import checks as beaver
from deployments.canvas_data_2.day2.rehearsal import checks as canvas
from deployments.suai_cloud_app.day2.rehearsal import checks as suai
from deployments.sync_storage.day2.rehearsal import checks as sync
from operations.applied import Applied
from operations.commands.day2 import rehearsal_of
from operations.console import new_console
from operations.demo.check import Check, CheckContext
from operations.demo.demo import Demo, _sleep_in
from operations.demo.rehearsals import NotRehearsedError, Rehearsal, Stage
from operations.engines.server import MissingEngineError
from operations.terraform.processes import RunInterruptedError
from operations.terraform.run import Run
from tests.operations.demo.test_demo import GreetingOutputs, disappoint, no_checks
from tests.operations.terraform_support import QUICK, make_repository, write_stack


@contextmanager
def nothing_here(stage: Stage) -> Iterator[Sequence[Check]]:
    del stage
    raise NotRehearsedError("not run: no orchestra (apt install orchestra)")
    yield


@contextmanager
def played(stage: Stage) -> Iterator[Sequence[Check]]:
    stage.behind.write_text("{}")
    stage.sleep(0)
    yield [Check("play", lambda context: context.read(GreetingOutputs).greeting)]


@contextmanager
def booed(stage: Stage) -> Iterator[Sequence[Check]]:
    del stage
    yield [Check("play", disappoint)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


@pytest.mark.terraform
def test_what_is_rehearsed_counts_as_checked_and_what_cannot_be_is_said_without_failing(root: Path) -> None:
    rehearsals: dict[str, Rehearsal] = {"one": nothing_here, "two": played, "three": booed}
    for name in rehearsals:
        write_stack(root, QUICK, deployment=name)
    output = io.StringIO()
    demo = Demo(environment="test", root=root, checks_of=no_checks, rehearsal_of=rehearsals.get)
    fine = demo.run(new_console(file=output, width=200))
    said = output.getvalue()
    rows = {line.split()[0]: line for line in said.splitlines() if " passed" in line}
    assert "0 of 0 passed" in rows["one-test"]
    assert "one-test: rehearsal not run: no orchestra (apt install orchestra)" in said
    assert "1 of 1 passed" in rows["two-test"]
    assert "0 of 1 passed" in rows["three-test"]
    assert not fine
    assert "one-test: checks failed" not in said
    assert "three-test: checks failed.\n  play: nobody answers" in said


def test_deployments_with_a_rehearsal_are_played_in_the_demo_and_others_are_not() -> None:
    assert rehearsal_of("canvas-data-2") is canvas.checks
    assert rehearsal_of("sync-storage") is sync.checks
    assert rehearsal_of("suai-cloud-app") is suai.checks
    assert rehearsal_of("beaver-contest") is beaver.checks
    assert rehearsal_of("aquamark") is aquamark.checks
    assert rehearsal_of("no-such-deployment") is None


def stage(tmp_path: Path) -> Stage:
    context = CheckContext(Applied(write_stack(tmp_path, QUICK), {}), aws=None)  # type: ignore[arg-type]  # is not asked
    return Stage(
        context, tmp_path, tmp_path / "behind.json", environment={}, sleep=time.sleep, keys_in_vpc=lambda *_: {}
    )


def test_without_postgresql_canvas_is_not_rehearsed_and_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str, *programs: str, **_: object) -> list[str]:
        raise MissingEngineError(package, programs)

    monkeypatch.setattr("operations.engines.postgresql.programs_of", missing)
    with (
        pytest.raises(NotRehearsedError, match=r"^not run: no PostgreSQL server \(apt install postgresql\)$"),
        canvas.checks(stage(tmp_path)),
    ):
        pass


@pytest.mark.parametrize(("rehearsal", "packages"), [(suai, suai.PACKAGES), (sync, sync.PACKAGES)])
def test_without_its_engines_a_deployment_is_not_rehearsed_and_says_what_to_install(
    rehearsal: ModuleType, packages: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str, *programs: str, **_: object) -> list[str]:
        raise MissingEngineError(package, programs)

    monkeypatch.setattr("operations.engines.mariadb.programs_of", missing)
    there = stage(tmp_path)
    with (
        pytest.raises(NotRehearsedError, match=rf"^not run: mariadbd.*\(apt install {packages}\)$"),
        rehearsal.checks(there),
    ):
        pass


def test_with_its_state_in_hcp_terraform_canvas_is_not_rehearsed(tmp_path: Path) -> None:
    there = stage(tmp_path)
    in_the_cloud = replace(there.context.applied, stack=replace(there.context.stack, backend=None))
    elsewhere = replace(there.context, applied=in_the_cloud)
    with pytest.raises(NotRehearsedError, match="HCP Terraform"), canvas.checks(replace(there, context=elsewhere)):
        pass


def test_a_rehearsal_that_nobody_waits_for_any_more_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.terraform.run.find_terraform", lambda _: tmp_path)
    monkeypatch.setattr("operations.terraform.run.provider_installation", lambda _: {})
    with Run("demo", root=tmp_path) as run:
        sleep = _sleep_in(run)
        sleep(0)
        run.children.interrupt()
        with pytest.raises(RunInterruptedError):
            sleep(0)
