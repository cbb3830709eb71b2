"""Records the plans in `recorded/` anew: `python -m tests.operations.plans.record`. The real Terraform makes them, on the emulator.

One stack is applied, changed behind Terraform's back and in its code, and planned. What tests do not look at is left
out: the configuration, the state, and what differs from one recording to the next.
"""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import Any

from config.limits import FACTS
from emulator.server import Emulator
from operations.aws import Aws
from operations.state.bootstrap import bootstrap
from operations.terraform.run import Run
from operations.terraform.terraform import Terraform
from tests.operations.terraform_support import ACCOUNT, ENVIRONMENT, REGION, make_root, write_stack

FOLDER = Path(__file__).parent / "recorded"
KEPT = ("format_version", "terraform_version", "resource_changes", "resource_drift", "output_changes")


def policy(*actions: str, resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)
BOOT = "#!/bin/sh\necho one\necho {word}\n"


def ingress(port: int, cidr: str) -> dict[str, Any]:
    rule = {"security_group_id": "${aws_security_group.web.id}", "ip_protocol": "tcp", "cidr_ipv4": cidr}
    return {**rule, "from_port": port, "to_port": port}


BEFORE: dict[str, Any] = {
    "aws_ssm_parameter": {
        "password": {"name": "/example/password", "type": "SecureString", "value": "first-secret"},
        "gone": {"name": "/example/gone", "type": "String", "value": "x"},
        "old_name": {"name": "/example/renamed", "type": "String", "value": "kept", "description": "Renamed in code"},
    },
    "aws_sns_topic": {
        "alarms": {"name": "example-alarms", "tags": {"Team": "red", "Token": '${sensitive("tag-secret-1")}'}},
        "moved_from": {"name": "example-moved"},
        "drifting": {"name": "example-drifting", "display_name": "as in code"},
        "lost": {"name": "example-lost"},
    },
    "aws_dynamodb_table": {
        "sessions": {
            "name": "example-sessions",
            "billing_mode": "PAY_PER_REQUEST",
            "hash_key": "user",
            "attribute": [{"name": "user", "type": "S"}],
        }
    },
    "aws_cloudwatch_log_group": {"web": {"name": "/example/web", "retention_in_days": 90}},
    "aws_vpc": {"network": {"cidr_block": "10.9.0.0/16"}},
    "aws_security_group": {"web": {"name": "example-web", "description": "web", "vpc_id": "${aws_vpc.network.id}"}},
    "aws_vpc_security_group_ingress_rule": {"office": ingress(443, "10.0.0.0/8")},
    "aws_iam_role": {"web": {"name": "example-web", "assume_role_policy": TRUST}},
    "aws_iam_role_policy": {
        "web": {"name": "read", "role": "${aws_iam_role.web.name}", "policy": policy("s3:GetObject", "s3:ListBucket")}
    },
    "aws_s3_bucket": {"uploads": {"bucket": "quintet-test-uploads"}},
    "aws_s3_bucket_public_access_block": {
        "uploads": {
            "bucket": "${aws_s3_bucket.uploads.bucket}",
            **dict.fromkeys(
                ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
            ),
        }
    },
    "aws_launch_template": {
        "web": {
            "name": "example-web",
            "user_data": base64.b64encode(BOOT.format(word="two").encode()).decode(),
            "block_device_mappings": [{"device_name": "/dev/xvda", "ebs": {"encrypted": "true", "volume_size": 8}}],
        }
    },
}


def changed() -> dict[str, Any]:
    after: dict[str, Any] = json.loads(json.dumps(BEFORE))
    parameters, topics = after["aws_ssm_parameter"], after["aws_sns_topic"]
    parameters["password"]["value"] = "second-secret"
    del parameters["gone"]
    parameters["new_name"] = parameters.pop("old_name")
    topics["alarms"]["tags"] = {"Team": "blue", "Token": '${sensitive("tag-secret-2")}'}
    topics["moved_to"] = topics.pop("moved_from")
    topics["made"] = {"name": "example-made", "display_name": "${aws_s3_bucket.adopted.arn}"}
    table = after["aws_dynamodb_table"]["sessions"]
    table["hash_key"], table["attribute"][0]["name"] = "session", "session"
    after["aws_cloudwatch_log_group"]["web"]["retention_in_days"] = 7
    after["aws_vpc_security_group_ingress_rule"]["office"] = ingress(443, "0.0.0.0/0")
    after["aws_iam_role_policy"]["web"]["policy"] = policy("s3:*")
    after["aws_s3_bucket_public_access_block"]["uploads"]["block_public_policy"] = False
    after["aws_s3_bucket"]["adopted"] = {"bucket": "quintet-test-adopted", "force_destroy": True}
    template = after["aws_launch_template"]["web"]
    template["user_data"] = base64.b64encode(BOOT.format(word="three").encode()).decode()
    template["block_device_mappings"][0]["ebs"]["encrypted"] = "false"
    return after


def drift(aws: Aws) -> None:
    sns = aws.client("sns", region=REGION)
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:example-"
    sns.set_topic_attributes(TopicArn=f"{arn}drifting", AttributeName="DisplayName", AttributeValue="by hand")
    sns.delete_topic(TopicArn=f"{arn}lost")
    s3 = aws.client("s3", region=REGION)
    s3.create_bucket(Bucket="quintet-test-adopted", CreateBucketConfiguration={"LocationConstraint": REGION})
    ec2 = aws.client("ec2", region=REGION)
    (rule,) = ec2.describe_security_group_rules(Filters=[{"Name": "tag:Deployment", "Values": ["example"]}])[
        "SecurityGroupRules"
    ]
    opened = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0"}
    ec2.modify_security_group_rules(
        GroupId=rule["GroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": opened}],
    )


def keep(name: str, plan: dict[str, Any]) -> None:
    trimmed = {key: plan[key] for key in KEPT if key in plan}
    changes = trimmed.get("resource_changes", [])
    trimmed["resource_changes"] = [
        change for change in changes if change["change"]["actions"] != ["no-op"] or "previous_address" in change
    ]
    for change in trimmed["resource_changes"] + trimmed.get("resource_drift", []):
        change.pop("provider_name", None)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(trimmed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="quintet-record-") as folder:
        root = make_root(Path(folder))
        with Emulator.start(log=root / "log", facts=FACTS) as emulator, Run("record", root=root) as run:
            environment = emulator.full_environment(account_id=ACCOUNT, region=REGION)
            aws = Aws(environment)
            bootstrap(aws, ENVIRONMENT)

            def start(resources: dict[str, Any], name: str, **blocks: Any) -> Terraform:
                stack = write_stack(root, resources)
                file = stack.folder / "cdk.tf.json"
                file.write_text(json.dumps({**json.loads(file.read_text()), **blocks}))
                terraform = run.terraform(stack, environment=environment)
                terraform.directory = terraform.directory.rename(run.folder / name)
                terraform.init()
                return terraform

            first = start(BEFORE, "first")
            plan = first.plan()
            keep("create", first.show_json(plan))
            first.apply(plan)
            keep("empty", first.show_json(first.plan("second")))
            drift(aws)
            keep("drift", first.show_json(first.plan("drift", refresh_only=True)))
            second = start(
                changed(),
                "second",
                moved=[{"from": "aws_sns_topic.moved_from", "to": "aws_sns_topic.moved_to"}],
                **{"import": [{"to": "aws_s3_bucket.adopted", "id": "quintet-test-adopted"}]},
                output={"greeting": {"value": "good evening"}, "password": {"value": "other", "sensitive": True}},
            )
            keep("everything", second.show_json(second.plan()))


if __name__ == "__main__":
    main()
