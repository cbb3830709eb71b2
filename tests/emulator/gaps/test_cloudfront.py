"""CloudFront: a distribution comes back as it was sent, with the policies and functions it names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]

CACHE_POLICY = {
    "Name": "own",
    "MinTTL": 0,
    "ParametersInCacheKeyAndForwardedToOrigin": {
        "EnableAcceptEncodingGzip": True,
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "all"},
    },
}
MANAGED_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


@pytest.fixture
def cloudfront(aws: Aws) -> Any:
    return aws("cloudfront", region="us-east-1")


def _config(**settings: Any) -> dict[str, Any]:
    origin = {
        "Id": "s3",
        "DomainName": "site.s3.eu-central-1.amazonaws.com",
        "OriginAccessControlId": "E2QWRUHAPOMQZL",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    return {
        "CallerReference": "x",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "s3",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": MANAGED_OPTIMIZED,
        },
        **settings,
    }


def test_a_distribution_comes_back_as_it_was_sent_with_awss_defaults(cloudfront: Any) -> None:
    certificate = {
        "ACMCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x",
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    made = cloudfront.create_distribution(DistributionConfig=_config(ViewerCertificate=certificate))["Distribution"]
    config = cloudfront.get_distribution(Id=made["Id"])["Distribution"]["DistributionConfig"]
    assert config["Origins"]["Items"][0]["OriginAccessControlId"] == "E2QWRUHAPOMQZL"
    assert config["ViewerCertificate"].items() >= certificate.items()
    behavior = config["DefaultCacheBehavior"]
    assert behavior["CachePolicyId"] == MANAGED_OPTIMIZED
    assert "ForwardedValues" not in behavior
    assert behavior["AllowedMethods"]["Items"] == ["HEAD", "GET"]
    assert config["HttpVersion"] == "http2"


def test_a_distribution_can_be_changed_and_deleted(cloudfront: Any) -> None:
    tagged = {"DistributionConfig": _config(), "Tags": {"Items": [{"Key": "Project", "Value": "p"}]}}
    made = cloudfront.create_distribution_with_tags(DistributionConfigWithTags=tagged)
    name = made["Distribution"]["Id"]
    read = cloudfront.get_distribution_config(Id=name)
    changed = read["DistributionConfig"] | {"Enabled": False, "PriceClass": "PriceClass_100"}
    answer = cloudfront.update_distribution(Id=name, IfMatch=read["ETag"], DistributionConfig=changed)
    assert answer["Distribution"]["DistributionConfig"]["PriceClass"] == "PriceClass_100"
    cloudfront.delete_distribution(Id=name, IfMatch=answer["ETag"])
    with pytest.raises(ClientError, match="NoSuchDistribution"):
        cloudfront.get_distribution(Id=name)


def test_a_function_can_be_updated_and_published(cloudfront: Any) -> None:
    config = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    made = cloudfront.create_function(Name="f", FunctionConfig=config, FunctionCode=b"one")
    updated = cloudfront.update_function(Name="f", IfMatch=made["ETag"], FunctionConfig=config, FunctionCode=b"two")
    assert cloudfront.get_function(Name="f")["FunctionCode"].read() == b"two"
    published = cloudfront.publish_function(Name="f", IfMatch=updated["ETag"])["FunctionSummary"]
    assert published["FunctionMetadata"]["Stage"] == "LIVE"


def test_awss_own_policies_have_their_real_ids(cloudfront: Any) -> None:
    listed = cloudfront.list_cache_policies(Type="managed")["CachePolicyList"]["Items"]
    names = {item["CachePolicy"]["Id"]: item["CachePolicy"]["CachePolicyConfig"]["Name"] for item in listed}
    assert names[MANAGED_OPTIMIZED] == "Managed-CachingOptimized"
    assert cloudfront.get_origin_request_policy(Id="216adef6-5c7f-47e4-b989-5492eafa07d3")
    assert cloudfront.get_response_headers_policy(Id="67f7725c-6f97-4210-82d7-5512b31e9d03")


def test_a_policy_can_be_made_read_changed_and_deleted(cloudfront: Any) -> None:
    made = cloudfront.create_cache_policy(CachePolicyConfig=CACHE_POLICY)
    name = made["CachePolicy"]["Id"]
    changed = CACHE_POLICY | {"MinTTL": 5}
    cloudfront.update_cache_policy(Id=name, IfMatch=made["ETag"], CachePolicyConfig=changed)
    read = cloudfront.get_cache_policy_config(Id=name)
    assert read["CachePolicyConfig"] == changed
    assert read["ETag"] != made["ETag"]
    own = cloudfront.list_cache_policies(Type="custom")["CachePolicyList"]["Items"]
    assert [item["CachePolicy"]["Id"] for item in own] == [name]
    cloudfront.delete_cache_policy(Id=name, IfMatch=read["ETag"])
    with pytest.raises(ClientError, match="NoSuchCachePolicy"):
        cloudfront.get_cache_policy(Id=name)


def test_an_origin_access_identity_can_be_made_and_listed(cloudfront: Any) -> None:
    config = {"CallerReference": "x", "Comment": "site"}
    made = cloudfront.create_cloud_front_origin_access_identity(CloudFrontOriginAccessIdentityConfig=config)
    identity = made["CloudFrontOriginAccessIdentity"]
    assert len(identity["S3CanonicalUserId"]) == 64
    listed = cloudfront.list_cloud_front_origin_access_identities()["CloudFrontOriginAccessIdentityList"]
    assert [item["Id"] for item in listed["Items"]] == [identity["Id"]]
