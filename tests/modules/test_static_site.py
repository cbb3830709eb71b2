from __future__ import annotations

from typing import Any

import pytest

from config.static_site import CloudFrontDelivery, CnameDelivery, StaticSiteSettings
from modules.bucket import Bucket
from modules.service_user import ServiceUser
from modules.stack import DeploymentStack
from modules.static_site import StaticSite
from tests.modules.synth import Synthesised, assert_subset, sample_stack, synthesised

REASON = "this is only a sample"
CLOUDFRONT = CloudFrontDelivery(kind="cloudfront")
CNAME = CnameDelivery(kind="cname", reasons={"kind": REASON})
BLOCK = "aws_s3_bucket_public_access_block.site_public_access_block"


def add_site(
    stack: DeploymentStack,
    *,
    access: str = "policy",
    delivery: Any = CLOUDFRONT,
    bucket_name: str = "static.example.org",
) -> StaticSite:
    logs = Bucket.for_access_logs(stack, "logs", name="sample-logs")
    return StaticSite(
        stack,
        "site",
        name="sample",
        zone_id="Z00SAMPLE",
        settings=StaticSiteSettings(
            bucket_name=bucket_name,
            host_name="static.example.org",
            access=access,
            delivery=delivery,
            reasons={"access": REASON} if access == "acl" else {},
        ),
        access_log_bucket=logs,
        never_public=["*.secret"],
        never_public_by_policy=["*.hint"],
    )


def site(**arguments: Any) -> Synthesised:
    stack = sample_stack()
    add_site(stack, **arguments)
    return synthesised(stack)


@pytest.mark.parametrize(
    ("access", "delivery", "ignored_acls", "closed_policy"),
    [
        ("policy", CLOUDFRONT, True, True),
        ("policy", CNAME, True, False),
        ("acl", CLOUDFRONT, False, True),
        ("acl", CNAME, False, True),
    ],
)
def test_a_bucket_is_as_open_as_its_variant_needs(
    access: str, delivery: Any, ignored_acls: bool, closed_policy: bool
) -> None:
    result = site(access=access, delivery=delivery)
    assert_subset(
        result.resource(BLOCK),
        {
            "block_public_acls": False,
            "ignore_public_acls": ignored_acls,
            "block_public_policy": closed_policy,
            "restrict_public_buckets": closed_policy,
        },
    )
    assert "public-bucket" in result.exemptions(BLOCK)


def test_cloudfront_alone_reads_a_bucket_whose_policy_decides() -> None:
    result = site()
    statements = result.policy("aws_s3_bucket_policy.site_policy")
    assert statements["ReadByCloudFront"]["Condition"] == {
        "StringEquals": {"aws:SourceArn": "${aws_cloudfront_distribution.site_cdn.arn}"}
    }
    assert "PublicRead" not in statements
    (origin,) = result.resource("aws_cloudfront_distribution.site_cdn")["origin"]
    assert origin["origin_access_control_id"] == "${aws_cloudfront_origin_access_control.site_cdn_origin_access.id}"


def test_cloudfront_sees_what_everybody_sees_where_acls_decide() -> None:
    result = site(access="acl")
    assert "ReadByCloudFront" not in result.policy("aws_s3_bucket_policy.site_policy")
    (origin,) = result.resource("aws_cloudfront_distribution.site_cdn")["origin"]
    assert "origin_access_control_id" not in origin


def test_everybody_reads_over_plain_http_where_a_cname_leads_to_the_bucket() -> None:
    statements = site(delivery=CNAME).policy("aws_s3_bucket_policy.site_policy")
    assert statements["PublicRead"]["Action"] == ["s3:GetObject"]
    assert statements["RefuseClearText"]["Action"] == ["s3:Put*", "s3:Delete*", "s3:List*"]


@pytest.mark.parametrize(("access", "hidden"), [("policy", ["*.secret", "*.hint"]), ("acl", ["*.secret"])])
def test_what_is_never_public_is_denied_to_everybody_but_this_account(access: str, hidden: list[str]) -> None:
    statement = site(access=access).policy("aws_s3_bucket_policy.site_policy")["NeverPublic"]
    assert_subset(
        statement,
        {
            "Effect": "Deny",
            "Resource": [f"${{aws_s3_bucket.site.arn}}/{pattern}" for pattern in hidden],
            "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}},
        },
    )


def test_a_bucket_with_another_name_than_its_host_cannot_have_a_cname() -> None:
    with pytest.raises(ValueError, match=r"bucket_name must be static\.example\.org"):
        add_site(sample_stack(), delivery=CNAME, bucket_name="another")


def test_certificates_of_cloudfront_are_in_us_east_1_whatever_the_stack_s_region() -> None:
    result = site()
    assert result.resource("aws_acm_certificate.site_cdn_certificate")["provider"] == "aws.us-east-1"
    assert_subset(
        result.document["provider"]["aws"],
        [{"region": "eu-central-1"}, {"region": "us-east-1", "alias": "us-east-1"}],
    )


def test_a_stack_without_cloudfront_has_one_provider() -> None:
    assert len(site(delivery=CNAME).document["provider"]["aws"]) == 1


def test_the_stack_s_own_region_needs_no_other_provider() -> None:
    stack = sample_stack(region="us-east-1")
    assert stack.provider_in("us-east-1").alias is None


def test_a_user_publishes_below_a_prefix() -> None:
    stack = sample_stack()
    user = ServiceUser(stack, "php", name="sample-php", reason=REASON)
    add_site(stack).grant_publish(user, prefix="contests/")
    result = synthesised(stack)
    statements = result.policy("aws_iam_user_policy.site_publish_by_php")
    assert statements["Objects"]["Resource"] == ["${aws_s3_bucket.site.arn}/contests/*"]
    assert "s3:PutObjectAcl" in statements["Objects"]["Action"]
    assert result.exemptions("aws_iam_user.php") == {"CKV_AWS_273": REASON}
    assert result.resources("aws_iam_access_key") == {}


def test_a_changed_version_parameter_fetches_anew() -> None:
    policy = site().resource("aws_cloudfront_cache_policy.site_cdn_cache_policy")
    strings = policy["parameters_in_cache_key_and_forwarded_to_origin"]["query_strings_config"]
    assert strings == {"query_string_behavior": "whitelist", "query_strings": {"items": ["v"]}}
