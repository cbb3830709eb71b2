"""Refusals in the settings of Sync Storage, and their messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import ROOT, SettingsError, load
from deployments.sync_storage.settings import SyncStorageSettings

DEV = (ROOT / "deployments/sync_storage/environments/dev.toml").read_text()


def changed(folder: Path, old: str, new: str) -> SyncStorageSettings:
    assert old in DEV
    file = folder / "dev.toml"
    file.write_text(DEV.replace(old, new))
    return load(file, SyncStorageSettings)


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        (
            'node_type = "cache.t4g.small"', 'node_type = "cache.t4g.small"\nnum_cache_nodes = 2', "cache.num_cache_nodes",
            "must be 1: the application's memcached client can handle one server only",
        ),
        ('engine_version = "8.4"', 'engine_version = "9.7"', "nodes.a.engine_version", "mysql_native_password"),
        ("require_tls = false\n\n[nodes.a.reasons]\nrequire_tls", "[nodes.a.reasons]\nrequire_tls", "nodes.a", "a reason for nothing"),
        ("idle_timeout_seconds = 600", "idle_timeout_seconds = 575", "load_balancer.idle_timeout_seconds", "above 575"),
        (
            'domain = "sync-dev.example.org"', f'domain = "{"x" * 50}.example.org"', "host_names.domain",
            "has 74 characters; the token server's table takes 64",
        ),
        ('nat = "single"', 'nat = "none"', "network.nat", "webheads fetch packages and secrets from outside"),
        (
            'node_user = "syncstorage"', 'node_user = "syncstorage"\napplication_user = "syncstorage"', "application_user",
            "webheads are not the databases' master",
        ),
        (
            'instance_type = "t3.small"', 'instance_type = "t3.small"\nhttp_tokens = "optional"\nreasons.http_tokens = "an old agent"',
            "webheads.http_tokens", "without tokens the application's container reaches the webheads' role",
        ),
        ("[nodes.a]", "[nodes.A-1]", "nodes.A-1", "pattern"),
        ('container_image = "111122223333', 'container_image = "https://111122223333', "webheads.application", "pattern"),
        ('[webheads.application]\n', '[webheads.application]\npip_requirements = ["SyncStorage"]\n', "webheads.application", "pip_requirements"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_the_reason(
    tmp_path: Path, old: str, new: str, key: str, message: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        changed(tmp_path, old, new)
    found = [problem for problem in refusal.value.problems if problem.key.startswith(key) and message in str(problem)]
    assert found, str(refusal.value)


def test_a_node_brings_ten_host_names(tmp_path: Path) -> None:
    settings = load(ROOT / "deployments/sync_storage/environments/dev.toml", SyncStorageSettings)
    assert settings.node_host_names("a") == tuple(f"a-{number}.sync-dev.example.org" for number in range(10))


def test_without_a_name_for_the_load_balancer_everything_is_http(tmp_path: Path) -> None:
    block = '[load_balancer.dns]\nhost_name = "sync-dev.example.org"\nzone_id = "Z00EXAMPLE0SYNC0DEV0"\n'
    reason = '[load_balancer.reasons]\ndns = "As the document has it: HTTP on port 80"\n'
    assert changed(tmp_path, block, reason).scheme == "http"
