"""Five scripts, compressed, with exactly the document's keys and headers; only what changed is uploaded."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from deployments.beaver_contest.day2.assets import CACHE_CONTROL, NAMES, differing, publish, read_assets
from deployments.beaver_contest.day2.contest import Contest
from operations.errors import OperatorError
from tests.deployments.beaver_contest.day2.made import Made

KEYS = {
    "assets/common.js",
    "assets/integrationAPI/task-proxy.js",
    "assets/integrationAPI/task-123.js",
    "assets/jquery-combined.min.js",
    "assets/jquery.xdomainrequest.min.js",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "contestInterface" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"// {name}\n" * 50)
    return tmp_path


def with_bucket(contest: Contest) -> Contest:
    contest.client("s3").create_bucket(
        Bucket=contest.outputs.static_bucket, CreateBucketConfiguration={"LocationConstraint": contest.region}
    )
    return contest


def test_the_five_documented_keys_have_the_documented_headers(contest: Made, source: Path, said: list[str]) -> None:
    here = with_bucket(contest())
    publish(here, read_assets(source), dry_run=False, say=said.append)
    s3, bucket = here.client("s3"), here.outputs.static_bucket
    assert {found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]} == KEYS
    for key in KEYS:
        found = s3.get_object(Bucket=bucket, Key=key)
        assert (found["ContentEncoding"], found["ContentType"]) == ("gzip", "application/javascript")
        assert found["CacheControl"] == CACHE_CONTROL
        body = found["Body"].read()
        assert body[8] == 2  # level 9 says "slowest" in its header
        assert gzip.decompress(body).decode() == (source / "contestInterface" / key.removeprefix("assets/")).read_text()
    assert list(differing(here)) == []


def test_only_what_changed_is_uploaded_and_common_js_comes_last(contest: Made, source: Path, said: list[str]) -> None:
    here = with_bucket(contest())
    assert publish(here, read_assets(source), dry_run=False, say=said.append)[-1] == "assets/common.js"
    assert publish(here, read_assets(source), dry_run=False, say=said.append) == []
    (source / "contestInterface" / "integrationAPI" / "task-123.js").write_text("new")
    assert publish(here, read_assets(source), dry_run=False, say=said.append) == ["assets/integrationAPI/task-123.js"]


def test_a_missing_script_is_told_before_anything_is_uploaded(contest: Made, source: Path) -> None:
    (source / "contestInterface" / "common.js").unlink()
    with pytest.raises(OperatorError, match=r"lacks contestInterface/common\.js; nothing was published"):
        read_assets(source)


def test_a_dry_run_uploads_nothing(contest: Made, source: Path, said: list[str]) -> None:
    here = with_bucket(contest())
    assert len(publish(here, read_assets(source), dry_run=True, say=said.append)) == 5
    assert "Contents" not in here.client("s3").list_objects_v2(Bucket=here.outputs.static_bucket)
    assert len(list(differing(here))) == 5


@pytest.mark.parametrize(("access", "public"), [("acl", True), ("policy", False)])
def test_only_the_acl_variant_sends_a_public_acl(
    contest: Made, source: Path, said: list[str], access: str, public: bool
) -> None:
    here = with_bucket(contest(static_access=access))
    publish(here, read_assets(source), dry_run=False, say=said.append)
    acl = here.client("s3").get_object_acl(Bucket=here.outputs.static_bucket, Key="assets/common.js")
    assert any(grant["Grantee"].get("URI", "").endswith("AllUsers") for grant in acl["Grants"]) is public


def test_another_setting_of_access_publishes_anew(contest: Made, source: Path, said: list[str]) -> None:
    publish(with_bucket(contest()), read_assets(source), dry_run=False, say=said.append)
    assert len(list(differing(contest(static_access="acl")))) == 5
    assert len(publish(contest(static_access="acl"), read_assets(source), dry_run=False, say=said.append)) == 5


def test_cloudfront_forgets_what_changed(
    contest: Made, source: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = with_bucket(contest(distribution_id="EDFDVBD6EXAMPLE"))
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(here.client("cloudfront"), "create_invalidation", lambda **request: asked.append(request))
    publish(here, read_assets(source), dry_run=False, say=said.append)
    publish(here, read_assets(source), dry_run=False, say=said.append)
    (request,) = asked
    assert set(request["InvalidationBatch"]["Paths"]["Items"]) == {f"/{key}" for key in KEYS}
