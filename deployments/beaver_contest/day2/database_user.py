"""The database user that the PHP code signs in as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.instances.database_user import ApplicationUser
from operations.restore.place import identifier_of

if TYPE_CHECKING:
    from deployments.beaver_contest.day2.contest import Contest


def database_user(contest: Contest) -> ApplicationUser:
    """The user of an applied contest."""
    outputs = contest.outputs
    return ApplicationUser(
        contest.client,
        function=outputs.database_user_function,
        identifier=identifier_of(outputs.database_address),
        host=outputs.database_address,
        port=int(outputs.database_port),
        database=outputs.database_name,
        user=outputs.database_user,
        secret_arn=outputs.database_user_secret_arn,
    )
