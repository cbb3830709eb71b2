from __future__ import annotations

from typing import Any

import pytest

from modules.bucket import Bucket
from modules.policy import allow
from tests.modules.peer import Peer
from tests.modules.synth import ABSENT, Synthesised, assert_subset, sample_stack, synthesised


def uploads(*, protect_data: bool = True, **arguments: Any) -> Synthesised:
    stack = sample_stack(protect_data=protect_data)
    logs = Bucket(stack, "logs", name="sample-logs", access_log_bucket=None)
    Bucket(stack, "uploads", **{"name": "sample-uploads", "access_log_bucket": logs, **arguments})
    return synthesised(stack)


def lifecycle(result: Synthesised) -> dict[str, dict[str, Any]]:
    rules = result.resource("aws_s3_bucket_lifecycle_configuration.uploads_lifecycle")["rule"]
    return {rule["id"]: rule for rule in rules}


def test_a_bucket_is_private_and_encrypted():
    result = uploads()
    assert_subset(
        result.resource("aws_s3_bucket_public_access_block.uploads_public_access_block"),
        {
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        },
    )
    assert_subset(
        result.resource("aws_s3_bucket_ownership_controls.uploads_ownership"),
        {"rule": {"object_ownership": "BucketOwnerEnforced"}},
    )
    assert_subset(
        result.resource("aws_s3_bucket_server_side_encryption_configuration.uploads_encryption"),
        {"rule": [{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}]},
    )


def test_only_tls_is_spoken():
    assert_subset(
        uploads().policy("aws_s3_bucket_policy.uploads_policy"),
        {
            "RefuseClearText": {
                "Effect": "Deny",
                "Principal": {"AWS": ["*"]},
                "Action": ["s3:*"],
                "Resource": ["${aws_s3_bucket.uploads.arn}", "${aws_s3_bucket.uploads.arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        },
    )


def test_a_protected_bucket_cannot_be_destroyed():
    assert_subset(
        uploads().resource("aws_s3_bucket.uploads"),
        {"force_destroy": False, "lifecycle": {"prevent_destroy": True}},
    )


def test_another_bucket_is_destroyed_with_what_it_holds():
    assert_subset(
        uploads(protect_data=False).resource("aws_s3_bucket.uploads"), {"force_destroy": True, "lifecycle": ABSENT}
    )


def test_replaced_and_deleted_objects_stay_for_a_while():
    result = uploads(noncurrent_version_expiration_days=30)
    assert_subset(
        result.resource("aws_s3_bucket_versioning.uploads_versioning"),
        {"versioning_configuration": {"status": "Enabled"}},
    )
    assert_subset(
        lifecycle(result)["noncurrent-versions"],
        {
            "noncurrent_version_expiration": [{"noncurrent_days": 30}],
            "expiration": [{"expired_object_delete_marker": True}],
        },
    )


def test_unfinished_uploads_end_after_a_week():
    assert_subset(
        lifecycle(uploads())["unfinished-uploads"],
        {"status": "Enabled", "abort_incomplete_multipart_upload": [{"days_after_initiation": 7}]},
    )


def test_objects_expire_by_prefix():
    rules = lifecycle(uploads(expiration_days={"tmp/": 7, "": 365}))
    assert_subset(rules["expire-tmp/"], {"filter": [{"prefix": "tmp/"}], "expiration": [{"days": 7}]})
    assert_subset(rules["expire"], {"filter": [{"prefix": ""}], "expiration": [{"days": 365}]})


def test_a_bucket_of_logs_says_why_it_is_neither_versioned_nor_logged():
    result = uploads(access_log_bucket=None, versioned=False, expiration_days={"": 90})
    assert_subset(
        result.resource("aws_s3_bucket_versioning.uploads_versioning"),
        {"versioning_configuration": {"status": "Disabled"}},
    )
    assert set(lifecycle(result)) == {"unfinished-uploads", "expire"}
    assert {"CKV_AWS_18", "CKV_AWS_21"} <= set(result.exemptions("aws_s3_bucket.uploads"))


def test_accesses_are_logged_after_the_other_bucket_accepts_them():
    result = uploads()
    assert_subset(
        result.resource("aws_s3_bucket_logging.uploads_logging"),
        {"target_bucket": "${aws_s3_bucket_policy.logs_policy.bucket}", "target_prefix": "sample-uploads/"},
    )
    assert_subset(
        result.policy("aws_s3_bucket_policy.logs_policy"),
        {
            "AccessLogsOfUploads": {
                "Principal": {"Service": ["logging.s3.amazonaws.com"]},
                "Action": ["s3:PutObject"],
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": "111122223333"},
                    "ArnLike": {"aws:SourceArn": "${aws_s3_bucket.uploads.arn}"},
                },
            }
        },
    )
    assert not {"CKV_AWS_18", "CKV_AWS_21"} & set(result.exemptions("aws_s3_bucket.uploads"))


def test_access_logs_are_written_once_and_kept_for_a_year_unless_told_otherwise():
    stack = sample_stack()
    for days, arguments in {"365": {}, "90": {"retention_days": 90}}.items():
        Bucket.for_access_logs(stack, f"logs_{days}", name=f"sample-logs-{days}", **arguments)
    result = synthesised(stack)
    rules = {
        days: result.resource(f"aws_s3_bucket_lifecycle_configuration.logs_{days}_lifecycle")["rule"]
        for days in ("365", "90")
    }
    assert [rules[days][-1]["expiration"] for days in rules] == [[{"days": 365}], [{"days": 90}]]
    versioning = result.resource("aws_s3_bucket_versioning.logs_90_versioning")
    assert_subset(versioning, {"versioning_configuration": {"status": "Disabled"}})
    assert result.resources("aws_s3_bucket_logging") == {}


def test_other_statements_join_the_one_policy():
    stack = sample_stack()
    bucket = Bucket(stack, "logs", name="sample-logs", access_log_bucket=None)
    bucket.add_policy_statement(
        allow("Delivery", actions=["s3:PutObject"], resources=[f"{bucket.arn}/*"], principals={"Service": ["a.b"]})
    )
    assert list(synthesised(stack).policy("aws_s3_bucket_policy.logs_policy")) == ["RefuseClearText", "Delivery"]


def granted(kind: str, prefix: str = "") -> dict[str, dict[str, Any]]:
    stack = sample_stack()
    bucket = Bucket(stack, "uploads", name="sample-uploads", access_log_bucket=None)
    grant = {"read": bucket.grant_read, "read_write": bucket.grant_read_write}[kind]
    grant(Peer(stack, "web"), prefix=prefix)
    return synthesised(stack).policy(f"aws_iam_role_policy.uploads_{kind}_by_web")


def test_a_reader_reads_and_no_more():
    assert_subset(
        granted("read"),
        {
            "List": {
                "Action": ["s3:ListBucket"],
                "Resource": ["${aws_s3_bucket.uploads.arn}"],
                "Condition": ABSENT,
            },
            "Objects": {"Action": ["s3:GetObject"], "Resource": ["${aws_s3_bucket.uploads.arn}/*"]},
        },
    )


def test_a_writer_also_writes_and_deletes():
    assert granted("read_write")["Objects"]["Action"] == [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
    ]


def test_who_may_only_write_neither_lists_nor_reads():
    stack = sample_stack()
    Bucket(stack, "uploads", name="sample-uploads", access_log_bucket=None).grant_write(Peer(stack, "web"))
    (statement,) = synthesised(stack).policy("aws_iam_role_policy.uploads_write_by_web").values()
    assert statement["Action"] == ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]


def test_a_grant_ends_at_its_prefix():
    assert_subset(
        granted("read", "app/"),
        {
            "List": {"Condition": {"StringLike": {"s3:prefix": ["app/*"]}}},
            "Objects": {"Resource": ["${aws_s3_bucket.uploads.arn}/app/*"]},
        },
    )


def test_a_prefix_that_no_key_has_is_refused():
    with pytest.raises(ValueError, match="do not begin with a slash: prefix = '/app'"):
        granted("read", "/app")
