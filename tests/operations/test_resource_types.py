"""Every resource type is decided: in the map of what holds data, and in each other table about types."""

from __future__ import annotations

import re
from pathlib import Path

import cdktf_cdktf_provider_aws
import pytest

from config.settings import ROOT
from operations.demo.unprotect import SWITCHES
from operations.docs.diagram import _KINDS as DRAWN
from operations.resource_types import HOLDS_DATA, REBUILDABLE, holds_data
from operations.review.addresses import read_document
from operations.review.adoption import LOOKUPS
from operations.review.orphans import ORPHANS
from operations.stacks import find_stacks

BINDINGS = Path(cdktf_cdktf_provider_aws.__file__).parent
DEPLOYED = sorted({kind for stack in find_stacks(ROOT) for kind in read_document(stack.folder)["resource"]})

RULES_AND_LINKS = frozenset(
    {
        "aws_acm_certificate",
        "aws_acm_certificate_validation",
        "aws_appautoscaling_policy",
        "aws_appautoscaling_target",
        "aws_autoscaling_policy",
        "aws_backup_plan",
        "aws_backup_selection",
        "aws_backup_vault",
        "aws_cloudfront_cache_policy",
        "aws_cloudfront_origin_access_control",
        "aws_cloudfront_response_headers_policy",
        "aws_cloudwatch_dashboard",
        "aws_cloudwatch_metric_alarm",
        "aws_default_security_group",
        "aws_ecr_lifecycle_policy",
        "aws_elastic_beanstalk_application_version",
        "aws_flow_log",
        "aws_iam_role_policy",
        "aws_iam_role_policy_attachment",
        "aws_iam_user_policy",
        "aws_imagebuilder_component",
        "aws_imagebuilder_distribution_configuration",
        "aws_imagebuilder_image_pipeline",
        "aws_imagebuilder_image_recipe",
        "aws_imagebuilder_infrastructure_configuration",
        "aws_kms_alias",
        "aws_kms_key",
        "aws_lb_listener",
        "aws_lb_listener_rule",
        "aws_nat_gateway",
        "aws_route",
        "aws_route53_record",
        "aws_route_table_association",
        "aws_s3_bucket_cors_configuration",
        "aws_s3_bucket_logging",
        "aws_s3_bucket_website_configuration",
        "aws_s3_object",
        "aws_sns_topic_policy",
        "aws_sns_topic_subscription",
        "aws_ssm_document",
        "aws_vpc_endpoint",
        "aws_vpc_security_group_egress_rule",
        "aws_vpc_security_group_ingress_rule",
    }
)
"""Neither drawn nor looked up by name: what belongs to another resource, has an id of AWS's only, or stores nothing."""

NOT_DRAWN = RULES_AND_LINKS | {
    "aws_cloudwatch_log_group",
    "aws_db_parameter_group",
    "aws_db_subnet_group",
    "aws_ecr_repository",
    "aws_ecs_cluster",
    "aws_eip",
    "aws_elastic_beanstalk_application",
    "aws_elasticache_parameter_group",
    "aws_elasticache_subnet_group",
    "aws_iam_instance_profile",
    "aws_iam_role",
    "aws_internet_gateway",
    "aws_launch_template",
    "aws_lb_target_group",
    "aws_rds_cluster_instance",
    "aws_rds_cluster_parameter_group",
    "aws_route_table",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_security_group",
    "aws_ssm_parameter",
    "aws_subnet",
    "aws_vpc",
}
"""Types that belong to a box in a diagram, or that every box would point to."""

NOT_LOOKED_UP = RULES_AND_LINKS | {
    "aws_cloudfront_distribution",
    "aws_ecs_task_definition",
    "aws_scheduler_schedule",
}
"""Types created beside what was made by hand, and those adopted by an id that only the console shows."""

NO_ORPHANS = frozenset(
    {
        "aws_acm_certificate_validation",  # Terraform waits, and creates nothing
        "aws_default_security_group",  # exists with its network; Terraform takes it over
        "aws_elastic_beanstalk_application_version",  # the provider imports none; the same name is taken again
        "aws_imagebuilder_component",
        "aws_imagebuilder_distribution_configuration",
        "aws_imagebuilder_image_pipeline",
        "aws_imagebuilder_image_recipe",
        "aws_imagebuilder_infrastructure_configuration",
        "aws_sns_topic_policy",  # every topic has one; the next apply writes it
        "terraform_data",
    }
)
"""Types that an apply that did not end well leaves nothing of, or of which its summary says: look yourself."""

KEEPS_A_RESOURCE = re.compile(r"protect|^force_|^skip_|prevent|^final_|recovery_window|retain|destroy|deletion")
"""Names of arguments in the provider that may keep a resource, or let it be destroyed."""

NO_SWITCHES = frozenset(
    {
        "deletion_window_in_days",  # destroying a key starts the window; nothing refuses it
        "force_delete_warm_pool",
        "force_detach_policies",
        "force_overwrite_replica_secret",
        "object_lock_retain_until_date",
        "protect_from_scale_in",
        "protection",
        "replace_security_groups_on_destroy",
        "retain_on_delete",
        "scale_in_protected_instances",
        "skip_destroy",  # Terraform succeeds and leaves the resource in AWS
        "skip_matching",
        "xss_protection",
    }
)


def test_each_type_that_is_deployed_is_decided_once() -> None:
    undecided = [kind for kind in DEPLOYED if (kind in HOLDS_DATA) + (kind in REBUILDABLE) != 1]
    assert not undecided, "write each into one of the two sets of operations/resource_types.py"
    assert not HOLDS_DATA & REBUILDABLE


def test_each_type_in_the_map_exists_in_the_provider() -> None:
    known = {path.name for path in BINDINGS.iterdir()}
    unknown = {kind for kind in HOLDS_DATA | REBUILDABLE if kind.removeprefix("aws_") not in known}
    assert unknown == {"null_resource", "terraform_data"}


@pytest.mark.parametrize(
    "kind",
    [
        "aws_docdb_cluster",
        "aws_ebs_volume",
        "aws_efs_file_system",
        "aws_fsx_lustre_file_system",
        "aws_instance",
        "aws_kinesis_stream",
        "aws_opensearch_domain",
        "aws_route53_zone",
        "aws_sqs_queue",
        "a_type_of_the_next_provider",
    ],
)
def test_a_type_that_is_not_listed_counts_as_data(kind: str) -> None:
    assert holds_data(kind)


@pytest.mark.parametrize("kind", ["aws_iam_role", "aws_lb", "aws_security_group", "aws_s3_bucket_policy"])
def test_what_consists_of_its_arguments_counts_as_no_data(kind: str) -> None:
    assert not holds_data(kind)


@pytest.mark.parametrize(
    ("table", "decided", "others"),
    [
        ("_KINDS of operations/docs/diagram.py", DRAWN, NOT_DRAWN),
        ("LOOKUPS of operations/review/adoption.py", LOOKUPS, NOT_LOOKED_UP),
        ("LOOKUPS, or ORPHANS of operations/review/orphans.py", {**LOOKUPS, **ORPHANS}, NO_ORPHANS),
    ],
)
def test_each_table_about_types_decides_each_type_that_is_deployed(
    table: str, decided: dict[str, object], others: frozenset[str]
) -> None:
    undecided = [kind for kind in DEPLOYED if (kind in decided) + (kind in others) != 1]
    assert not undecided, f"write each into {table}, or into the set of the others beside this test"


def test_each_argument_that_may_keep_a_deployed_resource_is_a_switch_or_none() -> None:
    names = {
        name
        for kind in DEPLOYED
        for name in re.findall(
            r"^        (\w+): ", (BINDINGS / kind.removeprefix("aws_") / "__init__.py").read_text(), re.MULTILINE
        )
        if KEEPS_A_RESOURCE.search(name)
    }
    undecided = {name for name in names if (name in SWITCHES) + (name in NO_SWITCHES) != 1}
    assert not undecided, "write each into SWITCHES of operations/demo/unprotect.py, or into NO_SWITCHES"
