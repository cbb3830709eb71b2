"""ElastiCache: node types and versions that AWS offers, names, and access tokens.

Sources: ElastiCache API Reference, CreateCacheCluster and CreateReplicationGroup (2026-11-28); AWS's answer in
cloudposse/terraform-aws-elasticache-redis, pull request 231, on modes of TLS (2026-11-30); types and versions are dated
facts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.call import Refusal
from emulator.rules.rule import Rules
from emulator.versions import resolve

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.facts import Facts

RULES = Rules("elasticache")

_NAME = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
_NAMES = {"CacheClusterId": 50, "ReplicationGroupId": 40}
_TOKEN = re.compile(r"[!-~]{16,128}")
_NOT_IN_TOKENS = frozenset('@"/')
_CREATE = ("CreateCacheCluster", "CreateReplicationGroup")
_CHANGE = ("ModifyCacheCluster", "ModifyReplicationGroup")


@RULES.by_facts_on(*_CREATE, *_CHANGE)
def a_node_type_is_offered(call: Call, facts: Facts) -> None:
    asked = call.parameters.get("CacheNodeType")
    family, _, size = (asked or "").rpartition(".")
    if asked and size not in facts.cache_node_types.get(family, ()):
        raise Refusal("InvalidParameterValue", f"The cache node type {asked} is not a valid cache node type.")


@RULES.by_facts_on(*_CREATE)
def a_version_is_offered(call: Call, facts: Facts) -> None:
    engine, asked = call.parameters.get("Engine", "redis"), call.parameters.get("EngineVersion")
    offered = facts.cache_versions.get(engine)
    if not asked or offered is None:
        return
    series = asked.removesuffix(".x")
    if resolve(series, offered) is None and not any(series.startswith(f"{version}.") for version in offered):
        raise Refusal("InvalidParameterCombination", f"Cannot find version {asked} for {engine}")


@RULES.on(*_CREATE)
def a_name_is_an_identifier(call: Call) -> None:
    for member, most in _NAMES.items():
        name = call.parameters.get(member)
        if name is not None and not (_NAME.fullmatch(name) and len(name) <= most):
            raise Refusal(
                "InvalidParameterValue",
                f"The parameter {member} is not a valid identifier: {name}. Identifiers begin with a letter and have"
                f" at most {most} letters, digits and hyphens, with no hyphen at the end or beside another.",
            )


@RULES.on(*_CREATE, *_CHANGE)
def a_token_is_long_and_goes_over_tls(call: Call) -> None:
    token = call.parameters.get("AuthToken")
    if token is None:
        return
    if token == "" and call.action in _CHANGE:
        return  # sent by the provider after an import, for a group without one; AWS's answer to it is not documented
    if not _TOKEN.fullmatch(token) or _NOT_IN_TOKENS & set(token):
        raise Refusal("InvalidParameterValue", "Invalid AuthToken provided.")
    if call.action in _CREATE and not call.parameters.get("TransitEncryptionEnabled"):
        raise Refusal(
            "InvalidParameterCombination",
            "The AUTH token can only be used when transit encryption is enabled.",
        )


@RULES.on("CreateReplicationGroup")
def a_mode_of_tls_needs_redis_7(call: Call) -> None:
    version = call.parameters.get("EngineVersion", "")
    if "TransitEncryptionMode" in call.parameters and version.split(".")[0] in ("3", "4", "5", "6"):
        raise Refusal(
            "InvalidParameterCombination",
            f"Transit encryption mode is not supported for engine version {version}. Please use engine version 7.0.5"
            " or higher.",
        )


@RULES.on("CreateReplicationGroup")
def a_failover_needs_a_second_node(call: Call) -> None:
    asked = call.parameters
    nodes = asked.get("NumCacheClusters", 1 + asked.get("ReplicasPerNodeGroup", 0))
    shards = asked.get("NumNodeGroups", 1)
    if asked.get("AutomaticFailoverEnabled") and nodes < 2 and shards < 2:
        raise Refusal(
            "InvalidParameterValue", "Automatic failover is not supported for replication groups with one node"
        )
