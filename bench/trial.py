"""Rehearses `quintet trial` of two stacks with three injected refusals: `python -m bench.trial [FOLDER]`.

The emulator stands for AWS, behind a proxy that refuses an action of preflight, one of an apply and one of a
destruction. Writes trial.json into the folder, by default docs/examples/trial, from which `quintet docs write` renews
docs/trial.md, and then destroys what the refusals left standing. Exits 1 when the report lacks a refusal, or anything
stands in the end.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.faults import faulty_proxy
from config.environment import StateSettings, load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.commands.day2 import checks_of, questions_of
from operations.console import new_console
from operations.demo.prerequisites import make_existing
from operations.stacks import Stack, find_stacks, only
from operations.state.bootstrap import bootstrap
from operations.trial.report import TrialReport
from operations.trial.trial import Trial

STACKS = ("canvas-data-2-dev", "suai-cloud-app-dev")
DENIED = {
    "preflight": "servicequotas:GetServiceQuota",
    "apply": "states:CreateStateMachine",
    "destroy": "elasticache:DeleteReplicationGroup",
}
"""Step → the action that the operator, here, may not use."""
FOLDER = ROOT / "docs" / "examples" / "trial"


def denied(action: str, account_id: str) -> tuple[str, str]:
    """AWS's answer to somebody without the permission: error code and message."""
    service = action.split(":")[0]
    who = f"User: arn:aws:iam::{account_id}:user/jane.doe is not authorized to perform: {action} on resource: "
    what = f"arn:aws:{service}:eu-central-1:{account_id}:* because no identity-based policy allows the {action} action"
    return "AccessDeniedException" if service != "elasticache" else "AccessDenied", who + what


def rehearse(folder: Path) -> TrialReport:
    """The trial with its refusals, and after it another one that destroys what stands. Raises SystemExit for a rest."""
    stacks = [only(find_stacks(ROOT), name) for name in STACKS]
    settings = load_environment("dev")
    console = new_console(steady=True)
    with (
        tempfile.TemporaryDirectory() as logs,
        Emulator.start(log=Path(logs) / "emulator.log", facts=FACTS) as emulator,
        faulty_proxy(emulator.endpoint, random.Random(0)) as faults,
    ):
        owner = Aws(emulator.environment(account_id=settings.account_id, region=stacks[0].region))
        if isinstance(settings.state, StateSettings):
            bootstrap(owner, settings)
        make_existing(owner, stacks)

        def as_operator(stack: Stack) -> Mapping[str, str]:
            full = emulator.full_environment(account_id=stack.account_id, region=stack.region)
            return full | {"AWS_ENDPOINT_URL": faults.endpoint}

        def trial(**options: object) -> TrialReport:
            return Trial(
                STACKS,
                aws=as_operator,
                checks_of=checks_of,
                questions_of=questions_of,
                consent=lambda question: console.print(question) is None,
                **options,  # type: ignore[arg-type]  # each of its own type
            ).run(console)

        refused = {action.split(":")[1]: denied(action, settings.account_id) for action in DENIED.values()}
        with faults.refusing(refused):
            report = trial(report_to=folder)
        left = [stack.name for stack, tried in zip(stacks, report.stacks, strict=True) if tried.remains]
        if (
            left
            and not Trial(
                left, aws=as_operator, clean_up=True, consent=lambda question: console.print(question) is None
            )
            .run(console)
            .fine
        ):
            raise SystemExit("The refusals were lifted, and yet something stands.")
    return report


def leave_commit_out(folder: Path) -> None:
    """A report that is committed cannot name its commit."""
    file = folder / "trial.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["versions"] = [version.partition(", commit ")[0] for version in content["versions"]]
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "trial.md").unlink()  # docs/trial.md shows it


def main() -> int:
    """Run it, and say what the report lacks."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    report = rehearse(folder)
    leave_commit_out(folder)
    found = {(line.step, line.operation.rpartition(" ")[2]) for stack in report.stacks for line in stack.findings}
    missing = [f"{step}: {action}" for step, action in DENIED.items() if (step, action.split(":")[1]) not in found]
    if missing:
        new_console(stderr=True).print(f"Not reported: {', '.join(missing)}")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
