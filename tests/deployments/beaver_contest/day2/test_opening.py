"""The database is opened for one address, for a while, and closed whatever happens."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from deployments.beaver_contest.day2.contest import Contest
from deployments.beaver_contest.day2.opening import Gate, block_of, tunnel_command
from operations.errors import OperatorError
from tests.deployments.beaver_contest.day2.made import Made

BLOCK = "203.0.113.7/32"


@pytest.fixture
def guarded(contest: Made) -> Contest:
    ec2 = contest().client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    groups = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("database", "web")
    ]
    ec2.authorize_security_group_ingress(
        GroupId=groups[0],
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": groups[1]}]}
        ],
    )
    return contest(database_security_group=groups[0])


def incoming(contest: Contest) -> list[dict[str, Any]]:
    found = contest.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [contest.outputs.database_security_group]}]
    )
    return [rule for rule in found["SecurityGroupRules"] if not rule["IsEgress"]]


def test_one_address_reaches_one_port_while_it_is_open(guarded: Contest) -> None:
    with Gate(guarded).open(BLOCK, minutes=5):
        (rule,) = [rule for rule in incoming(guarded) if "CidrIpv4" in rule]
        assert (rule["CidrIpv4"], rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (BLOCK, 3306, 3306, "tcp")
        assert rule["Description"].startswith("quintet open-database until 20")
    (left,) = incoming(guarded)
    assert "ReferencedGroupInfo" in left


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_it_is_closed_whatever_happens(guarded: Contest, error: type[BaseException]) -> None:
    with pytest.raises(error), Gate(guarded).open(BLOCK, minutes=5):
        raise error
    assert len(incoming(guarded)) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_is_closed_when_the_command_is_told_to_end(guarded: Contest, number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), Gate(guarded).open(BLOCK, minutes=5):
        signal.raise_signal(number)
    assert len(incoming(guarded)) == 1


def test_what_a_dead_machine_left_open_is_closed_and_nothing_else(guarded: Contest) -> None:
    gate = Gate(guarded)
    died = gate.open(BLOCK, minutes=5)
    died.__enter__()
    assert [rule["CidrIpv4"] for rule in Gate(guarded).rules()] == [BLOCK]
    with pytest.raises(OperatorError, match="--close"):
        gate.open(BLOCK, minutes=5).__enter__()
    assert Gate(guarded).close_all() == [BLOCK]
    assert len(incoming(guarded)) == 1
    died.__exit__(None, None, None)  # should it live after all, it finds its rule closed


@pytest.mark.parametrize("text", ["0.0.0.0/0", "10.0.0.0/8", "203.0.112.0/23"])
def test_large_blocks_are_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="at most a /24, 256 of them, is allowed"):
        block_of(text)


@pytest.mark.parametrize("text", ["", "all", "203.0.113.7/24", "::/0", "300.1.1.1/32"])
def test_what_is_no_block_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="is not an IPv4 CIDR block"):
        block_of(text)


def test_an_address_alone_is_a_block_of_one() -> None:
    assert block_of("203.0.113.7") == BLOCK


def test_a_tunnel_goes_through_an_instance_to_the_database(contest: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    applied = contest()
    resources = {"EnvironmentResources": {"Instances": [{"Id": "i-2"}, {"Id": "i-1"}]}}
    monkeypatch.setattr(
        applied.client("elasticbeanstalk"), "describe_environment_resources", lambda **_: resources, raising=False
    )
    command = tunnel_command(applied, local_port=13306)
    assert command[command.index("--target") + 1] == "i-1"
    assert command[-1] == "host=database.example.org,portNumber=3306,localPortNumber=13306"


def test_there_is_no_tunnel_without_an_instance(contest: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    applied = contest()
    resources: dict[str, Any] = {"EnvironmentResources": {"Instances": []}}
    monkeypatch.setattr(
        applied.client("elasticbeanstalk"), "describe_environment_resources", lambda **_: resources, raising=False
    )
    with pytest.raises(OperatorError, match="adminEnv has no instance"):
        tunnel_command(applied, local_port=13306)
