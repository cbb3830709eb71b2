"""The place of a database: where it stands in AWS, in Terraform's state and on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operations.aws import Aws
from operations.instances.run_command import POLL_SECONDS
from operations.stacks import Stack

LONGEST_NAME = 63
"""Characters of an instance's or a cluster's name (API reference of CreateDBInstance, 2026-11-29)."""
Resources = Mapping[str, Mapping[str, Any]]
"""Terraform's state: address → attributes."""


@dataclass(frozen=True)
class DatabasePlace:
    """A database of an applied stack; `terraform_environment` says where AWS is, by default the operator's own."""

    aws: Aws
    stack: Stack
    root: Path
    address: str
    """Its address in the stack's state."""
    identifier: str
    """Its name in RDS, which its host name is made of."""
    command: str
    """The command that restores it, to be continued by a source or an option."""
    check_command: str
    """The command that looks whether the application works."""
    members: Mapping[str, str] = field(default_factory=dict)
    """The instances of a cluster: the end of the name, which the cluster's precedes → address in the state."""
    record: str = "restore"
    """The last part of the name of the parameter that remembers the restore."""
    poll_seconds: float = POLL_SECONDS
    terraform_environment: Mapping[str, str] | None = None

    def renamed(self, suffix: str) -> str:
        """Its name with `suffix`, and cut before that where it or an instance's name would be too long for RDS."""
        room = LONGEST_NAME - len(suffix) - max(map(len, self.members), default=0)
        return self.identifier[:room].rstrip("-") + suffix

    def client(self, service: str) -> Any:
        """A client in the stack's region."""
        return self.aws.client(service, region=self.stack.region)


def identifier_of(address: str) -> str:
    """The name of a database in RDS, which its host name begins with.

    >>> identifier_of("beaver-contest-dev-database.c9akciq32.eu-central-1.rds.amazonaws.com")
    'beaver-contest-dev-database'
    """
    return address.partition(".")[0]
