"""Thousands of ways to spoil a settings file, each answered within a moment, most of them refused with file and key."""

from __future__ import annotations

import copy
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import environment, stack_settings
from config.environment import Environment
from config.registry import DEPLOYMENTS
from config.settings import Problem, Settings, SettingsError, load
from config.stack_settings import load_all, settings_model
from tests.settings.conftest import Files, copy_settings

Path_ = tuple[str | int, ...]

FREE_TEXT = {"tags", "parameters"}
"""Mappings whose keys are the operator's own: an unknown key is no mistake there."""


def leaves(document: Any, path: Path_ = ()) -> list[tuple[Path_, Any]]:
    if isinstance(document, dict):
        return [leaf for key, value in document.items() for leaf in leaves(value, (*path, key))]
    if isinstance(document, list):
        return [leaf for index, value in enumerate(document) for leaf in leaves(value, (*path, index))]
    return [(path, document)]


def tables(document: dict[str, Any], path: Path_ = ()) -> list[Path_]:
    below = [
        found for key, value in document.items() if isinstance(value, dict) for found in tables(value, (*path, key))
    ]
    return [path, *below]


def at(document: Any, path: Path_) -> Any:
    for step in path:
        document = document[step]
    return document


def required_keys(path: Path) -> set[str]:
    """The top-level keys that the settings file at `path` may not leave out."""
    models = {deployment.folder: settings_model(deployment) for deployment in DEPLOYMENTS}
    model = models.get(path.parent.parent.name, Environment)
    return {name for name, field in model.model_fields.items() if field.is_required()}


other_types = {
    str: st.one_of(
        st.integers(-(2**31), 2**31),
        st.booleans(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.just([]),
        st.just({}),
    ),
    int: st.one_of(
        st.text(max_size=20), st.booleans(), st.just(1.5), st.just([]), st.just({}), st.integers(max_value=-1)
    ),
    bool: st.one_of(st.text(max_size=20), st.integers(2, 99), st.just([]), st.just({})),
    float: st.one_of(st.text(max_size=20), st.booleans(), st.just([]), st.just({}), st.integers(max_value=-1)),
}
unprintable = st.text(alphabet="\x01\x02 é€😀\n\t'\"", max_size=12)


@st.composite
def spoilt(draw: st.DrawFn, document: dict[str, Any], required: set[str]) -> tuple[dict[str, Any], str]:
    """A copy of `document` with one mistake, and the top-level key that the mistake lies under."""
    wrong = copy.deepcopy(document)
    kind = draw(st.sampled_from(["type", "text", "unknown", "missing section"]))
    if kind == "unknown":
        path = draw(
            st.sampled_from([p for p in tables(document) if not FREE_TEXT & set(map(str, p)) and "reasons" not in p])
        )
        key = draw(st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20)) + "_zz"
        at(wrong, path)[key] = draw(st.one_of(st.integers(0, 9), st.text(max_size=5)))
        return wrong, str((*path, key)[0])
    if kind == "missing section":
        key = draw(st.sampled_from([k for k in document if k in required]))
        del wrong[key]
        return wrong, key
    chosen = (
        leaves(document)
        if kind == "type"
        else [leaf for leaf in leaves(document) if isinstance(leaf[1], str) and "reasons" not in leaf[0]]
    )
    path, value = draw(st.sampled_from(chosen))
    at(wrong, path[:-1])[path[-1]] = draw(other_types[type(value)] if kind == "type" else unprintable)
    return wrong, str(path[0])


@pytest.fixture(scope="module", autouse=True)
def sound_files_read_once() -> Iterator[None]:
    """Examples spoil one file of twelve: what a file that is not refused says is kept for the next of them."""
    known: dict[tuple[Path, bytes, type[Settings]], Settings] = {}

    def load_or_known(path: Path, model: type[Settings]) -> Settings:
        key = path, path.read_bytes(), model
        if key not in known:
            known[key] = load(path, model)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        for module in (environment, stack_settings):
            patch.setattr(module, "load", load_or_known)
        yield


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return copy_settings(tmp_path_factory.mktemp("spoilt") / "settings")


def snapshot(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.slow
@settings(
    max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_spoilt_file_is_refused_with_file_key_and_value(pristine: Files, data: st.DataObject) -> None:
    paths = sorted(pristine.root.rglob("*.toml"))
    path = data.draw(st.sampled_from(paths))
    before = path.read_bytes()
    document, key = data.draw(spoilt(tomllib.loads(before.decode()), required_keys(path)))
    path.write_text(tomli_w.dumps(document), encoding="utf-8")
    try:
        written = snapshot(pristine.root)
        with pytest.raises(SettingsError) as refused:
            load_all(folder=pristine.root, environments=pristine.root / "environments")
        assert snapshot(pristine.root) == written
        problems = [problem for problem in refused.value.problems if problem.file == str(path)]
        assert problems
        assert any(problem.key.split(".")[0].split("[")[0] == key for problem in problems), (key, problems)
        for problem in problems:
            assert problem.message
            assert problem.value or problem.message == "is required and missing", problem
    finally:
        path.write_bytes(before)


PIECES = [
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r",
        b"\n",
        b'"',
        b"'",
        b'"""',
        b"[",
        b"]",
        b"[[",
        b"{",
        b"}",
        b"=",
        b".",
        b"#",
    ),
    *(b"\\u0000", b"\\ud800", "“”".encode(), "٣".encode(), b"${", b"%{", b"${TfToken[TOKEN.1]}", b"aws:", b"__proto__"),
    *(
        b"1e999",
        b"-0",
        b"nan",
        b"inf",
        b"0x" + b"f" * 40,
        b"9" * 400,
        b"9" * 5000,
        b"1979-05-27T07:32:00Z",
        b"07:32:00",
    ),
    *(b"[" * 400, b"a." * 400 + b"a = 1\n", b"{a=" * 150, b"true", b"[[x]]\n" * 60, b'k = "' + b"v" * 9000 + b'"\n'),
    *(
        b"cron(* * * * * *)",
        b"rate(0 days)",
        b"0.0.0.0/0",
        b"10.0.0.0/255.0.0.0",
        b"x" * 300,
        b"eu-central-1",
        b"us-gov-west-1",
    ),
]


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` after one to four cuts, doublings, insertions or replacements."""
    for _ in range(draw(st.integers(1, 4))):
        first, second = sorted((draw(st.integers(0, len(content))), draw(st.integers(0, len(content)))))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)))
        content = draw(
            st.sampled_from(
                [
                    content[:first] + content[second:],
                    content[:second] + content[first:],
                    content[:first] + piece + content[first:],
                    content[:first] + piece + content[min(second, first + 40) :],
                ]
            )
        )
    return content


@pytest.mark.slow
@settings(
    max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_within_two_seconds(pristine: Files, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(pristine.root.rglob("*.toml"))))
    before = path.read_bytes()
    path.write_bytes(data.draw(damaged(before)))
    began = time.process_time()
    problems: tuple[Problem, ...] = ()
    try:
        load_all(folder=pristine.root, environments=pristine.root / "environments")
    except SettingsError as error:
        problems = error.problems
    finally:
        path.write_bytes(before)
    assert time.process_time() - began < 2
    assert len(problems) <= 400
    said = "".join(map(str, problems))
    assert not set(said) & set(map(chr, (*range(32), *range(127, 160)))), repr(said)
