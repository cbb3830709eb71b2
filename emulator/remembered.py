"""Answers of moto about itself that never change while it serves, found out once and not for every request.

For each request moto looks at every folder of its package, to see whether the host is called like one of its services,
and at every member of the service's class, to see whether it has the action. Together that was a third of a request.
For each error it goes through all errors of the service's model, for each service it looks for the folders of all
models, and for each service of each account it has a new reading of that model, for the regions the service is in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any


def install() -> None:
    """Remember them from now on. AttributeError: moto does not ask this any more, so this is to be dropped.

    Has to come before moto's EC2 is imported, which asks three times for its regions.
    """
    from moto import backends
    from moto.core import responses, utils
    from moto.core.errors import ErrorLookupFactory
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication

    for module, name in ((backends, "list_of_moto_modules"), (responses, "method_names_from_class")):
        asked: Callable[..., Iterable[str]] = getattr(module, name)
        setattr(module, name, functools.cache(_whole(asked)))
    for owner, name in ((utils, "create_loader"), (DomainDispatcherApplication, "get_backend_for_host")):
        setattr(owner, name, functools.cache(getattr(owner, name)))
    errors: Any = ErrorLookupFactory
    errors._create_error_lut = staticmethod(functools.cache(errors._create_error_lut))
    _remember_regions(utils)


def _whole(asked: Callable[..., Iterable[str]]) -> Callable[..., tuple[str, ...]]:
    """The function, with an answer that can be read again."""
    return lambda *about: tuple(asked(*about))


def _remember_regions(utils: Any) -> None:
    """Have every session of boto3 answer in which regions a service is, from the models that moto reads anyway."""
    from botocore.session import Session

    session: Any = Session()
    session.get_service_data = lambda service: utils._load_service_model(service, "service-2")
    regions = functools.cache(session.get_available_regions)
    asking: Any = Session
    asking.get_available_regions = lambda _session, *about, **named: list(regions(*about, **named))
