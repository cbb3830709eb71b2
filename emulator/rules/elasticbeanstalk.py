"""Elastic Beanstalk: platforms on which a new environment can begin, and sizes of environment properties.

Sources: Elastic Beanstalk platforms support policy and Developer Guide, environment properties (2026-11-28); branches
and versions are dated facts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from emulator.call import Refusal
from emulator.rules.rule import Rules
from emulator.versions import newer

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.facts import Facts

RULES = Rules("elasticbeanstalk")

_STACK = re.compile(r"(?P<system>64bit Amazon Linux 2023) v(?P<version>[\d.]+) running (?P<language>PHP [\d.]+)")
_ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
_MOST_ENVIRONMENT_BYTES = 4096


@RULES.by_facts_on("CreateEnvironment", "UpdateEnvironment")
def the_platform_is_offered(call: Call, facts: Facts) -> None:
    stack = call.parameters.get("SolutionStackName", "")
    named = _STACK.fullmatch(stack)
    if not named or _in_use(call, stack):
        return
    branch = f"{named['language']} running on {named['system']}"
    known = next((each for each in facts.platform_branches if each["branch"] == branch), None)
    retires = known["retires"] if known else None
    today = datetime.now(tz=UTC).date().isoformat()
    if known is None or (retires and retires <= today):
        retired = f"; its branch was retired on {retires}" if retires else ""
        raise Refusal("InvalidParameterValue", f"No Solution Stack named '{stack}' found{retired}.")
    newest = known["newest_version"]
    if newest and newer(newest, named["version"]):
        raise Refusal(
            "InvalidParameterValue",
            f"Platform version {named['version']} of '{branch}' is superseded by {newest}: an account without an"
            " environment on it cannot use it.",
        )


@RULES.on("CreateEnvironment", "UpdateEnvironment")
def properties_fit(call: Call) -> None:
    properties = [
        (setting.get("OptionName", ""), setting.get("Value", ""))
        for setting in call.parameters.get("OptionSettings", ())
        if setting.get("Namespace") == _ENVIRONMENT
    ]
    if sum(len(f"{name}={value}".encode()) for name, value in properties) > _MOST_ENVIRONMENT_BYTES:
        raise Refusal(
            "InvalidParameterValue", f"Environment properties are larger than {_MOST_ENVIRONMENT_BYTES} bytes."
        )


def _in_use(call: Call, stack: str) -> bool:
    """Tell whether the account runs an environment of this very platform version."""
    from emulator.gaps.elasticbeanstalk import environments

    running = environments.of(call.account_id, call.region).values()
    return any(environment["SolutionStackName"] == stack for environment in running)
