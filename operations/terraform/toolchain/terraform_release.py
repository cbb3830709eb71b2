"""The Terraform everyone runs: exactly the version `.terraform-version` names, found or fetched."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from operations.console import new_console
from operations.errors import OperatorError
from operations.terraform.toolchain.one_at_a_time import one_at_a_time
from operations.terraform.toolchain.platform_name import platform_name
from operations.terraform.toolchain.why_unreachable import why_unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests

RELEASES = "https://releases.hashicorp.com"
RELEASES_VARIABLE = "QUINTET_TERRAFORM_RELEASES"
"""Environment variable naming a mirror of HashiCorp's release site, with the same paths below it."""

VERSION_FILE = ".terraform-version"
DIGESTS_FILE = ".terraform-sha256sums"
"""SHA-256 sums committed beside the version, so that a release site cannot vouch for itself alone."""

_CONNECT_AND_READ_SECONDS = (10, 60)
_OTHER_WAYS = f"Install it yourself and put it on PATH, or set {RELEASES_VARIABLE} to a mirror of {RELEASES}."


def required_version(root: Path) -> str:
    """The version in `.terraform-version`, such as `1.11.4`; OperatorError when it is missing or not a version."""
    file = root / VERSION_FILE
    try:
        version = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OperatorError(f"{file}: cannot be read: {error.strerror}.", hint="Restore it from git.") from error
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise OperatorError(f"{file}: {version!r} is not a Terraform version; write three numbers such as 1.11.4.")
    return version


def find_terraform(root: Path) -> Path:
    """The Terraform executable of the repository at `root`: from PATH, else `.tools/`, else downloaded there.

    Raises OperatorError when that version is neither here nor to be had, or its checksum is wrong.
    """
    version = required_version(root)
    on_path = shutil.which("terraform")
    if on_path and installed_version(Path(on_path), root) == version:
        return Path(on_path)
    executable = root / ".tools" / "terraform" / version / "terraform"
    if not executable.exists():
        with one_at_a_time(executable.parents[1] / f"{version}.lock"):
            if not executable.exists():
                _install(version, executable, root / DIGESTS_FILE)
    return executable


def installed_version(executable: Path, folder: Path) -> str | None:
    """The version `executable` says it is (asked in `folder`, where version managers look for their file), if any."""
    quiet = {name: value for name, value in os.environ.items() if name != "TF_CLI_CONFIG_FILE"}
    try:
        answer = subprocess.run(
            [executable, "version", "-json"],
            cwd=folder,
            env={**quiet, "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            check=True,
            timeout=60,
        )
        return str(json.loads(answer.stdout)["terraform_version"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def _install(version: str, executable: Path, digests_file: Path) -> None:
    archive_name = f"terraform_{version}_{platform_name()}.zip"
    folder_url = f"{(os.environ.get(RELEASES_VARIABLE) or RELEASES).rstrip('/')}/terraform/{version}"
    published = _published_digest(f"{folder_url}/terraform_{version}_SHA256SUMS", archive_name)
    committed = _digest_of(archive_name, digests_file.read_text().splitlines()) if digests_file.exists() else None
    if committed and committed != published:
        raise OperatorError(
            f"{folder_url} announces SHA-256 {published} for {archive_name}, but {DIGESTS_FILE} says {committed}.",
            hint=f"Do not use this release site. {_OTHER_WAYS}",
        )
    try:
        with tempfile.TemporaryDirectory(dir=executable.parents[1], prefix=".download-") as scratch:
            archive = Path(scratch) / archive_name
            _download(f"{folder_url}/{archive_name}", archive, published)
            with zipfile.ZipFile(archive) as opened:
                unpacked = Path(opened.extract("terraform", scratch))
            unpacked.chmod(0o755)
            executable.parent.mkdir(exist_ok=True)
            unpacked.replace(executable)
    except (zipfile.BadZipFile, KeyError) as error:
        raise OperatorError(f"{folder_url}/{archive_name} holds no terraform: {error}.", hint=_OTHER_WAYS) from error
    except OSError as error:
        raise OperatorError(f"Terraform {version} could not be written to {executable}: {error}.") from error


def _published_digest(url: str, archive_name: str) -> str:
    import requests

    try:
        answer = requests.get(url, timeout=_CONNECT_AND_READ_SECONDS)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise _not_downloaded(url, error) from error
    digest = _digest_of(archive_name, answer.text.splitlines())
    if digest is None:
        raise OperatorError(f"{url} does not list {archive_name}: no such release for this machine.", hint=_OTHER_WAYS)
    return digest


def _digest_of(archive_name: str, lines: Iterable[str]) -> str | None:
    for line in lines:
        match line.split():
            case [digest, name] if name.lstrip("*") == archive_name:
                return digest.lower()
    return None


def _download(url: str, target: Path, expected_digest: str) -> None:
    import requests
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    digest = hashlib.sha256()
    try:
        with (
            requests.get(url, stream=True, timeout=_CONNECT_AND_READ_SECONDS) as answer,
            Progress(*columns, console=new_console(stderr=True)) as progress,
            target.open("wb") as file,
        ):
            answer.raise_for_status()
            size = int(answer.headers.get("Content-Length", 0)) or None
            task = progress.add_task(f"Downloading {target.name}", total=size)
            for chunk in answer.iter_content(chunk_size=1 << 18):
                file.write(chunk)
                digest.update(chunk)
                progress.advance(task, len(chunk))
    except requests.RequestException as error:
        raise _not_downloaded(url, error) from error
    if digest.hexdigest() != expected_digest:
        raise OperatorError(
            f"{url} is not what was released: SHA-256 {digest.hexdigest()}, expected {expected_digest}.",
            hint=f"Nothing was installed. {_OTHER_WAYS}",
        )


def _not_downloaded(url: str, error: requests.RequestException) -> OperatorError:
    return OperatorError(f"{url} could not be downloaded: {why_unreachable(error)}.", hint=_OTHER_WAYS)
