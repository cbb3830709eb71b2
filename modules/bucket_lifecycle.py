"""When a bucket's objects go."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRule as Rule,
)
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload as AbortUploads,
)
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRuleExpiration as Expiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRuleFilter as Filter,
)
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration as NoncurrentExpiration,
)


def lifecycle_rules(expiration_days: Mapping[str, int], noncurrent_days: int | None) -> list[Rule]:
    """Rules that end unfinished uploads after a week, old versions after `noncurrent_days`, and objects by prefix."""
    rules = [
        Rule(
            id="unfinished-uploads",
            status="Enabled",
            filter=[Filter(prefix="")],
            abort_incomplete_multipart_upload=[AbortUploads(days_after_initiation=7)],
        )
    ]
    if noncurrent_days is not None:
        rules.append(
            Rule(
                id="noncurrent-versions",
                status="Enabled",
                filter=[Filter(prefix="")],
                noncurrent_version_expiration=[NoncurrentExpiration(noncurrent_days=noncurrent_days)],
                expiration=[Expiration(expired_object_delete_marker=True)],
            )
        )
    rules.extend(
        Rule(
            id=f"expire-{prefix}" if prefix else "expire",
            status="Enabled",
            filter=[Filter(prefix=prefix)],
            expiration=[Expiration(days=days)],
        )
        for prefix, days in sorted(expiration_days.items())
    )
    return rules
