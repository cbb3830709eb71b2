"""The DynamoDB tables whose keys the PHP code has built in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from config.types import TableAction
from deployments.beaver_contest.settings import BeaverContestSettings
from modules.access import Grantable
from modules.policy import allow, document
from modules.stack import DeploymentStack
from modules.table import Index, Key, Table

_ACTIONS: Final[Sequence[TableAction]] = (
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "UpdateItem",
)


class ContestTables:
    """Teams, their answers, and sessions; teams and answers expire only where the settings say when."""

    def __init__(self, stack: DeploymentStack, settings: BeaverContestSettings) -> None:
        self._stack = stack
        prefix = settings.application.table_prefix
        ttl_attribute = "ttl" if settings.application.item_ttl_seconds else None
        self.team: Final = Table(
            stack,
            "team",
            name=f"{prefix}team",
            hash_key=Key("ID", "N"),
            indexes={"password-index": Index(Key("password", "S"))},
            ttl_attribute=ttl_attribute,
            settings=settings.team,
        )
        self.team_question: Final = Table(
            stack,
            "team_question",
            name=f"{prefix}team_question",
            hash_key=Key("teamID", "N"),
            range_key=Key("questionID", "N"),
            ttl_attribute=ttl_attribute,
            settings=settings.team_question,
        )
        self.sessions: Final = Table(
            stack,
            "sessions",
            name=f"{prefix}sessions",
            hash_key=Key("id", "S"),
            ttl_attribute="expires",
            settings=settings.sessions,
        )
        self.all: Final = (self.team, self.team_question, self.sessions)

    def grant(self, grantee: Grantable, *, only_from_vpc: str) -> None:
        """Lets `grantee` do what the PHP code does with its tables, from inside the VPC.

        One policy for all tables: those of a user together have no more than 2,048 characters.
        """
        conditions = {"StringEquals": {"aws:SourceVpc": only_from_vpc}}

        def these(sid: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, object]:
            names = [f"dynamodb:{action}" for action in actions]
            return allow(sid, actions=names, resources=resources, conditions=conditions)

        policy = document(
            these("Items", _ACTIONS, [table.arn for table in self.all]),
            these("Indexes", ["Query"], [f"{self.team.arn}/index/*"]),
            these("Expired", ["Scan"], [self.sessions.arn]),  # expired sessions are looked for among all
        )
        grantee.attach_policy(self._stack, f"tables_read_write_by_{grantee.grantee_role}", policy)
