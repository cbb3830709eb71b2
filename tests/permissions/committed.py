"""Committed Terraform JSON with examples in place of what is known only once it is applied, and the policies in it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from iam.document import PolicyDocument, parse
from tests.generated.released import stack_document

ARNS: Final[Mapping[str, str]] = {
    "aws_cloudfront_distribution": "arn:aws:cloudfront::{account}:distribution/E{id}",
    "aws_cloudwatch_log_group": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws_db_instance": "arn:aws:rds:{region}:{account}:db:{identifier}",
    "aws_dynamodb_table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "aws_ecr_repository": "arn:aws:ecr:{region}:{account}:repository/{name}",
    "aws_ecs_cluster": "arn:aws:ecs:{region}:{account}:cluster/{name}",
    "aws_ecs_task_definition": "arn:aws:ecs:{region}:{account}:task-definition/{family}:1",
    "aws_iam_role": "arn:aws:iam::{account}:role/{name}",
    "aws_iam_user": "arn:aws:iam::{account}:user/{name}",
    "aws_kms_key": "arn:aws:kms:{region}:{account}:key/{id}",
    "aws_lambda_function": "arn:aws:lambda:{region}:{account}:function:{function_name}",
    "aws_rds_cluster": "arn:aws:rds:{region}:{account}:cluster:{cluster_identifier}",
    "aws_s3_bucket": "arn:aws:s3:::{bucket}",
    "aws_secretsmanager_secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
    "aws_sfn_state_machine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "aws_sns_topic": "arn:aws:sns:{region}:{account}:{name}",
    "aws_ssm_parameter": "arn:aws:ssm:{region}:{account}:parameter{name}",
}
"""The ARN of a resource of each type, with its attributes in braces; `id` is its name in the stack."""
_REFERENCE: Final = re.compile(r"\$\{(aws_\w+)\.([\w*]+)\.([\w\[\].]+)\}")


class UnknownTypeError(LookupError):
    """A policy refers to a resource that the permission tests know no example for."""


class CommittedStack:
    """One of `tests.generated.released.NAMES`; `name` is the stack's own."""

    def __init__(self, name: str) -> None:
        self.name = name.partition("@")[0]
        document = stack_document(name)
        self.resources: Mapping[str, Mapping[str, dict[str, Any]]] = document["resource"]
        provider = document["provider"]["aws"][0]
        self.region: str = provider["region"]
        self.account_id: str = provider["allowed_account_ids"][0]

    def resolved(self, text: str) -> str:
        """The text with examples for its references. Raises UnknownTypeError for a type without one."""
        return _REFERENCE.sub(lambda match: self._example(*match.groups()), text)

    def every(self, template: str) -> list[str]:
        """The template for each resource its references name, `*` in a name being any; empty when there is none."""
        found = _REFERENCE.search(template)
        if found is None:
            return [template]
        kind, pattern, attribute = found.groups()
        names = fnmatch.filter(sorted(self.resources.get(kind, {})), pattern)
        return [
            text
            for name in names
            for text in self.every(template.replace(found.group(), self._example(kind, name, attribute)))
        ]

    def _example(self, kind: str, name: str, attribute: str) -> str:
        resource = self.resources[kind][name]
        if attribute.endswith("secret_arn"):
            return f"arn:aws:secretsmanager:{self.region}:{self.account_id}:secret:rds!db-{name}-AbCdEf"
        if kind == "aws_sns_topic_policy":
            return self.resolved(resource["arn"])
        if attribute == "arn":
            if kind not in ARNS:
                raise UnknownTypeError(
                    f"{self.name}: a policy names the ARN of {kind}.{name}, and the permission tests know no ARN of "
                    f"that type: add {kind} to ARNS in tests/permissions/committed.py."
                )
            filled = {key: value for key, value in resource.items() if isinstance(value, str)}
            return self.resolved(
                ARNS[kind].format_map({**filled, "region": self.region, "account": self.account_id, "id": name})
            )
        written = resource.get(attribute)
        return self.resolved(written) if isinstance(written, str) else f"{name}.{attribute}"

    @cached_property
    def principals(self) -> dict[str, list[PolicyDocument]]:
        """Inline policies of every role and user by its name in the stack; those of AWS stand in `attached`."""
        found: dict[str, list[PolicyDocument]] = {
            name: [] for kind in ("aws_iam_role", "aws_iam_user") for name in self.resources.get(kind, {})
        }
        for kind, owner in (("aws_iam_role_policy", "role"), ("aws_iam_user_policy", "user")):
            for name, resource in self.resources.get(kind, {}).items():
                found[self._owner(resource[owner])].append(parse(self.resolved(resource["policy"]), name=name))
        return found

    @cached_property
    def attached(self) -> set[tuple[str, str]]:
        """Roles and ARNs of the policies of AWS that are attached to them."""
        attachments = self.resources.get("aws_iam_role_policy_attachment", {}).values()
        return {(self._owner(each["role"]), each["policy_arn"]) for each in attachments}

    def policy_of(self, arn: str) -> PolicyDocument | None:
        """The policy of the bucket, topic or key that an ARN is of, or is in."""
        for kind, named in (("aws_s3_bucket_policy", "bucket"), ("aws_sns_topic_policy", "arn"), ("aws_kms_key", None)):
            for name, resource in self.resources.get(kind, {}).items():
                own = self.resolved(resource[named]) if named else self._example(kind, name, "arn")
                own = f"arn:aws:s3:::{own}" if named == "bucket" else own
                if arn == own or arn.startswith(f"{own}/"):
                    return parse(self.resolved(resource["policy"]), name=f"{kind}.{name}")
        return None

    def vpc_of_endpoint(self, service: str) -> tuple[str, PolicyDocument | None] | None:
        """The VPC with an endpoint for the service, and the endpoint's policy."""
        for name, resource in self.resources.get("aws_vpc_endpoint", {}).items():
            if str(resource["service_name"]).endswith(f".{service}"):
                text = resource.get("policy")
                return self.resolved(resource["vpc_id"]), parse(self.resolved(text), name=name) if text else None
        return None

    def _owner(self, reference: str) -> str:
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise UnknownTypeError(
                f"{self.name}: a policy belongs to {reference!r}, which is no role or user of the stack."
            )
        return found.group(2)
