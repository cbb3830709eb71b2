from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from operations.errors import OperatorError
from operations.terraform.toolchain import terraform_release
from operations.terraform.toolchain.platform_name import platform_name
from operations.terraform.toolchain.terraform_release import (
    DIGESTS_FILE,
    RELEASES_VARIABLE,
    find_terraform,
    required_version,
)
from tests.operations.terraform.toolchain.release_site import Site, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = "9.8.7"
TERRAFORM = f"""#!/bin/sh
echo '{{"terraform_version": "{VERSION}"}}'
""".encode()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with serving() as site:
        monkeypatch.setenv(RELEASES_VARIABLE, site.url)
        yield site


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / ".terraform-version").write_text(f"{VERSION}\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return root


def put_on_path(tmp_path: Path, version: str) -> Path:
    executable = tmp_path / "bin" / "terraform"
    executable.parent.mkdir()
    executable.write_text(f"""#!/bin/sh\necho '{{"terraform_version": "{version}"}}'\n""")
    executable.chmod(0o755)
    return executable


def nothing_left_behind(root: Path) -> bool:
    return [path.name for path in (root / ".tools").rglob("*") if path.is_file()] in ([], [f"{VERSION}.lock"])


def test_terraform_on_path_is_used_when_its_version_is_the_required_one(root: Path, tmp_path: Path, site: Site) -> None:
    installed = put_on_path(tmp_path, VERSION)

    assert find_terraform(root) == installed
    assert site.asked == []


@pytest.mark.parametrize("on_path", ["9.8.6", "not json"])
def test_another_terraform_on_path_is_passed_over(root: Path, tmp_path: Path, site: Site, on_path: str) -> None:
    put_on_path(tmp_path, on_path)
    site.publish_terraform(VERSION, platform_name(), TERRAFORM)

    assert find_terraform(root) == root / ".tools" / "terraform" / VERSION / "terraform"


def test_a_downloaded_terraform_runs_and_is_fetched_only_once(root: Path, site: Site) -> None:
    site.publish_terraform(VERSION, platform_name(), TERRAFORM)

    executable = find_terraform(root)
    first_visit = list(site.asked)

    assert terraform_release.installed_version(executable, root) == VERSION
    assert find_terraform(root) == executable
    assert site.asked == first_visit
    assert sorted(path.name for path in (root / ".tools" / "terraform").iterdir()) == [VERSION, f"{VERSION}.lock"]


def test_an_archive_that_is_not_what_was_released_is_refused(root: Path, site: Site) -> None:
    published = site.publish_terraform(VERSION, platform_name(), TERRAFORM)
    archive = f"/terraform/{VERSION}/terraform_{VERSION}_{platform_name()}.zip"
    site.bodies[archive] += b"tampered"

    with pytest.raises(OperatorError, match=f"not what was released: SHA-256 .* expected {published}") as refused:
        find_terraform(root)

    assert "Nothing was installed" in (refused.value.hint or "")
    assert nothing_left_behind(root)


def test_a_release_site_that_announces_another_digest_than_the_committed_one_is_refused(root: Path, site: Site) -> None:
    announced = site.publish_terraform(VERSION, platform_name(), TERRAFORM)
    (root / DIGESTS_FILE).write_text(f"{'a' * 64}  terraform_{VERSION}_{platform_name()}.zip\n")

    with pytest.raises(OperatorError, match=f"announces SHA-256 {announced} .* says {'a' * 64}"):
        find_terraform(root)

    assert not any(path.endswith(".zip") for path in site.asked)
    assert nothing_left_behind(root)


def test_a_version_that_was_never_released_is_reported_with_its_address(root: Path, site: Site) -> None:
    with pytest.raises(OperatorError, match=f"{site.url}.*_SHA256SUMS could not be downloaded: 404"):
        find_terraform(root)

    assert nothing_left_behind(root)


def test_a_release_without_this_platform_is_reported(root: Path, site: Site) -> None:
    site.publish_terraform(VERSION, "plan9_mips", TERRAFORM)

    with pytest.raises(OperatorError, match=f"does not list terraform_{VERSION}_{platform_name()}.zip"):
        find_terraform(root)


def test_a_download_that_breaks_off_leaves_nothing_and_can_be_repeated(root: Path, site: Site) -> None:
    site.publish_terraform(VERSION, platform_name(), TERRAFORM)
    archive = f"/terraform/{VERSION}/terraform_{VERSION}_{platform_name()}.zip"
    site.broken_off.add(archive)

    with pytest.raises(OperatorError, match="could not be downloaded: the connection broke off before the end"):
        find_terraform(root)
    assert nothing_left_behind(root)

    site.broken_off.clear()
    assert find_terraform(root).exists()


def test_an_archive_without_terraform_in_it_is_refused(root: Path, site: Site) -> None:
    site.publish_terraform(VERSION, platform_name(), TERRAFORM)
    sums = f"/terraform/{VERSION}/terraform_{VERSION}_SHA256SUMS"
    site.bodies[f"/terraform/{VERSION}/terraform_{VERSION}_{platform_name()}.zip"] = b""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    site.bodies[sums] = f"{empty}  terraform_{VERSION}_{platform_name()}.zip".encode()

    with pytest.raises(OperatorError, match="holds no terraform"):
        find_terraform(root)
    assert nothing_left_behind(root)


def test_without_a_network_the_operator_is_told_what_else_to_do(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as closed:
        monkeypatch.setenv(RELEASES_VARIABLE, closed.url)

    with pytest.raises(OperatorError, match=r"could not be downloaded: .*Connection refused") as failed:
        find_terraform(root)

    assert RELEASES_VARIABLE in (failed.value.hint or "")


def test_a_proxy_that_does_not_serve_is_named_without_its_password(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as closed:
        monkeypatch.setenv("https_proxy", closed.url.replace("//", "//ann:s3cret@"))
    monkeypatch.setenv(RELEASES_VARIABLE, "https://releases.invalid")

    with pytest.raises(OperatorError) as failed:
        find_terraform(root)

    assert (
        f"the proxy {closed.url} does not serve (Failed to establish a new connection: [Errno 111] Connection refused)"
        in str(failed.value)
    )


def test_a_proxy_that_refuses_is_named_with_what_it_says(
    root: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", site.url)  # which does not know CONNECT
    monkeypatch.setenv(RELEASES_VARIABLE, "https://releases.invalid")

    with pytest.raises(OperatorError, match=r"the proxy \S+ does not serve \(501 Unsupported method"):
        find_terraform(root)


def test_a_machine_hashicorp_does_not_build_for_is_named(
    root: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    with pytest.raises(OperatorError, match=r"does not run on .* riscv64"):
        find_terraform(root)


@pytest.mark.parametrize("content", ["latest", "1.11", "", "1.11.4 # pinned"])
def test_a_version_file_that_names_no_version_is_refused(root: Path, content: str) -> None:
    (root / ".terraform-version").write_text(content)

    with pytest.raises(OperatorError, match=r"\.terraform-version: .* is not a Terraform version"):
        required_version(root)


def test_a_missing_version_file_is_refused(root: Path) -> None:
    (root / ".terraform-version").unlink()

    with pytest.raises(OperatorError, match=r"\.terraform-version: cannot be read"):
        find_terraform(root)


def test_several_processes_at_once_download_it_once(root: Path, site: Site) -> None:
    site.publish_terraform(VERSION, platform_name(), TERRAFORM)
    find = "import sys, pathlib; from operations.terraform.toolchain.terraform_release import find_terraform; "
    find += "print(find_terraform(pathlib.Path(sys.argv[1])))"
    processes = [
        subprocess.Popen([sys.executable, "-c", find, root], stdout=subprocess.PIPE, env=dict(os.environ))
        for _ in range(3)
    ]

    found = {process.communicate()[0].decode().strip() for process in processes}

    assert found == {str(root / ".tools" / "terraform" / VERSION / "terraform")}
    assert len([path for path in site.asked if path.endswith(".zip")]) == 1


def test_the_committed_digests_belong_to_the_required_version(pytestconfig: pytest.Config) -> None:
    root = pytestconfig.rootpath
    archives = {line.split()[1] for line in (root / DIGESTS_FILE).read_text().splitlines()}
    platforms = ("darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64")

    assert archives == {f"terraform_{required_version(root)}_{platform}.zip" for platform in platforms}
