"""An environment: the account it lives in, where its state is kept, and whether its data is protected."""

from __future__ import annotations

from pathlib import Path

from config.settings import ROOT, Problem, Settings, SettingsError, display_name, load
from config.types import AccountId, BucketName, Locking, Name, Region, TableName, TagValue

ENVIRONMENTS = ROOT / "config" / "environments"


class StateSettings(Settings):
    """Where Terraform keeps the state of every stack of an environment."""

    bucket: BucketName
    region: Region
    lock_table: TableName
    locking: Locking = "dynamodb"
    """`dynamodb`: the lock table; `lockfile`: S3's own lock file; `both`: both are taken, to move between them."""


class Environment(Settings):
    """What all deployments of one environment share."""

    name: Name
    """As the file is called."""
    account_id: AccountId
    state: StateSettings
    protect_data: bool = True
    """Deletion protection, final snapshots and `prevent_destroy` on what holds data."""
    tags: dict[str, TagValue] = {}
    """Given to every resource, beside the ones Quintet gives."""


def environment_names(directory: Path = ENVIRONMENTS) -> list[str]:
    """The environments that exist: one file each."""
    return sorted(path.stem for path in directory.glob("*.toml"))


def load_environment(name: str, directory: Path = ENVIRONMENTS) -> Environment:
    """The environment called `name`. Raises SettingsError."""
    path = directory / f"{name}.toml"
    environment = load(path, Environment)
    if environment.name != name:
        raise SettingsError(
            [Problem(display_name(path), "name", f'"{environment.name}"', f'must be the name of the file, "{name}"')]
        )
    return environment
