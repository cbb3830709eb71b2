"""ElastiCache, what its other modules share: names, versions, addresses, and tags.

moto knows its own kinds of objects only, so tags of those kept here (parameter groups, member clusters …) would be
missing from every ElastiCache resource of Terraform's.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.elasticache.responses import ElastiCacheResponse

from emulator.gap import Gap
from emulator.store import Record, Shelf

GAP = Gap("elasticache")

clusters: Shelf[str, Record] = Shelf("elasticache", "clusters")
replication_groups: Shelf[str, Record] = Shelf("elasticache", "replication groups")
parameter_groups: Shelf[str, Record] = Shelf("elasticache", "parameter groups")
subnet_groups: Shelf[str, Record] = Shelf("elasticache", "subnet groups")
serverless_caches: Shelf[str, Record] = Shelf("elasticache", "serverless caches")
_tags: Shelf[str, dict[str, str]] = Shelf("elasticache", "tagged resources", counted=False)

NEWEST = {"redis": "7.1.0", "valkey": "8.0.1", "memcached": "1.6.22"}
_NOT_FOUND = {
    "clusters": "CacheClusterNotFound",
    "replication groups": "ReplicationGroupNotFoundFault",
    "parameter groups": "CacheParameterGroupNotFound",
    "subnet groups": "CacheSubnetGroupNotFoundFault",
    "serverless caches": "ServerlessCacheNotFoundFault",
}


def find(response: ElastiCacheResponse, shelf: Shelf[str, Record], name: str) -> Record:
    """The object of this name; AWS's not-found error of its kind when there is none."""
    try:
        return shelf.at(response)[name]
    except KeyError:
        raise GAP.error(_NOT_FOUND[shelf.kind], f"{name} not found.") from None


def found(response: ElastiCacheResponse, shelf: Shelf[str, Record], name: str | None) -> list[Record]:
    """The one object of this name, or all when no name is given."""
    return [find(response, shelf, name)] if name else list(shelf.at(response).values())


def arn(response: ElastiCacheResponse, kind: str, name: str) -> str:
    """The ARN of an ElastiCache object of the request's account and region."""
    return f"arn:{response.partition}:elasticache:{response.region}:{response.current_account}:{kind}:{name}"


def endpoint(response: ElastiCacheResponse, prefix: str, port: int) -> Record:
    """An endpoint as AWS names them: region eu-central-1 is euc1 in the address."""
    area, direction, number = response.region.split("-")[-3:]
    return {"Address": f"{prefix}.abc123.{area}{direction[0]}{number}.cache.amazonaws.com", "Port": port}


def full_version(engine: str, version: str | None) -> str:
    """The patch release AWS reports: 7.1 is 7.1.0, 7.x or 7 is 7.0.0; the newest when none is asked for."""
    if not version:
        return NEWEST[engine]
    if engine == "memcached":
        return version
    numbers = [part for part in version.split(".") if part.isdigit()]
    return ".".join([*numbers, "0", "0"][:3])


def default_parameter_group(engine: str, version: str, *, cluster_mode: bool = False) -> str:
    """The name of AWS's own parameter group for the engine."""
    numbers = version.split(".")
    if engine == "memcached":
        return f"default.memcached{numbers[0]}.{numbers[1]}"
    return f"default.{engine}{numbers[0]}" + (".cluster.on" if cluster_mode else "")


def known_parameter_group(response: ElastiCacheResponse, name: str) -> str:
    """The name itself, when such a parameter group exists; AWS has the default ones in every account."""
    if not name.startswith("default."):
        find(response, parameter_groups, name)
    return name


def tag(response: ElastiCacheResponse, resource_arn: str) -> None:
    """Remember the tags the request creates the resource with."""
    _tags.at(response)[resource_arn] = {t["Key"]: t.get("Value", "") for t in response._get_param("Tags") or []}


@GAP.around(ElastiCacheResponse, "create_user")
def user_with_tags(original: Any, response: ElastiCacheResponse) -> ActionResult:
    result: ActionResult = original(response)
    tag(response, arn(response, "user", response._get_param("UserId")))
    return result


@GAP.action(ElastiCacheResponse, replaces=True)
def list_tags_for_resource(self: ElastiCacheResponse) -> ActionResult:
    return _tag_list(_tags.at(self).get(self._get_param("ResourceName"), {}))


@GAP.action(ElastiCacheResponse, replaces=True)
def add_tags_to_resource(self: ElastiCacheResponse) -> ActionResult:
    tags = _tags.at(self).setdefault(self._get_param("ResourceName"), {})
    tags.update({t["Key"]: t.get("Value", "") for t in self._get_param("Tags") or []})
    return _tag_list(tags)


@GAP.action(ElastiCacheResponse, replaces=True)
def remove_tags_from_resource(self: ElastiCacheResponse) -> ActionResult:
    tags = _tags.at(self).setdefault(self._get_param("ResourceName"), {})
    for key in self._get_param("TagKeys") or []:
        tags.pop(key, None)
    return _tag_list(tags)


def _tag_list(tags: dict[str, str]) -> ActionResult:
    return ActionResult({"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]})
