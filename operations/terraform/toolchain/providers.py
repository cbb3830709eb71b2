"""Where Terraform gets the AWS provider from: told, the registry, or a file-system mirror found on this machine.

Every stack links to one shared unpacking of the provider (700 MB), whichever way it came.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from config.locked_provider import locked_provider_version
from config.settings import ROOT
from operations.console import new_console
from operations.errors import OperatorError
from operations.terraform.toolchain.one_at_a_time import one_at_a_time
from operations.terraform.toolchain.platform_name import platform_name
from operations.terraform.toolchain.terraform_release import find_terraform
from operations.terraform.toolchain.why_unreachable import why_unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AWS_PROVIDER_VERSION = locked_provider_version(ROOT) or ""
"""The provider the bindings were generated from, which every cdk.tf.json requires exactly."""

MIRROR_VARIABLE = "TF_PLUGIN_MIRROR"
"""Environment variable naming a folder that holds `registry.terraform.io/hashicorp/aws/…`, packed or unpacked."""

_HOST = "registry.terraform.io"
_PROVIDER = Path(_HOST, "hashicorp", "aws")
_REGISTRY_SECONDS = 3.0


@dataclass(frozen=True)
class ProviderSurroundings:
    """Places outside the repository that are read; tests replace them."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path = field(default_factory=Path.home)
    registry_url: str = f"https://{_HOST}"
    shared_roots: tuple[Path, ...] = (Path("/opt"), Path("/usr/share"), Path("/usr/local/share"))

    def implicit_folders(self) -> list[Path]:
        """The folders Terraform itself would look into, in its order."""
        data_home = self.environment.get("XDG_DATA_HOME")
        data_folders = self.environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        data_roots = [
            Path(data_home) if data_home else self.home / ".local" / "share",
            *map(Path, data_folders.split(":")),
        ]
        return [
            self.home / ".terraform.d" / "plugins",
            *(root / "terraform" / "plugins" for root in data_roots),
            self.home / "Library" / "Application Support" / "io.terraform" / "plugins",
            Path("/Library/Application Support/io.terraform/plugins"),
        ]

    def mirror_roots(self) -> tuple[Path, ...]:
        """Where administrators put mirrors: the folders one and two levels below these are searched."""
        return (*self.shared_roots, self.home)


def provider_installation(
    root: Path, *, surroundings: ProviderSurroundings | None = None, version: str = AWS_PROVIDER_VERSION
) -> dict[str, str]:
    """Variables to add to Terraform's environment so that `init` in the repository at `root` finds the AWS provider.

    In this order: the folder TF_PLUGIN_MIRROR names; the user's own CLI configuration if it says where providers come
    from; what an earlier run unpacked into `.tools/providers`; the registry, if it answers within seconds; a mirror on
    this machine. Raises OperatorError naming everything that was tried.
    """
    around = surroundings or ProviderSurroundings()
    wanted = _Wanted(version, platform_name())
    if named := around.environment.get(MIRROR_VARIABLE):
        mirror = Path(named).expanduser().absolute()
        if not wanted.held_by(mirror):
            raise OperatorError(
                f"{MIRROR_VARIABLE}={named}: no {wanted} in that folder.",
                hint=f"It must hold {wanted.unpacked} or {wanted.packed}; or unset {MIRROR_VARIABLE}.",
            )
        return _from_mirror(root, mirror, wanted)
    if (own := _own_configuration(around)) is not None:
        return {"TF_CLI_CONFIG_FILE": str(own)} if around.environment.get("TF_CLI_CONFIG_FILE") else {}
    shared = _shared_folder(root)
    if wanted.unpacked_in(shared):
        return _configured(root, _mirror_method(shared))
    unreachable = _why_registry_is_unreachable(around.registry_url)
    if unreachable is None:
        _unpack(root, "direct {}", wanted)
        return _configured(root, _mirror_method(shared))
    searched = list(_mirror_candidates(around))
    for folder in searched:
        if wanted.held_by(folder):
            return _from_mirror(root, folder, wanted)
    raise _not_found(wanted, around, unreachable, searched)


@dataclass(frozen=True)
class _Wanted:
    """One provider package: a version for a platform."""

    version: str
    platform: str

    def __str__(self) -> str:
        return f"hashicorp/aws {self.version} for {self.platform}"

    @property
    def unpacked(self) -> Path:
        return _PROVIDER / self.version / self.platform

    @property
    def packed(self) -> Path:
        return _PROVIDER / f"terraform-provider-aws_{self.version}_{self.platform}.zip"

    def unpacked_in(self, mirror: Path) -> bool:
        return any((mirror / self.unpacked).glob("terraform-provider-aws_v*"))

    def held_by(self, mirror: Path) -> bool:
        return self.unpacked_in(mirror) or (mirror / self.packed).is_file()


def _own_configuration(around: ProviderSurroundings) -> Path | None:
    """The user's CLI configuration file, when Terraform would read one that says where providers come from."""
    named = around.environment.get("TF_CLI_CONFIG_FILE")
    files = [Path(named)] if named else []
    if not any(file.is_file() for file in files):  # Terraform warns of a file that does not exist on every run
        folder = around.home / ".terraform.d"
        files = [around.home / ".terraformrc", *folder.glob("*.tfrc"), *folder.glob("*.tfrc.json")]
    return next((file for file in files if file.is_file() and _says_where(file)), None)


def _says_where(file: Path) -> bool:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    code = "\n".join(line for line in lines if not line.lstrip().startswith(("#", "//")))
    return re.search(r"(?m)(^|[\s{,])\"?provider_installation\"?\s*[{:=]", code) is not None


def _why_registry_is_unreachable(url: str) -> str | None:
    """None when the registry answers in time; otherwise the reason it does not."""
    import requests

    outcome: list[str | None] = []

    def ask() -> None:
        try:
            answer = requests.get(f"{url}/.well-known/terraform.json", timeout=_REGISTRY_SECONDS)
            answer.raise_for_status()
            outcome.append(None if "providers.v1" in answer.json() else "it does not answer like a provider registry")
        except requests.JSONDecodeError:
            outcome.append("it does not answer like a provider registry")
        except requests.RequestException as error:
            outcome.append(why_unreachable(error))

    # a name lookup behind a firewall can hang for half a minute, and no timeout of requests covers it
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(2 * _REGISTRY_SECONDS)
    return outcome[0] if outcome else "no answer in time"


def _mirror_candidates(around: ProviderSurroundings) -> Iterator[Path]:
    """Existing folders that may be mirrors, each once, in order of preference."""
    found: dict[Path, None] = dict.fromkeys(folder for folder in around.implicit_folders() if folder.is_dir())
    for root in around.mirror_roots():
        for depth in ("*", "*/*"):
            found.update(dict.fromkeys(sorted(hit.parent for hit in root.glob(f"{depth}/{_HOST}"))))
    yield from found


def _from_mirror(root: Path, mirror: Path, wanted: _Wanted) -> dict[str, str]:
    if wanted.unpacked_in(mirror):
        return _configured(root, _mirror_method(mirror))  # Terraform links to an unpacked package in place
    if not wanted.unpacked_in(_shared_folder(root)):
        _unpack(root, _mirror_method(mirror), wanted)
    return _configured(root, _mirror_method(_shared_folder(root)))


def _unpack(root: Path, method: str, wanted: _Wanted) -> None:
    """Have Terraform itself fetch, verify and unpack the provider, once, into the shared folder."""
    shared = _shared_folder(root)
    with one_at_a_time(shared.with_suffix(".lock")):
        if wanted.unpacked_in(shared):
            return
        with tempfile.TemporaryDirectory(dir=shared.parent, prefix=".providers-") as scratch:
            cache, project = Path(scratch, "cache"), Path(scratch, "project")
            cache.mkdir()
            project.mkdir()
            requirement = {"aws": {"source": "hashicorp/aws", "version": wanted.version}}
            (project / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": requirement}}))
            environment = {
                **os.environ,
                **_configured(root, method),
                "TF_PLUGIN_CACHE_DIR": str(cache),
                "TF_DATA_DIR": str(project / ".terraform"),
                "CHECKPOINT_DISABLE": "1",
            }
            with new_console(stderr=True).status(f"Fetching {wanted}; this happens once"):
                run = subprocess.run(
                    [find_terraform(root), "init", "-backend=false", "-input=false", "-no-color"],
                    cwd=project,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
            if run.returncode != 0 or not wanted.unpacked_in(cache):
                raise OperatorError(
                    f"Terraform could not fetch {wanted}:\n{(run.stderr or run.stdout).strip()}",
                    hint=f"Try again, or set {MIRROR_VARIABLE} to a folder that holds {_PROVIDER}.",
                )
            target = shared / wanted.unpacked
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            (cache / wanted.unpacked).rename(target)


def _shared_folder(root: Path) -> Path:
    return root.absolute() / ".tools" / "providers"


def _mirror_method(folder: Path) -> str:
    return f"filesystem_mirror {{\n    path = {json.dumps(str(folder))}\n  }}"


def _configured(root: Path, method: str) -> dict[str, str]:
    """Write a CLI configuration with this installation method; its name follows its content, so runs never collide."""
    text = f"provider_installation {{\n  {method}\n}}\ndisable_checkpoint = true\n"
    file = root.absolute() / ".tools" / f"terraform-{sha256(text.encode()).hexdigest()[:8]}.tfrc"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".tfrc-", delete=False) as half_written:
            half_written.write(text)
        Path(half_written.name).replace(file)
    return {"TF_CLI_CONFIG_FILE": str(file)}


def _not_found(wanted: _Wanted, around: ProviderSurroundings, unreachable: str, searched: list[Path]) -> OperatorError:
    roots = ", ".join(map(str, around.mirror_roots()))
    lines = [
        f"The Terraform provider {wanted} is nowhere to be had:",
        f"  {MIRROR_VARIABLE} is not set",
        "  your Terraform CLI configuration has no provider_installation",
        f"  {around.registry_url} is not reachable: {unreachable}",
        f"  no folder one or two levels below {roots} holds {_HOST} with it",
        *(f"  {folder} holds no {wanted}" for folder in searched),
    ]
    hint = f"Go online, or make a mirror with `terraform providers mirror` and set {MIRROR_VARIABLE} to it."
    return OperatorError("\n".join(lines), hint=hint)
