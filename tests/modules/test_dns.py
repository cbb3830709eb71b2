from __future__ import annotations

from dataclasses import dataclass

from modules.dns import AliasRecord, CanonicalNames
from tests.modules.synth import assert_subset, sample_stack, synthesised

ZONE = "Z0123456789ABCDEFGHIJ"


@dataclass(frozen=True)
class Target:
    dns_name: str = "lb-1.eu-central-1.elb.amazonaws.com"
    zone_id: str = "Z215JYRZR1TBD5"


def test_an_alias_answers_only_while_its_target_is_healthy():
    stack = sample_stack()
    AliasRecord(stack, "alias", zone_id=ZONE, host_name="example.org", target=Target())
    assert_subset(
        synthesised(stack).resource("aws_route53_record.alias"),
        {
            "zone_id": ZONE,
            "name": "example.org",
            "type": "A",
            "alias": {
                "name": "lb-1.eu-central-1.elb.amazonaws.com",
                "zone_id": "Z215JYRZR1TBD5",
                "evaluate_target_health": True,
            },
        },
    )


def canonical_names(*host_names: str) -> dict[str, str]:
    stack = sample_stack()
    CanonicalNames(stack, "node_a", zone_id=ZONE, host_names=host_names, target="lb.example.com")
    records = synthesised(stack).resources("aws_route53_record")
    assert all(record["records"] == ["lb.example.com"] for record in records.values())
    return {address: record["name"] for address, record in records.items() if record["type"] == "CNAME"}


def test_a_host_name_keeps_its_record_whatever_stands_before_it():
    assert canonical_names("n1.example.org", "n-2.example.org") == {
        "node_a_n1_example_org": "n1.example.org",
        "node_a_n-2_example_org": "n-2.example.org",
    }
    assert canonical_names("n-2.example.org") == {"node_a_n-2_example_org": "n-2.example.org"}
