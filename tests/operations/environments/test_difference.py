from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from config.settings import ROOT
from operations.cli import run
from operations.environments.difference import Difference, compare
from operations.errors import OperatorError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "config" / "environments", tmp_path / "config" / "environments")
    for folder in (ROOT / "deployments").glob("*/environments"):
        shutil.copytree(folder, tmp_path / folder.relative_to(ROOT))
    shutil.copytree(ROOT / "generated", tmp_path / "generated", ignore=shutil.ignore_patterns(".terraform"))
    return tmp_path


def test_settings_that_differ_are_named_with_both_values_defaults_included(root: Path) -> None:
    found = compare(root, "dev", "prod", "suai")
    assert Difference("suai-cloud-app", "redis.replicas_per_node_group", "1", "2") in found.settings
    assert Difference("suai-cloud-app", "database.multi_az", "false", "true") in found.settings
    assert {line.deployment for line in found.settings} == {"suai-cloud-app"}


def test_terraform_json_differs_by_resource_and_argument(root: Path) -> None:
    found = compare(root, "dev", "prod", "canvas-data-2").documents
    assert Difference("canvas-data-2", "", None, "present", "aws_eip.network_nat_b_address") in found
    protection = Difference("canvas-data-2", "deletion_protection", "false", "true", "aws_rds_cluster.database")
    assert protection in found


def test_names_and_accounts_alone_are_counted_and_shown_on_request(root: Path) -> None:
    document = root / "generated/stacks/canvas-data-2-prod/cdk.tf.json"
    text = document.read_text().replace("canvas-data-2-prod-data-key", "canvas-data-2-prod-other")
    document.write_text(text)
    without, everything = (compare(root, "dev", "prod", "canvas", names=names) for names in (False, True))
    assert without.names == everything.names > 0
    assert len(everything.settings + everything.documents) == len(without.settings + without.documents) + without.names
    bucket = [line for line in everything.settings if line.key == "stage"]
    assert bucket == [Difference("canvas-data-2", "stage", "dev", "prod")]
    assert not [line for line in without.settings if line.key == "stage"]


def test_an_environment_compared_with_itself_does_not_differ(root: Path) -> None:
    found = compare(root, "dev", "dev")
    assert (found.settings, found.documents, found.names) == ([], [], 0)


def test_a_deployment_that_one_environment_lacks_is_said_to_be_in_the_other(root: Path) -> None:
    (root / "deployments/suai_cloud_app/environments/prod.toml").unlink()
    found = compare(root, "dev", "prod", "suai")
    assert found.settings == [Difference("suai-cloud-app", "", "present", None)]
    assert found.documents == []


def test_a_stack_that_is_not_written_is_named_with_the_command_that_writes_it(root: Path) -> None:
    shutil.rmtree(root / "generated/stacks/suai-cloud-app-prod")
    with pytest.raises(OperatorError, match="make synth"):
        compare(root, "dev", "prod", "suai")
    with pytest.raises(OperatorError, match="Neither dev nor prod has a deployment moodle"):
        compare(root, "dev", "prod", "moodle")


def test_the_command_prints_tables_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "dev", "prod", "canvas"]) == 0
    assert "Settings of canvas-data-2\n" in capsys.readouterr().out
    assert run(["diff", "dev", "prod", "canvas", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {"deployment": "canvas-data-2", "key": "network.nat", "first": "single", "second": "per_az"} in said[
        "settings"
    ]
    assert set(said["terraform"][0]) == {"deployment", "address", "key", "first", "second"}
    assert run(["diff", "dev", "moon"]) == 2
