"""An applied SUAI Cloud App on the emulator: its state, its bucket and its group of instances."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader

from config.environment import Environment, StateSettings
from config.settings import ROOT
from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from operations.aws import Aws
from operations.stacks import Stack
from tests.operations.terraform_support import REGION, write_stack
from tests.sample_outputs import sample_outputs

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.server import Emulator

IMAGE = "ami-12c6146b"  # one of those the emulator brings
URL = "http://suai.test:8080"


_MODELS = Loader()


class QuickAws(Aws):
    """Reads botocore's descriptions of the services once and not for every test: EC2's alone takes half a second."""

    @cached_property
    def _session(self) -> Any:
        session = super()._session
        session._session.register_component("data_loader", _MODELS)
        return session


@dataclass(frozen=True)
class Deployed:
    """Everything the day-2 commands look at; `aws` leads to it, with bucket and group called by the account."""

    root: Path
    emulator: Emulator
    account: str
    aws: Aws

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead there."""
        return self.emulator.environment(account_id=self.account, region=REGION)

    def client(self, service: str) -> Any:
        return self.aws.client(service, region=REGION)

    @property
    def bucket(self) -> str:
        return f"suai-{self.account}"

    @property
    def group(self) -> str:
        return "suai-web"

    def objects(self) -> dict[str, bytes]:
        """Everything in the bucket, replaced versions left out."""
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {entry["Key"]: s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read() for entry in found}

    def versions(self) -> list[tuple[str, str]]:
        """Key and id of every version of every object: what a write would add to."""
        answer = self.client("s3").list_object_versions(Bucket=self.bucket)
        return [(entry["Key"], entry["VersionId"]) for entry in answer.get("Versions", [])]

    def pointer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.objects()["releases/current"])
        return found

    def instances(self) -> set[str]:
        (group,) = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[self.group])[
            "AutoScalingGroups"
        ]
        return {instance["InstanceId"] for instance in group["Instances"]}


def stack_of(root: Path, account: str) -> Stack:
    """The committed stack, with a state bucket of the account."""
    state = StateSettings(bucket=f"state-{account}", region=REGION, lock_table="locks")
    environment = Environment(name="test", account_id=account, state=state)
    return write_stack(root, {}, deployment="suai-cloud-app", environment=environment)


def put_state(aws: Aws, stack: Stack, outputs: dict[str, str]) -> None:
    """Write the state that Terraform would."""
    values = {name: {"value": value, "type": "string"} for name, value in outputs.items()}
    values["database_password"] = {"value": "a secret", "type": "string", "sensitive": True}  # type: ignore[dict-item]
    state = {"version": 4, "terraform_version": "1.11.4", "serial": 7, "outputs": values, "resources": []}
    aws.client("dynamodb", region=REGION).create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    s3 = aws.client("s3", region=REGION)
    s3.create_bucket(Bucket=stack.state.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=stack.state.bucket, Key=stack.state.key, Body=json.dumps(state).encode())


def deploy(root: Path, emulator: Emulator, account: str) -> Deployed:
    """The state an apply would leave behind."""
    aws = QuickAws(emulator.environment(account_id=account, region=REGION))
    deployed = Deployed(root, emulator, account, aws)
    (ROOT / ".cache").mkdir(exist_ok=True)
    (root / ".cache").symlink_to(ROOT / ".cache")  # the application's libraries are fetched once
    aws.client("secretsmanager", region=REGION).create_secret(Name="database-user", SecretString="{}")
    put_state(
        aws,
        stack_of(root, account),
        sample_outputs(
            SuaiCloudAppOutputs,
            database_user_secret_arn="database-user",
            url=URL,
            bucket=deployed.bucket,
            release_prefix="releases/",
            group=deployed.group,
            redis_secret_arn="arn:of-the-token",
            application_log_group="/quintet/suai-web/application",
            boot_log_group="/quintet/suai-web/boot",
        ).model_dump(exclude_none=True),
    )
    return deployed


def make_fleet(deployed: Deployed) -> None:
    """The bucket and the group an apply would leave behind."""
    s3 = deployed.client("s3")
    s3.create_bucket(Bucket=deployed.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=deployed.bucket, VersioningConfiguration={"Status": "Enabled"})
    template = deployed.client("ec2").create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.micro"}
    )
    deployed.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=deployed.group,
        MinSize=2,
        MaxSize=4,
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"},
        AvailabilityZones=[f"{REGION}a"],
    )
