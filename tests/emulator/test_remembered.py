"""Facts that moto finds out about itself for each request, and the emulator once."""

from __future__ import annotations

import os
from typing import Any

import pytest
from moto import backends
from moto.core import responses
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.responses import TokenResponse

from emulator import remembered


def test_a_request_looks_at_no_folder_of_moto_and_at_no_member_of_a_class_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asks: Any = responses
    monkeypatch.setattr(backends, "list_of_moto_modules", backends.list_of_moto_modules)
    monkeypatch.setattr(asks, "method_names_from_class", asks.method_names_from_class)
    services, actions = tuple(backends.list_of_moto_modules()), tuple(asks.method_names_from_class(TokenResponse))
    remembered.install()
    assert asks.method_names_from_class(TokenResponse) == actions
    assert tuple(backends.list_of_moto_modules()) == services

    def no_look(*_: Any) -> Any:
        raise AssertionError("looked again")

    monkeypatch.setattr(os, "listdir", no_look)
    monkeypatch.setattr("inspect.getmembers", no_look)
    application = DomainDispatcherApplication(create_backend_app)
    assert [application.get_backend_for_host(service) for service in services] == [*services]
    assert asks.method_names_from_class(TokenResponse) == actions
    assert "get_caller_identity" in actions
