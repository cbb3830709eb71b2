"""The CloudWatch log groups of an applied stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.running.applied_stack import AppliedStack


def log_groups(applied: AppliedStack) -> Sequence[str]:
    """Names of the log groups, sorted."""
    return applied.names("aws_cloudwatch_log_group")


def named_group(groups: Sequence[str], name: str) -> str:
    """The group of this name, or the only one whose name ends with it after a `/` or `-`.

    >>> named_group(["/quintet/suai-dev-web/boot", "/quintet/suai-dev-web/application"], "boot")
    '/quintet/suai-dev-web/boot'

    Raises OperatorError, with the groups to choose from, when it is none or several.
    """
    found = [group for group in groups if group == name]
    found = found or [group for group in groups if group.endswith((f"/{name}", f"-{name}"))]
    if len(found) == 1:
        return found[0]
    fault = f"{name} is the end of {len(found)} log groups" if found else f"No log group ends with {name}"
    raise OperatorError(
        f"{fault}: {', '.join(found or groups) or 'the stack has none'}.", hint="Give more of the name."
    )
