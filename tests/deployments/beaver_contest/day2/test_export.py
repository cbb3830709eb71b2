"""Answers are written from DynamoDB to files, with read capacity raised meanwhile and always put back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployments.beaver_contest.day2.capacity import TAG, ReadCapacity
from deployments.beaver_contest.day2.export import Export, Interval
from operations.errors import OperatorError
from tests.deployments.beaver_contest.day2.made import Made, make_table


class SmallPages:
    """A DynamoDB client whose pages hold ten items, and whose `stop_after`th page never comes."""

    def __init__(self, client: Any, stop_after: int | None = None) -> None:
        self._client = client
        self.left = stop_after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def scan(self, **request: Any) -> Any:
        if self.left == 0:
            raise ConnectionError("the network is gone")
        if self.left is not None:
            self.left -= 1
        return self._client.scan(Limit=10, **request)


@pytest.fixture
def dynamodb(contest: Made) -> Any:
    client = contest().client("dynamodb")
    make_table(client, "team_question", read=5)
    for start in range(0, 200, 25):
        items = [
            {
                "teamID": {"N": str(number)},
                "questionID": {"N": "1"},
                "answer": {"S": f"é{number}"},
                "date": {"S": f"2016-11-{1 + number % 20:02} 08:00:00"},
            }
            for number in range(start, start + 25)
        ]
        client.batch_write_item(RequestItems={"team_question": [{"PutRequest": {"Item": item}} for item in items]})
    return client


def export(dynamodb: Any, target: Path, interval: Interval | None = None) -> Export:
    return Export(dynamodb, "team_question", target, interval, progress=lambda *_: None)


def read_units(dynamodb: Any) -> int:
    throughput: dict[str, int] = dynamodb.describe_table(TableName="team_question")["Table"]["ProvisionedThroughput"]
    return throughput["ReadCapacityUnits"]


def tags(dynamodb: Any) -> list[str]:
    arn = dynamodb.describe_table(TableName="team_question")["Table"]["TableArn"]
    return [tag["Key"] for tag in dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]]


def capacity(contest: Made, dynamodb: Any) -> ReadCapacity:
    autoscaling = contest().client("application-autoscaling")
    return ReadCapacity(dynamodb, autoscaling, "team_question", pause=lambda _: None)


def test_every_item_is_a_line_in_dynamodbs_notation(dynamodb: Any, tmp_path: Path) -> None:
    assert export(SmallPages(dynamodb), tmp_path / "all.dump").run() == 200
    lines = [json.loads(line) for line in (tmp_path / "all.dump").read_text().splitlines()]
    assert sorted(int(line["teamID"]["N"]) for line in lines) == list(range(200))
    assert {"teamID", "questionID", "answer", "date"} == set(lines[0])
    assert [path.name for path in tmp_path.iterdir()] == ["all.dump"]


def test_an_interval_leaves_out_its_ends_as_the_document_does(dynamodb: Any, tmp_path: Path) -> None:
    interval = Interval("2016-11-05 08:00:00", "2016-11-08 08:00:00")
    assert export(dynamodb, tmp_path / "some.dump", interval).run() == 20
    dates = {json.loads(line)["date"]["S"][:10] for line in (tmp_path / "some.dump").read_text().splitlines()}
    assert dates == {"2016-11-06", "2016-11-07"}


def test_a_stopped_export_goes_on_where_it_was(dynamodb: Any, tmp_path: Path) -> None:
    export(SmallPages(dynamodb), tmp_path / "whole.dump").run()
    with pytest.raises(ConnectionError):
        export(SmallPages(dynamodb, stop_after=9), tmp_path / "resumed.dump").run()
    assert not (tmp_path / "resumed.dump").exists()
    with (tmp_path / "resumed.dump.part-0").open("ab") as part:
        part.write(b"half a line that was never finished")
    looked_at: list[int] = []
    again = Export(
        SmallPages(dynamodb),
        "team_question",
        tmp_path / "resumed.dump",
        None,
        progress=lambda n, _: looked_at.append(n),
    )
    assert again.run() == 200
    assert (tmp_path / "resumed.dump").read_bytes() == (tmp_path / "whole.dump").read_bytes()


def test_a_stopped_export_of_another_interval_is_not_mixed_in(dynamodb: Any, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        export(SmallPages(dynamodb, stop_after=3), tmp_path / "a.dump").run()
    other = export(dynamodb, tmp_path / "a.dump", Interval("2016-11-05 00:00:00", "2016-11-06 00:00:00"))
    with pytest.raises(OperatorError, match="--restart"):
        other.run()
    other.forget()
    assert other.run() == 10


def test_capacity_is_raised_and_put_back(contest: Made, dynamodb: Any, said: list[str]) -> None:
    with capacity(contest, dynamodb).raised(say=said.append):
        assert read_units(dynamodb) == 200
        assert tags(dynamodb) == [TAG]
    assert read_units(dynamodb) == 5
    assert tags(dynamodb) == []
    assert said == ["team_question: read capacity 5 → 200", "team_question: read capacity back at 5"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_capacity_is_put_back_whatever_happens(
    contest: Made, dynamodb: Any, said: list[str], error: type[BaseException]
) -> None:
    with pytest.raises(error), capacity(contest, dynamodb).raised(say=said.append):
        raise error
    assert read_units(dynamodb) == 5
    assert tags(dynamodb) == []


def test_autoscaling_lets_the_capacity_stay_and_gets_its_bounds_back(
    contest: Made, dynamodb: Any, said: list[str]
) -> None:
    autoscaling = contest().client("application-autoscaling")
    where = {
        "ServiceNamespace": "dynamodb",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }

    def bounds() -> tuple[int, int]:
        (target,) = autoscaling.describe_scalable_targets(ResourceIds=["table/team_question"], **where)[
            "ScalableTargets"
        ]
        return target["MinCapacity"], target["MaxCapacity"]

    autoscaling.register_scalable_target(ResourceId="table/team_question", MinCapacity=5, MaxCapacity=100, **where)
    with capacity(contest, dynamodb).raised(say=said.append):
        assert bounds() == (200, 200)
    assert bounds() == (5, 100)


def test_what_a_killed_run_left_raised_goes_back_to_what_it_was(contest: Made, dynamodb: Any, said: list[str]) -> None:
    arn = dynamodb.describe_table(TableName="team_question")["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": TAG, "Value": "5"}])
    dynamodb.update_table(
        TableName="team_question", ProvisionedThroughput={"ReadCapacityUnits": 200, "WriteCapacityUnits": 5}
    )
    table = capacity(contest, dynamodb)
    assert table.left_raised() == "5"
    with table.raised(say=said.append):
        assert read_units(dynamodb) == 200
    assert read_units(dynamodb) == 5
    assert table.left_raised() is None


def test_a_table_on_demand_is_left_alone(contest: Made, said: list[str]) -> None:
    dynamodb = contest().client("dynamodb")
    make_table(dynamodb, "team_question")
    with capacity(contest, dynamodb).raised(say=said.append):
        assert tags(dynamodb) == []
    assert said == []
