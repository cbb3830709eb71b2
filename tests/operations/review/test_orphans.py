"""Orphans of a provider of another region are looked for there."""

from __future__ import annotations

import json
from typing import Any

from operations.review.orphans import find_orphans
from tests.operations.terraform_support import write_stack


class Regions:
    """Clients of the certificate manager that know one certificate, in us-east-1."""

    def client(self, service: str, *, region: str) -> Any:
        assert service == "acm"
        found = [{"DomainName": "contest.example.org", "CertificateArn": f"arn:aws:acm:{region}:1:certificate/a"}]
        return _Certificates(found if region == "us-east-1" else [])


class _Certificates:
    def __init__(self, found: list[dict[str, str]]) -> None:
        self._found = found

    def can_paginate(self, method: str) -> bool:
        return method == "list_certificates"

    def get_paginator(self, method: str) -> Any:
        assert method == "list_certificates"
        return self

    def paginate(self, **_: Any) -> Any:
        return [{"CertificateSummaryList": self._found}]


def test_a_resource_of_another_region_is_looked_for_in_its_providers_region(tmp_path: Any) -> None:
    certificates: dict[str, Any] = {
        "here": {"domain_name": "contest.example.org"},
        "there": {"domain_name": "contest.example.org", "provider": "aws.us-east-1"},
    }
    stack = write_stack(tmp_path, {"aws_acm_certificate": certificates})
    file = stack.folder / "cdk.tf.json"
    document = json.loads(file.read_text())
    document["provider"]["aws"].append({"alias": "us-east-1", "region": "us-east-1"})
    file.write_text(json.dumps(document))
    addresses = [f"aws_acm_certificate.{name}" for name in certificates]
    assert find_orphans(Regions(), stack, addresses, known={}, found={}) == {  # type: ignore[arg-type]
        "aws_acm_certificate.here": (),
        "aws_acm_certificate.there": ("arn:aws:acm:us-east-1:1:certificate/a",),
    }
