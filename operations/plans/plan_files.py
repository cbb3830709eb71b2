"""Plans in files, as HCP Terraform or `terraform show -json` wrote them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from config.settings import ROOT
from operations.errors import OperatorError
from operations.plans.plan_document import nested
from operations.plans.planning import stack_background
from operations.plans.report.model import Report, StackReport
from operations.plans.report.safe_text import visible
from operations.plans.review import Background, review
from operations.stacks import find_stacks, only


def report_on_files(files: Sequence[Path], *, stack: str | None = None, root: Path = ROOT) -> Report:
    """The report on plans in JSON; a file that cannot be read is a failure beside the others.

    Without a stack nothing is known besides the plan: data counts as protected, nothing is silenced. A plan whose
    provider tags name another stack than `stack` is a failure: exemptions would count for what they were not made for.
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
    reports = tuple(_report(file, stack, name or visible(str(file)), environment, background) for file in files)
    amount = "1 stack" if len(files) == 1 else f"{len(files)} stacks"
    return Report(f"Plan of {amount} in {environment if stack else 'files'}", "", reports)


def _report(file: Path, stack: str | None, name: str, environment: str, background: Background) -> StackReport:
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
    if stack and (others := _stacks_in(plan) - {stack}):
        other = ", ".join(sorted(others))
        return StackReport(
            name,
            environment,
            failure=f"{file} is a plan of {other}, not of {stack}. Leave --stack out, or name its own.",
        )
    return review(name, environment, plan, background)


def _stacks_in(plan: object) -> set[str]:
    """Names of the stacks that the plan's providers tag resources with; empty when the plan does not say."""
    providers = nested(plan, "configuration", "provider_config")
    names = set()
    for provider in providers.values() if isinstance(providers, dict) else ():
        blocks = nested(provider, "expressions", "default_tags")
        for block in blocks if isinstance(blocks, list) else ():
            tags = nested(block, "tags", "constant_value")
            deployment, environment = nested(tags, "Deployment"), nested(tags, "Environment")
            if isinstance(deployment, str) and isinstance(environment, str):
                names.add(f"{deployment}-{environment}")
    return names
