"""Faults of states: `python -m bench.state [--contention N] [--kills N] [--seed N]`; Terraform on the emulator.

Contention: in each round eight clones apply one stack at once. One must get the lock and hold it until the seven
others were refused, naming it; then it must finish, and the state must be what it wrote.

Kills: in each round an apply is ended with SIGKILL at a random moment. The state must parse, know all that it knew
before, and the lock, where one is left, must be shown and be broken by `quintet state unlock`; a digest that does not
fit is mended by `quintet state restore`. The next apply must converge.

The stacks are of `terraform_data` and need no provider, so a round takes seconds. Exits 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.limits import FACTS
from emulator.server import Emulator
from operations.aws import Aws
from operations.stacks import Stack
from operations.state.bootstrap import bootstrap
from operations.state.difference import resources_of
from operations.state.locks import Lock
from operations.state.status import locks_of, unlock
from operations.state.versions import plan_restoration, restore, state_versions
from tests.operations.plain_terraform import Clone
from tests.operations.terraform_support import ACCOUNT, ENVIRONMENT, REGION, write_stack

WRITERS = 8
RESOURCES = 12
_PATIENCE_SECONDS = 120


class Broken(AssertionError):
    """A promise was broken; says which, in which round."""


@dataclass
class Place:
    """An emulator with a state bucket and a lock table, and a folder to work in."""

    folder: Path
    emulator: Emulator
    aws: Aws = field(init=False)

    def __post_init__(self) -> None:
        self.aws = Aws(self.emulator.environment(account_id=ACCOUNT, region=REGION))
        bootstrap(self.aws, ENVIRONMENT)

    def stack(self, name: str) -> Stack:
        """A stack whose state is in the bucket."""
        return write_stack(self.folder, {"terraform_data": {"a": {}}}, deployment=name)


def contend(place: Place, rounds: int) -> None:
    """Eight writers at once, `rounds` times. Raises Broken."""
    stack = place.stack("contended")
    clones = [Clone(stack, place.folder / f"writer-{number}", place.emulator) for number in range(WRITERS)]
    for clone in clones:
        clone.terraform("init")
    for turn in range(rounds):
        release, held = place.folder / f"release-{turn}", place.folder / f"held-{turn}"
        held.mkdir()
        for number, clone in enumerate(clones):
            wait = f"touch {held}/{number}; while [ ! -e {release} ]; do sleep 0.02; done"
            provisioner = [{"local-exec": {"command": wait}}]
            clone.change({"a": {"triggers_replace": f"{turn}-{number}", "provisioner": provisioner}})
        writers = [clone.start("apply", "-auto-approve", "-lock-timeout=0s") for clone in clones]
        try:
            _all_but_one_end(writers, held, turn)
            (holder,) = locks_of(place.aws, stack)
            release.touch()
            said = [writer.communicate(timeout=_PATIENCE_SECONDS)[0] for writer in writers]
        finally:
            release.touch()
            for writer in writers:
                _kill(writer)
        winners = [number for number, writer in enumerate(writers) if writer.returncode == 0]
        if len(winners) != 1 or [path.name for path in held.iterdir()] != [str(winners[0])]:
            raise Broken(f"round {turn}: {len(winners)} writers proceeded")
        for number, text in enumerate(said):
            refusal = Lock.from_message(text)
            if number not in winners and (refusal is None or refusal.id != holder.id):
                raise Broken(f"round {turn}: writer {number} was not refused by the holder's lock:\n{text}")
        written = clones[0].state()["resources"][0]["instances"][0]["attributes"]["triggers_replace"]
        if written["value"] != f"{turn}-{winners[0]}" or locks_of(place.aws, stack):
            raise Broken(f"round {turn}: the state is not the winner's, or is still locked: {written}")


def _all_but_one_end(writers: list[subprocess.Popen[str]], held: Path, turn: int) -> None:
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while sum(writer.poll() is not None for writer in writers) < WRITERS - 1 or not any(held.iterdir()):
        if time.monotonic() > give_up:
            raise Broken(f"round {turn}: {len(list(held.iterdir()))} writers held the lock at once, or none came")
        time.sleep(0.02)


@dataclass
class Kills:
    """Observations: rounds by what the kill left behind."""

    left: Counter[str] = field(default_factory=Counter)


def kill(place: Place, rounds: int, *, seed: int) -> Kills:
    """Applies ended at random moments, `rounds` times. Raises Broken."""
    chance = random.Random(seed)
    stack = place.stack("killed")
    clone = Clone(stack, place.folder / "killed", place.emulator)
    clone.terraform("init")
    clone.change(_chain("start"))
    began = time.monotonic()
    clone.terraform("apply", "-auto-approve")
    usual_seconds = time.monotonic() - began
    seen = Kills()
    while seen.left.total() < rounds:
        turn = seen.left.total()
        before = clone.state()
        clone.change(_chain(str(turn)))
        apply = clone.start("apply", "-auto-approve")
        time.sleep(chance.uniform(0, usual_seconds))
        if apply.poll() is not None:
            continue  # it was faster: no kill, no round
        _kill(apply)
        _wait_until_read(place.emulator)
        seen.left[_recover(place, stack, clone, before, turn)] += 1
        clone.terraform("apply", "-auto-approve")
        clone.plans_no_changes()
        inputs = [resource["instances"][0]["attributes"]["input"]["value"] for resource in clone.state()["resources"]]
        if inputs != [str(turn)] * RESOURCES:
            raise Broken(f"round {turn}: the next apply did not converge: {inputs}")
    return seen


def _chain(content: str) -> dict[str, dict[str, object]]:
    """Resources that are changed a few at a time, so that there are many moments in between."""
    command = {"local-exec": {"command": "sleep 0.05"}}
    chain: dict[str, dict[str, object]] = {}
    for number in range(RESOURCES):
        after = [f"terraform_data.r{number - 3}"] if number >= 3 else []
        # made anew by every second round, changed in place by the others
        chain[f"r{number}"] = {
            "input": content,
            "triggers_replace": str(int(content) // 2) if content.isdigit() else content,
            "depends_on": after,
            "provisioner": [command],
            # so that there is no moment in which one rightly is not in the state
            "lifecycle": {"create_before_destroy": True},
        }
    return chain


def _recover(place: Place, stack: Stack, clone: Clone, before: dict[str, Any], turn: int) -> str:
    """Brings the stack to where it can be applied again, as an operator would; says what was left behind."""
    locks = locks_of(place.aws, stack)
    for lock in locks:
        if "@" not in lock.who or lock.created is None:
            raise Broken(f"round {turn}: the lock does not say who holds it: {lock}")
    if locks:
        unlock(place.aws, stack, locks)
    if locks_of(place.aws, stack):
        raise Broken(f"round {turn}: the lock could not be broken")
    (latest, *_) = versions = state_versions(place.aws, stack, limit=3)
    if latest.serial is None:
        raise Broken(f"round {turn}: the state does not parse")
    if latest.content["lineage"] != before["lineage"] or latest.serial < before["serial"]:
        raise Broken(f"round {turn}: the state lost its history")
    lost = resources_of(before).keys() - resources_of(latest.content).keys()
    if lost:
        raise Broken(f"round {turn}: the state no longer knows {', '.join(sorted(lost))}")
    left = "a lock" if locks else "nothing"
    code = subprocess.run(
        ["terraform", "state", "pull"], cwd=clone.folder, env=clone.environment, capture_output=True, check=False
    ).returncode
    if code:
        left = f"{left} and a digest that does not fit"
        restore(place.aws, plan_restoration(stack, versions, latest.id))
    return left


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _wait_until_read(emulator: Emulator) -> None:
    """The emulator has done what killed clients had sent: their requests arrive after their end, as AWS's do too.

    The kernel closes the connections of a process as it ends; the emulator closes its side (the state is CLOSE_WAIT
    until then) when it has answered what came before. Known on Linux only; elsewhere this waits a second.
    """
    connections = Path("/proc/net/tcp")
    if not connections.exists():
        time.sleep(1)
        return
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while any(_is_unread(line.split(), emulator.port) for line in connections.read_text().splitlines()[1:]):
        if time.monotonic() > give_up:
            raise Broken("the emulator does not answer what killed clients had sent")
        time.sleep(0.01)


def _is_unread(connection: list[str], port: int) -> bool:
    """True for an end on `port` of a connection whose other end is closed; `connection` is a row of /proc/net/tcp."""
    close_wait = "08"
    return connection[1].endswith(f":{port:04X}") and connection[3] == close_wait


def main() -> int:
    """Runs both and prints what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contention", type=int, default=50)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="quintet-state-") as folder,
        Emulator.start(log=Path(folder, "emulator.log"), facts=FACTS) as emulator,
    ):
        place = Place(Path(folder), emulator)
        try:
            began = time.monotonic()
            contend(place, asked.contention)
            seconds = time.monotonic() - began
            print(f"{asked.contention} rounds of {WRITERS} writers: one proceeded in each, {seconds:.0f} s", flush=True)
            began = time.monotonic()
            seen = kill(place, asked.kills, seed=asked.seed)
        except Broken as broken:
            print(f"Broken: {broken}")
            return 1
        left = ", ".join(f"{count} left {what}" for what, count in sorted(seen.left.items()))
        print(f"{asked.kills} kills: all recovered ({left}), {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
