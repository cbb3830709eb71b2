"""Nodes come and go by a line of settings, and touch nothing of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdktf import App

from config.environment import load_environment
from config.settings import ROOT, load
from deployments.sync_storage.settings import SyncStorageSettings
from deployments.sync_storage.stack import SyncStorageStack

SETTINGS = ROOT / "deployments/sync_storage/environments/dev.toml"


def synthesise(folder: Path, settings: SyncStorageSettings) -> dict[str, Any]:
    app = App(outdir=str(folder))
    SyncStorageStack(app, environment=load_environment("dev"), settings=settings)
    app.synth()
    document = (folder / "stacks" / "sync-storage-dev" / "cdk.tf.json").read_text()
    found: dict[str, Any] = json.loads(document)
    return found


def with_nodes(*names: str) -> SyncStorageSettings:
    settings = load(SETTINGS, SyncStorageSettings)
    return settings.model_copy(update={"nodes": dict.fromkeys(names, settings.nodes["a"])})


def resources(document: Mapping[str, Any]) -> dict[str, Any]:
    """Resources by address; without the order of the webheads, which wait for every node's entry."""
    found = {f"{kind}.{name}": value for kind, named in document["resource"].items() for name, value in named.items()}
    waits = found["aws_autoscaling_group.webheads"].pop("depends_on")
    assert {address for address in found if address.startswith("aws_ssm_parameter.")} <= set(waits)
    return found


def test_another_node_adds_its_own_resources_and_changes_nothing_else(tmp_path: Path) -> None:
    one = resources(synthesise(tmp_path / "one", with_nodes("a")))
    two = resources(synthesise(tmp_path / "two", with_nodes("a", "b")))
    added = two.keys() - one.keys()
    assert added
    assert all(".nodes_b_" in address or ".alarms_nodes_b_" in address for address in added)
    changed = {address for address in one if one[address] != two.get(address)}
    assert changed == {"aws_cloudwatch_dashboard.alarms_dashboard"}, "the dashboard draws it in"
    assert (
        synthesise(tmp_path / "one", with_nodes("a"))["output"]
        == synthesise(tmp_path / "two", with_nodes("b"))["output"]
    )


def test_removing_a_node_leaves_the_other_as_it_was(tmp_path: Path) -> None:
    both = resources(synthesise(tmp_path / "both", with_nodes("a", "b")))
    left = resources(synthesise(tmp_path / "left", with_nodes("b")))
    gone = both.keys() - left.keys()
    assert all(".nodes_a_" in address or ".alarms_nodes_a_" in address for address in gone)
    assert {address for address in left if left[address] != both[address]} == {
        "aws_cloudwatch_dashboard.alarms_dashboard"
    }


def test_many_nodes_need_no_more_graphs_rules_or_policies_than_one(tmp_path: Path) -> None:
    few = resources(synthesise(tmp_path / "few", with_nodes("x0")))
    many = resources(synthesise(tmp_path / "many", with_nodes(*(f"x{number}" for number in range(20)))))
    assert len(many) - len(few) == 19 * len(resources_of(many, "x7"))
    assert widgets(few) == widgets(many)
    for kind in ("aws_iam_role_policy.", "aws_vpc_security_group_ingress_rule.", "aws_vpc_security_group_egress_rule."):
        assert {address for address in many if address.startswith(kind)} == {
            address for address in few if address.startswith(kind)
        }


def widgets(found: Mapping[str, Any]) -> int:
    return len(json.loads(found["aws_cloudwatch_dashboard.alarms_dashboard"]["dashboard_body"])["widgets"])


def resources_of(found: Mapping[str, Any], node: str) -> list[str]:
    return [address for address in found if f".nodes_{node}_" in address or f".alarms_nodes_{node}_" in address]
