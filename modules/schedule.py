"""A recurring schedule."""

from __future__ import annotations

from typing import Final

from cdktf_cdktf_provider_aws.scheduler_schedule import (
    SchedulerSchedule,
    SchedulerScheduleFlexibleTimeWindow,
    SchedulerScheduleTarget,
    SchedulerScheduleTargetRetryPolicy,
)
from constructs import Construct

from config.components import ScheduleSettings
from modules.encryption_key import EncryptionKey
from modules.python_function import PythonFunction
from modules.refusals import exempt
from modules.service_role import ServiceRole
from modules.stack import DeploymentStack
from modules.state_machine import StateMachine


class Schedule(Construct):
    """Starts a state machine or a function at the times of the settings, within a window beside the full hour.

    Without a key the input has to be empty: the key that encrypts it otherwise is AWS's own.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        settings: ScheduleSettings,
        target: StateMachine | PythonFunction,
        key: EncryptionKey | None = None,
        input_: str = "{}",
    ) -> None:
        super().__init__(scope, id_)
        if key is None and input_ != "{}":
            raise ValueError(f"the input of {name} needs a key: give key, or leave input_ out")
        account_id = DeploymentStack.of_construct(self).environment.account_id
        role = ServiceRole(
            self,
            "role",
            name=f"{name}-schedule",
            service="scheduler.amazonaws.com",
            grantee_role=id_,
            conditions={"StringEquals": {"aws:SourceAccount": account_id}},
        )
        if isinstance(target, StateMachine):
            target.grant_start(role)
        else:
            target.grant_invoke(role)
        if key is not None:
            key.grant_decrypt(role)
        window = settings.flexible_window_minutes
        schedule = SchedulerSchedule(
            self,
            "Default",
            name=name,
            state="ENABLED" if settings.enabled else "DISABLED",
            schedule_expression=settings.expression,
            flexible_time_window=(
                SchedulerScheduleFlexibleTimeWindow(mode="FLEXIBLE", maximum_window_in_minutes=window)
                if window
                else SchedulerScheduleFlexibleTimeWindow(mode="OFF")
            ),
            kms_key_arn=key.arn if key else None,
            target=SchedulerScheduleTarget(
                arn=target.arn,
                role_arn=role.arn,
                input=input_,
                # a start that is late by more is not worth it: the next one comes
                retry_policy=SchedulerScheduleTargetRetryPolicy(
                    maximum_event_age_in_seconds=900, maximum_retry_attempts=10
                ),
            ),
        )
        role.rights.hold_back(schedule)
        if isinstance(target, StateMachine):  # its ARN is known before it exists
            target.itself.hold_back(schedule)
        if key is None:
            exempt(schedule, "CKV_AWS_297", reason="its input is empty")
        self.name: Final[str] = name
