"""Actions that change or undo what a recorded action made: a recording creates, tags and destroys, and changes little.

They are those of AWS's reference with the same noun: `rds:CreateDBInstance` brings `rds:ModifyDBInstance` along.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from iam.reference import actions

_CREATES: Final = re.compile(r"(?:Create|Register|Request|Allocate|Put)([A-Z]\w+)")
_CHANGES: Final = ("Modify", "Replace", "Reset", "Set", "Update")
_UNTAGS: Final = {
    "AddTags": "RemoveTags",
    "AddTagsToCertificate": "RemoveTagsFromCertificate",
    "AddTagsToResource": "RemoveTagsFromResource",
    "CreateOrUpdateTags": "DeleteTags",
    "CreateTags": "DeleteTags",
}


def companions(action: str) -> Iterator[str]:
    """Known actions that change what the action creates, or take its tags away.

    >>> sorted(companions("ec2:CreateLaunchTemplate"))
    ['ec2:CreateLaunchTemplateVersion', 'ec2:DeleteLaunchTemplate', 'ec2:ModifyLaunchTemplate']
    >>> list(companions("iam:TagRole"))
    ['iam:UntagRole']
    """
    service, _, name = action.partition(":")
    known = actions(service)
    untags = _UNTAGS.get(name) or (f"Untag{name.removeprefix('Tag')}" if name.startswith("Tag") else "")
    wanted = {f"{service}:{untags}"} if untags else set()
    if created := _CREATES.fullmatch(name):
        noun = created[1]
        wanted |= {
            f"{service}:{verb}{noun}{part}" for verb in _CHANGES for part in ("", "Attributes", "Code", "Configuration")
        }
        wanted |= {f"{service}:Create{noun}Version", f"{service}:Delete{noun}"}
    yield from sorted((wanted & known) - {action})
