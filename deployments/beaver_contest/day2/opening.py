"""A way to the database for a while, from outside the contest's network."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from operations.aws import refusals_explained
from operations.errors import OperatorError
from operations.terraform.stop_signals import stop_signals_interrupt

if TYPE_CHECKING:
    from deployments.beaver_contest.day2.contest import Contest

LARGEST = 24
"""The shortest prefix that is let in: 256 addresses."""

_MARK = "quintet open-database until "
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def block_of(text: str) -> str:
    """The CIDR block in `text`; an address alone is a block of one. Raises OperatorError when it is none, or large."""
    try:
        block = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise OperatorError(f"{text} is not an IPv4 CIDR block ({error}).", hint="Example: 203.0.113.7/32") from None
    if block.prefixlen < LARGEST:
        raise OperatorError(
            f"{text} lets {block.num_addresses} addresses in; at most a /{LARGEST}, 256 of them, is allowed.",
            hint="Give your own address with /32.",
        )
    return str(block)


@dataclass(frozen=True)
class Gate:
    """The rules by which the database's security group lets outside addresses in."""

    contest: Contest

    @contextmanager
    def open(
        self, block: str, *, minutes: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> Iterator[None]:
        """Lets `block` reach the database while the program's block lasts; it is closed on errors and signals too.

        The rule says until when it was meant to stand, so that `forgotten` finds it should the machine die.
        Raises OperatorError when the block is let in already or AWS refuses.
        """
        until = now() + timedelta(minutes=minutes)
        with refusals_explained():
            if any(rule["CidrIpv4"] == block for rule in self.rules()):
                raise OperatorError(
                    f"{block} is let in already.", hint="Close what is left open: quintet beaver open-database --close"
                )
            (rule,) = self._ec2.authorize_security_group_ingress(
                GroupId=self._group,
                IpPermissions=[
                    {
                        "IpProtocol": "tcp",
                        "FromPort": self._port,
                        "ToPort": self._port,
                        "IpRanges": [{"CidrIp": block, "Description": f"{_MARK}{until.strftime(_TIME)}"}],
                    }
                ],
            )["SecurityGroupRules"]
        try:
            with stop_signals_interrupt():
                yield
        finally:
            with refusals_explained():
                self._close([rule["SecurityGroupRuleId"]])

    def rules(self) -> list[dict[str, Any]]:
        """The rules made by this command that still stand."""
        found = self._ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self._group]}])
        return [rule for rule in found["SecurityGroupRules"] if rule.get("Description", "").startswith(_MARK)]

    def close_all(self) -> list[str]:
        """Take every such rule away and return their blocks."""
        with refusals_explained():
            rules = self.rules()
            self._close([rule["SecurityGroupRuleId"] for rule in rules])
        return [rule["CidrIpv4"] for rule in rules]

    def has_public_address(self) -> bool:
        """True when the database has a public address."""
        with refusals_explained():
            instances = self.contest.client("rds").describe_db_instances()["DBInstances"]
        address = self.contest.outputs.database_address
        return any(
            instance["PubliclyAccessible"]
            for instance in instances
            if instance.get("Endpoint", {}).get("Address") == address
        )

    def _close(self, rule_ids: list[str]) -> None:
        from botocore.exceptions import ClientError

        for rule_id in rule_ids:
            try:
                self._ec2.revoke_security_group_ingress(GroupId=self._group, SecurityGroupRuleIds=[rule_id])
            except ClientError as error:
                if not error.response["Error"]["Code"].endswith(".NotFound"):  # somebody was quicker: it is closed
                    raise

    @property
    def _ec2(self) -> Any:
        return self.contest.client("ec2")

    @property
    def _group(self) -> str:
        return self.contest.outputs.database_security_group

    @property
    def _port(self) -> int:
        return int(self.contest.outputs.database_port)


def wait(minutes: int, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Until the minutes are over, or Ctrl-C."""
    for _ in range(minutes * 60):
        pause(1)


def admin_instances(contest: Contest) -> list[str]:
    """The instances of the admin environment. Raises OperatorError when AWS refuses."""
    environment = contest.outputs.admin_environment
    with refusals_explained():
        resources = contest.client("elasticbeanstalk").describe_environment_resources(EnvironmentName=environment)
    return [instance["Id"] for instance in resources["EnvironmentResources"]["Instances"]]


def tunnel_command(contest: Contest, *, local_port: int) -> list[str]:
    """The command that forwards a port of this machine to the database, through an instance of the admin environment.

    No rule is opened for it: the instance may reach the database anyway. Raises OperatorError without an instance.
    """
    instances = admin_instances(contest)
    if not instances:
        raise OperatorError(
            f"{contest.outputs.admin_environment} has no instance to go through.", hint="Wait until it is in service."
        )
    parameters = {
        "host": contest.outputs.database_address,
        "portNumber": contest.outputs.database_port,
        "localPortNumber": str(local_port),
    }
    return [
        *("aws", "ssm", "start-session", "--region", contest.region, "--target", sorted(instances)[0]),
        *("--document-name", "AWS-StartPortForwardingSessionToRemoteHost"),
        *("--parameters", ",".join(f"{name}={value}" for name, value in parameters.items())),
    ]


def run_tunnel(command: list[str]) -> int:
    """Run it until Ctrl-C; returns its exit code. Raises OperatorError when a program it needs is missing."""
    for program in ("aws", "session-manager-plugin"):
        if shutil.which(program) is None:
            raise OperatorError(
                f"{program} is not installed.",
                hint="https://docs.aws.amazon.com/systems-manager/latest/userguide/"
                "session-manager-working-with-install-plugin.html",
            )
    with subprocess.Popen(command) as session:
        while True:
            try:
                return session.wait()
            except KeyboardInterrupt:
                continue  # the terminal sends it to the session too, which then ends by itself
