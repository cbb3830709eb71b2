"""An environment: the account it lives in, where its state is kept, and whether its data is protected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from config.settings import ROOT, Problem, Settings, SettingsError, display_name, load
from config.types import (
    AccountId,
    BucketName,
    Locking,
    Name,
    OrganizationName,
    Region,
    ServerName,
    TableName,
    Tags,
    WorkspaceName,
)

ENVIRONMENTS = ROOT / "config" / "environments"


class StateSettings(Settings):
    """A bucket of the environment's account keeps the state of every stack, under a lock."""

    backend: Literal["s3", "cloud"] = "s3"
    """`s3`: the keys below; `cloud`: those of HCP Terraform."""
    bucket: BucketName
    """The bucket of the states, created by `quintet state bootstrap`."""
    region: Region
    """The region of bucket and lock table."""
    lock_table: TableName
    """The DynamoDB table of locks and digests, created likewise."""
    locking: Locking = "dynamodb"
    """`dynamodb`: the lock table; `lockfile`: S3's own lock file; `both`: both are taken, to move between them."""


class CloudStateSettings(Settings):
    """HCP Terraform (Terraform Cloud) keeps the state of every stack, in a workspace for each, and runs Terraform."""

    backend: Literal["cloud"]
    """HCP Terraform."""
    organization: OrganizationName
    """The organization of the workspaces."""
    hostname: ServerName = "app.terraform.io"
    """Another one for Terraform Enterprise."""
    workspaces: dict[Name, WorkspaceName] = {}
    """Deployment → its workspace; a deployment that is left out has the workspace called like its stack."""

    def workspace(self, deployment: str, environment: str) -> str:
        """The workspace of a deployment's stack."""
        return self.workspaces.get(deployment, f"{deployment}-{environment}")


def _state_backend(value: object) -> str:
    given = value if isinstance(value, Mapping) else dict(value) if isinstance(value, Settings) else {}
    # a backend that is neither is refused by the first, which names both
    return "cloud" if given.get("backend") == "cloud" else "s3"


class Environment(Settings):
    """Settings that all deployments of one environment share."""

    name: Name
    """As the file is called."""
    account_id: AccountId
    """The AWS account; the provider and all commands refuse every other."""
    state: Annotated[
        Annotated[StateSettings, Tag("s3")] | Annotated[CloudStateSettings, Tag("cloud")],
        Discriminator(_state_backend),
    ]
    protect_data: bool = True
    """Deletion protection, final snapshots and `prevent_destroy` on what holds data."""
    tags: Tags = {}
    """Given to every resource, beside the ones Quintet gives."""


def environment_names(directory: Path = ENVIRONMENTS) -> list[str]:
    """The environments that exist: one file each."""
    return sorted(path.stem for path in directory.glob("*.toml"))


def load_environment(name: str, directory: Path = ENVIRONMENTS) -> Environment:
    """The environment called `name`. Raises SettingsError."""
    path = directory / f"{name}.toml"
    if name not in (names := environment_names(directory)):
        message = f"there is no environment {name}; environments: {', '.join(names)}"
        raise SettingsError([Problem(display_name(path), "", "", message)])
    environment = load(path, Environment)
    if environment.name != name:
        raise SettingsError(
            [Problem(display_name(path), "name", f'"{environment.name}"', f'must be the name of the file, "{name}"')]
        )
    return environment
