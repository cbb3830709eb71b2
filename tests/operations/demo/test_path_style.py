from __future__ import annotations

from operations.demo.path_style import path_style

PROVIDERS = [{"region": "eu-west-3"}, {"region": "us-east-1", "alias": "us-east-1"}]


def test_a_bucket_called_like_a_host_is_named_in_paths_by_every_provider() -> None:
    document = {"provider": {"aws": PROVIDERS}, "resource": {"aws_s3_bucket": {"a": {"bucket": "static.example.org"}}}}
    assert path_style(document) == {
        "provider": {"aws": [{"s3_use_path_style": True}, {"alias": "us-east-1", "s3_use_path_style": True}]}
    }


def test_other_stacks_stay_as_they_are() -> None:
    buckets = {"a": {"bucket": "plain"}, "b": {"bucket": "${aws_s3_bucket.a.id}"}, "c": {}}
    assert path_style({"provider": {"aws": PROVIDERS}, "resource": {"aws_s3_bucket": buckets}}) == {}
