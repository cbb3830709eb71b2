"""A DynamoDB table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTableGlobalSecondaryIndex,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableTtl,
)
from constructs import Construct

from config.components import ProvisionedCapacity, TableSettings
from config.types import TableAction
from modules.access import Grantable
from modules.policy import allow, document
from modules.refusals import exempt
from modules.stack import DeploymentStack
from modules.table_autoscaling import TableAutoscaling
from modules.watches.table import table_watches
from modules.watches.watch import Watch


@dataclass(frozen=True)
class Key:
    """An attribute that items are found by: a string, a number or bytes."""

    name: str
    type: Literal["S", "N", "B"]


@dataclass(frozen=True)
class Index:
    """A second way to find a table's items; `projection` is what it holds of them."""

    hash_key: Key
    range_key: Key | None = None
    projection: Literal["ALL", "KEYS_ONLY"] = "ALL"


class Table(Construct):
    """A DynamoDB table with its indexes by name, encrypted by DynamoDB, that nobody reaches without a grant.

    Items expire at the time, in seconds since 1970, that stands in their `ttl_attribute`. A protected table cannot be
    deleted. With provisioned capacity every index scales for itself, and Terraform no longer compares the indexes with
    what they should be, since it cannot tell their capacities from the rest: an index that is added or changed later
    needs the table's own update in AWS, or on-demand capacity.

    Raises ValueError when an attribute is used with two types.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        hash_key: Key,
        range_key: Key | None = None,
        indexes: Mapping[str, Index] | None = None,
        ttl_attribute: str | None = None,
        settings: TableSettings,
    ) -> None:
        super().__init__(scope, id_)
        protect = DeploymentStack.of_construct(self).protect_data
        self._indexes = dict(indexes or {})
        capacity = settings.capacity if isinstance(settings.capacity, ProvisionedCapacity) else None
        read, write = (capacity.min_read_capacity, capacity.min_write_capacity) if capacity else (None, None)
        keys = [
            hash_key,
            range_key,
            *(k for index in self._indexes.values() for k in (index.hash_key, index.range_key)),
        ]
        self._table = DynamodbTable(
            self,
            "Default",
            name=name,
            billing_mode=settings.capacity.billing_mode,
            read_capacity=read,
            write_capacity=write,
            hash_key=hash_key.name,
            range_key=range_key.name if range_key else None,
            attribute=_attributes(name, [key for key in keys if key]),
            global_secondary_index=[
                DynamodbTableGlobalSecondaryIndex(
                    name=index_name,
                    hash_key=index.hash_key.name,
                    range_key=index.range_key.name if index.range_key else None,
                    projection_type=index.projection,
                    read_capacity=read,
                    write_capacity=write,
                )
                for index_name, index in sorted(self._indexes.items())
            ],
            ttl=DynamodbTableTtl(attribute_name=ttl_attribute, enabled=True) if ttl_attribute else None,
            point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=settings.point_in_time_recovery_enabled),
            deletion_protection_enabled=protect,
            lifecycle=TerraformResourceLifecycle(
                prevent_destroy=protect or None,
                ignore_changes=["read_capacity", "write_capacity", "global_secondary_index"] if capacity else None,
            )
            if protect or capacity
            else None,
        )
        self.name: Final[str] = self._table.name
        self.arn: Final[str] = self._table.arn
        if capacity:
            TableAutoscaling(self, "autoscaling", resource_id=f"table/{self.name}", kind="table", capacity=capacity)
            for index_name in sorted(self._indexes):
                TableAutoscaling(
                    self,
                    f"{re.sub(r'[^A-Za-z0-9]', '_', index_name)}_autoscaling",
                    resource_id=f"table/{self.name}/index/{index_name}",
                    kind="index",
                    capacity=capacity,
                )
        self._explain(settings)

    def grant(self, grantee: Grantable, *, actions: Sequence[TableAction]) -> None:
        """Lets `grantee` do these with the table's items, and query and scan its indexes if it may query and scan."""
        names = [f"dynamodb:{each}" for each in sorted(actions)]
        statements = [allow("Items", actions=names, resources=[self.arn])]
        through_indexes = [f"dynamodb:{each}" for each in sorted(actions) if each in ("Query", "Scan")]
        if self._indexes and through_indexes:
            statements.append(allow("Indexes", actions=through_indexes, resources=[f"{self.arn}/index/*"]))
        grantee.attach_policy(self, f"read_write_by_{grantee.grantee_role}", document(*statements))

    def watches(self) -> Sequence[Watch]:
        """Throttled reads and writes, of the indexes too, and DynamoDB's own errors."""
        return table_watches(self.name, sorted(self._indexes))

    def _explain(self, settings: TableSettings) -> None:
        exempt(self._table, "CKV_AWS_119", reason="encrypted with the key DynamoDB owns; access is by IAM grant alone")
        if not settings.point_in_time_recovery_enabled:
            exempt(self._table, "CKV_AWS_28", reason=settings.reasons["point_in_time_recovery_enabled"])


def _attributes(table: str, keys: Sequence[Key]) -> list[DynamodbTableAttribute]:
    types: dict[str, str] = {}
    for key in keys:
        if types.setdefault(key.name, key.type) != key.type:
            raise ValueError(f"{table} uses the attribute {key.name} both as {types[key.name]} and as {key.type}")
    return [DynamodbTableAttribute(name=name, type=type_) for name, type_ in sorted(types.items())]
