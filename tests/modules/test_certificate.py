from __future__ import annotations

import pytest
from cdktf_cdktf_provider_aws.provider import AwsProvider

from modules.certificate import Certificate
from modules.stack import DeploymentStack
from tests.modules.synth import assert_subset, sample_stack, synthesised

ZONE = "Z0123456789ABCDEFGHIJ"


def certificate(stack: DeploymentStack, *host_names: str) -> Certificate:
    return Certificate(stack, "certificate", host_names=host_names, zone_id=ZONE)


def test_the_first_name_is_the_subject_and_the_others_are_alternatives():
    stack = sample_stack()
    certificate(stack, "a.example.org", "b.example.org")
    assert_subset(
        synthesised(stack).resource("aws_acm_certificate.certificate"),
        {
            "domain_name": "a.example.org",
            "subject_alternative_names": ["b.example.org"],
            "validation_method": "DNS",
            "lifecycle": {"create_before_destroy": True},
        },
    )


def test_every_name_is_proved_by_a_record_with_an_address_of_its_own():
    stack = sample_stack()
    certificate(stack, "a.example.org", "b.example.org")
    records = synthesised(stack).resources("aws_route53_record")
    assert set(records) == {"certificate_proof_of_a_example_org", "certificate_proof_of_b_example_org"}
    assert_subset(
        records["certificate_proof_of_b_example_org"],
        {
            "zone_id": ZONE,
            "type": "CNAME",
            "name": "${[for option in aws_acm_certificate.certificate.domain_validation_options : "
            'option.resource_record_name if trimprefix(option.domain_name, "*.") == "b.example.org"][0]}',
            "allow_overwrite": True,
        },
    )


def test_a_wildcard_and_the_name_below_it_are_proved_once():
    stack = sample_stack()
    certificate(stack, "example.org", "*.example.org")
    assert set(synthesised(stack).resources("aws_route53_record")) == {"certificate_proof_of_example_org"}


def test_who_uses_the_certificate_waits_until_it_is_issued():
    stack = sample_stack()
    stack.output("arn", certificate(stack, "a.example.org").arn, description="Issued")
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_acm_certificate_validation.certificate_validation"),
        {
            "certificate_arn": "${aws_acm_certificate.certificate.arn}",
            "validation_record_fqdns": ["${aws_route53_record.certificate_proof_of_a_example_org.fqdn}"],
        },
    )
    assert result.document["output"]["arn"]["value"] == (
        "${aws_acm_certificate_validation.certificate_validation.certificate_arn}"
    )


def test_a_certificate_for_cloudfront_is_made_in_the_region_of_its_provider():
    stack = sample_stack()
    provider = AwsProvider(stack, "aws_us_east_1", region="us-east-1", alias="us_east_1")
    Certificate(stack, "certificate", host_names=["a.example.org"], zone_id=ZONE, provider=provider)
    result = synthesised(stack)
    for address in ("aws_acm_certificate.certificate", "aws_acm_certificate_validation.certificate_validation"):
        assert_subset(result.resource(address), {"provider": "aws.us_east_1"})
    assert "provider" not in result.resource("aws_route53_record.certificate_proof_of_a_example_org")


def test_a_certificate_for_nothing_is_refused():
    with pytest.raises(ValueError, match="sample-test/certificate needs at least one host name"):
        certificate(sample_stack())
