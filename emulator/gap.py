"""How a gap of moto is filled: an action it lacks is added, or a method that answers otherwise than AWS is wrapped."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from moto.core.exceptions import ServiceException

Function = TypeVar("Function", bound=Callable[..., Any])


class GapError(Exception):
    """A gap no longer fits the moto that is installed: moto fills it now, or what it wrapped is gone."""


class Gap:
    """Additions of one module to moto, collected by decorators and installed by `apply` (once per process)."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._installations: list[Callable[[], None]] = []
        # moto finds the service an error belongs to by the module its class says it is from
        self._error = type("GapServiceError", (ServiceException,), {"__module__": f"moto.{service}.exceptions"})

    def action(self, owner: type, *, name: str | None = None, replaces: bool = False) -> Callable[[Function], Function]:
        """Add the function to moto's class as the action of its own or the given name.

        An action moto has already is refused unless `replaces`: a gap that moto has filled is to be dropped.
        """

        def register(function: Function) -> Function:
            action = name or function.__name__

            def install() -> None:
                if hasattr(owner, action) and not replaces:
                    raise GapError(f"{owner.__name__}.{action} exists in moto now: drop this gap")
                setattr(owner, action, function)

            self._installations.append(install)
            return function

        return register

    def around(self, owner: Any, name: str) -> Callable[[Function], Function]:
        """Call the function in place of `owner.name`, with the original as its first argument.

        Works for functions, methods and the reading side of properties.
        """

        def register(wrapper: Function) -> Function:
            def install() -> None:
                if not hasattr(owner, name):
                    raise GapError(f"{owner.__name__}.{name} is gone from moto: look at this gap again")
                original = getattr(owner, name)
                if isinstance(original, property):
                    read = original.fget
                    setattr(owner, name, property(lambda self: wrapper(read, self), original.fset))
                    return

                @functools.wraps(original)
                def wrapped(*args: Any, **kwargs: Any) -> Any:
                    return wrapper(original, *args, **kwargs)

                bound_to_no_instance = isinstance(inspect.getattr_static(owner, name), staticmethod | classmethod)
                setattr(owner, name, staticmethod(wrapped) if bound_to_no_instance else wrapped)

            self._installations.append(install)
            return wrapper

        return register

    def also(self, function: Callable[[], None]) -> Callable[[], None]:
        """Run the function when the gap is applied: for routes and tables that are neither action nor method."""
        self._installations.append(function)
        return function

    def error(self, code: str, message: str) -> ServiceException:
        """An error of this service with AWS's code, to be raised by an action; the service's model names the status."""
        made: ServiceException = self._error(code, message)
        return made

    def apply(self) -> None:
        """Install everything that was registered."""
        for install in self._installations:
            install()
