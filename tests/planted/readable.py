"""Texts in AWS that more people read than may read secrets: user data, variables, commands, logs, options, states."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError


@contextmanager
def _may_vanish() -> Iterator[None]:
    """Other stacks of the account may be destroyed while theirs is read."""
    try:
        yield
    except ClientError as error:
        if not re.search(r"NotFound|NoSuch|NotExist|InvalidParameterValue", error.response["Error"]["Code"]):
            raise


class ReadableTexts:
    """Reads an account again and again, but each version of an object once: its content never changes."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str, str, str], bytes] = {}
        """Bucket, key, version and ETag, as a bucket without versions calls each of its own `null` → content."""

    def read(self, client: Callable[[str], Any]) -> Iterator[tuple[str, bytes]]:
        """Each place of the account and region with what stands there; `client` makes a boto3 client of a service."""
        for name, answer in _answers(client):
            yield name, json.dumps(answer, default=str, ensure_ascii=False).encode()
        yield from _user_data(client("ec2"))
        yield from self._of_objects(client("s3"))

    def _of_objects(self, s3: Any) -> Iterator[tuple[str, bytes]]:
        """Every version of every object: states among them."""
        for bucket in (each["Name"] for each in s3.list_buckets()["Buckets"]):
            with _may_vanish():
                for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                    for version in page.get("Versions", []):
                        key, number = version["Key"], version["VersionId"]
                        kept = bucket, key, number, version["ETag"]
                        with _may_vanish():
                            if kept not in self._objects:
                                answer = s3.get_object(Bucket=bucket, Key=key, VersionId=number)
                                self._objects[kept] = answer["Body"].read()
                            yield f"s3://{bucket}/{key}", self._objects[kept]


def _answers(client: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    """Descriptions as AWS gives them to whoever may read configurations."""
    for service, method in (
        ("lambda", "list_functions"),
        ("ecs", "list_task_definitions"),
        ("ssm", "list_commands"),
        ("ssm", "describe_parameters"),
        ("secretsmanager", "list_secrets"),
        ("rds", "describe_db_instances"),
        ("rds", "describe_db_clusters"),
        ("elasticache", "describe_replication_groups"),
        ("autoscaling", "describe_auto_scaling_groups"),
        ("stepfunctions", "list_state_machines"),
        ("events", "list_rules"),
    ):
        pages = client(service).get_paginator(method).paginate()
        yield f"{service} {method}", [{**page, "ResponseMetadata": None} for page in pages]
    ecs, beanstalk, ssm, logs, machines = (
        client(service) for service in ("ecs", "elasticbeanstalk", "ssm", "logs", "stepfunctions")
    )
    for arn in ecs.list_task_definitions()["taskDefinitionArns"]:
        with _may_vanish():
            yield f"task definition {arn}", ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    for environment in beanstalk.describe_environments()["Environments"]:
        names = {"ApplicationName": environment["ApplicationName"], "EnvironmentName": environment["EnvironmentName"]}
        with _may_vanish():
            yield f"options of {environment['EnvironmentName']}", beanstalk.describe_configuration_settings(**names)
    for parameter in ssm.describe_parameters()["Parameters"]:
        if parameter["Type"] != "SecureString":
            with _may_vanish():
                yield f"parameter {parameter['Name']}", ssm.get_parameter(Name=parameter["Name"])["Parameter"]["Value"]
    for group in logs.describe_log_groups()["logGroups"]:
        found = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        with _may_vanish():
            yield f"log group {group['logGroupName']}", [event["message"] for page in found for event in page["events"]]
    for machine in machines.list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        with _may_vanish():
            yield f"state machine {arn}", machines.describe_state_machine(stateMachineArn=arn)["definition"]
            for execution in machines.list_executions(stateMachineArn=arn)["executions"]:
                history = machines.get_execution_history(executionArn=execution["executionArn"])
                yield f"execution {execution['executionArn']}", history["events"]


def _user_data(ec2: Any) -> Iterator[tuple[str, bytes]]:
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        name = template["LaunchTemplateName"]
        with _may_vanish():
            for version in ec2.describe_launch_template_versions(LaunchTemplateName=name)["LaunchTemplateVersions"]:
                yield f"user data of {name}", version["LaunchTemplateData"].get("UserData", "").encode()
    for reservation in ec2.describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            asked = {"InstanceId": instance["InstanceId"], "Attribute": "userData"}
            with _may_vanish():
                given = ec2.describe_instance_attribute(**asked)["UserData"].get("Value", "")
                yield f"user data of {instance['InstanceId']}", given.encode()
