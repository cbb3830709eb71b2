"""Secrets Manager.

* when AWSCURRENT is moved to another version, readers still get the one before
* one secret without a value spoils the reading of several at once, which AWS reports beside the rest
"""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.models import SecretsManagerBackend

from emulator.gap import Gap

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


@GAP.around(SecretsManagerBackend, "batch_get_secret_value")
def batch_get_secret_value(
    original: Any,
    self: SecretsManagerBackend,
    secret_id_list: list[str] | None = None,
    **others: Any,
) -> Any:
    if not secret_id_list:
        return original(self, secret_id_list=secret_id_list, **others)
    empty = [name for name in secret_id_list if name in self.secrets and not self.secrets[name].versions]
    rest = [name for name in secret_id_list if name not in empty]
    found, errors, token = original(self, secret_id_list=rest, **others) if rest else ([], [], None)
    why = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    missing = [{"SecretId": name, "ErrorCode": "ResourceNotFoundException", "Message": why} for name in empty]
    return found, [*errors, *missing], token
