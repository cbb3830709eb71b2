from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from operations.errors import OperatorError
from operations.terraform.toolchain.platform_name import platform_name
from operations.terraform.toolchain.providers import (
    AWS_PROVIDER_VERSION,
    MIRROR_VARIABLE,
    ProviderSurroundings,
    provider_installation,
)
from tests.operations.terraform.toolchain.release_site import Site, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

UNPACKED = f"registry.terraform.io/hashicorp/aws/{AWS_PROVIDER_VERSION}/{platform_name()}"
PACKED = f"registry.terraform.io/hashicorp/aws/terraform-provider-aws_{AWS_PROVIDER_VERSION}_{platform_name()}.zip"

# plays `terraform init`: unpacks into the plugin cache, and says where it was told to fetch from
FAKE_TERRAFORM = f"""#!/bin/sh
if [ "$1" = version ]; then echo '{{"terraform_version": "9.8.7"}}'; exit; fi
/bin/cat "$TF_CLI_CONFIG_FILE" >> "$(/usr/bin/dirname "$0")/fetched-by"
[ ! -e "$(/usr/bin/dirname "$0")/broken" ] || {{ echo "Error: Failed to install provider" >&2; exit 1; }}
/bin/mkdir -p "$TF_PLUGIN_CACHE_DIR/{UNPACKED}"
echo provider > "$TF_PLUGIN_CACHE_DIR/{UNPACKED}/terraform-provider-aws_v{AWS_PROVIDER_VERSION}_x5"
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    binaries, root = tmp_path / "bin", tmp_path / "repository"
    binaries.mkdir()
    root.mkdir()
    (root / ".terraform-version").write_text("9.8.7")
    (binaries / "terraform").write_text(FAKE_TERRAFORM)
    (binaries / "terraform").chmod(0o755)
    monkeypatch.setenv("PATH", str(binaries))
    monkeypatch.delenv("TF_CLI_CONFIG_FILE", raising=False)
    return root


@pytest.fixture
def fetched_by(root: Path) -> Path:
    return root.parent / "bin" / "fetched-by"


@pytest.fixture
def offline(tmp_path: Path) -> ProviderSurroundings:
    """A machine without network, mirrors or configuration."""
    home, shared = tmp_path / "home", tmp_path / "shared"
    home.mkdir()
    shared.mkdir()
    with serving() as closed:
        pass
    environment = {"XDG_DATA_DIRS": str(tmp_path / "data")}
    return ProviderSurroundings(environment=environment, home=home, registry_url=closed.url, shared_roots=(shared,))


@pytest.fixture
def registry() -> Iterator[Site]:
    with serving() as site:
        site.bodies["/.well-known/terraform.json"] = json.dumps({"providers.v1": "/v1/providers/"}).encode()
        yield site


def unpacked_mirror(folder: Path, version: str = AWS_PROVIDER_VERSION) -> Path:
    package = folder / UNPACKED.replace(AWS_PROVIDER_VERSION, version)
    package.mkdir(parents=True)
    (package / f"terraform-provider-aws_v{version}_x5").write_text("provider")
    return folder


def packed_mirror(folder: Path) -> Path:
    package = folder / PACKED
    package.parent.mkdir(parents=True)
    package.write_bytes(b"zip")
    return folder


def with_variables(surroundings: ProviderSurroundings, **variables: object) -> ProviderSurroundings:
    added = {name: str(value) for name, value in variables.items()}
    return replace(surroundings, environment={**surroundings.environment, **added})


def mirror_used(environment: dict[str, str]) -> Path:
    """The folder the generated CLI configuration names as its only source."""
    text = Path(environment["TF_CLI_CONFIG_FILE"]).read_text()
    assert text.count("filesystem_mirror") == 1
    assert "direct" not in text
    return Path(text.split('path = "')[1].split('"')[0])


def test_the_mirror_the_operator_names_comes_first(root: Path, offline: ProviderSurroundings, tmp_path: Path) -> None:
    named = unpacked_mirror(tmp_path / "named")
    unpacked_mirror(offline.shared_roots[0] / "other")
    (offline.home / ".terraformrc").write_text('provider_installation { network_mirror { url = "https://x/" } }')

    assert (
        mirror_used(provider_installation(root, surroundings=with_variables(offline, TF_PLUGIN_MIRROR=named))) == named
    )


def test_a_named_mirror_without_the_provider_is_refused_not_passed_over(
    root: Path, offline: ProviderSurroundings, tmp_path: Path
) -> None:
    named = unpacked_mirror(tmp_path / "named", version="5.99.0")
    unpacked_mirror(offline.shared_roots[0] / "other")

    with pytest.raises(OperatorError, match=f"{MIRROR_VARIABLE}={named}: no hashicorp/aws {AWS_PROVIDER_VERSION}"):
        provider_installation(root, surroundings=with_variables(offline, TF_PLUGIN_MIRROR=named))


@pytest.mark.parametrize("name", [".terraformrc", ".terraform.d/company.tfrc", ".terraform.d/company.tfrc.json"])
def test_the_users_own_choice_of_source_is_left_alone(
    root: Path, offline: ProviderSurroundings, registry: Site, name: str
) -> None:
    file = offline.home / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        '{"provider_installation": {"direct": {}}}' if name.endswith("json") else "provider_installation {\n}\n"
    )

    assert provider_installation(root, surroundings=replace(offline, registry_url=registry.url)) == {}
    assert registry.asked == []
    assert not (root / ".tools").exists()


def test_dev_overrides_in_the_named_configuration_are_left_alone(
    root: Path, offline: ProviderSurroundings, tmp_path: Path
) -> None:
    named = tmp_path / "dev.tfrc"
    named.write_text('provider_installation {\n  dev_overrides {\n    "hashicorp/aws" = "/src"\n  }\n  direct {}\n}\n')

    environment = provider_installation(root, surroundings=with_variables(offline, TF_CLI_CONFIG_FILE=named))

    assert environment == {"TF_CLI_CONFIG_FILE": str(named)}


@pytest.mark.parametrize("text", ['plugin_cache_dir = "/cache"\n', "# provider_installation {\n# }\n"])
def test_a_user_configuration_that_names_no_source_does_not_decide(
    root: Path, offline: ProviderSurroundings, text: str
) -> None:
    (offline.home / ".terraformrc").write_text(text)
    mirror = unpacked_mirror(offline.shared_roots[0] / "mirror")

    assert mirror_used(provider_installation(root, surroundings=offline)) == mirror


def test_a_named_configuration_that_does_not_exist_is_replaced(
    root: Path, offline: ProviderSurroundings, tmp_path: Path
) -> None:
    mirror = unpacked_mirror(offline.shared_roots[0] / "mirror")
    dangling = with_variables(offline, TF_CLI_CONFIG_FILE=tmp_path / "missing.tfrc")

    assert mirror_used(provider_installation(root, surroundings=dangling)) == mirror

    own = offline.home / ".terraformrc"
    own.write_text("provider_installation {\n  direct {}\n}\n")
    assert provider_installation(root, surroundings=dangling) == {"TF_CLI_CONFIG_FILE": str(own)}


def test_a_reachable_registry_fills_the_shared_folder_once(
    root: Path, offline: ProviderSurroundings, registry: Site, fetched_by: Path
) -> None:
    unpacked_mirror(offline.shared_roots[0] / "mirror")
    online = replace(offline, registry_url=registry.url)

    shared = mirror_used(provider_installation(root, surroundings=online))

    assert shared == root / ".tools" / "providers"
    assert list((shared / UNPACKED).glob("terraform-provider-aws_v*"))
    assert "direct {}" in fetched_by.read_text()
    assert mirror_used(provider_installation(root, surroundings=online)) == shared
    assert fetched_by.read_text().count("provider_installation") == 1
    assert registry.asked == ["/.well-known/terraform.json"]


def test_what_was_fetched_once_serves_without_a_network(
    root: Path, offline: ProviderSurroundings, registry: Site
) -> None:
    provider_installation(root, surroundings=replace(offline, registry_url=registry.url))

    assert mirror_used(provider_installation(root, surroundings=offline)) == root / ".tools" / "providers"


@pytest.mark.parametrize("answer", [None, b"<html>Sign in to the network</html>", b"{}"])
def test_a_registry_that_is_not_one_counts_as_unreachable(
    root: Path, offline: ProviderSurroundings, registry: Site, answer: bytes | None
) -> None:
    registry.bodies.clear()
    if answer is not None:
        registry.bodies["/.well-known/terraform.json"] = answer
    mirror = unpacked_mirror(offline.shared_roots[0] / "mirror")

    assert mirror_used(provider_installation(root, surroundings=replace(offline, registry_url=registry.url))) == mirror


@pytest.mark.parametrize(
    "place",
    [
        "home/.terraform.d/plugins",
        "home/.local/share/terraform/plugins",
        "data/terraform/plugins",
        "home/mirror",
        "home/tools/mirror",
        "shared/mirror",
        "shared/company/mirror",
    ],
)
def test_offline_a_mirror_is_found_in(root: Path, offline: ProviderSurroundings, tmp_path: Path, place: str) -> None:
    mirror = unpacked_mirror(tmp_path / place)

    assert mirror_used(provider_installation(root, surroundings=offline)) == mirror


def test_mirrors_with_another_version_are_passed_over(root: Path, offline: ProviderSurroundings) -> None:
    unpacked_mirror(offline.shared_roots[0] / "a", version="5.99.0")
    right = unpacked_mirror(offline.shared_roots[0] / "b")

    assert mirror_used(provider_installation(root, surroundings=offline)) == right


def test_a_packed_mirror_is_unpacked_once_for_all_stacks(
    root: Path, offline: ProviderSurroundings, fetched_by: Path
) -> None:
    mirror = packed_mirror(offline.shared_roots[0] / "mirror")

    shared = mirror_used(provider_installation(root, surroundings=offline))

    assert shared == root / ".tools" / "providers"
    assert f'path = "{mirror}"' in fetched_by.read_text()
    assert sorted(path.name for path in (root / ".tools").iterdir() if path.suffix != ".tfrc") == [
        "providers",
        "providers.lock",
    ]


def test_a_failed_fetch_shows_terraforms_words_and_leaves_nothing(
    root: Path, offline: ProviderSurroundings, registry: Site, fetched_by: Path
) -> None:
    (fetched_by.parent / "broken").touch()

    with pytest.raises(OperatorError, match="Failed to install provider"):
        provider_installation(root, surroundings=replace(offline, registry_url=registry.url))

    assert not list((root / ".tools").glob("**/terraform-provider-aws*"))
    assert not list((root / ".tools").glob(".providers-*"))


def test_a_provider_that_is_nowhere_is_reported_with_everything_that_was_tried(
    root: Path, offline: ProviderSurroundings
) -> None:
    near_miss = unpacked_mirror(offline.shared_roots[0] / "old", version="5.99.0")

    with pytest.raises(OperatorError) as failed:
        provider_installation(root, surroundings=offline)

    for tried in (
        f"hashicorp/aws {AWS_PROVIDER_VERSION} for {platform_name()}",
        f"{MIRROR_VARIABLE} is not set",
        "no provider_installation",
        f"{offline.registry_url} is not reachable: ",
        "Connection refused",
        str(offline.shared_roots[0]),
        str(offline.home),
        f"{near_miss} holds no hashicorp/aws",
    ):
        assert tried in failed.value.message
    assert MIRROR_VARIABLE in (failed.value.hint or "")


def test_the_committed_stacks_require_the_provider_version_that_is_looked_for(pytestconfig: pytest.Config) -> None:
    stacks = sorted(pytestconfig.rootpath.glob("generated/stacks/*/cdk.tf.json"))

    required = {
        stack.parent.name: json.loads(stack.read_text())["terraform"]["required_providers"]["aws"]["version"]
        for stack in stacks
    }

    assert required == dict.fromkeys(required, AWS_PROVIDER_VERSION)


@pytest.mark.terraform
def test_the_real_terraform_unpacks_a_packed_mirror(
    offline: ProviderSurroundings, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    import zipfile

    root = tmp_path / "real"
    root.mkdir()
    (root / ".terraform-version").write_text((pytestconfig.rootpath / ".terraform-version").read_text())
    mirror = packed_mirror(offline.shared_roots[0] / "mirror")
    with zipfile.ZipFile(mirror / PACKED, "w") as archive:
        archive.writestr(f"terraform-provider-aws_v{AWS_PROVIDER_VERSION}_x5", "not run by init")

    shared = mirror_used(provider_installation(root, surroundings=offline))

    assert [file.name for file in (shared / UNPACKED).iterdir()] == [
        f"terraform-provider-aws_v{AWS_PROVIDER_VERSION}_x5"
    ]
