"""A Lambda function in Python."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEphemeralStorage,
    LambdaFunctionLoggingConfig,
    LambdaFunctionTracingConfig,
    LambdaFunctionVpcConfig,
)
from constructs import Construct

from modules.access import Connections, Grantable
from modules.log_group import LogGroup
from modules.network import Network
from modules.policy import allow, deny, document
from modules.refusals import exempt
from modules.service_role import ServiceRole
from modules.stack import DeploymentStack
from modules.watches.watch import Watch

PYTHON = "python3.12"
_KEEP_INTERFACES = ("ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses")


class PythonFunction(Construct):
    """A function in private subnets that runs `handler` (`module.function`) of the ZIP archive `code`.

    With `layers_by_operator` an operator's command gives it the layer that holds its libraries, and plans leave that
    layer alone. Outward it reaches nothing until it is let to. `caller` is the kind of thing that calls it, hears of
    its failures and bounds how many calls run at once.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        code: bytes,
        handler: str,
        timeout_seconds: int,
        memory_mib: int,
        log_retention_days: int,
        environment: Mapping[str, str],
        ephemeral_storage_mib: int = 512,
        layers_by_operator: bool = False,
        caller: str = "state machine",
    ) -> None:
        super().__init__(scope, id_)
        stack = DeploymentStack.of_construct(self)
        self.connections: Final[Connections] = Connections(
            self, name=name, vpc_id=network.vpc_id, description=f"The function {name}"
        )
        group = LogGroup(self, "log", name=f"/aws/lambda/{name}", retention_days=log_retention_days)
        self.log_group_name: Final[str] = group.name
        account_id = stack.environment.account_id
        self._role = ServiceRole(
            self, "role", name=name, service="lambda.amazonaws.com", grantee_role=id_,
            conditions={"StringEquals": {"aws:SourceAccount": account_id}},
        )  # fmt: skip
        group.grant_write(self._role)
        ours = f"arn:aws:ec2:{stack.region}:{account_id}"
        self._role.attach_policy(
            self,
            "observe_and_join_network",
            document(
                allow(
                    "JoinNetwork",
                    actions=["ec2:CreateNetworkInterface"],
                    resources=[f"{ours}:{kind}/*" for kind in ("network-interface", "security-group", "subnet")],
                ),
                # Lambda asks for these without naming an interface, and refuses a role that has them for our own only
                allow("KeepInterfaces", actions=_KEEP_INTERFACES, resources=["*"]),
                deny(
                    "KeepInterfacesFromTheFunction",
                    actions=_KEEP_INTERFACES,
                    resources=["*"],
                    conditions={
                        "ArnEquals": {
                            "lambda:SourceFunctionArn": f"arn:aws:lambda:{stack.region}:{account_id}:function:{name}"
                        }
                    },
                ),
                # none of these can be allowed for one resource
                allow(
                    "LookAtNetwork", actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], resources=["*"]
                ),
                allow("Trace", actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources=["*"]),
            ),
        )
        self._function = LambdaFunction(
            self,
            "Default",
            function_name=name,
            role=self._role.arn,
            runtime=PYTHON,
            handler=handler,
            filename=stack.add_file(f"{id_}.zip", code),
            source_code_hash=base64.b64encode(hashlib.sha256(code).digest()).decode(),
            timeout=timeout_seconds,
            memory_size=memory_mib,
            ephemeral_storage=LambdaFunctionEphemeralStorage(size=ephemeral_storage_mib),
            environment={"variables": dict(environment)},
            logging_config=LambdaFunctionLoggingConfig(log_format="Text", log_group=group.name),
            tracing_config=LambdaFunctionTracingConfig(mode="Active"),
            vpc_config=LambdaFunctionVpcConfig(
                subnet_ids=list(network.private_subnet_ids),
                security_group_ids=[self.connections.security_group_id],
            ),
            lifecycle=TerraformResourceLifecycle(ignore_changes=["layers"]) if layers_by_operator else None,
        )
        self._role.rights.hold_back(self._function)  # it is refused when its role may not join the network yet
        exempt(self._function, "CKV_AWS_116", reason=f"it is called by a {caller}, which hears of every failure")
        exempt(self._function, "CKV_AWS_115", reason=f"the {caller} bounds how many run at once")
        exempt(self._function, "CKV_AWS_272", reason="the code is the archive beside this file, which is in git")
        exempt(self._function, "CKV_AWS_173", reason="its environment holds names and no secrets; Lambda encrypts it")
        self.name: Final[str] = name
        self.arn: Final[str] = self._function.arn

    @property
    def grantee_role(self) -> str:
        """Its name in the ids of grants."""
        return self.node.id

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches a policy document to the function's role."""
        self._role.attach_policy(scope, id_, policy)

    def grant_invoke(self, grantee: Grantable) -> None:
        """Lets `grantee` call the function."""
        policy = document(allow("Invoke", actions=["lambda:InvokeFunction"], resources=[self.arn]))
        grantee.attach_policy(self, f"invoke_by_{grantee.grantee_role}", policy)

    def watches(self) -> Sequence[Watch]:
        """Calls that failed in the function itself."""
        return [
            Watch(
                role="errors",
                description="It ended with an exception or ran out of time: look at its log group",
                namespace="AWS/Lambda",
                metric_name="Errors",
                dimensions={"FunctionName": self.name},
                statistic="Sum",
                threshold=0,
                period_seconds=300,
                evaluation_periods=1,
            )
        ]
