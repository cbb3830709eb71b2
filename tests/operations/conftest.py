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
