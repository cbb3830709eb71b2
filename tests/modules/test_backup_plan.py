from __future__ import annotations

from modules.backup_plan import BackupPlan
from tests.modules.synth import ABSENT, assert_subset, sample_stack, synthesised

ARN = "arn:aws:rds:eu-central-1:111122223333:db:sample"


def plan(*, protect_data: bool = True):
    stack = sample_stack(protect_data=protect_data)
    BackupPlan(
        stack,
        "backups",
        name="sample",
        schedule="cron(0 16 ? * SAT *)",
        retention_days=400,
        resource_arns=[ARN],
    )
    return synthesised(stack)


def test_the_resources_are_backed_up_as_scheduled_and_kept_as_long_as_asked():
    result = plan()
    assert_subset(
        result.resource("aws_backup_plan.backups"),
        {"rule": [{"schedule": "cron(0 16 ? * SAT *)", "lifecycle": {"delete_after": 400}}]},
    )
    assert_subset(result.resource("aws_backup_selection.backups_selection"), {"resources": [ARN]})


def test_the_role_takes_snapshots_and_restores_none():
    attached = plan().resources("aws_iam_role_policy_attachment")
    assert [each["policy_arn"].rpartition("/")[2] for each in attached.values()] == [
        "AWSBackupServiceRolePolicyForBackup"
    ]


def test_a_protected_vault_is_not_emptied_and_its_key_stays():
    result = plan()
    assert result.resource("aws_backup_vault.backups_vault")["force_destroy"] is False
    assert_subset(result.resource("aws_kms_key.backups_key"), {"lifecycle": {"prevent_destroy": True}})
    assert_subset(plan(protect_data=False).resource("aws_kms_key.backups_key"), {"lifecycle": ABSENT})
