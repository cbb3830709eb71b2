"""ElastiCache parameter groups (missing in moto) and subnet groups (moto cannot change or delete them).

For `aws_elasticache_parameter_group` and `aws_elasticache_subnet_group`.
"""

from __future__ import annotations

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import ec2_backends
from moto.elasticache.responses import ElastiCacheResponse

from emulator.gap import Gap
from emulator.gaps import elasticache_common as common
from emulator.store import Record

GAP = Gap("elasticache")


@GAP.action(ElastiCacheResponse)
def create_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    name = self._get_param("CacheParameterGroupName").lower()
    if name in common.parameter_groups.at(self):
        raise GAP.error("CacheParameterGroupAlreadyExists", f"Parameter group {name} already exists.")
    group = {
        "CacheParameterGroupName": name,
        "CacheParameterGroupFamily": self._get_param("CacheParameterGroupFamily"),
        "Description": self._get_param("Description"),
        "IsGlobal": False,
        "ARN": common.arn(self, "parametergroup", name),
        "Parameters": {},  # not part of AWS's answer, which leaves out what its model does not know
    }
    common.parameter_groups.at(self)[name] = group
    common.tag(self, group["ARN"])
    return ActionResult({"CacheParameterGroup": group})


@GAP.action(ElastiCacheResponse)
def describe_cache_parameter_groups(self: ElastiCacheResponse) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    return ActionResult({"CacheParameterGroups": common.found(self, common.parameter_groups, name)})


@GAP.action(ElastiCacheResponse)
def modify_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    group = _parameter_group(self)
    for parameter in self._get_param("ParameterNameValues") or []:
        group["Parameters"][parameter["ParameterName"]] = parameter.get("ParameterValue", "")
    return ActionResult({"CacheParameterGroupName": group["CacheParameterGroupName"]})


@GAP.action(ElastiCacheResponse)
def reset_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    group = _parameter_group(self)
    if self._get_param("ResetAllParameters"):
        group["Parameters"].clear()
    for parameter in self._get_param("ParameterNameValues") or []:
        group["Parameters"].pop(parameter["ParameterName"], None)
    return ActionResult({"CacheParameterGroupName": group["CacheParameterGroupName"]})


@GAP.action(ElastiCacheResponse)
def describe_cache_parameters(self: ElastiCacheResponse) -> ActionResult:
    parameters = _parameter_group(self)["Parameters"].items()
    return ActionResult(
        {
            "Parameters": [
                {"ParameterName": name, "ParameterValue": value, "Source": "user", "IsModifiable": True}
                for name, value in parameters
            ]
        }
    )


@GAP.action(ElastiCacheResponse)
def delete_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    name = _parameter_group(self)["CacheParameterGroupName"]
    users = common.clusters.at(self).values()
    if any(cluster["CacheParameterGroup"]["CacheParameterGroupName"] == name for cluster in users):
        raise GAP.error("InvalidCacheParameterGroupState", f"One or more cache clusters use {name}.")
    del common.parameter_groups.at(self)[name]
    return EmptyResult()


@GAP.action(ElastiCacheResponse, replaces=True)
def create_cache_subnet_group(self: ElastiCacheResponse) -> ActionResult:
    name = self._get_param("CacheSubnetGroupName").lower()
    if name in common.subnet_groups.at(self):
        raise GAP.error("CacheSubnetGroupAlreadyExists", f"Cache subnet group {name} already exists.")
    group: Record = {
        "CacheSubnetGroupName": name,
        "CacheSubnetGroupDescription": self._get_param("CacheSubnetGroupDescription"),
        "ARN": common.arn(self, "subnetgroup", name),
        **_placement(self),
    }
    common.subnet_groups.at(self)[name] = group
    common.tag(self, group["ARN"])
    return ActionResult({"CacheSubnetGroup": group})


@GAP.action(ElastiCacheResponse, replaces=True)
def describe_cache_subnet_groups(self: ElastiCacheResponse) -> ActionResult:
    name = self._get_param("CacheSubnetGroupName")
    return ActionResult({"CacheSubnetGroups": common.found(self, common.subnet_groups, name)})


@GAP.action(ElastiCacheResponse)
def modify_cache_subnet_group(self: ElastiCacheResponse) -> ActionResult:
    group = common.find(self, common.subnet_groups, self._get_param("CacheSubnetGroupName"))
    if self._get_param("SubnetIds"):
        group |= _placement(self)
    if self._get_param("CacheSubnetGroupDescription") is not None:
        group["CacheSubnetGroupDescription"] = self._get_param("CacheSubnetGroupDescription")
    return ActionResult({"CacheSubnetGroup": group})


@GAP.action(ElastiCacheResponse)
def delete_cache_subnet_group(self: ElastiCacheResponse) -> ActionResult:
    name = self._get_param("CacheSubnetGroupName")
    common.find(self, common.subnet_groups, name)
    if any(cluster["CacheSubnetGroupName"] == name for cluster in common.clusters.at(self).values()):
        raise GAP.error("CacheSubnetGroupInUse", f"Cache subnet group {name} is currently in use.")
    del common.subnet_groups.at(self)[name]
    return EmptyResult()


def _parameter_group(response: ElastiCacheResponse) -> Record:
    return common.find(response, common.parameter_groups, response._get_param("CacheParameterGroupName"))


def _placement(response: ElastiCacheResponse) -> Record:
    """The VPC and the zones of the request's subnets, which must exist."""
    backend = ec2_backends[response.current_account][response.region]
    try:
        subnets = [backend.get_subnet(subnet_id) for subnet_id in response._get_param("SubnetIds") or []]
    except InvalidSubnetIdError as error:
        raise GAP.error("InvalidSubnet", str(error)) from error
    return {
        "VpcId": subnets[0].vpc_id if subnets else None,
        "Subnets": [
            {"SubnetIdentifier": subnet.id, "SubnetAvailabilityZone": {"Name": subnet.availability_zone}}
            for subnet in subnets
        ],
    }
