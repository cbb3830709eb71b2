"""Checks of `make demo` on an applied Canvas Data 2, as far as they go without Canvas itself."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from deployments.canvas_data_2.outputs import CanvasData2Outputs
from operations.demo.check import Check, CheckContext, expect

_EXECUTION_SECONDS = 120


def checks() -> Sequence[Check]:
    """The checks, quick ones first."""
    return (
        Check("parameters", parameters_wait_for_an_operator),
        Check("database", database_is_private_encrypted_and_asked_through_the_data_api),
        Check("network", only_functions_and_tasks_reach_the_database),
        Check("schedule", schedule_starts_the_state_machine),
        Check("task", task_is_large_enough_and_its_image_has_a_place),
        Check("summary", a_thousand_results_fit_into_one_notification),
        Check("execution", without_credentials_an_execution_fails_and_says_so),
    )


def parameters_wait_for_an_operator(context: CheckContext) -> str:
    """Terraform creates no parameter for the API's credentials; `quintet canvas put-credentials` does."""
    path = context.read(CanvasData2Outputs).parameter_path
    found = context.client("ssm").get_parameters_by_path(Path=path)["Parameters"]
    expect(not found, f"there are {sorted(parameter['Name'] for parameter in found)}")
    return f"nothing below {path} yet"


def database_is_private_encrypted_and_asked_through_the_data_api(context: CheckContext) -> str:
    """The cluster has what the document and its template ask for."""
    cluster = _cluster(context)
    expect(cluster["StorageEncrypted"], "it is not encrypted")
    expect(cluster["BackupRetentionPeriod"] >= 7, "its backups are kept for less than 7 days")
    expect(cluster["HttpEndpointEnabled"], "its Data API is off")
    expect(
        cluster["DatabaseName"] == context.read(CanvasData2Outputs).database_name,
        f"its database is {cluster['DatabaseName']}",
    )
    members = {member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"]}
    instances = context.client("rds").describe_db_instances()["DBInstances"]
    public = [i for i in instances if i["DBInstanceIdentifier"] in members and i["PubliclyAccessible"]]
    expect(not public, "it has a public address")
    return f"{cluster['Engine']} {cluster['EngineVersion']}, {len(members)} instances"


def only_functions_and_tasks_reach_the_database(context: CheckContext) -> str:
    """Port 5432 is open to two security groups, and to no address."""
    groups = [group["VpcSecurityGroupId"] for group in _cluster(context)["VpcSecurityGroups"]]
    filters = [{"Name": "group-id", "Values": groups}]
    rules = context.client("ec2").describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    incoming = [rule for rule in rules if not rule["IsEgress"]]
    expect(len(incoming) == 2, f"{len(incoming)} rules open the database")
    expect(all("ReferencedGroupInfo" in rule for rule in incoming), "an address may reach the database")
    expect(all(rule["FromPort"] == rule["ToPort"] == 5432 for rule in incoming), "another port than 5432 is open")
    return "two security groups"


def schedule_starts_the_state_machine(context: CheckContext) -> str:
    """EventBridge Scheduler starts CD2RefreshStateMachine."""
    outputs = context.read(CanvasData2Outputs)
    schedule = context.client("scheduler").get_schedule(Name=outputs.schedule)
    expect(schedule["Target"]["Arn"] == outputs.state_machine_arn, "it starts something else")
    expect(outputs.state_machine_arn.endswith(":CD2RefreshStateMachine"), "the machine has another name")
    return (
        f"{schedule['ScheduleExpression']}, within {schedule['FlexibleTimeWindow']['MaximumWindowInMinutes']} minutes"
    )


def task_is_large_enough_and_its_image_has_a_place(context: CheckContext) -> str:
    """The task definition gives the room that large tables need and names an image of the stack's repository."""
    outputs = context.read(CanvasData2Outputs)
    ecs = context.client("ecs")
    task = ecs.describe_task_definition(taskDefinition=outputs.task_definition_arn)["taskDefinition"]
    (container,) = task["containerDefinitions"]
    expect(container["image"] == outputs.image, f"it runs {container['image']}")
    expect(container["image"].startswith(outputs.repository_url), "its image is of another repository")
    return f"{task['cpu']} CPU units, {task['memory']} MiB"


def a_thousand_results_fit_into_one_notification(context: CheckContext) -> str:
    """The deployed function sums up a thousand failed tables in less than SNS takes."""
    results = [
        {"namespace": "canvas", "table_name": f"table_{n}", "state": "failed", "step": "init", "error": "x" * 300}
        for n in range(1000)
    ]
    event = {"results": results, "execution": "check", "started": "now"}
    answer = context.client("lambda").invoke(
        FunctionName=context.read(CanvasData2Outputs).summary_function, Payload=json.dumps(event).encode()
    )
    summary = json.load(answer["Payload"])
    expect("counts" in summary, f"the function answers {summary}")
    expect(summary["counts"]["failed"] == 1000, f"it counts {summary['counts']}")
    length = len(summary["message"].encode())
    expect(length < 256 * 1024, f"the message has {length} bytes")
    return f"{length} bytes"


def without_credentials_an_execution_fails_and_says_so(context: CheckContext) -> str:
    """The state machine runs; as nobody gave it the API's credentials, it reports that and fails."""
    states = context.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=context.read(CanvasData2Outputs).state_machine_arn, input="{}")[
        "executionArn"
    ]
    give_up = time.monotonic() + _EXECUTION_SECONDS
    while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        expect(time.monotonic() < give_up, f"it still runs after {_EXECUTION_SECONDS} seconds")
        time.sleep(0.5)
    expect(described["status"] == "FAILED", f"it is {described['status']}")
    expect(described.get("error") == "TablesNotListed", f"it failed with {described.get('error')}")
    history = states.get_execution_history(executionArn=arn, reverseOrder=True)["events"]
    names = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    expect("ReportMissingList" in names, f"it reported nothing: {names}")
    return "reported, then failed"


def _cluster(context: CheckContext) -> dict[str, Any]:
    clusters = context.client("rds").describe_db_clusters()["DBClusters"]
    (found,) = [
        cluster for cluster in clusters if cluster["DBClusterArn"] == context.read(CanvasData2Outputs).cluster_arn
    ]
    cluster: dict[str, Any] = found
    return cluster
