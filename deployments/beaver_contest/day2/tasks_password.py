"""The password of the tasks, which come with their solutions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from operations.aws import refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from deployments.beaver_contest.day2.contest import Contest

_LINE = re.compile(r"[^:\s]+:(\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22})")


def protect_tasks(contest: Contest, lines: str, *, dry_run: bool) -> list[str]:
    """Put the lines of an htpasswd file where instances fetch them, and return the names in them.

    Raises OperatorError for lines that hold no bcrypt or apr1 hash: anything else is a password in clear, or as good.
    """
    entries = [line.strip() for line in lines.splitlines() if line.strip()]
    if not entries:
        raise OperatorError("There are no lines.", hint="htpasswd -nB teacher | quintet beaver protect-tasks")
    for number, line in enumerate(entries, start=1):
        if not _LINE.fullmatch(line):
            raise OperatorError(
                f"Line {number} is not `name:hash` with a bcrypt or apr1 hash.", hint="htpasswd -nB NAME writes one."
            )
    if not dry_run:
        with refusals_explained():
            contest.client("secretsmanager").put_secret_value(
                SecretId=contest.outputs.tasks_password_secret_arn, SecretString="\n".join(entries)
            )
    return [line.split(":", maxsplit=1)[0] for line in entries]
