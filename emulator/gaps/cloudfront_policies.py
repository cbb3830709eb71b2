"""CloudFront's policies and origin access identities: all missing in moto.

For `aws_cloudfront_cache_policy`, `aws_cloudfront_origin_request_policy`, `aws_cloudfront_response_headers_policy`,
`aws_cloudfront_origin_access_identity` and the data sources of the policies AWS manages, which have AWS's real ids.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from moto.cloudfront import urls
from moto.cloudfront.responses import CloudFrontResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from emulator.gap import Gap
from emulator.gaps.cloudfront import new_etag
from emulator.store import Record, Shelf

GAP = Gap("cloudfront")

_GLOBAL = "global"


@dataclass(frozen=True)
class _Kind:
    """A kind of object with six actions that differ in nothing but their names."""

    name: str
    actions: str
    """The name in actions on one object."""
    listing: str
    """The name in the action that lists them."""
    path: str
    config: str
    managed: dict[str, str]
    """Id → name of those AWS has made."""
    managed_config: Record
    """Contents of those besides the name, simplified."""
    shelf: Shelf[str, Record]

    def objects(self, response: CloudFrontResponse) -> dict[str, Record]:
        """The account's own objects by id."""
        return self.shelf.of(response.current_account, _GLOBAL)

    def known(self, response: CloudFrontResponse) -> dict[str, Record]:
        """All objects the account may use, AWS's own included."""
        return {
            **{
                object_id: self.described(object_id, {"Name": name, **self.managed_config}, etag="E23ZP02F085DFQ")
                for object_id, name in self.managed.items()
            },
            **self.objects(response),
        }

    def find(self, response: CloudFrontResponse) -> Record:
        """The object the request names, AWS's not-found error otherwise."""
        object_id = response._get_param("Id")
        known = self.known(response)
        if object_id not in known:
            raise GAP.error(f"NoSuch{self.name}", f"The specified {self.name} does not exist.")
        return known[object_id]

    def described(self, object_id: str, config: Record, etag: str) -> Record:
        """The object as kept: as AWS describes it, with its version beside it."""
        described = {"Id": object_id, "LastModifiedTime": utcnow(), "S3CanonicalUserId": uuid.uuid4().hex * 2}
        return {"object": {**described, self.config: config}, "etag": etag}

    def answer(self, kept: Record) -> ActionResult:
        """The object with its version."""
        return ActionResult({self.name: kept["object"], "ETag": kept["etag"], "Location": kept["object"]["Id"]})


_KINDS = (
    _Kind(
        name="CachePolicy",
        actions="cache_policy",
        listing="list_cache_policies",
        path="cache-policy",
        config="CachePolicyConfig",
        managed={
            "658327ea-f89d-4fab-a63d-7e88639e58f6": "Managed-CachingOptimized",
            "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": "Managed-CachingDisabled",
            "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": "Managed-CachingOptimizedForUncompressedObjects",
        },
        managed_config={
            "MinTTL": 1,
            "DefaultTTL": 86400,
            "MaxTTL": 31536000,
            "ParametersInCacheKeyAndForwardedToOrigin": {
                "EnableAcceptEncodingGzip": True,
                "EnableAcceptEncodingBrotli": True,
                "HeadersConfig": {"HeaderBehavior": "none"},
                "CookiesConfig": {"CookieBehavior": "none"},
                "QueryStringsConfig": {"QueryStringBehavior": "none"},
            },
        },
        shelf=Shelf("cloudfront", "cache policies"),
    ),
    _Kind(
        name="OriginRequestPolicy",
        actions="origin_request_policy",
        listing="list_origin_request_policies",
        path="origin-request-policy",
        config="OriginRequestPolicyConfig",
        managed={
            "216adef6-5c7f-47e4-b989-5492eafa07d3": "Managed-AllViewer",
            "b689b0a8-53d0-40ab-baf2-68738e2966ac": "Managed-AllViewerExceptHostHeader",
            "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": "Managed-CORS-S3Origin",
            "59781a5b-3903-41f3-afcb-af62929ccde1": "Managed-CORS-CustomOrigin",
        },
        managed_config={
            "HeadersConfig": {"HeaderBehavior": "allViewer"},
            "CookiesConfig": {"CookieBehavior": "all"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        },
        shelf=Shelf("cloudfront", "origin request policies"),
    ),
    _Kind(
        name="ResponseHeadersPolicy",
        actions="response_headers_policy",
        listing="list_response_headers_policies",
        path="response-headers-policy",
        config="ResponseHeadersPolicyConfig",
        managed={
            "67f7725c-6f97-4210-82d7-5512b31e9d03": "Managed-SecurityHeadersPolicy",
            "60669652-455b-4ae9-85a4-c4c02393f86c": "Managed-SimpleCORS",
            "5cc3b908-e619-4b99-88e5-2cf7f45965bd": "Managed-CORS-With-Preflight",
            "eaab4381-ed33-4a86-88ca-d9558dc6cd63": "Managed-CORS-with-preflight-and-SecurityHeadersPolicy",
        },
        managed_config={"SecurityHeadersConfig": {"ContentTypeOptions": {"Override": True}}},
        shelf=Shelf("cloudfront", "response headers policies"),
    ),
    _Kind(
        name="CloudFrontOriginAccessIdentity",
        actions="cloud_front_origin_access_identity",
        listing="list_cloud_front_origin_access_identities",
        path="origin-access-identity/cloudfront",
        config="CloudFrontOriginAccessIdentityConfig",
        managed={},
        managed_config={},
        shelf=Shelf("cloudfront", "origin access identities"),
    ),
)


@GAP.also
def routes() -> None:
    """Add the paths of all kinds."""
    for kind in _KINDS:
        for rest in ("$", "/(?P<object_id>[^/]+)$", "/(?P<object_id>[^/]+)/config$"):
            urls.url_paths[f"{{0}}/2020-05-31/{kind.path}{rest}"] = CloudFrontResponse.dispatch


def _add_actions(kind: _Kind) -> None:
    @GAP.action(CloudFrontResponse, name=f"create_{kind.actions}")
    def create(self: CloudFrontResponse) -> ActionResult:
        identity = kind.name == "CloudFrontOriginAccessIdentity"
        object_id = f"E{uuid.uuid4().hex[:13].upper()}" if identity else str(uuid.uuid4())
        kept = kind.described(object_id, self._get_param(kind.config) or {}, new_etag())
        kind.objects(self)[object_id] = kept
        return kind.answer(kept)

    @GAP.action(CloudFrontResponse, name=f"get_{kind.actions}")
    def get(self: CloudFrontResponse) -> ActionResult:
        return kind.answer(kind.find(self))

    @GAP.action(CloudFrontResponse, name=f"get_{kind.actions}_config")
    def get_config(self: CloudFrontResponse) -> ActionResult:
        kept = kind.find(self)
        return ActionResult({kind.config: kept["object"][kind.config], "ETag": kept["etag"]})

    @GAP.action(CloudFrontResponse, name=f"update_{kind.actions}")
    def update(self: CloudFrontResponse) -> ActionResult:
        kept = kind.find(self)
        kept["object"][kind.config] = self._get_param(kind.config) or {}
        kept["etag"] = new_etag()
        return kind.answer(kept)

    @GAP.action(CloudFrontResponse, name=f"delete_{kind.actions}")
    def delete(self: CloudFrontResponse) -> ActionResult:
        del kind.objects(self)[kind.find(self)["object"]["Id"]]
        return EmptyResult()

    @GAP.action(CloudFrontResponse, name=kind.listing)
    def list_all(self: CloudFrontResponse) -> ActionResult:
        items: list[Any] = []
        for object_id, kept in kind.known(self).items():
            owner = "managed" if object_id in kind.managed else "custom"
            if self._get_param("Type") in (None, owner):
                items.append({"Type": owner, kind.name: kept["object"], **kept["object"]})
        listed = {"MaxItems": 100, "IsTruncated": False, "Marker": "", "Quantity": len(items), "Items": items}
        return ActionResult({f"{kind.name}List": listed})


for _kind in _KINDS:
    _add_actions(_kind)
