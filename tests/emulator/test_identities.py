"""Identities behind access keys, looked up while other requests change what moto holds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from moto.iam.models import iam_backends

from emulator.identities import identity_of

KEY = "ASIAROLEOFATEST00000"


def test_a_role_is_found_while_other_requests_create_roles(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = f"arn:aws:iam::{account}:role/wanted"
    roles: dict[str, object] = {}

    class Busy:
        """A role, at whose look another request has created one."""

        @property
        def arn(self) -> str:
            roles[f"made-{len(roles)}"] = SimpleNamespace(arn="another")
            return "busy"

    wanted = SimpleNamespace(arn=arn, policies={}, managed_policies={}, permissions_boundary_arn=None)
    roles |= {"busy": Busy(), "wanted": wanted}
    backend = iam_backends[account]["aws"]
    monkeypatch.setattr(backend, "roles", roles)
    key = SimpleNamespace(access_key_id=KEY, role_arn=arn)
    monkeypatch.setattr(backend, "access_keys", {KEY: key})
    found = identity_of(KEY, account)
    assert found is not None
    assert found.principal.name == arn
