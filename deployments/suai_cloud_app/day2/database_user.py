"""The database user that the application signs in as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.instances.database_user import ApplicationUser
from operations.restore.place import identifier_of

if TYPE_CHECKING:
    from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
    from operations.aws import Aws
    from operations.stacks import Stack

PORT = 3306


def database_user(aws: Aws, stack: Stack, outputs: SuaiCloudAppOutputs) -> ApplicationUser:
    """The user of an applied stack."""
    return ApplicationUser(
        lambda service: aws.client(service, region=stack.region),
        function=outputs.database_user_function,
        identifier=identifier_of(outputs.database_address),
        host=outputs.database_address,
        port=PORT,
        database=outputs.database_name,
        user=outputs.database_user,
        secret_arn=outputs.database_user_secret_arn,
    )
