"""A plan, read, judged by the policies and made into a report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from operations.errors import OperatorError
from operations.plans.mirrors import without_mirrors
from operations.plans.plan_document import endpoint_notice, nested, read_plan
from operations.plans.policies.judging import EXEMPTED_BY, judge, judge_drift
from operations.plans.report.model import Origins, StackReport, report_stack
from operations.terraform.documents import StackDocument


@dataclass(frozen=True)
class Background:
    """Facts about a stack besides its plan: its Terraform JSON, where its constructs are written, its policies."""

    document: StackDocument
    sources: Mapping[str, Sequence[str]]
    protect_data: bool
    silence: Callable[[str, str], str]
    """(policy, address) → the reason of a silence, or nothing."""
    endpoint: str = ""
    """Endpoint that Terraform was given in place of AWS's own; empty for AWS."""


def review(
    name: str, environment: str, plan_json: object, background: Background, *, seconds: float = 0.0
) -> StackReport:
    """The report on one stack's plan, which is as `terraform show -json` has it.

    A plan that cannot be read or judged is a failure of its own stack: the other stacks of a run keep their reports.
    """
    try:
        return _review(name, environment, plan_json, background, seconds)
    except OperatorError as error:
        failure = str(error)
    except RecursionError:
        failure = "Its values are nested too deeply to be read."
    except Exception as error:  # a defect here must not cost the other stacks their report
        failure = f"There is no report on this plan: {type(error).__name__}: {error}. Read it with `terraform show`."
    return StackReport(name, environment, failure=failure, seconds=seconds)


def _review(name: str, environment: str, plan_json: object, background: Background, seconds: float) -> StackReport:
    plan = without_mirrors(read_plan(plan_json))
    if background.endpoint:
        others = [notice for notice in plan.notices if "not on AWS" not in notice]
        plan = dataclasses.replace(plan, notices=(endpoint_notice(background.endpoint), *others))
    configured = _configured(background.document)

    def silenced(policy: str, address: str) -> str:
        for rule in (policy, *EXEMPTED_BY.get(policy, ())):
            reason = nested(configured.get(address.split("[")[0]), "//", "exemptions", rule)
            if reason is not None:
                return str(reason)
        return background.silence(policy, address)

    return report_stack(
        name,
        environment,
        plan,
        findings=judge(plan, protect_data=background.protect_data, configured=configured, silenced=silenced),
        drift_findings=judge_drift(plan, protect_data=background.protect_data, silenced=silenced),
        origins=Origins(
            {address: str(nested(each, "//", "metadata", "path") or "") for address, each in configured.items()},
            background.sources,
        ),
        seconds=seconds,
    )


def _configured(document: StackDocument) -> dict[str, Mapping[str, object]]:
    """The arguments of each resource in the Terraform JSON, by address."""
    return {
        f"{kind}.{name}": attributes
        for kind, resources in document.get("resource", {}).items()
        for name, attributes in resources.items()
    }
