"""Secrets Manager.

* when AWSCURRENT is moved to another version, readers still get the one before
"""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.models import SecretsManagerBackend

from operations.emulator.gap import Gap

GAP = Gap("secretsmanager")


@GAP.around(SecretsManagerBackend, "update_secret_version_stage")
def current_is_what_readers_get(
    original: Any,
    backend: SecretsManagerBackend,
    secret_id: str,
    version_stage: str,
    remove_from_version_id: str,
    move_to_version_id: str,
) -> Any:
    answer = original(backend, secret_id, version_stage, remove_from_version_id, move_to_version_id)
    if version_stage == "AWSCURRENT" and move_to_version_id:
        secret: Any = backend.secrets[secret_id]
        secret.default_version_id = move_to_version_id
    return answer
