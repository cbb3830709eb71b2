"""Snapshots that are kept for long, made by AWS Backup."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cdktf_cdktf_provider_aws.backup_plan import BackupPlan as AwsBackupPlan
from cdktf_cdktf_provider_aws.backup_plan import BackupPlanRule, BackupPlanRuleLifecycle
from cdktf_cdktf_provider_aws.backup_selection import BackupSelection
from cdktf_cdktf_provider_aws.backup_vault import BackupVault
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from modules.encryption_key import EncryptionKey
from modules.naming import physical_name
from modules.policy import assumed_by
from modules.stack import DeploymentStack
from modules.watches.watch import Watch


class BackupPlan(Construct):
    """A vault of its own, and a snapshot of `resource_arns` in it whenever `schedule` says so.

    `schedule` is AWS Backup's cron expression in UTC, `cron(0 16 ? * SAT *)`. Each snapshot goes after
    `retention_days`. Of a protected plan, neither the vault nor the key it encrypts with can be destroyed.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        schedule: str,
        retention_days: int,
        resource_arns: Sequence[str],
    ) -> None:
        super().__init__(scope, id_)
        stack = DeploymentStack.of_construct(self)
        key = EncryptionKey(self, "key", name=name, description=f"Snapshots in the vault {name}")
        self._vault = BackupVault(self, "vault", name=name, kms_key_arn=key.arn, force_destroy=not stack.protect_data)
        plan = AwsBackupPlan(
            self,
            "Default",
            name=name,
            rule=[
                BackupPlanRule(
                    rule_name=id_,
                    target_vault_name=self._vault.name,
                    schedule=schedule,
                    start_window=60,
                    completion_window=480,
                    lifecycle=BackupPlanRuleLifecycle(delete_after=retention_days),
                )
            ],
        )
        role = IamRole(
            self,
            "role",
            name=physical_name(name, max_length=64),
            assume_role_policy=assumed_by(
                "backup.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.environment.account_id}}
            ),
        )
        attached = IamRolePolicyAttachment(
            self,
            "backup",
            role=role.name,
            # AWS adds to it what Backup learns to back up; restores are begun by operators, with rights of their own
            policy_arn="arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
        )
        BackupSelection(
            self,
            "selection",
            name=physical_name(name, max_length=50),
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=list(resource_arns),
            depends_on=[attached],
        )

    @property
    def vault_name(self) -> str:
        """Where the snapshots are."""
        return self._vault.name

    def watches(self) -> Sequence[Watch]:
        """Snapshots that failed or were not begun in time."""
        watch = partial(Watch, namespace="AWS/Backup", dimensions={"BackupVaultName": self._vault.name})
        daily = partial(watch, statistic="Sum", threshold=0, period_seconds=86400, evaluation_periods=1)
        return [
            daily(role=role, metric_name=metric, description=description)
            for role, metric, description in (
                ("failed", "NumberOfBackupJobsFailed", "A snapshot failed: look at the vault's jobs, and take one"),
                ("expired", "NumberOfBackupJobsExpired", "A snapshot was not begun within its hour: take one"),
            )
        ]
