from __future__ import annotations

import threading

import pytest

from operations.terraform.turns import Turns


@pytest.mark.parametrize("at_once", [1, 2])
def test_the_first_ones_wait_for_nobody_and_each_later_one_for_one_before(at_once: int) -> None:
    names = ["one", "two", "three", "four"]
    turns = Turns(names, at_once=at_once)
    come = {name: threading.Event() for name in names}

    def take(name: str) -> None:
        turns.wait(name)
        come[name].set()

    for name in reversed(names):
        threading.Thread(target=take, args=[name], daemon=True).start()
    for over in range(len(names)):
        for name in names[: over + at_once]:
            assert come[name].wait(10)
        assert not any(come[name].wait(0.05) for name in names[over + at_once :])
        turns.end(names[over])


def test_a_turn_that_never_came_holds_nobody_up() -> None:
    turns = Turns(["failed before its turn", "next"])
    turns.end("failed before its turn")
    turns.end("failed before its turn")
    turns.wait("next")
