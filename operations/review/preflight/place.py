"""Questions about the place: account, region, zones, state, mail and service-linked roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from operations.review.preflight.account import code_of
from operations.review.preflight.findings import PreflightFinding, fails, fine, not_checked, warning

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from operations.review.preflight.account import Account
    from operations.review.preflight.findings import Question
    from operations.review.preflight.planned import PlannedDocument

_LINKED_ROLES = {
    "AWSServiceRoleForAutoScaling": ("aws_autoscaling_group", "aws_elastic_beanstalk_environment"),
    "AWSServiceRoleForElasticLoadBalancing": ("aws_lb", "aws_elastic_beanstalk_environment"),
    "AWSServiceRoleForRDS": ("aws_db_instance", "aws_rds_cluster"),
    "AWSServiceRoleForElastiCache": ("aws_elasticache_replication_group", "aws_elasticache_cluster"),
    "AWSServiceRoleForECS": ("aws_ecs_cluster",),
}
"""Service-linked role → the types with whose first resource AWS creates it in an account."""


def committed_json(stale: Collection[str]) -> Question:
    """The question whether generated/ is what the settings say, of which `stale` names the stacks that are not."""

    def generated(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
        del account
        name = planned.stack.name
        if name in stale:
            yield warning("generated", f"{name} is stale: settings or code have changed since", "make synth")
        else:
            yield fine("generated", "is what settings and code say")

    return generated


def account(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Compares the account of the credentials with the settings'."""
    found = account.ask("sts", "get_caller_identity")
    if found["Account"] == planned.stack.account_id:
        yield fine("account", f"{found['Account']}, as {found['Arn']}")
    else:
        yield fails(
            "account",
            f"these credentials are for {found['Account']}, the stack is for {planned.stack.account_id}",
            "use that account's credentials, or correct account_id in config/environments",
        )


def region(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks whether the account uses the region and may place something in each zone."""
    name = planned.stack.region
    regions = account.ask("ec2", "describe_regions", RegionNames=[name], AllRegions=True)["Regions"]
    if not regions or regions[0].get("OptInStatus") == "not-opted-in":
        yield fails("region", f"{name} is not enabled", f"aws account enable-region --region-name {name}")
        return
    yield fine("region", name)
    answer = account.ask("ec2", "describe_availability_zones")["AvailabilityZones"]
    available = sorted(zone["ZoneName"] for zone in answer if zone["State"] == "available")
    if missing := sorted(set(planned.zones) - set(available)):
        yield fails(
            "zones",
            f"no {', '.join(missing)}; this account has {', '.join(available)}",
            "change network.availability_zones",
        )
    elif planned.zones:
        yield fine("zones", ", ".join(planned.zones))


def state(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for the bucket and the lock table of the state."""
    stack = planned.stack
    if stack.backend is None:
        yield not_checked("state", "HCP Terraform keeps it", "quintet plan says whether it can be reached")
        return
    bootstrap = f"quintet state bootstrap {stack.environment}"
    backend = stack.backend
    try:
        account.ask("s3", "head_bucket", region=backend.region, Bucket=backend.bucket)
        yield fine("state bucket", backend.bucket)
    except ClientError as error:
        missing = code_of(error) in ("404", "NoSuchBucket")
        yield fails("state bucket", f"{backend.bucket} {'does not exist' if missing else 'may not be read'}", bootstrap)
    if backend.lock_table is None:
        return
    try:
        account.ask("dynamodb", "describe_table", region=backend.region, TableName=backend.lock_table)
        yield fine("lock table", backend.lock_table)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        yield fails("lock table", f"{backend.lock_table} does not exist", bootstrap)


def service_linked_roles(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Names the roles that AWS has yet to create for its services."""
    wanted = sorted(role for role, kinds in _LINKED_ROLES.items() if planned.count(*kinds))
    missing = []
    for role in wanted:
        try:
            account.ask("iam", "get_role", RoleName=role)
        except ClientError as error:
            if code_of(error) != "NoSuchEntity":
                raise
            missing.append(role)
    if missing:
        yield warning(
            "service-linked roles",
            f"AWS creates {', '.join(missing)} during the apply",
            "the credentials need iam:CreateServiceLinkedRole",
        )
    elif wanted:
        yield fine("service-linked roles", f"{len(wanted)} exist")


def mail(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks whether SES sends to everybody, where the stack names its mail server."""
    if "email-smtp." not in planned.text:
        return
    found = account.ask("sesv2", "get_account")
    if not found["SendingEnabled"]:
        yield warning("mail", "SES has paused this account's mail", "look at the account's reputation in SES's console")
    elif not found["ProductionAccessEnabled"]:
        yield warning(
            "mail",
            "SES is in its sandbox: it sends to verified addresses only",
            "ask for production access in the console of SES",
        )
    else:
        yield fine("mail", "SES sends to everybody")
