"""How many seeded mistakes the mirrored tests notice: `make mutants`  [MUTANTS=100 SEED=1 AGAIN=1]

Cosmic Ray makes the mutants, as many of each room, and runs the room's tests against one at a time, in clones of the
last commit. Mutants that differ in annotations alone are left out: nothing evaluates those. The score and the
survivors go to docs/mutants.md; the reason for a survivor, written there by hand, is kept for as long as it survives.
With AGAIN=1 the survivors of that page alone are tried once more, and the page's numbers follow.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import MutationVisitor, mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.testing import run_tests
from cosmic_ray.work_item import TestOutcome

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "docs" / "mutants.md"
ROOMS = {
    "config": ("tests/settings", "tests/operations/docs/test_schemas.py"),
    "modules": ("tests/modules",),
    "operations/plans": ("tests/operations/plans",),
    "operations/state": ("tests/operations/state",),
}
"""Each room and its mirrored tests; the schemas in git record what the settings allow."""
UNEXPLAINED = "not explained yet"
_WORKERS = 2


@dataclass(frozen=True)
class Mutant:
    """One mistake: the file it is in, the line, and that line before and after."""

    room: str
    file: str
    operator: str
    occurrence: int
    line: int
    before: str
    after: str

    @property
    def title(self) -> str:
        """The mutant as docs/mutants.md names it; line numbers would change with every commit."""
        return f"`{self.file}`: `{self.before or '(nothing)'}` → `{self.after or '(nothing)'}`"

    def of(self, code: str) -> str:
        """The mutated file."""
        return str(mutate_code(code, get_operator(self.operator)(), self.occurrence))


class _Counter(MutationVisitor):
    """Counts the positions that an operator finds, and mutates none."""

    def __init__(self, operator: object) -> None:
        super().__init__(-1, operator)

    @property
    def found(self) -> int:
        """The number of positions."""
        return int(self._count)


@cache
def candidates(room: str) -> list[tuple[str, str, int]]:
    """File, operator and occurrence of every mutant of a room, in a fixed order."""
    found = []
    for file in sorted((ROOT / room).rglob("*.py")):
        tree = get_ast(file.read_text(encoding="utf-8"))
        for name in sorted(operator_names()):
            operator = get_operator(name)
            if operator.arguments():
                continue  # replaces variables that must be named
            counter = _Counter(operator())
            counter.walk(tree)
            found += [(str(file.relative_to(ROOT)), name, number) for number in range(counter.found)]
    return found


def drawn(room: str, number: int, seed: int) -> list[Mutant]:
    """As many mutants of the room, the same for the same seed and commit."""
    wanted: list[Mutant] = []
    pool = candidates(room)
    random.Random(f"{seed}/{room}").shuffle(pool)  # noqa: S311  # a sample, not a secret
    for file, operator, occurrence in pool:
        if len(wanted) == number:
            break
        original = (ROOT / file).read_text(encoding="utf-8")
        mutated = mutation(original, operator, occurrence)
        if mutated is None or not parses(mutated) or program(mutated) == program(original):
            continue
        line, before, after = difference(original, mutated)
        wanted.append(Mutant(room, file, operator, occurrence, line, before, after))
    return wanted


def mutation(code: str, operator: str, occurrence: int) -> str | None:
    """The mutated code; None for a mutant that Cosmic Ray 8 cannot make: it fails on an exception's dotted name."""
    try:
        mutated = mutate_code(code, get_operator(operator)(), occurrence)
    except AttributeError:
        return None
    return None if mutated is None else str(mutated)


def survivors() -> list[Mutant]:
    """The survivors of docs/mutants.md whose lines still stand in the code."""
    found = []
    for title in re.findall(r"^- (`.+`)$", REPORT.read_text(encoding="utf-8"), re.M):
        file = title.split("`")[1]
        room = next(room for room in ROOMS if file.startswith(f"{room}/"))
        original = (ROOT / file).read_text(encoding="utf-8")
        for _, operator, occurrence in (each for each in candidates(room) if each[0] == file):
            mutated = mutation(original, operator, occurrence)
            if (
                mutated
                and (mutant := Mutant(room, file, operator, occurrence, *difference(original, mutated))).title == title
            ):
                found.append(mutant)
                break
    return found


def parses(code: str) -> bool:
    """False for a mutant that is no Python: no test would be needed to notice it."""
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def program(code: str) -> str:
    """The code without its annotations."""

    class Bare(ast.NodeTransformer):
        def visit_arg(self, node: ast.arg) -> ast.arg:
            node.annotation = None
            return node

        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # as ast calls it
            node.returns = None
            return self.generic_visit(node)

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
            # pydantic evaluates those of its classes' fields
            if not isinstance(node.annotation, ast.BinOp) or "None" not in ast.unparse(node.annotation):
                return self.generic_visit(node)
            node.annotation = ast.Constant("an optional value")
            return self.generic_visit(node)

    return ast.dump(Bare().visit(ast.parse(code)))


def difference(before: str, after: str) -> tuple[int, str, str]:
    """The first line that differs: its number, and its text before and after."""
    old, new = before.splitlines(), after.splitlines()
    number = next(index for index, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1])
    same_count = len(old) == len(new)
    return number + 1, old[number].strip(), new[number].strip() if same_count else ""


def enter_clone(folder: str) -> None:
    """Give a worker a clone of its own to break."""
    clone = Path(folder) / str(os.getpid())
    subprocess.run(["git", "clone", "--quiet", "--local", ROOT, clone], check=True)
    for name in (".venv", ".tools", ".cache"):
        if (ROOT / name).exists():
            (clone / name).symlink_to(ROOT / name)
    os.chdir(clone)
    os.nice(10)
    for room in ROOMS:
        # written here, so that each mutant is compiled alone
        subprocess.run([".venv/bin/python", "-m", "compileall", "-q", room, "tests"], check=False)


def command(room: str, file: str = "") -> str:
    """The room's tests without Terraform and engines, those that import `file` first; they end at the first failure."""
    module = file.removesuffix(".py").replace("/", ".")
    tests = [
        file
        for place in ROOMS[room]
        for file in ([Path(place)] if place.endswith(".py") else Path(place).rglob("test_*.py"))
    ]
    files = sorted(tests, key=lambda test: (module not in test.read_text(encoding="utf-8"), test))
    marks = "not terraform and not engines and not slow"
    return f'.venv/bin/python -m pytest -x -q -p no:cacheprovider -m "{marks}" {room} {" ".join(map(str, files))}'


def baseline(room: str) -> tuple[str, float, str]:
    """The room, the seconds its tests take without a mutant, and what they say when they fail."""
    started = time.monotonic()
    outcome, output = run_tests(command(room), 1800)
    return room, time.monotonic() - started, "" if outcome == TestOutcome.SURVIVED else output[-2000:]


def survives(mutant: Mutant, timeout: float) -> bool:
    """True when the room's tests pass with the mutant; a test that no longer ends counts as a failure."""
    file = Path(mutant.file)
    original = file.read_text(encoding="utf-8")
    file.write_text(mutant.of(original), encoding="utf-8")
    try:
        return bool(run_tests(command(mutant.room, mutant.file), timeout)[0] == TestOutcome.SURVIVED)
    finally:
        file.write_text(original, encoding="utf-8")


def noticed_before() -> dict[str, int]:
    """The mutants of each room that docs/mutants.md says were noticed."""
    rows = re.findall(r"^\| `(.+)` \| \d+ \| (\d+) \|$", REPORT.read_text(encoding="utf-8"), re.M)
    return {room: int(number) for room, number in rows}


def report(results: list[tuple[Mutant, bool]], seed: str, before: Mapping[str, int]) -> str:
    """docs/mutants.md, with the reasons that stand there for survivors, and as many noticed `before` in each room."""
    known = dict(re.findall(r"^- (.+?)\n  (.+)$", REPORT.read_text(encoding="utf-8"), re.M)) if REPORT.exists() else {}
    about = " ".join((__doc__ or "").split("\n\n")[1].split())
    lines = ["# Mutants", "", *re.split(r"(?<=\.) (?=[A-Z])", about), ""]
    lines += [f"Seed {seed}.", "", "| Room | Mutants | Noticed |", "|---|---:|---:|"]
    for room in ROOMS:
        of_room = [lives for mutant, lives in results if mutant.room == room]
        noticed = before.get(room, 0)
        lines.append(f"| `{room}` | {noticed + len(of_room)} | {noticed + of_room.count(False)} |")
    everywhere = sum(before.values())
    noticed = everywhere + sum(not lives for _, lives in results)
    lines += [f"| all | {everywhere + len(results)} | {noticed} |", "", "## Survivors", ""]
    for mutant, lives in sorted(results, key=lambda each: (each[0].file, each[0].line)):
        if lives:
            lines += [f"- {mutant.title}", f"  {known.get(mutant.title, UNEXPLAINED)}"]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Exit code 1 when the tests fail without any mutant: nothing would be measured then."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="try the survivors of docs/mutants.md alone")
    chosen = parser.parse_args()
    if chosen.again:
        mutants, before = survivors(), noticed_before()
        seed = re.findall(r"^Seed (\d+)", REPORT.read_text(encoding="utf-8"), re.M)[0]
    else:
        mutants = [each for room in ROOMS for each in drawn(room, chosen.mutants // len(ROOMS), chosen.seed)]
        before, seed = {}, str(chosen.seed)
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as folder,
        ProcessPoolExecutor(_WORKERS, initializer=enter_clone, initargs=(folder,)) as pool,
    ):
        seconds = {}
        for room, took, problem in pool.map(baseline, sorted({each.room for each in mutants})):
            if problem:
                sys.stderr.write(f"The tests of {room} fail without any mutant:\n{problem}\n")
                return 1
            sys.stdout.write(f"{room}: {took:.0f} s\n")
            sys.stdout.flush()
            seconds[room] = took
        limits = [10 * seconds[each.room] + 30 for each in mutants]
        results = []
        for mutant, lives in zip(mutants, pool.map(survives, mutants, limits), strict=True):
            results.append((mutant, lives))
            sys.stdout.write(f"{'SURVIVES' if lives else 'noticed '}  {mutant.file}:{mutant.line}  {mutant.after}\n")
            sys.stdout.flush()
    REPORT.write_text(report(results, seed, before), encoding="utf-8")
    noticed = sum(not lives for _, lives in results)
    sys.stdout.write(f"{noticed} of {len(results)} mutants noticed; see docs/mutants.md\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
