from __future__ import annotations

from operations.resource_types import HOLDS_DATA, REBUILDABLE
from operations.terraform.documents import State, StateResource
from operations.terraform.longest_chain import _WAITS_SECONDS, Chain, Stopwatch, expected_chain, longest_chain
from operations.terraform.terraform import Event


def resource(address: str, *needs: str) -> StateResource:
    kind, _, name = address.partition(".")
    return {"mode": "managed", "type": kind, "name": name, "instances": [{"dependencies": list(needs)}]}


STATE: State = {
    "resources": [
        resource("aws_vpc.network"),
        resource("aws_subnet.a", "aws_vpc.network"),
        resource("aws_db_instance.database", "aws_subnet.a", "aws_vpc.network", "data.aws_region.here"),
        resource("aws_sqs_queue.mail"),
        resource("aws_instance.web", "aws_db_instance.database", "aws_sqs_queue.mail"),
    ]
}


def test_the_chain_follows_the_dependencies_that_took_longest() -> None:
    took = {
        "aws_vpc.network": 2.0,
        "aws_subnet.a": 1.0,
        "aws_db_instance.database": 160.0,
        "aws_sqs_queue.mail": 25.0,
        "aws_instance.web": 10.0,
    }
    chain = ("aws_vpc.network", "aws_subnet.a", "aws_db_instance.database", "aws_instance.web")
    assert longest_chain(took, STATE) == Chain(chain, 173.0)


def test_what_was_there_before_costs_nothing_and_breaks_no_chain() -> None:
    assert longest_chain({"aws_vpc.network": 2.0, "aws_db_instance.database": 5.0}, STATE) == Chain(
        ("aws_vpc.network", "aws_db_instance.database"), 7.0
    )


def test_instances_of_a_resource_are_made_side_by_side() -> None:
    took = {"aws_subnet.a[0]": 3.0, "aws_subnet.a[1]": 4.0, "aws_vpc.network": 1.0}
    assert longest_chain(took, STATE) == Chain(("aws_vpc.network", "aws_subnet.a"), 5.0)


def test_an_apply_that_changed_nothing_has_no_chain() -> None:
    assert longest_chain({}, STATE) == Chain()
    assert longest_chain({"aws_gone.away": 3.0}, {}) == Chain(("aws_gone.away",), 3.0)


def test_a_replaced_resource_counts_both_times_and_one_that_failed_not_at_all() -> None:
    moments = iter([0.0, 2.0, 10.0, 13.0, 20.0])
    watch = Stopwatch(clock=lambda: next(moments))
    for kind in ("started", "done", "started", "done"):
        watch.hear(Event(kind, "aws_sqs_queue.mail"))
    watch.hear(Event("started", "aws_vpc.network"))
    watch.hear(Event("errored", "aws_vpc.network"))
    assert watch.seconds == {"aws_sqs_queue.mail": 5.0}


def test_a_stack_is_expected_to_wait_as_long_as_the_chain_of_its_slowest_resources() -> None:
    database = {"vpc_security_group_ids": ["${aws_security_group.database.id}"], "tags": {"like": "aws_lb.web"}}
    resources: dict[str, dict[str, dict[str, object]]] = {
        "aws_security_group": {
            "database": {"vpc_id": "${aws_vpc.network.id}", "description": "of aws_db_instance.main"}
        },
        "aws_vpc": {"network": {}},
        "aws_db_instance": {"main": database},
        "aws_lb": {"web": {}},
        "aws_route53_record": {"web": {"alias": {"name": "${aws_lb.web.dns_name}"}}},
        "aws_elastic_beanstalk_environment": {"web": {"depends_on": ["aws_db_instance.main"]}},
    }
    chain = expected_chain({"resource": resources})
    assert chain.addresses == (
        "aws_vpc.network",
        "aws_security_group.database",
        "aws_db_instance.main",
        "aws_elastic_beanstalk_environment.web",
    )
    assert chain.seconds > expected_chain({"resource": {"aws_lb": {"web": {}}}}).seconds > 0


def test_a_stack_of_resources_that_are_there_at_once_is_expected_to_wait_for_nothing() -> None:
    assert expected_chain({"resource": {"aws_sns_topic": {"alarms": {}}}}).seconds == 0


def test_waits_are_known_of_types_that_exist() -> None:
    assert _WAITS_SECONDS.keys() <= HOLDS_DATA | REBUILDABLE
