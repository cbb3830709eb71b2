"""The bundle holds what the document says and what Beanstalk needs, and the same checkout gives the same bytes."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest

from deployments.beaver_contest.runtime import bundle
from deployments.beaver_contest.runtime.bundle import BundleError, build, placeholder
from tests.deployments.beaver_contest.runtime.checkout import make_checkout, no_programs, stand_in, with_programs


def contents(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source", composer=False)
    return contents(build(source, tmp_path / "work").path)


def test_only_the_needed_folders_and_root_files_are_in_it(built: dict[str, bytes]) -> None:
    tops = {name.split("/")[0] for name in built if "/" in name}
    documented = {"contestInterface", "dataSanitizer", "teacherInterface", "schoolsMap"}
    forgotten = {"shared", "commonFramework", "ext", "tasks", "algoreaRegistration"}
    assert tops == documented | forgotten | {".ebextensions", ".platform", "quintet"}
    assert {name for name in built if "/" not in name} == {"index.php", "config.php", "README.md", "config_local.php"}
    assert not [name for name in built if "node_modules" in name]


def test_both_removals_of_the_documents_script_are_made(built: dict[str, bytes]) -> None:
    tasks = {name.removeprefix("teacherInterface/bebras-tasks/") for name in built if "/bebras-tasks/" in name}
    assert tasks == {".htaccess", "2014_FR_01/index.html", "2016_FR_03/index.html", "2016_FR_03/2015.png"}
    assert b"Deny from all" not in built["teacherInterface/bebras-tasks/.htaccess"]


def test_the_tasks_are_protected_by_a_password_file_with_an_absolute_path(built: dict[str, bytes]) -> None:
    protection = built["teacherInterface/bebras-tasks/.htaccess"].decode()
    assert "AuthUserFile /var/lib/beaver/tasks.htpasswd" in protection
    assert "Require valid-user" in protection


def test_upstreams_front_pages_stay_as_they_are(built: dict[str, bytes]) -> None:
    assert built["contestInterface/index.php"] == b"<?php echo 'front of contests';"
    assert not [name for name in built if name.endswith("Interface/index.html")]


def test_the_documents_french_pages_become_the_front_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source", composer=False)
    for interface in ("contestInterface", "teacherInterface"):
        (source / interface / "index.php").unlink()
        (source / interface / "index_fr.html").write_text(f"{interface} fr")
    found = contents(build(source, tmp_path / "work").path)
    for interface in ("contestInterface", "teacherInterface"):
        assert found[f"{interface}/index.html"] == f"{interface} fr".encode()


def test_contests_generated_on_a_developers_machine_stay_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source", composer=False)
    solutions = source / "contestInterface/contests/2019/contest_1_sols.html"
    solutions.parent.mkdir(parents=True)
    solutions.write_text("solutions")
    assert not [name for name in contents(build(source, tmp_path / "work").path) if "_sols" in name]


def test_changes_and_lacks_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source", composer=False)
    (source / "contestInterface/answer.php").write_text(
        "<?php require_once '../vendor/autoload.php'; implode($a, ',');"
    )
    *changed, missing = build(source, tmp_path / "work").told
    assert "M3: implode() gets its separator first (contestInterface/answer.php:1)" in changed
    assert "composer install brings vendor/autoload.php (wanted by contestInterface/answer.php:1)" in missing


def test_instances_the_load_balancer_finds_unhealthy_are_replaced(built: dict[str, bytes]) -> None:
    override = built[".ebextensions/autoscaling.config"].decode()
    for line in ("  AWSEBAutoScalingGroup:", "      HealthCheckType: ELB", "      HealthCheckGracePeriod: 300"):
        assert line in override.splitlines()


def test_chrony_keeps_the_time(built: dict[str, bytes]) -> None:
    assert b"chronyd:\n      enabled: true\n      ensureRunning: true" in built[".ebextensions/time.config"]


def test_nobodys_own_configuration_is_shipped(built: dict[str, bytes]) -> None:
    assert b"somebody-s-own-password" not in b"".join(built.values())
    assert b"getenv(" in built["config_local.php"]


def test_hooks_can_be_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source", composer=False)
    with zipfile.ZipFile(build(source, tmp_path / "work").path) as packed:
        modes = {entry.filename: entry.external_attr >> 16 for entry in packed.infolist()}
    assert modes[".platform/hooks/predeploy/10_beaver.sh"] == 0o100755
    assert modes[".platform/confighooks/predeploy/10_beaver.sh"] == 0o100755
    assert modes["config.php"] == 0o100644


def test_the_same_checkout_gives_the_same_bytes_and_another_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_programs(monkeypatch)
    first = build(make_checkout(tmp_path / "a", composer=False), tmp_path / "work-a")
    other = make_checkout(tmp_path / "b", composer=False)
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
    second = build(other, tmp_path / "work-b")
    assert (first.label, first.path.read_bytes()) == (second.label, second.path.read_bytes())
    (other / "contestInterface" / "common.js").write_text("var changed;")
    assert build(other, tmp_path / "work-c").label != first.label


def test_the_label_is_of_names_and_of_content_and_stands_in_the_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_programs(monkeypatch)
    checkout = make_checkout(tmp_path / "a", composer=False)
    folder = checkout / "contestInterface"
    labels = []
    for first, second in (("ab", "c"), ("a", "bc")):
        (folder / "m1.js").write_text(first)
        (folder / "m2.js").write_text(second)
        labels.append(build(checkout, tmp_path / f"work-{first}").label)
    (folder / "m2.js").rename(folder / "m3.js")
    bundle = build(checkout, tmp_path / "work-renamed")
    assert len({*labels, bundle.label}) == 3
    assert re.fullmatch("[0-9a-f]{16}", bundle.label)
    with zipfile.ZipFile(bundle.path) as archive:
        assert archive.read("quintet/version").decode() == f"{bundle.label}\n"


def test_the_checkout_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source", composer=False)
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    build(source, tmp_path / "work")
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before


def test_composer_is_run_in_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    stand_in(programs, "composer", 'echo "$@" >composer.said; mkdir vendor; echo "<?php" >vendor/autoload.php')
    with_programs(monkeypatch, programs)
    found = contents(build(make_checkout(tmp_path / "source"), tmp_path / "work").path)
    assert found["composer.said"].decode().startswith("install --quiet")
    assert "vendor/autoload.php" in found


def test_the_documents_script_of_indexes_is_run_in_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    stand_in(programs, "php", 'for i in contest teacher; do echo "made by $1" >${i}Interface/index_fr.html; done')
    source = make_checkout(tmp_path / "source", composer=False)
    (source / "contestInterface" / "generateIndexes.php").write_text("<?php")
    no_programs(monkeypatch)
    with pytest.raises(BundleError, match=r"php is needed for: php contestInterface/generateIndexes\.php"):
        build(source, tmp_path / "work-a")
    with_programs(monkeypatch, programs)
    found = contents(build(source, tmp_path / "work").path)
    assert found["contestInterface/index.html"] == b"made by contestInterface/generateIndexes.php\n"


def test_libraries_in_the_checkout_are_taken_when_there_is_no_composer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source")
    with pytest.raises(BundleError, match="there is no composer to install them"):
        build(source, tmp_path / "work-a")
    (source / "vendor").mkdir()
    (source / "vendor" / "autoload.php").write_text("<?php")
    assert "vendor/autoload.php" in contents(build(source, tmp_path / "work-b").path)


def test_what_a_failing_program_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path / "bin", "composer", "echo no such package >&2; exit 2")
    with_programs(monkeypatch, tmp_path / "bin")
    with pytest.raises(BundleError, match="composer install --quiet --no-interaction failed:\nno such package"):
        build(make_checkout(tmp_path / "source"), tmp_path / "work")


def test_a_missing_front_page_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source", composer=False)
    (source / "teacherInterface" / "index.php").unlink()
    with pytest.raises(BundleError, match=r"teacherInterface has no front page: neither index\.php nor"):
        build(source, tmp_path / "work")


def test_something_else_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="has no folder contestInterface, teacherInterface: is it a checkout"):
        build(tmp_path, tmp_path / "work")


def test_a_link_out_of_the_checkout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source", composer=False)
    (tmp_path / "secret").write_text("not for everybody")
    (source / "schoolsMap" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(BundleError, match="leads out of the checkout"):
        build(source, tmp_path / "work")


def test_another_folder_can_be_taken_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch)
    source = make_checkout(tmp_path / "source", composer=False)
    found = contents(build(source, tmp_path / "work", folders=["backupScripts"]).path)
    assert "backupScripts/backup.sh" in found


def test_the_size_is_limited_before_anything_is_uploaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_programs(monkeypatch)
    monkeypatch.setattr(bundle, "LARGEST_BYTES", 1000)
    source = make_checkout(tmp_path / "source", composer=False)
    with pytest.raises(BundleError, match=r"Beanstalk takes 0 MB\. Largest: \w+"):
        build(source, tmp_path / "work")


def test_the_first_version_answers_in_both_roots_with_the_same_overrides(tmp_path: Path) -> None:
    (tmp_path / "placeholder.zip").write_bytes(placeholder())
    found = contents(tmp_path / "placeholder.zip")
    assert {"contestInterface/index.html", "teacherInterface/index.html", ".ebextensions/autoscaling.config"} <= set(
        found
    )
    assert placeholder() == placeholder()
