from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from operations.errors import OperatorError
from operations.stacks import FILE, find_stacks, only, select
from tests.operations.terraform_support import ENVIRONMENT, QUICK, REGION, write_stack

if TYPE_CHECKING:
    from pathlib import Path

PROD = ENVIRONMENT.model_copy(update={"name": "prod"})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for deployment in ("sync-storage", "aquamark", "beaver-contest"):
        for environment in (ENVIRONMENT, PROD):
            write_stack(tmp_path, QUICK, deployment=deployment, environment=environment)
    return tmp_path


def names(stacks: object) -> list[str]:
    return [stack.name for stack in stacks]  # type: ignore[attr-defined]


def test_a_stack_is_read_from_its_own_json(root: Path) -> None:
    stack = only(find_stacks(root), "sync-storage-test")
    assert (stack.deployment, stack.environment) == ("sync-storage", "test")
    assert (stack.region, stack.account_id) == (REGION, ENVIRONMENT.account_id)
    assert stack.state.lock_id == "quintet-test-terraform-state/test/sync-storage/terraform.tfstate"
    assert (stack.state.lock_table, stack.state.lock_file) == (ENVIRONMENT.state.lock_table, False)


def test_stacks_are_found_by_environment(root: Path) -> None:
    assert names(find_stacks(root, "prod")) == ["aquamark-prod", "beaver-contest-prod", "sync-storage-prod"]


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ([], ["aquamark-test", "beaver-contest-test", "sync-storage-test"]),
        (["aquamark"], ["aquamark-test"]),
        (["sync-*"], ["sync-storage-test"]),
        (["beaver"], ["beaver-contest-test"]),
        (["aquamark-test", "sync-storage"], ["aquamark-test", "sync-storage-test"]),
    ],
)
def test_stacks_are_chosen_by_name_deployment_or_pattern(root: Path, patterns: list[str], found: list[str]) -> None:
    assert names(select(find_stacks(root, "test"), patterns)) == found


def test_a_misspelt_stack_is_answered_with_the_nearest_name(root: Path) -> None:
    with pytest.raises(OperatorError, match=r"No stack is called aquamrak\. Did you mean aquamark"):
        select(find_stacks(root), ["aquamark", "aquamrak"])


@pytest.mark.parametrize("name", ["beaver", "beaver-contest"])
def test_one_stack_is_meant_by_a_deployment_in_one_environment_only(root: Path, name: str) -> None:
    assert only(find_stacks(root, "test"), name).name == "beaver-contest-test"
    with pytest.raises(OperatorError, match=f"^{name} has 2 stacks: beaver-contest-prod, beaver-contest-test"):
        only(find_stacks(root), name)


@pytest.mark.parametrize("name", ["beaver-contest-tst", "beaver-contest", "bever-contest", "beaver", "aqua"])
def test_no_name_is_suggested_that_was_refused(root: Path, name: str) -> None:
    with pytest.raises(OperatorError) as refused:
        only(find_stacks(root), name)
    assert f"Did you mean {name}?" not in str(refused.value)
    assert "-test" in str(refused.value) or "-prod" in str(refused.value)


def test_an_unlike_name_is_answered_with_all_names(root: Path) -> None:
    with pytest.raises(OperatorError, match="There are: aquamark-prod, aquamark-test"):
        only(find_stacks(root), "zzz")


def test_no_stacks_at_all_say_how_to_write_them(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="make synth"):
        select(find_stacks(tmp_path), [])


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"terraform": {}, "provider": {"aws": [{"alias": "x"}]}}'])
def test_a_broken_file_is_named(root: Path, text: str) -> None:
    file = root / "generated" / "stacks" / "aquamark-test" / FILE
    file.write_text(text)
    with pytest.raises(OperatorError, match=r"aquamark-test/cdk\.tf\.json"):
        find_stacks(root)


@pytest.mark.parametrize("resources", ["[1]", '{"jobs": 1}'])
def test_resources_of_another_form_are_named(root: Path, resources: str) -> None:
    file = root / "generated" / "stacks" / "aquamark-test" / FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | {"resource": {"aws_sqs_queue": json.loads(resources)}}))
    with pytest.raises(OperatorError, match=r"aquamark-test/cdk\.tf\.json has resources of aws_sqs_queue that"):
        find_stacks(root)


def test_a_stack_in_hcp_terraform_has_no_state_in_s3(root: Path) -> None:
    file = root / "generated" / "stacks" / "aquamark-test" / FILE
    file.write_text(file.read_text().replace('"backend"', '"cloud"'))
    with pytest.raises(OperatorError, match="keeps its state in HCP Terraform"):
        _ = only(find_stacks(root), "aquamark-test").state
