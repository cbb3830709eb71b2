"""DynamoDB: restores that AWS refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_a_table_is_restored_only_within_the_window_of_its_backups(aws: Callable[..., Any]) -> None:
    dynamodb = aws("dynamodb")
    dynamodb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def restore(**when: Any) -> None:
        dynamodb.restore_table_to_point_in_time(SourceTableName="things", TargetTableName="restored", **when)

    with pytest.raises(ClientError, match="PointInTimeRecoveryUnavailableException"):
        restore(UseLatestRestorableTime=True)
    dynamodb.update_continuous_backups(
        TableName="things", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    with pytest.raises(ClientError, match="either RestoreDateTime or UseLatestRestorableTime"):
        restore()
    for wrong in (datetime(2001, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(hours=1)):
        with pytest.raises(ClientError, match="InvalidRestoreTimeException"):
            restore(RestoreDateTime=wrong)
    found = dynamodb.describe_continuous_backups(TableName="things")["ContinuousBackupsDescription"]
    restore(RestoreDateTime=found["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"])
    with pytest.raises(ClientError, match="already exists"):
        restore(UseLatestRestorableTime=True)


def test_a_tag_with_a_known_key_takes_the_place_of_the_former_one(aws: Callable[..., Any]) -> None:
    dynamodb = aws("dynamodb")
    arn = dynamodb.create_table(
        TableName="tagged",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "Version", "Value": "1"}, {"Key": "Owner", "Value": "contest"}],
    )["TableDescription"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "Version", "Value": "2"}])
    tags = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    assert sorted((tag["Key"], tag["Value"]) for tag in tags) == [("Owner", "contest"), ("Version", "2")]
