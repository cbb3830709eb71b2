"""A record of who spoke with whom in a VPC."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.flow_log import FlowLog as AwsFlowLog
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from modules.log_group import LogGroup
from modules.naming import physical_name
from modules.policy import allow, assumed_by, document
from modules.stack import DeploymentStack


class FlowLog(Construct):
    """Accepted and refused connections of the VPC `vpc_id`, in the log group `/quintet/<name>/flow`."""

    def __init__(self, scope: Construct, id_: str, *, name: str, vpc_id: str, retention_days: int) -> None:
        super().__init__(scope, id_)
        stack = DeploymentStack.of_construct(self)
        account_id = stack.environment.account_id
        group = LogGroup(self, "log_group", name=f"/quintet/{name}/flow", retention_days=retention_days)
        role = IamRole(
            self,
            "role",
            name=physical_name(name, "flow-log", max_length=64),
            assume_role_policy=assumed_by(
                "vpc-flow-logs.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": account_id},
                    "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{stack.region}:{account_id}:vpc-flow-log/*"},
                },
            ),
        )
        policy = IamRolePolicy(
            self,
            "write",
            name="write-flow-log",
            role=role.name,
            policy=document(
                allow(
                    "WriteFlowLog",
                    actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    resources=[f"{group.arn}:*"],
                ),
                # the service looks its group up among all, which cannot be allowed for one group only
                allow("FindLogGroup", actions=["logs:DescribeLogGroups"], resources=["*"]),
            ),
        )
        AwsFlowLog(
            self,
            "Default",
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags={"Name": name},
            depends_on=[policy],
        )
