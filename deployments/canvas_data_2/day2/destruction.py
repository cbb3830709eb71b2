"""Destruction of Canvas Data 2: what is lost, and the order in which what has to stay is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.settings import ROOT
from deployments.canvas_data_2.day2.deployed import CanvasData2
from deployments.canvas_data_2.settings import CREDENTIALS
from operations.aws import Aws, refusals_explained
from operations.review.addresses import read_document

if TYPE_CHECKING:
    from rich.console import Console

    from operations.stacks import Stack

_ADDRESS = ("aws_rds_cluster", "database")


@dataclass(frozen=True)
class DestructionNotes:
    """Notes on an applied stack; nothing is destroyed here."""

    environment: str = "dev"
    root: Path = ROOT
    aws: Aws = field(default_factory=Aws)

    def say(self, console: Console) -> None:
        """Protections of the database, losses and steps, with names. Raises OperatorError."""
        with refusals_explained():
            canvas = CanvasData2.applied(self.root, self.environment, self.aws)
            rds = canvas.client("rds")
            name = canvas.outputs.cluster_arn.rpartition(":")[2]
            (cluster,) = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
            found = rds.describe_db_cluster_snapshots(DBClusterIdentifier=name, SnapshotType="manual")
        snapshots = sorted(snapshot["DBClusterSnapshotIdentifier"] for snapshot in found["DBClusterSnapshots"])
        kind, place = _ADDRESS
        committed = read_document(canvas.stack.folder)["resource"][kind][place]
        path = canvas.outputs.parameter_path
        for line in self._notes(canvas.stack, cluster, committed, snapshots, path):
            console.print(line)

    def _notes(
        self, stack: Stack, cluster: dict[str, Any], committed: dict[str, Any], snapshots: list[str], path: str
    ) -> Iterator[str]:
        name, final = cluster["DBClusterIdentifier"], committed.get("final_snapshot_identifier")
        protected = bool(committed.get("lifecycle", {}).get("prevent_destroy"))
        yield f"{stack.name} as it stands:"
        yield f"  AWS {'refuses' if cluster.get('DeletionProtection') else 'does not refuse'} to delete {name}."
        yield f"  Terraform {'refuses' if protected else 'does not refuse'} to destroy it."
        yield f"  Snapshots somebody took, which stay: {', '.join(snapshots) or 'none'}."
        if final is None:
            yield "  No last snapshot is taken: backups go with the cluster."
        elif final in snapshots:
            yield f"  The last snapshot is to be called {final}, which exists: AWS will refuse until that one is copied"
            yield f"  and gone: aws rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier {final}"
        else:
            yield f"  A last snapshot is taken when it goes: {final}."
        yield "Gone for good: views and grants of others, images, logs."
        yield "Made again by a new deployment and `quintet canvas start`: every table, from Canvas."
        yield "To destroy it:"
        keep = f"--db-cluster-identifier {name} --db-cluster-snapshot-identifier {name}-kept"
        steps = [f"a snapshot that you keep: aws rds create-db-cluster-snapshot {keep}"]
        if protected:
            settings = f"config/environments/{self.environment}.toml"
            steps.append(f"protect_data = false in {settings}; make synth; terraform apply for this stack only")
        steps.append(f"in generated/stacks/{stack.name}: terraform destroy")
        names = " ".join(f"{path}/{name}" for name in CREDENTIALS)
        steps.append(
            f"the API's credentials, which no key decrypts any more: aws ssm delete-parameters --names {names}"
        )
        if protected:
            steps.append("protect_data = true again; make synth")
        yield from (f"  {number}. {step}" for number, step in enumerate(steps, start=1))
