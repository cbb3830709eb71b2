"""A thousand tables through CD2RefreshStateMachine with stub work: seconds, events, and the size of the notification.

Usage: python -m bench.canvas_tables [TABLES]. The committed definition runs in the emulator; listing and syncing are
replaced by states that only pass their result on, one table in a hundred fails. Summing up is the deployed function.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.review.addresses import read_document

STACK = ROOT / "generated" / "stacks" / "canvas-data-2-dev"
ACCOUNT, REGION = "111122223333", "us-east-1"
MOST_EVENTS = 25_000
"""Most events that the history of a standard state machine's execution may have."""


def definition(tables: int, summarise: str, topic: str) -> dict[str, Any]:
    """The committed machine with stubs for what lists and syncs."""
    text = (STACK / "refresh.asl.json").read_text()
    values = {
        "summarise": summarise,
        "topic_arn": topic,
        "max_concurrency": "10",
        "tolerated_failed_tables": str(tables),
        "task_timeout_seconds": "43200",
    }
    text = re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], "60"), text)
    machine: dict[str, Any] = json.loads(text)
    item = {"namespace": "canvas", "step": "sync", "error": ""}
    items = [{**item, "table_name": f"table_{n}", "state": "complete" if n % 100 else "failed"} for n in range(tables)]
    machine["States"]["ListTables"] = {"Type": "Pass", "Result": {"tables": items}, "Next": "RefreshTables"}
    machine["States"]["RefreshTables"]["ItemProcessor"]["States"]["SyncTable"] = {"Type": "Pass", "Next": "CheckSync"}
    return machine


def main(tables: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Emulator.start(log=Path(folder, "log"), facts=FACTS) as emulator:
        aws = Aws(emulator.environment(account_id=ACCOUNT, region=REGION))
        services = ["lambda.amazonaws.com", "states.amazonaws.com"]
        statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = aws.client("iam", region=REGION).create_role(RoleName="bench", AssumeRolePolicyDocument=trust)
        role = made["Role"]["Arn"]
        topic = aws.client("sns", region=REGION).create_topic(Name="bench")["TopicArn"]
        summarise = aws.client("lambda", region=REGION).create_function(
            FunctionName="summarise",
            Runtime=read_document(STACK)["resource"]["aws_lambda_function"]["summarise"]["runtime"],
            Role=role,
            Handler="cd2.summarise.handler",
            Code={"ZipFile": (STACK / "summarise.zip").read_bytes()},
            Environment={"Variables": {"STAGE": "dev"}},
            Timeout=60,
        )["FunctionArn"]
        states = aws.client("stepfunctions", region=REGION)
        machine = states.create_state_machine(
            name="bench", roleArn=role, definition=json.dumps(definition(tables, summarise, topic))
        )["stateMachineArn"]
        began = time.monotonic()
        execution = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
        while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            time.sleep(0.2)
        seconds = time.monotonic() - began
        output = json.loads(found.get("output", "{}"))
        pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
        events = max(event["id"] for page in pages for event in page["events"])
        print(f"{tables} tables: {found['status']} in {seconds:.1f} s, {output.get('counts')}")
        print(
            f"events: {events} of {MOST_EVENTS}; with a real task for each table 3 more, with a filling for each 8 more"
        )
        print(f"notification: {len(output.get('message', '').encode())} bytes of 262144")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
