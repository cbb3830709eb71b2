"""Resources that hold data keep their addresses."""

from __future__ import annotations

import pytest

from config.settings import ROOT
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


def test_a_moved_address_is_not_lost() -> None:
    document = {
        "resource": {"aws_db_instance": {"main": {}}},
        "moved": [{"from": "aws_db_instance.database", "to": "aws_db_instance.main"}],
    }
    assert losses("sample-prod", document, {"aws_db_instance.database"}) == []
