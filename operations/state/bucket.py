"""The bucket that keeps Terraform's state: what it must be like, and how to make it so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypedDict, TypeVar, cast

from operations.errors import OperatorError
from operations.state.mending import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_s3.type_defs import (
        LifecycleRuleTypeDef,
        LifecycleRuleUnionTypeDef,
        OwnershipControlsUnionTypeDef,
        PublicAccessBlockConfigurationTypeDef,
        ServerSideEncryptionRuleTypeDef,
        TagTypeDef,
    )

    from operations.aws import Aws

_Answer = TypeVar("_Answer")

NONCURRENT_DAYS = 180
"""How long replaced versions of a state are kept: long enough to notice, short enough to let old secrets go."""

_LIFECYCLE_RULE: LifecycleRuleTypeDef = {
    "ID": "replaced-states",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
_PUBLIC_ACCESS_BLOCK: PublicAccessBlockConfigurationTypeDef = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_MISSING = "missing"


class _Place(TypedDict):
    """The bucket, and the owner it must have: no name can lead into a stranger's bucket."""

    Bucket: str
    ExpectedBucketOwner: str


class StateBucket:
    """The state bucket as found. What others added to its policy, lifecycle and tags is left as it is."""

    def __init__(self, aws: Aws, name: str, *, account_id: str, region: str, tags: Mapping[str, str]) -> None:
        self._s3 = aws.client("s3", region=region)
        self._name = name
        self._account_id = account_id
        self._region = region
        self._tags = dict(tags)
        self._bucket: _Place = {"Bucket": name, "ExpectedBucketOwner": account_id}  # goes with every request

    def refuse_if_unfit(self) -> None:
        """Raises OperatorError when the bucket is another account's or in another region."""
        found = self._head()
        if found not in (None, self._region):
            raise OperatorError(
                f"The bucket {self._name} is in {found}, not in {self._region} as state.region says.",
                hint="Correct state.region in config/environments, or choose another state.bucket.",
            )

    def items(self) -> Iterator[Item]:
        """Wanted properties of the bucket, one after the other."""
        yield Item(
            f"bucket {self._name}", self._head() or _MISSING, self._region, None if self._head() else self._create
        )
        yield self._versioning()
        yield self._encryption()
        yield self._public_access()
        yield self._ownership()
        yield self._policy()
        yield self._lifecycle()
        yield self._tagging()

    def _head(self) -> str | None:
        """The region of the bucket, None when there is no such bucket. Raises OperatorError when it is a stranger's."""
        from botocore.exceptions import ClientError

        try:
            answer = self._s3.head_bucket(**self._bucket)
        except ClientError as error:
            match error.response["ResponseMetadata"]["HTTPStatusCode"]:
                case 404:
                    return None
                case 403:
                    raise OperatorError(
                        f"The bucket {self._name} belongs to another account than {self._account_id}, or these"
                        " credentials may not look at it.",
                        hint="Bucket names are shared by all of AWS: choose another state.bucket for the environment.",
                    ) from None
                case _:
                    raise
        region: str = answer.get("BucketRegion") or self._location()
        return region

    def _location(self) -> str:
        # AWS says nothing for us-east-1.
        return self._s3.get_bucket_location(**self._bucket).get("LocationConstraint") or "us-east-1"

    def _create(self) -> None:
        if self._region == "us-east-1":
            self._s3.create_bucket(Bucket=self._name)
        else:
            region = cast("BucketLocationConstraintType", self._region)
            self._s3.create_bucket(Bucket=self._name, CreateBucketConfiguration={"LocationConstraint": region})
        self._s3.get_waiter("bucket_exists").wait(**self._bucket)

    def _read(self, read: Callable[[], _Answer], absent: str = "") -> _Answer | None:
        """The answer of a request about the bucket, None when there is no such configuration or no bucket yet."""
        from botocore.exceptions import ClientError

        try:
            return read()
        except ClientError as error:
            if error.response["Error"]["Code"] in (absent, "NoSuchBucket"):
                return None
            raise

    def _versioning(self) -> Item:
        answer = self._read(lambda: self._s3.get_bucket_versioning(**self._bucket))
        found = answer.get("Status", "off") if answer else "off"

        def mend() -> None:
            self._s3.put_bucket_versioning(**self._bucket, VersioningConfiguration={"Status": "Enabled"})

        return Item("versioning", found, "Enabled", None if found == "Enabled" else mend)

    def _encryption(self) -> Item:
        absent = "ServerSideEncryptionConfigurationNotFoundError"
        answer = self._read(lambda: self._s3.get_bucket_encryption(**self._bucket), absent)
        rules = answer["ServerSideEncryptionConfiguration"]["Rules"] if answer else []
        found = next((str(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]) for rule in rules), "none")

        def mend() -> None:
            rule: ServerSideEncryptionRuleTypeDef = {
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                "BucketKeyEnabled": False,
            }
            self._s3.put_bucket_encryption(**self._bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

        # A key of the operator's own choosing is stronger, and none of our business.
        fine = found == "AES256" or found.startswith("aws:kms")
        return Item("encryption", found, "AES256 or aws:kms", None if fine else mend)

    def _public_access(self) -> Item:
        absent = "NoSuchPublicAccessBlockConfiguration"
        answer = self._read(lambda: self._s3.get_public_access_block(**self._bucket), absent)
        found = answer["PublicAccessBlockConfiguration"] if answer else {}
        allowed = [name for name in _PUBLIC_ACCESS_BLOCK if not found.get(name)]

        def mend() -> None:
            self._s3.put_public_access_block(**self._bucket, PublicAccessBlockConfiguration=_PUBLIC_ACCESS_BLOCK)

        text = f"lacks {', '.join(allowed)}" if allowed else "blocked"
        return Item("public access", text, "blocked", mend if allowed else None)

    def _ownership(self) -> Item:
        wanted: Final = "BucketOwnerEnforced"
        absent = "OwnershipControlsNotFoundError"
        answer = self._read(lambda: self._s3.get_bucket_ownership_controls(**self._bucket), absent)
        rules = answer["OwnershipControls"]["Rules"] if answer else []
        found = next((str(rule["ObjectOwnership"]) for rule in rules), "access control lists allowed")

        def mend() -> None:
            controls: OwnershipControlsUnionTypeDef = {"Rules": [{"ObjectOwnership": wanted}]}
            self._s3.put_bucket_ownership_controls(**self._bucket, OwnershipControls=controls)

        return Item("ownership", found, wanted, None if found == wanted else mend)

    def _policy(self) -> Item:
        answer = self._read(lambda: self._s3.get_bucket_policy(**self._bucket), "NoSuchBucketPolicy")
        policy = {"Version": "2012-10-17", **json.loads(answer["Policy"] if answer else "{}")}
        found = policy.get("Statement", [])
        wanted = self._statements()
        lacking = [str(statement["Sid"]) for statement in wanted if statement not in found]

        def mend() -> None:
            ours = [statement["Sid"] for statement in wanted]
            policy["Statement"] = [*(kept for kept in found if kept.get("Sid") not in ours), *wanted]
            self._s3.put_bucket_policy(**self._bucket, Policy=json.dumps(policy))

        names = ", ".join(str(statement["Sid"]) for statement in wanted)
        return Item("policy", f"lacks {', '.join(lacking)}" if lacking else names, names, mend if lacking else None)

    def _statements(self) -> list[dict[str, object]]:
        arn = f"arn:aws:s3:::{self._name}"
        return [
            {
                "Sid": "RefuseUnencryptedTransport",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            # Even an administrator has to take this statement away first, and so cannot delete the bucket by accident.
            {
                "Sid": "RefuseBucketDeletion",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:DeleteBucket",
                "Resource": arn,
            },
        ]

    def _lifecycle(self) -> Item:
        wanted = f"replaced states go after {NONCURRENT_DAYS} days"
        absent = "NoSuchLifecycleConfiguration"
        answer = self._read(lambda: self._s3.get_bucket_lifecycle_configuration(**self._bucket), absent)
        rules: dict[str, LifecycleRuleUnionTypeDef] = {rule["ID"]: rule for rule in (answer["Rules"] if answer else [])}
        found = rules.get(_LIFECYCLE_RULE["ID"])
        fine = found is not None and _contains(found, _LIFECYCLE_RULE)

        def mend() -> None:
            rules[_LIFECYCLE_RULE["ID"]] = _LIFECYCLE_RULE
            self._s3.put_bucket_lifecycle_configuration(
                **self._bucket, LifecycleConfiguration={"Rules": list(rules.values())}
            )

        return Item("lifecycle", wanted if fine else "differs" if found else "none", wanted, None if fine else mend)

    def _tagging(self) -> Item:
        answer = self._read(lambda: self._s3.get_bucket_tagging(**self._bucket), "NoSuchTagSet")
        found = {tag["Key"]: tag["Value"] for tag in (answer["TagSet"] if answer else [])}

        def mend() -> None:
            tags: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in {**found, **self._tags}.items()]
            self._s3.put_bucket_tagging(**self._bucket, Tagging={"TagSet": tags})

        fine = self._tags.items() <= found.items()
        return Item("bucket tags", tag_text(found), tag_text(self._tags), None if fine else mend)


def tag_text(tags: Mapping[str, str]) -> str:
    """Tags as shown in a report."""
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items())) or "none"


def _contains(found: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """True when `found` has all that `wanted` has; AWS adds defaults of its own."""
    return all(found.get(key) == value for key, value in wanted.items())
