"""Canvas Data 2's own question of preflight: the API's credentials, which Terraform does not create."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.canvas_data_2.outputs import CanvasData2Outputs
from deployments.canvas_data_2.settings import CREDENTIALS
from operations.review.preflight.findings import PreflightFinding, fine, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from operations.review.preflight.account import Account
    from operations.review.preflight.findings import Question
    from operations.review.preflight.planned import PlannedDocument


def questions() -> Sequence[Question]:
    """Asked before an apply; it succeeds without credentials, and refreshes do not."""
    return (credentials,)


def credentials(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for the parameters that the functions read; their values are not asked for."""
    path = planned.read(CanvasData2Outputs).parameter_path
    wanted = [f"{path}/{name}" for name in CREDENTIALS]
    named = [{"Key": "Name", "Option": "Equals", "Values": wanted}]
    found = {each["Name"] for each in account.ask("ssm", "describe_parameters", ParameterFilters=named)["Parameters"]}
    missing = [name for name in wanted if name not in found]
    if missing:
        command = f"after the apply: quintet canvas put-credentials --environment {planned.stack.environment}"
        yield warning("credentials", f"not filled yet: {', '.join(missing)}", command)
    else:
        yield fine("credentials", f"{' and '.join(wanted)} are there")
