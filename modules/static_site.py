"""Files the world may read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdktf_cdktf_provider_aws.s3_bucket_cors_configuration import (
    S3BucketCorsConfiguration,
    S3BucketCorsConfigurationCorsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_website_configuration import (
    S3BucketWebsiteConfiguration,
    S3BucketWebsiteConfigurationIndexDocument,
)
from constructs import Construct

from config.static_site import CloudFrontDelivery, CnameDelivery, StaticSiteSettings
from modules.access import Grantable
from modules.bucket import Bucket, Openness
from modules.cdn import Cdn
from modules.dns import CanonicalNames
from modules.policy import allow, deny, document
from modules.stack import DeploymentStack

_PRESIGNED_MILLISECONDS = 600_000
_WRITE = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject", "s3:PutObjectAcl")


class StaticSite(Construct):
    """A bucket that programs write into and that readers reach under `settings.host_name`.

    Readers come through CloudFront, or by a CNAME to the bucket's website endpoint. Objects whose keys match
    `never_public` are hidden from everybody but this account's own identities, whatever their ACLs say; so are those
    that match `never_public_by_policy` while the bucket's policy decides. Every origin may fetch objects (CORS).

    Raises ValueError when a CNAME shall lead to a bucket that is not named like its host: S3 finds the bucket by it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        zone_id: str,
        settings: StaticSiteSettings,
        access_log_bucket: Bucket,
        never_public: Sequence[str] = (),
        never_public_by_policy: Sequence[str] = (),
        cors_max_age_seconds: int = 3000,
    ) -> None:
        super().__init__(scope, id_)
        delivery = settings.delivery
        if isinstance(delivery, CnameDelivery) and settings.bucket_name != settings.host_name:
            raise ValueError(
                f"bucket_name must be {settings.host_name}, the host's name, for a CNAME to lead to it, "
                f"not {settings.bucket_name}"
            )
        self._bucket = Bucket(
            self,
            "Default",
            name=settings.bucket_name,
            access_log_bucket=access_log_bucket,
            openness=_openness(settings),
        )
        hidden = [*never_public, *(never_public_by_policy if settings.access == "policy" else ())]
        if hidden:
            self._hide(hidden)
        S3BucketCorsConfiguration(
            self,
            "cors",
            bucket=self._bucket.name,
            cors_rule=[
                S3BucketCorsConfigurationCorsRule(
                    allowed_origins=["*"],
                    allowed_methods=["GET"],
                    allowed_headers=["*"],
                    max_age_seconds=cors_max_age_seconds,
                )
            ],
        )
        website = S3BucketWebsiteConfiguration(
            self,
            "website",
            bucket=self._bucket.name,
            index_document=S3BucketWebsiteConfigurationIndexDocument(suffix="index.html"),
        )
        self._cdn: Cdn | None = None
        if isinstance(delivery, CloudFrontDelivery):
            self._cdn = Cdn(
                self,
                "cdn",
                name=name,
                origin=self._bucket,
                signed=settings.access == "policy",
                host_name=settings.host_name,
                zone_id=zone_id,
                settings=delivery,
                cors_max_age_seconds=cors_max_age_seconds,
            )
        else:
            if settings.access == "policy":
                self._publish()
            CanonicalNames(
                self,
                "cname",
                zone_id=zone_id,
                host_names=[settings.host_name],
                target=website.website_endpoint,
            )
        scheme = "https" if self._cdn else "http"
        self.url: Final[str] = f"{scheme}://{settings.host_name}"
        """Where readers go, without a slash at the end."""

    @property
    def bucket_name(self) -> str:
        """The bucket's name."""
        return self._bucket.name

    @property
    def distribution_id(self) -> str | None:
        """CloudFront's id for what delivers the files; None when readers come to the bucket."""
        return self._cdn.distribution_id if self._cdn else None

    def grant_publish(
        self, grantee: Grantable, *, prefix: str = "", only_from_vpc: str | None = None, presigned: Sequence[str] = ()
    ) -> None:
        """Lets `grantee` list, read, write, publish by ACL and delete objects whose keys begin with `prefix`.

        `only_from_vpc` is the VPC whose endpoint its calls must take. Objects below the prefix whose keys match
        `presigned` may then also be fetched from elsewhere, by URLs that it signed at most ten minutes before.
        """
        from_vpc = {"StringEquals": {"aws:SourceVpc": only_from_vpc}} if only_from_vpc else None
        below = {"StringLike": {"s3:prefix": [f"{prefix}*"]}} if prefix else {}
        statements = [
            allow(
                "List",
                actions=["s3:ListBucket"],
                resources=[self._bucket.arn],
                conditions={**below, **(from_vpc or {})},
            ),
            allow("Objects", actions=_WRITE, resources=[f"{self._bucket.arn}/{prefix}*"], conditions=from_vpc),
        ]
        if presigned:
            by_url = {
                "StringEquals": {"s3:authType": "REST-QUERY-STRING"},
                "NumericLessThanEquals": {"s3:signatureAge": str(_PRESIGNED_MILLISECONDS)},
            }
            objects = [f"{self._bucket.arn}/{prefix}{pattern}" for pattern in presigned]
            statements.append(allow("Presigned", actions=["s3:GetObject"], resources=objects, conditions=by_url))
        grantee.attach_policy(self, f"publish_by_{grantee.grantee_role}", document(*statements))

    def _hide(self, patterns: Sequence[str]) -> None:
        account_id = DeploymentStack.of_construct(self).environment.account_id
        self._bucket.add_policy_statement(
            deny(
                "NeverPublic",
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[f"{self._bucket.arn}/{pattern}" for pattern in patterns],
                principals={"AWS": ["*"]},
                # holds for strangers and AWS services too, who have no account; presigned URLs are this account's
                conditions={"StringNotEquals": {"aws:PrincipalAccount": account_id}},
            )
        )

    def _publish(self) -> None:
        self._bucket.add_policy_statement(
            allow(
                "PublicRead",
                actions=["s3:GetObject"],
                resources=[f"{self._bucket.arn}/*"],
                principals={"AWS": ["*"]},
            )
        )


def _openness(settings: StaticSiteSettings) -> Openness:
    by_acl = settings.access == "acl"
    direct = isinstance(settings.delivery, CnameDelivery)
    if by_acl:
        reason = settings.reasons["access"]
    elif isinstance(settings.delivery, CnameDelivery):
        reason = settings.delivery.reasons["kind"]
    else:
        reason = "programs that write here send public ACLs, which are taken and mean nothing; CloudFront alone reads"
    return Openness(
        object_ownership="BucketOwnerPreferred",
        public_acls=by_acl,
        public_policy=direct and not by_acl,
        clear_text_reads=direct,
        reason=reason,
    )
