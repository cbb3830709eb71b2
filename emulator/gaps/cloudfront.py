"""CloudFront distributions and functions.

* a distribution's configuration comes back with parts lost or added (`aws_cloudfront_distribution`); here it comes
  back as it was sent, filled up with AWS's defaults
* PublishFunction and UpdateFunction are missing (`aws_cloudfront_function`)
"""

from __future__ import annotations

import copy
import uuid
from typing import Any

from moto.cloudfront import urls
from moto.cloudfront.models import DistributionConfig
from moto.cloudfront.responses import CloudFrontResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from emulator.gap import Gap
from emulator.store import Record

GAP = Gap("cloudfront")

_NONE = {"Quantity": 0}
_DEFAULT_METHODS = {"Quantity": 2, "Items": ["HEAD", "GET"]}
_NO_SIGNERS = {"Enabled": False, "Quantity": 0}
_CONFIG_DEFAULTS: Record = {
    "Aliases": _NONE,
    "CacheBehaviors": _NONE,
    "ContinuousDeploymentPolicyId": "",
    "CustomErrorResponses": _NONE,
    "DefaultRootObject": "",
    "HttpVersion": "http2",
    "IsIPV6Enabled": True,
    "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
    "OriginGroups": _NONE,
    "PriceClass": "PriceClass_All",
    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
    "Staging": False,
    "ViewerCertificate": {"CloudFrontDefaultCertificate": True},
    "WebACLId": "",
}
_BEHAVIOR_DEFAULTS: Record = {
    "AllowedMethods": _DEFAULT_METHODS,
    "Compress": False,
    "FieldLevelEncryptionId": "",
    "FunctionAssociations": _NONE,
    "LambdaFunctionAssociations": _NONE,
    "SmoothStreaming": False,
    "TrustedKeyGroups": _NO_SIGNERS,
    "TrustedSigners": _NO_SIGNERS,
}
_ORIGIN_DEFAULTS: Record = {
    "ConnectionAttempts": 3,
    "ConnectionTimeout": 10,
    "CustomHeaders": _NONE,
    "OriginAccessControlId": "",
    "OriginPath": "",
    "OriginShield": {"Enabled": False},
}


@GAP.also
def route_of_publishing() -> None:
    """Add the path of PublishFunction."""
    urls.url_paths["{0}/2020-05-31/function/(?P<function_name>[^/]+)/publish$"] = CloudFrontResponse.dispatch


@GAP.around(DistributionConfig, "__init__")
def config_as_it_was_sent(original: Any, config: Any, sent: Record) -> None:
    config.as_aws_returns_it = _filled_up(copy.deepcopy(sent))
    original(config, sent)


@GAP.around(CloudFrontResponse, "create_distribution")
def created(original: Any, response: CloudFrontResponse) -> ActionResult:
    return _as_aws_returns_it(original(response))


@GAP.around(CloudFrontResponse, "create_distribution_with_tags")
def created_with_tags(original: Any, response: CloudFrontResponse) -> ActionResult:
    return _as_aws_returns_it(original(response))


@GAP.around(CloudFrontResponse, "get_distribution")
def got(original: Any, response: CloudFrontResponse) -> ActionResult:
    return _as_aws_returns_it(original(response))


@GAP.around(CloudFrontResponse, "get_distribution_config")
def got_config(original: Any, response: CloudFrontResponse) -> ActionResult:
    return _as_aws_returns_it(original(response))


@GAP.around(CloudFrontResponse, "update_distribution")
def updated(original: Any, response: CloudFrontResponse) -> ActionResult:
    return _as_aws_returns_it(original(response))


@GAP.action(CloudFrontResponse)
def publish_function(self: CloudFrontResponse) -> ActionResult:
    function: Any = self.backend.describe_function(name=self._get_param("Name"))
    function.status = "UNASSOCIATED"
    function.stage = "LIVE"
    return ActionResult({"FunctionSummary": function.function_summary})


@GAP.action(CloudFrontResponse)
def update_function(self: CloudFrontResponse) -> ActionResult:
    function: Any = self.backend.describe_function(name=self._get_param("Name"))
    function.config = self._get_param("FunctionConfig") or function.config
    function.code = self._get_param("FunctionCode") or function.code
    function.etag = new_etag()
    return ActionResult({"FunctionSummary": function.function_summary, "ETag": function.etag})


def new_etag() -> str:
    """A new version of an object, as CloudFront writes them."""
    return f"E{uuid.uuid4().hex[:12].upper()}"


def _as_aws_returns_it(result: ActionResult) -> ActionResult:
    body: Any = result.result
    if "Distribution" in body:
        distribution = body["Distribution"]
        body["Distribution"] = {
            "Id": distribution.distribution_id,
            "ARN": distribution.arn,
            "Status": distribution.status,
            "LastModifiedTime": utcnow(),
            "InProgressInvalidationBatches": 0,
            "DomainName": distribution.domain_name,
            "ActiveTrustedSigners": _NO_SIGNERS,
            "ActiveTrustedKeyGroups": _NO_SIGNERS,
            "DistributionConfig": distribution.distribution_config.as_aws_returns_it,
        }
    if "DistributionConfig" in body:
        body["DistributionConfig"] = body["DistributionConfig"].as_aws_returns_it
    return result


def _filled_up(sent: Record) -> Record:
    config = copy.deepcopy(_CONFIG_DEFAULTS) | sent
    config["DefaultCacheBehavior"] = _behavior(config["DefaultCacheBehavior"])
    behaviors = config["CacheBehaviors"]
    if behaviors.get("Items"):
        behaviors["Items"] = [_behavior(behavior) for behavior in behaviors["Items"]]
    config["Origins"]["Items"] = [_origin(origin) for origin in config["Origins"]["Items"]]
    certificate = config["ViewerCertificate"]
    if certificate.get("CloudFrontDefaultCertificate"):
        certificate.setdefault("MinimumProtocolVersion", "TLSv1")
        certificate["CertificateSource"] = "cloudfront"
    elif certificate.get("ACMCertificateArn"):
        certificate["Certificate"] = certificate["ACMCertificateArn"]
        certificate["CertificateSource"] = "acm"
    return config


def _behavior(sent: Record) -> Record:
    behavior = copy.deepcopy(_BEHAVIOR_DEFAULTS) | sent
    behavior["AllowedMethods"].setdefault("CachedMethods", dict(_DEFAULT_METHODS))
    return behavior


def _origin(sent: Record) -> Record:
    origin = copy.deepcopy(_ORIGIN_DEFAULTS) | sent
    if "CustomOriginConfig" not in origin:
        origin.setdefault("S3OriginConfig", {"OriginAccessIdentity": ""})
    return origin
