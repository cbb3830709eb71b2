"""A gap notices when moto has changed below it."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.gap import Gap, GapError


class Response:
    """Stands for a response class of moto's."""

    def existing(self) -> str:
        return "moto's"

    @property
    def state(self) -> str:
        return "moto's"

    @staticmethod
    def known(name: str) -> str:
        return name


def _subclass() -> Any:
    return type("Fresh", (Response,), dict(vars(Response)))


def test_an_action_moto_has_by_now_is_refused() -> None:
    gap = Gap("sns")

    @gap.action(_subclass())
    def existing(self: Any) -> str:
        return "the gap's"

    with pytest.raises(GapError, match="drop this gap"):
        gap.apply()


def test_an_action_may_replace_motos_on_purpose() -> None:
    gap, owner = Gap("sns"), _subclass()

    @gap.action(owner, replaces=True)
    def existing(self: Any) -> str:
        return "the gap's"

    gap.apply()
    assert owner().existing() == "the gap's"


def test_what_is_wrapped_must_still_be_there() -> None:
    gap = Gap("sns")

    @gap.around(_subclass(), "renamed")
    def wrapper(original: Any, self: Any) -> Any:
        return original(self)

    with pytest.raises(GapError, match="look at this gap again"):
        gap.apply()


def test_methods_properties_and_static_methods_can_be_wrapped() -> None:
    gap, owner = Gap("sns"), _subclass()

    @gap.around(owner, "existing")
    def method(original: Any, self: Any) -> str:
        return f"not only {original(self)}"

    @gap.around(owner, "state")
    def reading(original: Any, self: Any) -> str:
        return f"not only {original(self)}"

    @gap.around(owner, "known")
    def static(original: Any, name: str) -> str:
        return f"not only {original(name)}"

    gap.apply()
    assert (owner().existing(), owner().state, owner().known("x")) == (
        "not only moto's",
        "not only moto's",
        "not only x",
    )


def test_an_error_carries_awss_code_and_service() -> None:
    error = Gap("elasticache").error("CacheClusterNotFound", "c not found")
    assert (error.code, error.message, type(error).__module__) == (
        "CacheClusterNotFound",
        "c not found",
        "moto.elasticache.exceptions",
    )
