"""A thousand ways to spoil a settings file, each refused with file, key and value."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.environment import Environment
from config.registry import DEPLOYMENTS
from config.settings import SettingsError
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
