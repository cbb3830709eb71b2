"""What happens again and again."""

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
from modules.service_role import ServiceRole
from modules.stack import DeploymentStack
from modules.state_machine import StateMachine


class Schedule(Construct):
    """Starts a state machine at the times of the settings, within a window so that not everybody comes on the hour."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        settings: ScheduleSettings,
        machine: StateMachine,
        key: EncryptionKey,
        input_: str = "{}",
    ) -> None:
        super().__init__(scope, id_)
        account_id = DeploymentStack.of_construct(self).environment.account_id
        role = ServiceRole(
            self,
            "role",
            name=f"{name}-schedule",
            service="scheduler.amazonaws.com",
            grantee_role=id_,
            conditions={"StringEquals": {"aws:SourceAccount": account_id}},
        )
        machine.grant_start(role)
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
            kms_key_arn=key.arn,
            target=SchedulerScheduleTarget(
                arn=machine.arn,
                role_arn=role.arn,
                input=input_,
                # a start that is late by more is not worth it: the next one comes
                retry_policy=SchedulerScheduleTargetRetryPolicy(
                    maximum_event_age_in_seconds=900, maximum_retry_attempts=10
                ),
            ),
        )
        for prerequisites in (role.rights, machine.itself):
            prerequisites.hold_back(schedule)
        self.name: Final[str] = name
