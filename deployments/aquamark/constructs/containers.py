"""The containers that must run at every moment."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from modules.access import Grantable
from modules.policy import allow_metrics, document
from modules.watches.watch import Watch

NAMESPACE = "Quintet/Aquamark"


class Containers(Construct):
    """CloudWatch's `ContainerRunning`: hosts of the fleet `fleet_name` report their containers every minute."""

    def __init__(self, scope: Construct, id_: str, *, fleet_name: str, names: Sequence[str]) -> None:
        super().__init__(scope, id_)
        self._fleet_name = fleet_name
        self._names = names

    def grant_report(self, grantee: Grantable) -> None:
        """Lets `grantee` say whether containers run."""
        policy = document(allow_metrics("Report", namespace=NAMESPACE))
        grantee.attach_policy(self, f"report_by_{grantee.grantee_role}", policy)

    def watches(self) -> Sequence[Watch]:
        """One for each container: not running, or nobody left to say so."""
        return [
            Watch(
                role=name,
                description=f"The container {name} has not run for five minutes: look at its log and the boot log",
                namespace=NAMESPACE,
                metric_name="ContainerRunning",
                dimensions={"Fleet": self._fleet_name, "Container": name},
                statistic="Maximum",
                comparison="LessThanThreshold",
                threshold=1,
                missing_data="breaching",
            )
            for name in self._names
        ]
