"""The DynamoDB table in which Terraform locks states: what it must be like, and how to make it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.errors import OperatorError
from operations.state.bucket import tag_text
from operations.state.mending import Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_dynamodb.type_defs import (
        AttributeDefinitionTypeDef,
        KeySchemaElementTypeDef,
        TableDescriptionTypeDef,
        TagTypeDef,
    )

    from operations.aws import Aws

KEY = "LockID"
"""The name Terraform gives the table's only key, a string."""

_KEY_SCHEMA: list[KeySchemaElementTypeDef] = [{"AttributeName": KEY, "KeyType": "HASH"}]
_ATTRIBUTES: list[AttributeDefinitionTypeDef] = [{"AttributeName": KEY, "AttributeType": "S"}]


class LockTable:
    """The lock table as found."""

    def __init__(self, aws: Aws, name: str, *, region: str, tags: Mapping[str, str]) -> None:
        self._dynamodb = aws.client("dynamodb", region=region)
        self._name = name
        self._region = region
        self._tags = dict(tags)

    def refuse_if_unfit(self) -> None:
        """Raises OperatorError when there is such a table with other keys: those of a table cannot be changed."""
        table = self._describe()
        if not table:
            return
        types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]}
        keys = [(key["AttributeName"], types[key["AttributeName"]], key["KeyType"]) for key in table["KeySchema"]]
        if keys != [(KEY, "S", "HASH")]:
            found = ", ".join(f"{name} ({kind}, {role})" for name, kind, role in keys)
            raise OperatorError(
                f"The table {self._name} in {self._region} has the key {found}; Terraform needs {KEY} (S, HASH).",
                hint="It is another program's table: choose another state.lock_table in config/environments.",
            )

    def items(self) -> Iterator[Item]:
        """Wanted properties of the table, one after the other."""
        exists = bool(self._describe())
        yield Item(
            f"table {self._name}",
            self._region if exists else "missing",
            f"{self._region}, key {KEY}",
            None if exists else self._create,
        )
        yield self._billing()
        yield self._recovery()
        yield self._deletion_protection()
        yield self._tagging()

    def _describe(self) -> TableDescriptionTypeDef:
        """The table's description, empty when there is no such table."""
        try:
            return self._dynamodb.describe_table(TableName=self._name)["Table"]
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return {}

    def _create(self) -> None:
        self._dynamodb.create_table(
            TableName=self._name,
            KeySchema=_KEY_SCHEMA,
            AttributeDefinitions=_ATTRIBUTES,
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
            Tags=self._tag_list(),
        )
        self._wait()

    def _wait(self) -> None:
        # A table that is still changing refuses the next change.
        self._dynamodb.get_waiter("table_exists").wait(TableName=self._name, WaiterConfig={"Delay": 2})

    def _billing(self) -> Item:
        table = self._describe()
        found = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED" if table else "missing")

        def mend() -> None:
            self._dynamodb.update_table(TableName=self._name, BillingMode="PAY_PER_REQUEST")
            self._wait()

        return Item("billing", found, "PAY_PER_REQUEST", None if found == "PAY_PER_REQUEST" else mend)

    def _recovery(self) -> Item:
        found = "missing"
        if self._describe():
            backups = self._dynamodb.describe_continuous_backups(TableName=self._name)["ContinuousBackupsDescription"]
            found = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus", "DISABLED")

        def mend() -> None:
            self._dynamodb.update_continuous_backups(
                TableName=self._name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )
            self._wait()

        return Item("point-in-time recovery", found, "ENABLED", None if found == "ENABLED" else mend)

    def _deletion_protection(self) -> Item:
        table = self._describe()
        on = table.get("DeletionProtectionEnabled", False)

        def mend() -> None:
            self._dynamodb.update_table(TableName=self._name, DeletionProtectionEnabled=True)
            self._wait()

        return Item("deletion protection", "on" if on else "off" if table else "missing", "on", None if on else mend)

    def _tagging(self) -> Item:
        table = self._describe()
        found: dict[str, str] = {}
        if table:
            pages = self._dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=table["TableArn"])
            found = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

        def mend() -> None:
            self._dynamodb.tag_resource(ResourceArn=self._describe()["TableArn"], Tags=self._tag_list())

        fine = self._tags.items() <= found.items()
        return Item("table tags", tag_text(found), tag_text(self._tags), None if fine else mend)

    def _tag_list(self) -> list[TagTypeDef]:
        return [{"Key": key, "Value": value} for key, value in self._tags.items()]
