"""Elastic Beanstalk: moto can make applications and environments, and little else.

Applications with tags, versions and environments are kept here (`aws_elastic_beanstalk_application`,
`aws_elastic_beanstalk_application_version`, `aws_elastic_beanstalk_environment`). An environment is a record: nothing
runs behind it, and what AWS makes for it (instances, load balancer) is not made.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.elasticbeanstalk.responses import SOLUTION_STACK_DETAILS, EBResponse
from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends

from emulator import facts
from emulator.gap import Gap
from emulator.store import Record, Shelf

GAP = Gap("elasticbeanstalk")

_applications: Shelf[str, Record] = Shelf("elasticbeanstalk", "applications")
_versions: Shelf[tuple[str, str], Record] = Shelf("elasticbeanstalk", "application versions")
environments: Shelf[str, Record] = Shelf("elasticbeanstalk", "environments")
_terminated: Shelf[str, Record] = Shelf("elasticbeanstalk", "terminated environments", counted=False)
"""Environments that are gone but can still be described, as on AWS for an hour."""
_settings: Shelf[str, dict[tuple[str, str, str], Record]] = Shelf("elasticbeanstalk", "settings", counted=False)
"""Environment id → (namespace, name, resource) → option setting."""
_tags: Shelf[str, dict[str, str]] = Shelf("elasticbeanstalk", "tags", counted=False)

_own_security_groups: Shelf[str, str] = Shelf("elasticbeanstalk", "security groups of environments", counted=False)
"""Environment id → id of the group that Beanstalk adds by itself."""

_KEEP_ALL_VERSIONS = {
    "VersionLifecycleConfig": {
        "MaxCountRule": {"Enabled": False, "MaxCount": 200, "DeleteSourceFromS3": False},
        "MaxAgeRule": {"Enabled": False, "MaxAgeInDays": 180, "DeleteSourceFromS3": False},
    }
}
_WEB_SERVER = {"Name": "WebServer", "Type": "Standard", "Version": "1.0"}
_PHP_PLATFORM = re.compile(r"64bit Amazon Linux 2023 v[\d.]+ running PHP [\d.]+")
"""moto's list ends in 2025; what of this form is offered, the rules know from dated facts."""
_BRANCH_FILTERS = {"BranchName": "BranchName", "LifecycleState": "LifecycleState", "PlatformName": "PlatformName"}
_VERSION_FILTERS = {
    "PlatformName": "PlatformCategory",
    "PlatformVersion": "PlatformVersion",
    "PlatformStatus": "PlatformStatus",
    "PlatformBranchName": "PlatformBranchName",
    "PlatformLifecycleState": "PlatformLifecycleState",
    "PlatformOwner": "PlatformOwner",
}
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "=": str.__eq__,
    "!=": str.__ne__,
    "in": str.__eq__,
    "contains": str.__contains__,
    "begins_with": str.startswith,
    "ends_with": str.endswith,
}
_UPDATABLE = ("VersionLabel", "SolutionStackName", "Description", "PlatformArn", "TemplateName")


@GAP.around(EBResponse, "__init__")
def with_parsed_parameters(original: Any, response: EBResponse) -> None:
    original(response)
    response.automated_parameter_parsing = True


@GAP.action(EBResponse, replaces=True)
def list_available_solution_stacks(self: EBResponse) -> ActionResult:
    others = [each for each in SOLUTION_STACK_DETAILS if not _PHP_PLATFORM.fullmatch(str(each["SolutionStackName"]))]
    offered = [{"SolutionStackName": stack, "PermittedFileTypes": ["zip"]} for _, _, stack in _offered_platforms()]
    details = [*offered, *others]
    stacks = [each["SolutionStackName"] for each in details]
    return ActionResult({"SolutionStacks": stacks, "SolutionStackDetails": details})


@GAP.action(EBResponse)
def list_platform_branches(self: EBResponse) -> ActionResult:
    found = [
        {
            "PlatformName": "PHP",
            "BranchName": branch["branch"],
            "LifecycleState": _state(branch),
            "BranchOrder": order,
            "SupportedTierList": ["WebServer/Standard", "Worker/SQS/HTTP"],
        }
        for order, branch in enumerate(facts.needed().platform_branches)
    ]
    matching = [each for each in found if _fits(each, self._get_param("Filters") or [], _BRANCH_FILTERS)]
    return ActionResult({"PlatformBranchSummaryList": matching})


@GAP.action(EBResponse)
def list_platform_versions(self: EBResponse) -> ActionResult:
    found = [
        {
            "PlatformArn": _platform_arn(self, stack),
            "PlatformOwner": "AWSElasticBeanstalk",
            "PlatformStatus": "Ready",
            "PlatformCategory": "PHP",
            "OperatingSystemName": "Amazon Linux",
            "OperatingSystemVersion": "2023",
            "PlatformVersion": version,
            "PlatformBranchName": branch["branch"],
            "PlatformBranchLifecycleState": _state(branch),
            "PlatformLifecycleState": "Recommended",
        }
        for branch, version, stack in _offered_platforms()
    ]
    matching = [each for each in found if _fits(each, self._get_param("Filters") or [], _VERSION_FILTERS)]
    return ActionResult({"PlatformSummaryList": matching})


@GAP.action(EBResponse, replaces=True)
def create_application(self: EBResponse) -> ActionResult:
    name = self._get_param("ApplicationName")
    if name in _applications.at(self):
        raise GAP.error("InvalidParameterValue", f"Application {name} already exists.")
    application: Record = {
        "ApplicationArn": _arn(self, "application", name),
        "ApplicationName": name,
        "Description": self._get_param("Description"),
        "DateCreated": utcnow(),
        "DateUpdated": utcnow(),
        "Versions": [],
        "ConfigurationTemplates": [],
        "ResourceLifecycleConfig": self._get_param("ResourceLifecycleConfig") or _KEEP_ALL_VERSIONS,
    }
    _applications.at(self)[name] = application
    _tag(self, application["ApplicationArn"])
    return ActionResult({"Application": application})


@GAP.action(EBResponse, replaces=True)
def describe_applications(self: EBResponse) -> ActionResult:
    wanted = self._get_param("ApplicationNames")
    found = [app for name, app in _applications.at(self).items() if not wanted or name in wanted]
    return ActionResult({"Applications": found})


@GAP.action(EBResponse)
def update_application(self: EBResponse) -> ActionResult:
    application = _application(self)
    application |= {"Description": self._get_param("Description"), "DateUpdated": utcnow()}
    return ActionResult({"Application": application})


@GAP.action(EBResponse)
def update_application_resource_lifecycle(self: EBResponse) -> ActionResult:
    application = _application(self)
    application["ResourceLifecycleConfig"] = self._get_param("ResourceLifecycleConfig")
    return ActionResult({name: application[name] for name in ("ApplicationName", "ResourceLifecycleConfig")})


@GAP.action(EBResponse, replaces=True)
def delete_application(self: EBResponse) -> ActionResult:
    name = _application(self)["ApplicationName"]
    del _applications.at(self)[name]
    versions = _versions.at(self)
    for key in [key for key in versions if key[0] == name]:
        del versions[key]
    return EmptyResult()


@GAP.action(EBResponse)
def create_application_version(self: EBResponse) -> ActionResult:
    application = _application(self)["ApplicationName"]
    label = self._get_param("VersionLabel")
    source = self._get_param("SourceBundle") or {}
    _refuse_missing_bundle(self, source)
    version: Record = {
        "ApplicationVersionArn": _arn(self, "applicationversion", f"{application}/{label}"),
        "ApplicationName": application,
        "VersionLabel": label,
        "Description": self._get_param("Description"),
        "SourceBundle": source,
        "DateCreated": utcnow(),
        "DateUpdated": utcnow(),
        "Status": "PROCESSED",
    }
    _versions.at(self)[application, label] = version
    _tag(self, version["ApplicationVersionArn"])
    return ActionResult({"ApplicationVersion": version})


@GAP.action(EBResponse)
def describe_application_versions(self: EBResponse) -> ActionResult:
    application = self._get_param("ApplicationName")
    labels = self._get_param("VersionLabels")
    found = [
        version
        for (of_application, label), version in _versions.at(self).items()
        if application in (None, of_application) and (not labels or label in labels)
    ]
    return ActionResult({"ApplicationVersions": found})


@GAP.action(EBResponse)
def update_application_version(self: EBResponse) -> ActionResult:
    version = _versions.at(self)[self._get_param("ApplicationName"), self._get_param("VersionLabel")]
    version["Description"] = self._get_param("Description")
    return ActionResult({"ApplicationVersion": version})


@GAP.action(EBResponse)
def delete_application_version(self: EBResponse) -> ActionResult:
    _versions.at(self).pop((self._get_param("ApplicationName"), self._get_param("VersionLabel")), None)
    return EmptyResult()


@GAP.action(EBResponse, replaces=True)
def create_environment(self: EBResponse) -> ActionResult:
    get = self._get_param
    application = _application(self)["ApplicationName"]
    name = get("EnvironmentName")
    stack = get("SolutionStackName")
    _refuse_unknown_stack(stack)
    _refuse_unknown_version(self, application, get("VersionLabel"))
    environment_id = f"e-{secrets.token_hex(5)}"
    tier = get("Tier") or _WEB_SERVER
    environment: Record = {
        "EnvironmentName": name,
        "EnvironmentId": environment_id,
        "EnvironmentArn": _arn(self, "environment", f"{application}/{name}"),
        "ApplicationName": application,
        "VersionLabel": get("VersionLabel"),
        "SolutionStackName": stack,
        "PlatformArn": get("PlatformArn") or _platform_arn(self, stack),
        "TemplateName": get("TemplateName"),
        "Description": get("Description"),
        "DateCreated": utcnow(),
        "DateUpdated": utcnow(),
        "Status": "Ready",
        "AbortableOperationInProgress": False,
        "Health": "Green",
        "HealthStatus": "Ok",
        "Tier": tier,
        "EnvironmentLinks": [],
    }
    if tier["Name"] == "WebServer":
        prefix = get("CNAMEPrefix") or f"{name}.eba-{environment_id[2:10]}"
        environment["CNAME"] = f"{prefix}.{self.region}.elasticbeanstalk.com"
        environment["EndpointURL"] = f"awseb-{environment_id}.{self.region}.elb.amazonaws.com"
    environments.at(self)[environment_id] = environment
    _add_own_security_group(self, environment, get("OptionSettings") or [])
    _settings.at(self)[environment_id] = {_option(setting): setting for setting in get("OptionSettings") or []}
    _tag(self, environment["EnvironmentArn"])
    return ActionResult(environment)


@GAP.action(EBResponse, replaces=True)
def describe_environments(self: EBResponse) -> ActionResult:
    get = self._get_param
    known = list(environments.at(self).values())
    if get("IncludeDeleted"):
        known += _terminated.at(self).values()
    found = [
        environment
        for environment in known
        if get("ApplicationName") in (None, environment["ApplicationName"])
        and get("VersionLabel") in (None, environment["VersionLabel"])
        and (not get("EnvironmentIds") or environment["EnvironmentId"] in get("EnvironmentIds"))
        and (not get("EnvironmentNames") or environment["EnvironmentName"] in get("EnvironmentNames"))
    ]
    return ActionResult({"Environments": found})


@GAP.action(EBResponse)
def update_environment(self: EBResponse) -> ActionResult:
    get = self._get_param
    environment = _environment(self)
    _refuse_unknown_stack(get("SolutionStackName"))
    _refuse_unknown_version(self, environment["ApplicationName"], get("VersionLabel"))
    settings = _settings.at(self)[environment["EnvironmentId"]]
    for removed in get("OptionsToRemove") or []:
        settings.pop(_option(removed), None)
    settings |= {_option(setting): setting for setting in get("OptionSettings") or []}
    environment |= {name: get(name) for name in _UPDATABLE if get(name) is not None}
    environment["DateUpdated"] = utcnow()
    return ActionResult(environment)


@GAP.action(EBResponse)
def terminate_environment(self: EBResponse) -> ActionResult:
    environment = _environment(self)
    environment |= {"Status": "Terminated", "DateUpdated": utcnow()}
    own = _own_security_groups.at(self).pop(environment["EnvironmentId"], None)
    if own:
        ec2_backends[self.current_account][self.region].delete_security_group(group_id=own)
    environment_id = environment["EnvironmentId"]
    _terminated.at(self)[environment_id] = environments.at(self).pop(environment_id)
    return ActionResult(environment)


@GAP.action(EBResponse)
def describe_configuration_settings(self: EBResponse) -> ActionResult:
    environment = _environment(self)
    same = ("SolutionStackName", "PlatformArn", "ApplicationName", "EnvironmentName", "DateCreated", "DateUpdated")
    described = {
        **{name: environment[name] for name in same},
        "DeploymentStatus": "deployed",
        "OptionSettings": list(_settings.at(self)[environment["EnvironmentId"]].values()),
    }
    return ActionResult({"ConfigurationSettings": [described]})


@GAP.action(EBResponse)
def describe_environment_resources(self: EBResponse) -> ActionResult:
    kinds = ("AutoScalingGroups", "Instances", "LaunchConfigurations", "LaunchTemplates", "LoadBalancers")
    none: Record = {kind: [] for kind in (*kinds, "Triggers", "Queues")}
    return ActionResult({"EnvironmentResources": {"EnvironmentName": _environment(self)["EnvironmentName"], **none}})


@GAP.action(EBResponse)
def describe_environment_health(self: EBResponse) -> ActionResult:
    name = _environment(self)["EnvironmentName"]
    return ActionResult(
        {"EnvironmentName": name, "HealthStatus": "Ok", "Status": "Ready", "Color": "Green", "Causes": []}
    )


@GAP.action(EBResponse)
def describe_events(self: EBResponse) -> ActionResult:
    return ActionResult({"Events": []})


@GAP.action(EBResponse)
def check_dns_availability(self: EBResponse) -> ActionResult:
    name = f"{self._get_param('CNAMEPrefix')}.{self.region}.elasticbeanstalk.com"
    taken = any(environment.get("CNAME") == name for environment in environments.at(self).values())
    return ActionResult({"Available": not taken, "FullyQualifiedCNAME": name})


@GAP.action(EBResponse, replaces=True)
def list_tags_for_resource(self: EBResponse) -> ActionResult:
    arn = self._get_param("ResourceArn")
    tags = [{"Key": key, "Value": value} for key, value in _tags.at(self).get(arn, {}).items()]
    return ActionResult({"ResourceArn": arn, "ResourceTags": tags})


@GAP.action(EBResponse, replaces=True)
def update_tags_for_resource(self: EBResponse) -> ActionResult:
    tags = _tags.at(self).setdefault(self._get_param("ResourceArn"), {})
    tags |= {tag["Key"]: tag["Value"] for tag in self._get_param("TagsToAdd") or []}
    for key in self._get_param("TagsToRemove") or []:
        tags.pop(key, None)
    return EmptyResult()


def _add_own_security_group(response: EBResponse, environment: Record, settings: list[Record]) -> None:
    """Create the group with open egress that Beanstalk adds to instances, unless a setting turns it off."""
    values = {(setting.get("Namespace"), setting.get("OptionName")): setting.get("Value") for setting in settings}
    vpc_id = values.get(("aws:ec2:vpc", "VPCId"))
    turned_off = values.get(("aws:autoscaling:launchconfiguration", "DisableDefaultEC2SecurityGroup")) == "true"
    if vpc_id and not turned_off:
        environment_id = environment["EnvironmentId"]
        group = ec2_backends[response.current_account][response.region].create_security_group(
            f"awseb-{environment_id}-stack-AWSEBSecurityGroup",
            "SecurityGroup for ElasticBeanstalk environment.",
            vpc_id,
        )
        _own_security_groups.at(response)[environment_id] = group.id


def _arn(response: EBResponse, kind: str, name: str) -> str:
    return f"arn:{response.partition}:elasticbeanstalk:{response.region}:{response.current_account}:{kind}/{name}"


def _platform_arn(response: EBResponse, stack: str | None) -> str:
    platform = (stack or "custom").removeprefix("64bit Amazon Linux 2023 ").replace(" ", "_")
    return f"arn:{response.partition}:elasticbeanstalk:{response.region}::platform/{platform}"


def _tag(response: EBResponse, arn: str) -> None:
    _tags.at(response)[arn] = {tag["Key"]: tag["Value"] for tag in response._get_param("Tags") or []}


def _option(setting: Record) -> tuple[str, str, str]:
    return setting.get("Namespace", ""), setting.get("OptionName", ""), setting.get("ResourceName") or ""


def _application(response: EBResponse) -> Record:
    name = response._get_param("ApplicationName")
    if name not in _applications.at(response):
        raise GAP.error("InvalidParameterValue", f"No Application named {name} found.")
    return _applications.at(response)[name]


def _environment(response: EBResponse) -> Record:
    environment_id = response._get_param("EnvironmentId")
    name = response._get_param("EnvironmentName")
    for environment in environments.at(response).values():
        named = environment["EnvironmentName"] == name
        if environment["EnvironmentId"] == environment_id or (environment_id is None and named):
            return environment
    raise GAP.error("InvalidParameterValue", f"No Environment found for {environment_id or name}.")


def _offered_platforms() -> list[tuple[Mapping[str, str | None], str, str]]:
    """Branch, newest version and solution stack of each branch on which a new environment can begin."""
    offered = []
    for branch in facts.needed().platform_branches:
        language, _, system = str(branch["branch"]).partition(" running on ")
        version = branch["newest_version"]
        if version and _state(branch) != "Retired":
            offered.append((branch, version, f"{system} v{version} running {language}"))
    return offered


def _state(branch: Mapping[str, str | None]) -> str:
    retires = branch["retires"]
    if not retires:
        return "Supported"
    return "Retired" if retires <= utcnow().date().isoformat() else "Deprecated"


def _fits(summary: Record, filters: list[Record], members: Mapping[str, str]) -> bool:
    """Apply filters as the list actions of platforms have them: attribute or type, operator, values."""
    for each in filters:
        member = members.get(each.get("Attribute") or each.get("Type") or "")
        value, asked = str(summary.get(member or "", "")), each.get("Values") or []
        test = _OPERATORS[each.get("Operator", "=")]
        if member is None or not any(test(value, one) for one in asked):
            return False
    return True


def _refuse_missing_bundle(response: EBResponse, source: Record) -> None:
    """Refuse a version whose bundle is not in S3, as AWS does."""
    if not source.get("S3Bucket"):
        return
    bucket, key = source["S3Bucket"], source["S3Key"]
    try:
        found = s3_backends[response.current_account][response.partition].get_object(bucket, key)
    except S3ClientError:
        found = None
    if found is None:
        where = f"(Bucket: {bucket}  Key: {key})"
        raise GAP.error("InvalidParameterValue", f"Unable to download from S3 location {where}. Reason: Not Found")


def _refuse_unknown_stack(stack: str | None) -> None:
    known = [details["SolutionStackName"] for details in SOLUTION_STACK_DETAILS]
    if stack and stack not in known and not _PHP_PLATFORM.fullmatch(stack):
        raise GAP.error("InvalidParameterValue", f"No Solution Stack named '{stack}' found.")


def _refuse_unknown_version(response: EBResponse, application: str, label: str | None) -> None:
    if label and (application, label) not in _versions.at(response):
        raise GAP.error("InvalidParameterValue", f"No Application Version named '{label}' found.")
