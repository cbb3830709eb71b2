"""Facts that moto finds out about itself for each request, and the emulator once."""

from __future__ import annotations

import inspect
import os
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from botocore.session import Session
from moto import backends
from moto.core import responses, utils
from moto.core.errors import ErrorLookupFactory
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.responses import TokenResponse

from emulator import remembered


@pytest.fixture(autouse=True)
def installed_here_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change back whatever `install` changes."""
    changed: tuple[tuple[Any, str], ...] = (
        (backends, "list_of_moto_modules"),
        (responses, "method_names_from_class"),
        (utils, "create_loader"),
        (DomainDispatcherApplication, "get_backend_for_host"),
        (ErrorLookupFactory, "_create_error_lut"),
        (Session, "get_available_regions"),
    )
    for owner, name in changed:
        monkeypatch.setattr(owner, name, inspect.getattr_static(owner, name))


def test_a_request_looks_at_no_folder_of_moto_and_at_no_member_of_a_class_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asks: Any = responses
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


def test_regions_of_a_service_are_found_out_once_for_all_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    regions = Session().get_available_regions("ec2", partition_name="aws-cn")
    remembered.install()
    assert Session().get_available_regions("ec2", partition_name="aws-cn") == regions
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda *_: pytest.fail("read again"))
    Session().get_available_regions("ec2", partition_name="aws-cn").clear()
    assert Session().get_available_regions("ec2", partition_name="aws-cn") == regions


def test_errors_of_a_service_are_found_out_once() -> None:
    remembered.install()
    model = utils.get_service_model("sts")
    tables = {id(ErrorLookupFactory().for_service(model)) for _ in range(2)}
    assert len(tables) == 1
    assert ErrorLookupFactory().for_service(model).from_code("ExpiredTokenException") is not None
