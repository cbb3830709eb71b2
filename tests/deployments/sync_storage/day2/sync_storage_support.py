"""An applied Sync Storage on the emulator: what Terraform leaves behind for the day-2 commands."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.environment import Environment, StateSettings
from deployments.sync_storage.day2.deployed import DEPLOYMENT, Deployed
from deployments.sync_storage.day2.rotation import Rotation
from deployments.sync_storage.day2.webheads import RunningWebheads
from deployments.sync_storage.outputs import SyncStorageOutputs
from operations.console import new_console
from tests.deployments.stack_json import StackJson
from tests.deployments.suai_cloud_app.day2.suai_support import IMAGE, QuickAws
from tests.operations.terraform_support import REGION, write_stack
from tests.sample_outputs import sample_outputs

if TYPE_CHECKING:
    from emulator.server import Emulator
    from operations.stacks import Stack

DOMAIN = "sync.example.org"
LOAD_BALANCER = "syncstorage-lb-1.us-east-1.elb.amazonaws.com"
GROUP = "webheads"
FUNCTION = "databases"
MUTATING = ("PutSecretValue", "UpdateSecretVersionStage", "SendCommand", "Invoke")


class Fault(Exception):
    """Faults that a test causes."""


@dataclass
class World:
    """One environment of Sync Storage, and a clock that the test sets."""

    deployed: Deployed
    account: str
    moment: datetime
    printed: io.StringIO

    def rotation(self, **changes: Any) -> Rotation:
        console = new_console(file=self.printed)
        webheads = RunningWebheads(self.deployed, console, poll_seconds=0, health_seconds=0, command_seconds=30)
        return Rotation(self.deployed, webheads, console, now=lambda: self.moment, **changes)

    def later(self, **span: float) -> None:
        self.moment += timedelta(**span)

    def client(self, service: str) -> Any:
        return self.deployed.client(service)

    @contextmanager
    def failing_after(self, number: int) -> Iterator[list[str]]:
        """Everything goes wrong right after the call of that number that changes something; yields the calls made."""
        made: list[str] = []
        numbers = itertools.count(1)

        def after(model: Any, **_: Any) -> None:
            if model.name in MUTATING:
                made.append(model.name)
                if next(numbers) == number:
                    raise Fault(model.name)

        clients = [self.client(service) for service in ("secretsmanager", "ssm", "lambda")]
        for client in clients:
            client.meta.events.register("after-call.*.*", after, unique_id="fault")
        try:
            yield made
        finally:
            for client in clients:
                client.meta.events.unregister("after-call.*.*", unique_id="fault")


@dataclass
class Account:
    """Parts that the environments of one test module share: clients, webheads and the hosted zone."""

    aws: QuickAws
    id: str
    zone_id: str


def make_account(emulator: Emulator, account: str) -> Account:
    aws = QuickAws(emulator.environment(account_id=account, region=REGION))
    zone = aws.client("route53", region=REGION).create_hosted_zone(Name=DOMAIN, CallerReference=account)
    make_webheads(aws)
    aws.client("dynamodb", region=REGION).create_table(
        TableName="locks", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
    )  # fmt: skip
    return Account(aws, account, zone["HostedZone"]["Id"].rpartition("/")[2])


def make_world(account: Account, root: Path, *, nodes: tuple[str, ...] = ("a",)) -> World:
    """An environment of its own, called by `root`: the nodes' entries and secrets; the secrets are empty."""
    deployed = Deployed(account.aws, applied_stack(account, root), outputs(account, root))
    world = World(deployed, account.id, datetime(2026, 1, 1, tzinfo=UTC), io.StringIO())
    for node in nodes:
        add_entry(world, node)
    world.client("secretsmanager").create_secret(Name=f"{root.name}-application-user")
    return world


def applied_stack(account: Account, root: Path) -> Stack:
    state = StateSettings(bucket=f"state-{account.id}", region=REGION, lock_table="locks")
    environment = Environment(name="test", account_id=account.id, state=state)
    return write_stack(root, {}, deployment=DEPLOYMENT, environment=environment)


def outputs(account: Account, root: Path) -> SyncStorageOutputs:
    return sample_outputs(
        SyncStorageOutputs,
        group=GROUP,
        parameter_path=f"/{root.name}",
        application_secret=f"{root.name}-application-user",
        application_user="syncstorage_app",
        zone_id=account.zone_id,
        load_balancer_name=LOAD_BALANCER,
        databases_function=FUNCTION,
        render_document="render",
        nginx_log_group="/quintet/webheads/nginx",
        gunicorn_log_group="/quintet/webheads/gunicorn",
        boot_log_group="/quintet/webheads/boot",
    )


def add_entry(world: World, node: str, *, address: str = "127.0.0.1", port: int = 3306) -> None:
    """Creates what `[nodes.X]` does beside the database."""
    path = world.deployed.outputs.parameter_path
    secret = f"{path[1:]}-master-secrets-{node}"
    world.client("secretsmanager").create_secret(Name=secret)
    value = {
        "address": address,
        "port": port,
        "identifier": f"node-{node}",
        "scheme": "https",
        "host_names": [f"{node}-{number}.{DOMAIN}" for number in range(10)],
        "master_secrets": secret,
    }
    world.client("ssm").put_parameter(
        Name=f"{path}/nodes/{node}", Value=json.dumps(value), Type="String", Overwrite=True
    )


def make_webheads(aws: QuickAws, *, number: int = 2) -> None:
    ec2, elb = aws.client("ec2", region=REGION), aws.client("elbv2", region=REGION)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/20", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
    target = elb.create_target_group(Name="webheads", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    template = ec2.create_launch_template(
        LaunchTemplateName="webheads", LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.micro"}
    )["LaunchTemplate"]
    aws.client("autoscaling", region=REGION).create_auto_scaling_group(
        AutoScalingGroupName=GROUP, MinSize=number, MaxSize=8, VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "1"},
        TargetGroupARNs=[target["TargetGroupArn"]],
    )  # fmt: skip
    content = {"schemaVersion": "2.2", "description": "render", "mainSteps": []}
    aws.client("ssm", region=REGION).create_document(Name="render", DocumentType="Command", Content=json.dumps(content))


def make_host_names(world: World, node: str) -> None:
    changes = [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": host_name, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": LOAD_BALANCER}],
            },
        }
        for host_name in world.deployed.nodes()[node].host_names
    ]  # fmt: skip
    world.client("route53").change_resource_record_sets(
        HostedZoneId=world.deployed.outputs.zone_id, ChangeBatch={"Changes": changes}
    )


def make_database(world: World, node: str) -> dict[str, str]:
    """RDS's instance, and the login that RDS keeps for its master."""
    made = world.client("rds").create_db_instance(
        DBInstanceIdentifier=f"node-{node}", DBInstanceClass="db.t4g.small", Engine="mysql", MasterUsername="master",
        AllocatedStorage=20, ManageMasterUserPassword=True,
    )["DBInstance"]  # fmt: skip
    secret = world.client("secretsmanager").get_secret_value(SecretId=made["MasterUserSecret"]["SecretArn"])
    login: dict[str, str] = json.loads(secret["SecretString"])
    return login


def function_variables() -> dict[str, str]:
    """Environment variables of the committed function in the network."""
    function = StackJson("sync-storage-dev").resource("aws_lambda_function.databases_function")
    variables: dict[str, str] = function["environment"]["variables"]
    return variables


def make_function(account: Account, code: bytes, handler: str) -> None:
    """The function in the network."""
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = account.aws.client("iam", region=REGION).create_role(RoleName="function", AssumeRolePolicyDocument=trust)[
        "Role"
    ]["Arn"]
    actions = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
    rights = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}
    account.aws.client("iam", region=REGION).put_role_policy(
        RoleName="function", PolicyName="secrets", PolicyDocument=json.dumps(rights)
    )
    account.aws.client("lambda", region=REGION).create_function(
        FunctionName=FUNCTION,
        Runtime="python3.12",
        Role=role,
        Handler=handler,
        Code={"ZipFile": code},
        Timeout=60,
        Environment={"Variables": function_variables()},
    )


def secret_name(world: World, node: str) -> str:
    return world.deployed.nodes()[node].master_secrets


def lines_of(world: World, node: str, stage: str = "AWSCURRENT") -> list[str]:
    found = world.client("secretsmanager").get_secret_value(SecretId=secret_name(world, node), VersionStage=stage)
    text: str = found["SecretString"]
    return text.splitlines()


def labels_of(world: World, node: str) -> set[str]:
    """Labels of the current version."""
    found = world.client("secretsmanager").describe_secret(SecretId=secret_name(world, node))["VersionIdsToStages"]
    (stages,) = [stages for stages in found.values() if "AWSCURRENT" in stages]
    return {stage.partition("-server-")[0] for stage in stages} - {"AWSCURRENT", "AWSPREVIOUS"}
