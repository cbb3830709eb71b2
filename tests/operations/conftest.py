from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.server import Emulator


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    from emulator.server import Emulator

    with Emulator.start(log=tmp_path_factory.mktemp("emulator") / "emulator.log") as started:
        yield started


@pytest.fixture
def without_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs load no provider: for tests of locks, states and order, with stacks of `terraform_data`."""
    from tests.operations.plain_terraform import run_without_provider

    run_without_provider(monkeypatch)
