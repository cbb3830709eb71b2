"""A content delivery network in front of a bucket."""

from __future__ import annotations

from typing import Final

from cdktf_cdktf_provider_aws.cloudfront_cache_policy import CloudfrontCachePolicy
from cdktf_cdktf_provider_aws.cloudfront_cache_policy import (
    CloudfrontCachePolicyParametersInCacheKeyAndForwardedToOrigin as CacheKey,
)
from cdktf_cdktf_provider_aws.cloudfront_cache_policy import (
    CloudfrontCachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfig as KeyCookies,
)
from cdktf_cdktf_provider_aws.cloudfront_cache_policy import (
    CloudfrontCachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfig as KeyHeaders,
)
from cdktf_cdktf_provider_aws.cloudfront_cache_policy import (
    CloudfrontCachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfig as KeyQueryStrings,
)
from cdktf_cdktf_provider_aws.cloudfront_cache_policy import (
    CloudfrontCachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigQueryStrings as QueryStrings,
)
from cdktf_cdktf_provider_aws.cloudfront_distribution import (
    CloudfrontDistribution,
    CloudfrontDistributionDefaultCacheBehavior,
    CloudfrontDistributionLoggingConfig,
    CloudfrontDistributionOrigin,
    CloudfrontDistributionRestrictions,
    CloudfrontDistributionRestrictionsGeoRestriction,
    CloudfrontDistributionViewerCertificate,
)
from cdktf_cdktf_provider_aws.cloudfront_origin_access_control import CloudfrontOriginAccessControl
from cdktf_cdktf_provider_aws.cloudfront_response_headers_policy import CloudfrontResponseHeadersPolicy
from cdktf_cdktf_provider_aws.cloudfront_response_headers_policy import (
    CloudfrontResponseHeadersPolicyCorsConfig as Cors,
)
from cdktf_cdktf_provider_aws.cloudfront_response_headers_policy import (
    CloudfrontResponseHeadersPolicyCorsConfigAccessControlAllowHeaders as CorsHeaders,
)
from cdktf_cdktf_provider_aws.cloudfront_response_headers_policy import (
    CloudfrontResponseHeadersPolicyCorsConfigAccessControlAllowMethods as CorsMethods,
)
from cdktf_cdktf_provider_aws.cloudfront_response_headers_policy import (
    CloudfrontResponseHeadersPolicyCorsConfigAccessControlAllowOrigins as CorsOrigins,
)
from cdktf_cdktf_provider_aws.cloudfront_response_headers_policy import (
    CloudfrontResponseHeadersPolicySecurityHeadersConfig as SecurityHeaders,
)
from cdktf_cdktf_provider_aws.cloudfront_response_headers_policy import (
    CloudfrontResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurity as StrictTransport,
)
from constructs import Construct

from config.static_site import CloudFrontDelivery
from modules.bucket import Bucket, Openness
from modules.certificate import Certificate
from modules.dns import AliasRecord
from modules.naming import physical_name
from modules.policy import allow
from modules.refusals import exempt
from modules.stack import DeploymentStack

REGION = "us-east-1"
"""Where CloudFront's certificates are, whatever region the origin is in."""


class Cdn(Construct):
    """A CloudFront distribution that serves the objects of `origin` as `host_name`, over HTTPS.

    `signed` requests let it read what the bucket's policy keeps from the public; otherwise it sees what everybody sees.
    A changed query parameter `v` fetches an object anew; others do not. Requests are logged.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        origin: Bucket,
        signed: bool,
        host_name: str,
        zone_id: str,
        settings: CloudFrontDelivery,
        cors_max_age_seconds: int,
    ) -> None:
        super().__init__(scope, id_)
        stack = DeploymentStack.of_construct(self)
        certificate = Certificate(
            self, "certificate", host_names=[host_name], zone_id=zone_id, provider=stack.provider_in(REGION)
        )
        logs = Bucket.for_access_logs(
            self,
            "logs",
            name=physical_name(name, "cdn-logs", stack.environment.account_id),
            retention_days=settings.log_retention_days,
            openness=Openness(
                object_ownership="BucketOwnerPreferred",
                reason="CloudFront delivers its logs with an ACL that hands them over; none of them is public",
            ),
        )
        access = CloudfrontOriginAccessControl(
            self,
            "origin_access",
            name=physical_name(name, max_length=64),
            description=f"CloudFront reads {host_name}",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
        )
        distribution = CloudfrontDistribution(
            self,
            "Default",
            comment=host_name,
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class=settings.price_class,
            aliases=[host_name],
            origin=[
                CloudfrontDistributionOrigin(
                    origin_id="bucket",
                    domain_name=origin.regional_domain_name,
                    origin_access_control_id=access.id if signed else None,
                )
            ],
            default_cache_behavior=CloudfrontDistributionDefaultCacheBehavior(
                target_origin_id="bucket",
                viewer_protocol_policy="redirect-to-https",
                allowed_methods=["GET", "HEAD", "OPTIONS"],
                cached_methods=["GET", "HEAD"],
                compress=True,
                cache_policy_id=self._cache_policy(name).id,
                response_headers_policy_id=self._headers_policy(name, cors_max_age_seconds).id,
            ),
            viewer_certificate=CloudfrontDistributionViewerCertificate(
                acm_certificate_arn=certificate.arn,
                ssl_support_method="sni-only",
                minimum_protocol_version="TLSv1.2_2021",
            ),
            restrictions=CloudfrontDistributionRestrictions(
                geo_restriction=CloudfrontDistributionRestrictionsGeoRestriction(restriction_type="none")
            ),
            logging_config=CloudfrontDistributionLoggingConfig(
                bucket=f"{logs.name}.s3.amazonaws.com", include_cookies=False, prefix=f"{name}/"
            ),
        )
        self._explain(distribution)
        if signed:
            origin.add_policy_statement(
                allow(
                    "ReadByCloudFront",
                    actions=["s3:GetObject"],
                    resources=[f"{origin.arn}/*"],
                    principals={"Service": ["cloudfront.amazonaws.com"]},
                    conditions={"StringEquals": {"aws:SourceArn": distribution.arn}},
                )
            )
        self.distribution_id: Final[str] = distribution.id
        self.dns_name: Final[str] = distribution.domain_name
        self.zone_id: Final[str] = distribution.hosted_zone_id
        """The hosted zone of CloudFront's own names."""
        AliasRecord(self, "alias", zone_id=zone_id, host_name=host_name, target=self)

    def _cache_policy(self, name: str) -> CloudfrontCachePolicy:
        return CloudfrontCachePolicy(
            self,
            "cache_policy",
            name=name,
            comment="As long as objects say; ?v= fetches anew",
            min_ttl=1,
            default_ttl=86400,
            max_ttl=31536000,
            parameters_in_cache_key_and_forwarded_to_origin=CacheKey(
                cookies_config=KeyCookies(cookie_behavior="none"),
                headers_config=KeyHeaders(header_behavior="none"),
                query_strings_config=KeyQueryStrings(
                    query_string_behavior="whitelist", query_strings=QueryStrings(items=["v"])
                ),
                enable_accept_encoding_brotli=True,
                enable_accept_encoding_gzip=True,
            ),
        )

    def _headers_policy(self, name: str, max_age_seconds: int) -> CloudfrontResponseHeadersPolicy:
        # answered here, since a cached answer to a request without Origin lacks what one with Origin needs
        return CloudfrontResponseHeadersPolicy(
            self,
            "headers_policy",
            name=name,
            comment="Every origin may fetch, over TLS only",
            cors_config=Cors(
                access_control_allow_credentials=False,
                access_control_allow_headers=CorsHeaders(items=["*"]),
                access_control_allow_methods=CorsMethods(items=["GET"]),
                access_control_allow_origins=CorsOrigins(items=["*"]),
                access_control_max_age_sec=max_age_seconds,
                origin_override=True,
            ),
            security_headers_config=SecurityHeaders(
                strict_transport_security=StrictTransport(
                    access_control_max_age_sec=31536000, include_subdomains=True, preload=True, override=True
                )
            ),
        )

    def _explain(self, distribution: CloudfrontDistribution) -> None:
        exempt(distribution, "CKV_AWS_68", reason="it serves public files of a bucket; no code runs for WAF to protect")
        exempt(distribution, "CKV2_AWS_47", reason="behind it is a bucket, where no Log4j runs that WAF would protect")
        exempt(distribution, "CKV_AWS_310", reason="the origin is a bucket, which spans every zone of its region")
        exempt(distribution, "CKV_AWS_374", reason="readers may be in any country")
        exempt(distribution, "CKV_AWS_305", reason="it serves files by their names and has no front page")
