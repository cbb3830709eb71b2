"""Editors find the JSON schema of every settings file, and it is what the classes say."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from config.settings import ROOT
from operations.docs.schemas import FOLDER, schemas

FILES = sorted([*ROOT.glob("deployments/*/environments/*.toml"), *ROOT.glob("config/environments/*.toml")])


def test_the_committed_schemas_are_those_of_the_classes() -> None:
    committed = {f"{FOLDER}/{path.name}": path.read_text(encoding="utf-8") for path in (ROOT / FOLDER).iterdir()}
    assert committed == dict(schemas()), "write them again: quintet docs write"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_settings_file_names_its_schema_and_keeps_to_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    name = text.splitlines()[0].removeprefix("#:schema ")
    schema = json.loads((file.parent / name).read_text(encoding="utf-8"))
    jsonschema.validate(tomllib.loads(text), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**tomllib.loads(text), "reggion": "x"}, schema)
