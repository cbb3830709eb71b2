"""Backup, Image Builder, Systems Manager, and CloudWatch: what can be made can be read, tagged and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]
TAGS = [{"Key": "Project", "Value": "p"}]


def test_backup_selections_belong_to_their_plan(aws: Aws, account: str) -> None:
    backup = aws("backup")
    backup.create_backup_vault(BackupVaultName="vault")
    plan = backup.create_backup_plan(
        BackupPlan={"BackupPlanName": "plan", "Rules": [{"RuleName": "daily", "TargetBackupVaultName": "vault"}]}
    )["BackupPlanId"]
    selection = {
        "SelectionName": "tables",
        "IamRoleArn": f"arn:aws:iam::{account}:role/backup",
        "Resources": [f"arn:aws:dynamodb:eu-central-1:{account}:table/t"],
    }
    name = backup.create_backup_selection(BackupPlanId=plan, BackupSelection=selection)["SelectionId"]
    assert backup.get_backup_selection(BackupPlanId=plan, SelectionId=name)["BackupSelection"] == selection
    listed = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    assert [(one["SelectionId"], one["SelectionName"]) for one in listed] == [(name, "tables")]
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=name)
    with pytest.raises(ClientError, match="Cannot find"):
        backup.get_backup_selection(BackupPlanId=plan, SelectionId=name)
    assert backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]["BackupPlanName"] == "plan"


def test_a_backup_vault_keeps_its_tags_and_has_no_recovery_points(aws: Aws) -> None:
    backup = aws("backup")
    arn = backup.create_backup_vault(BackupVaultName="vault", BackupVaultTags={"Project": "p"})["BackupVaultArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"Project": "p"}
    assert backup.list_recovery_points_by_backup_vault(BackupVaultName="vault")["RecoveryPoints"] == []


def test_image_builder_resources_can_be_made_read_tagged_and_deleted(aws: Aws, account: str) -> None:
    builder = aws("imagebuilder")
    made = builder.create_component(
        name="App server", semanticVersion="1.0.0", platform="Linux", data="phases: []", tags={"Project": "p"}
    )
    arn = made["componentBuildVersionArn"]
    assert arn == f"arn:aws:imagebuilder:eu-central-1:{account}:component/app-server/1.0.0/1"
    component = builder.get_component(componentBuildVersionArn=arn)["component"]
    assert (component["name"], component["version"], component["owner"]) == ("App server", "1.0.0", account)
    builder.tag_resource(resourceArn=arn, tags={"Owner": "o"})
    builder.untag_resource(resourceArn=arn, tagKeys=["Project"])
    assert builder.list_tags_for_resource(resourceArn=arn)["tags"] == {"Owner": "o"}
    builder.delete_component(componentBuildVersionArn=arn)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        builder.get_component(componentBuildVersionArn=arn)


def test_an_infrastructure_configuration_can_be_changed(aws: Aws) -> None:
    builder = aws("imagebuilder")
    arn = builder.create_infrastructure_configuration(name="app", instanceProfileName="builder")[
        "infrastructureConfigurationArn"
    ]
    builder.update_infrastructure_configuration(
        infrastructureConfigurationArn=arn, instanceProfileName="builder", instanceTypes=["t3.small"]
    )
    read = builder.get_infrastructure_configuration(infrastructureConfigurationArn=arn)
    assert read["infrastructureConfiguration"]["instanceTypes"] == ["t3.small"]


def test_an_image_is_available_at_once(aws: Aws, account: str) -> None:
    recipe = f"arn:aws:imagebuilder:eu-central-1:{account}:image-recipe/app/1.0.0"
    configuration = f"arn:aws:imagebuilder:eu-central-1:{account}:infrastructure-configuration/app"
    arn = aws("imagebuilder").create_image(imageRecipeArn=recipe, infrastructureConfigurationArn=configuration)[
        "imageBuildVersionArn"
    ]
    image = aws("imagebuilder").get_image(imageBuildVersionArn=arn)["image"]
    assert image["state"]["status"] == "AVAILABLE"
    assert image["outputResources"]["amis"][0]["accountId"] == account


def test_an_association_can_be_made_changed_tagged_and_deleted(aws: Aws) -> None:
    ssm = aws("ssm")
    target = [{"Key": "tag:Name", "Values": ["web"]}]
    made = ssm.create_association(Name="AWS-RunPatchBaseline", Targets=target, Tags=TAGS)["AssociationDescription"]
    name = made["AssociationId"]
    ssm.update_association(AssociationId=name, ScheduleExpression="rate(1 day)")
    read = ssm.describe_association(AssociationId=name)["AssociationDescription"]
    assert (read["ScheduleExpression"], read["AssociationVersion"], read["Targets"]) == ("rate(1 day)", "2", target)
    assert ssm.list_tags_for_resource(ResourceType="Association", ResourceId=name)["TagList"] == TAGS
    ssm.delete_association(AssociationId=name)
    with pytest.raises(ClientError, match="AssociationDoesNotExist"):
        ssm.describe_association(AssociationId=name)


def test_a_patch_baseline_can_be_read_and_has_tags_and_groups(aws: Aws) -> None:
    ssm = aws("ssm")
    rule = {"PatchFilterGroup": {"PatchFilters": []}, "ApproveAfterDays": 7}
    name = ssm.create_patch_baseline(
        Name="own", OperatingSystem="AMAZON_LINUX_2023", ApprovalRules={"PatchRules": [rule]}, Tags=TAGS
    )["BaselineId"]
    read = ssm.get_patch_baseline(BaselineId=name)
    assert (read["Name"], read["ApprovedPatchesComplianceLevel"]) == ("own", "UNSPECIFIED")
    assert read["ApprovalRules"]["PatchRules"][0]["ApproveAfterDays"] == 7
    assert ssm.update_patch_baseline(BaselineId=name, Name="renamed")["Name"] == "renamed"
    assert ssm.list_tags_for_resource(ResourceType="PatchBaseline", ResourceId=name)["TagList"] == TAGS
    ssm.register_patch_baseline_for_patch_group(BaselineId=name, PatchGroup="web")
    mapping = ssm.describe_patch_groups()["Mappings"][0]
    assert (mapping["PatchGroup"], mapping["BaselineIdentity"]["BaselineId"]) == ("web", name)
    ssm.deregister_patch_baseline_for_patch_group(BaselineId=name, PatchGroup="web")
    assert ssm.describe_patch_groups()["Mappings"] == []


def test_a_maintenance_windows_targets_and_tasks_can_be_read(aws: Aws) -> None:
    ssm = aws("ssm")
    window = ssm.create_maintenance_window(
        Name="win", Schedule="cron(0 3 ? * SUN *)", Duration=2, Cutoff=1, AllowUnassociatedTargets=False
    )["WindowId"]
    targets = [
        ssm.register_target_with_maintenance_window(
            WindowId=window, ResourceType="INSTANCE", Targets=[{"Key": "tag:Name", "Values": [name]}]
        )["WindowTargetId"]
        for name in ("web", "worker")
    ]
    found = ssm.describe_maintenance_window_targets(
        WindowId=window, Filters=[{"Key": "WindowTargetId", "Values": targets[:1]}]
    )["Targets"]
    assert [target["WindowTargetId"] for target in found] == targets[:1]
    task = ssm.register_task_with_maintenance_window(
        WindowId=window, TaskArn="AWS-RunPatchBaseline", TaskType="RUN_COMMAND", Priority=1
    )["WindowTaskId"]
    ssm.update_maintenance_window_task(WindowId=window, WindowTaskId=task, Priority=5)
    assert ssm.get_maintenance_window_task(WindowId=window, WindowTaskId=task)["Priority"] == 5


def test_a_composite_alarm_is_an_alarm_of_its_own_kind(aws: Aws) -> None:
    watch = aws("cloudwatch")
    watch.put_composite_alarm(AlarmName="all", AlarmRule="ALARM(cpu)", AlarmActions=["arn:x"], Tags=TAGS)
    found = watch.describe_alarms(AlarmNames=["all"], AlarmTypes=["CompositeAlarm"])
    assert found["MetricAlarms"] == []
    alarm = found["CompositeAlarms"][0]
    assert (alarm["AlarmRule"], alarm["AlarmActions"]) == ("ALARM(cpu)", ["arn:x"])
    assert watch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"] == TAGS
    watch.delete_alarms(AlarmNames=["all"])
    assert watch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"] == []


def test_a_saved_query_can_be_changed_found_and_deleted(aws: Aws) -> None:
    logs = aws("logs")
    name = logs.put_query_definition(name="app/errors", queryString="fields @message")["queryDefinitionId"]
    logs.put_query_definition(queryDefinitionId=name, name="app/errors", queryString="limit 1")
    found = logs.describe_query_definitions(queryDefinitionNamePrefix="app/")["queryDefinitions"]
    assert [(query["queryDefinitionId"], query["queryString"]) for query in found] == [(name, "limit 1")]
    assert logs.delete_query_definition(queryDefinitionId=name)["success"] is True
    assert logs.describe_query_definitions()["queryDefinitions"] == []


def test_the_version_made_current_is_what_readers_get(aws: Any) -> None:
    secrets = aws("secretsmanager")
    arn = secrets.create_secret(Name="password", SecretString="old")["ARN"]
    old = secrets.get_secret_value(SecretId=arn)["VersionId"]
    new = secrets.put_secret_value(SecretId=arn, SecretString="new", VersionStages=["AWSPENDING"])["VersionId"]
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "old"
    secrets.update_secret_version_stage(
        SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=new, RemoveFromVersionId=old
    )
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "new"
