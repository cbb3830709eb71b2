"""Static files of a checkout are published for one version, with their types; only what differs is uploaded."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from deployments.beaver_contest.day2.assets import CACHE_CONTROL, differing, publish, read_assets
from deployments.beaver_contest.day2.contest import Contest
from tests.deployments.beaver_contest.day2.made import Made

FILES = {
    "index.php": "<?php script_tag('/bower_components/jquery/jquery.min.js'); script_tag('/common.js');",
    "common.js": "var contest;",
    "raphael-min.js": "var raphael;",
    "style.css": "body { background: url(images/a.png) }",
    "images/a.png": "not compressed",
    "i18n/fr/translation.json": "{}",
    "bower.json": "{}",
    ".htaccess": "SetOutputFilter DEFLATE",
    "bower_components/jquery/jquery.min.js": "var jquery;",
    "bower_components/jquery/src/core.js": "named by nothing",
    "contests/2019/contest_1_sols.html": "solutions",
    "bebras-tasks/FR/index.html": "a task with its solution",
}
PUBLISHED = {
    "assets/abc/common.js": "application/javascript",
    "assets/abc/raphael-min.js": "application/javascript",
    "assets/abc/style.css": "text/css",
    "assets/abc/images/a.png": "image/png",
    "assets/abc/i18n/fr/translation.json": "application/json",
    "assets/abc/bower_components/jquery/jquery.min.js": "application/javascript",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "contestInterface" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def with_bucket(contest: Contest) -> Contest:
    contest.client("s3").create_bucket(
        Bucket=contest.outputs.static_bucket, CreateBucketConfiguration={"LocationConstraint": contest.region}
    )
    return contest


def test_what_browsers_fetch_is_published_with_its_type_and_nothing_with_solutions(
    contest: Made, source: Path, said: list[str]
) -> None:
    here = with_bucket(contest())
    publish(here, read_assets(source, "abc"), dry_run=False, say=said.append)
    s3, bucket = here.client("s3"), here.outputs.static_bucket
    assert {found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]} == set(PUBLISHED)
    for key, content_type in PUBLISHED.items():
        found = s3.get_object(Bucket=bucket, Key=key)
        assert found["ContentType"] == content_type
        assert found["CacheControl"] == CACHE_CONTROL
        body, text = found["Body"].read(), FILES[key.removeprefix("assets/abc/")]
        if content_type == "image/png":
            assert ("ContentEncoding" in found, body.decode()) == (False, text)
        else:
            assert found["ContentEncoding"] == "gzip"
            assert body[8] == 2  # level 9 says "slowest" in its header
            assert gzip.decompress(body).decode() == text
    assert list(differing(here, "abc")) == []


def test_only_what_differs_is_uploaded_and_common_js_comes_last(contest: Made, source: Path, said: list[str]) -> None:
    here = with_bucket(contest())
    assert publish(here, read_assets(source, "abc"), dry_run=False, say=said.append)[-1] == "assets/abc/common.js"
    assert publish(here, read_assets(source, "abc"), dry_run=False, say=said.append) == []
    here.client("s3").delete_object(Bucket=here.outputs.static_bucket, Key="assets/abc/style.css")
    assert publish(here, read_assets(source, "abc"), dry_run=False, say=said.append) == ["assets/abc/style.css"]


def test_another_version_leaves_the_files_of_the_one_that_runs(contest: Made, source: Path, said: list[str]) -> None:
    here = with_bucket(contest())
    publish(here, read_assets(source, "abc"), dry_run=False, say=said.append)
    (source / "contestInterface" / "common.js").write_text("var other;")
    publish(here, read_assets(source, "def"), dry_run=False, say=said.append)
    found = here.client("s3").get_object(Bucket=here.outputs.static_bucket, Key="assets/abc/common.js")
    assert gzip.decompress(found["Body"].read()) == b"var contest;"


def test_a_dry_run_uploads_nothing(contest: Made, source: Path, said: list[str]) -> None:
    here = with_bucket(contest())
    assert len(publish(here, read_assets(source, "abc"), dry_run=True, say=said.append)) == len(PUBLISHED)
    assert "Contents" not in here.client("s3").list_objects_v2(Bucket=here.outputs.static_bucket)
    assert len(list(differing(here, "abc"))) == 1


@pytest.mark.parametrize(("access", "public"), [("acl", True), ("policy", False)])
def test_only_the_acl_variant_sends_a_public_acl(
    contest: Made, source: Path, said: list[str], access: str, public: bool
) -> None:
    here = with_bucket(contest(static_access=access))
    publish(here, read_assets(source, "abc"), dry_run=False, say=said.append)
    acl = here.client("s3").get_object_acl(Bucket=here.outputs.static_bucket, Key="assets/abc/common.js")
    assert any(grant["Grantee"].get("URI", "").endswith("AllUsers") for grant in acl["Grants"]) is public


def test_another_setting_of_access_publishes_anew(contest: Made, source: Path, said: list[str]) -> None:
    publish(with_bucket(contest()), read_assets(source, "abc"), dry_run=False, say=said.append)
    assert "another setting of static.access" in next(differing(contest(static_access="acl"), "abc"))
    assert len(publish(contest(static_access="acl"), read_assets(source, "abc"), dry_run=False, say=said.append)) == 6
