"""Object storage on S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import S3BucketLifecycleConfiguration
from cdktf_cdktf_provider_aws.s3_bucket_logging import S3BucketLoggingA
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
)
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA as EncryptByDefault,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from constructs import Construct

from config.settings import checked
from config.types import BucketName
from modules.access import Grantable
from modules.bucket_lifecycle import lifecycle_rules
from modules.bucket_policy import BucketPolicy
from modules.policy import allow, document
from modules.refusals import exempt
from modules.stack import DeploymentStack

_READ = ("s3:GetObject",)
_WRITE = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")


@dataclass(frozen=True)
class Openness:
    """How far a bucket is open beyond its grants; nothing by default, and then `reason` is empty."""

    object_ownership: Literal["BucketOwnerEnforced", "BucketOwnerPreferred"] = "BucketOwnerEnforced"
    """`BucketOwnerPreferred` takes objects that come with an ACL; otherwise S3 refuses to store them."""
    public_acls: bool = False
    """Objects' own ACLs may publish them; otherwise they are taken and mean nothing."""
    public_policy: bool = False
    """The bucket's policy may publish objects."""
    clear_text_reads: bool = False
    """Objects may be read without TLS: website endpoints know no other way."""
    reason: str = ""


class Bucket(Construct):
    """A private, encrypted bucket that only speaks TLS and that nobody reaches without a grant.

    `name` is unique among all of AWS's buckets, so the deployment gives it. A protected bucket cannot be destroyed;
    another one is destroyed with what it holds. `expiration_days` maps a key prefix, "" for every object, to the age at
    which objects go; replaced and deleted versions stay for `noncurrent_version_expiration_days`. S3 writes down in
    `access_log_bucket` who asked for what; only a bucket that holds logs itself has none, and only one whose objects
    are written once is not `versioned`. `openness` is for buckets whose objects others may read or write.
    """

    @classmethod
    def for_access_logs(
        cls, scope: Construct, id_: str, *, name: str, retention_days: int = 365, openness: Openness | None = None
    ) -> Bucket:
        """A bucket for lines on who asked for what; each goes after `retention_days`."""
        return cls(
            scope,
            id_,
            name=name,
            access_log_bucket=None,
            versioned=False,
            expiration_days={"": retention_days},
            openness=openness,
        )

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        access_log_bucket: Bucket | None,
        versioned: bool = True,
        expiration_days: Mapping[str, int] | None = None,
        noncurrent_version_expiration_days: int = 90,
        openness: Openness | None = None,
    ) -> None:
        super().__init__(scope, id_)
        protect = DeploymentStack.of_construct(self).protect_data
        openness = openness or Openness()
        takes_acls = openness.object_ownership != "BucketOwnerEnforced"
        self._bucket = S3Bucket(
            self,
            "Default",
            bucket=checked(BucketName, "bucket", name),
            force_destroy=not protect,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if protect else None,
        )
        private = S3BucketPublicAccessBlock(
            self,
            "public_access_block",
            bucket=self._bucket.bucket,
            # an object that comes with a public ACL is refused, unless such objects are expected
            block_public_acls=not takes_acls,
            block_public_policy=not openness.public_policy,
            ignore_public_acls=not openness.public_acls,
            restrict_public_buckets=not openness.public_policy,
        )
        ownership = S3BucketOwnershipControls(
            self,
            "ownership",
            bucket=self._bucket.bucket,
            rule=S3BucketOwnershipControlsRule(object_ownership=openness.object_ownership),
        )
        S3BucketServerSideEncryptionConfigurationA(
            self,
            "encryption",
            bucket=self._bucket.bucket,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    apply_server_side_encryption_by_default=EncryptByDefault(sse_algorithm="AES256")
                )
            ],
        )
        versioning = S3BucketVersioningA(
            self,
            "versioning",
            bucket=self._bucket.bucket,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(
                status="Enabled" if versioned else "Disabled"
            ),
        )
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=self._bucket.bucket,
            rule=lifecycle_rules(expiration_days or {}, noncurrent_version_expiration_days if versioned else None),
            depends_on=[versioning],
        )
        # one after the other: S3 refuses two changes of a bucket's access at once
        self._policy = BucketPolicy(
            self,
            "policy",
            bucket=self._bucket,
            after=[private, ownership],
            clear_text_reads=openness.clear_text_reads,
        )
        if access_log_bucket is not None:
            access_log_bucket._policy.accept_access_logs(role=self.node.id, arn=self.arn)
            S3BucketLoggingA(
                self,
                "logging",
                bucket=self._bucket.bucket,
                target_bucket=access_log_bucket.name,
                target_prefix=f"{name}/",
            )
        self._explain(logged=access_log_bucket is not None, versioned=versioned)
        if takes_acls:
            exempt(ownership, "CKV2_AWS_65", reason=openness.reason)
            closed = {
                "CKV_AWS_53": False,
                "CKV_AWS_54": not openness.public_policy,
                "CKV_AWS_55": not openness.public_acls,
                "CKV_AWS_56": not openness.public_policy,
            }
            opened = [rule for rule, fine in closed.items() if not fine]
            exempt(private, "public-bucket", *opened, reason=openness.reason)
            exempt(self._bucket, "CKV2_AWS_6", reason=openness.reason)

    @property
    def name(self) -> str:
        """The bucket's name. Who uses it waits for policy and ownership: log delivery is tried when it is set up."""
        return self._policy.bucket_name

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return self._bucket.arn

    @property
    def regional_domain_name(self) -> str:
        """Where a content delivery network fetches objects."""
        return self._bucket.bucket_regional_domain_name

    def grant_read(self, grantee: Grantable, *, prefix: str = "", listing: bool = True) -> None:
        """Lets `grantee` list and read objects whose keys begin with `prefix`.

        Without `listing` it reads those whose keys it knows; S3 does not tell it then that an object is missing.
        """
        self._grant(grantee, "read", _READ, prefix, listing=listing)

    def grant_read_write(self, grantee: Grantable, *, prefix: str = "") -> None:
        """Lets `grantee` list, read, write and delete objects whose keys begin with `prefix`."""
        self._grant(grantee, "read_write", (*_READ, *_WRITE), prefix)

    def grant_write(self, grantee: Grantable) -> None:
        """Lets `grantee` write and delete objects, and neither list nor read them."""
        policy = document(allow("Objects", actions=_WRITE, resources=[f"{self.arn}/*"]))
        grantee.attach_policy(self, f"write_by_{grantee.grantee_role}", policy)

    def add_policy_statement(self, statement: Mapping[str, Any]) -> None:
        """Adds to the bucket's policy, of which there can be one only: what AWS services may do with the bucket."""
        self._policy.add(statement)

    def _grant(
        self, grantee: Grantable, kind: str, actions: Sequence[str], prefix: str, *, listing: bool = True
    ) -> None:
        if prefix.startswith("/"):
            raise ValueError(f"keys in S3 do not begin with a slash: prefix = {prefix!r}")
        conditions = {"StringLike": {"s3:prefix": [f"{prefix}*"]}} if prefix else None
        lists = allow("List", actions=["s3:ListBucket"], resources=[self.arn], conditions=conditions)
        objects = allow("Objects", actions=actions, resources=[f"{self.arn}/{prefix}*"])
        policy = document(*([lists] if listing else []), objects)
        grantee.attach_policy(self, f"{kind}_by_{grantee.grantee_role}", policy)

    def _explain(self, *, logged: bool, versioned: bool) -> None:
        exempt(self._bucket, "CKV_AWS_145", reason="S3 encrypts every object with its own keys; access is by IAM grant")
        exempt(self._bucket, "CKV_AWS_144", reason="A copy in a second region is not part of the deployment")
        exempt(self._bucket, "CKV2_AWS_62", reason="Nothing reacts to objects that come and go")
        if not logged:
            exempt(self._bucket, "CKV_AWS_18", reason="It holds logs itself, and would log its own logging without end")
        if not versioned:
            exempt(self._bucket, "CKV_AWS_21", reason="Its objects are written once and never replaced")
