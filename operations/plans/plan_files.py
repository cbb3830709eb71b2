"""Plans in files, as HCP Terraform or `terraform show -json` wrote them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from config.settings import ROOT
from operations.errors import OperatorError
from operations.plans.planning import stack_background
from operations.plans.report.model import Report, StackReport
from operations.plans.report.safe_text import visible
from operations.plans.review import Background, review
from operations.stacks import find_stacks, only


def report_on_files(files: Sequence[Path], *, stack: str | None = None, root: Path = ROOT) -> Report:
    """The report on plans in JSON; a file that cannot be read is a failure beside the others.

    Without a stack nothing is known besides the plan: data counts as protected, nothing is silenced.
    Raises OperatorError for a stack that does not exist.
    """
    if stack and len(files) != 1:
        raise OperatorError(f"--stack {stack} says what one plan is for; {len(files)} were given.")
    if stack:
        known = only(find_stacks(root), stack)
        name, environment, background = stack, known.environment, stack_background(root, known, {})
    else:
        name, environment = "", "file"
        background = Background({}, {}, protect_data=True, silence=lambda policy, address: "")
    reports = tuple(_report(file, name or visible(str(file)), environment, background) for file in files)
    amount = "1 stack" if len(files) == 1 else f"{len(files)} stacks"
    return Report(f"Plan of {amount} in {environment if stack else 'files'}", "", reports)


def _report(file: Path, name: str, environment: str, background: Background) -> StackReport:
    try:
        plan: object = json.loads(file.read_bytes())
    except OSError as error:
        return StackReport(name, environment, failure=f"{file} cannot be read: {error.strerror}.")
    except RecursionError:
        return StackReport(name, environment, failure=f"{file} is nested too deeply to be read.")
    except ValueError as error:
        return StackReport(
            name, environment, failure=f"{file} is no JSON ({error}). Make it: terraform show -json plan > {file.name}"
        )
    return review(name, environment, plan, background)
