"""Resources that hold data keep their addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import ROOT
from operations.errors import OperatorError
from operations.review.addresses import Loss, holding_data, losses, read_document, read_record
from operations.stacks import Stack, find_stacks

STACKS = find_stacks(ROOT)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_no_recorded_address_is_lost(stack: Stack) -> None:
    assert [str(loss) for loss in losses(stack.name, read_document(stack.folder), read_record(ROOT, stack.name))] == []


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_every_address_that_holds_data_is_recorded(stack: Stack) -> None:
    missing = holding_data(read_document(stack.folder)) - read_record(ROOT, stack.name)
    assert not missing, f"record them: quintet addresses record {stack.name}"


def test_a_lost_address_is_told_with_the_way_to_mend_it() -> None:
    document = {"resource": {"aws_db_instance": {"main": {}}}}
    (loss,) = losses("sample-prod", document, {"aws_db_instance.database"})
    assert loss == Loss("sample-prod", "aws_db_instance.database")
    assert 'move_from_id("aws_db_instance.database")' in str(loss)
    assert "quintet addresses record sample-prod" in str(loss)


@pytest.mark.parametrize("content", [b"aws_kms_key.one\nnonsense\n", b'{"a":[', b"\xff\xfe\0"])
def test_a_damaged_record_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "deployments" / "sample" / "addresses" / "prod.txt"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(OperatorError, match=r"deployments/sample/addresses/prod\.txt holds .*, which is no address"):
        read_record(tmp_path, "sample-prod")


def test_a_moved_address_is_not_lost() -> None:
    document = {
        "resource": {"aws_db_instance": {"main": {}}},
        "moved": [{"from": "aws_db_instance.database", "to": "aws_db_instance.main"}],
    }
    assert losses("sample-prod", document, {"aws_db_instance.database"}) == []
