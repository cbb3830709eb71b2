"""JSON schemas of every settings file, which editors read by the line `#:schema` at its beginning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from config.environment import Environment
from config.registry import DEPLOYMENTS
from config.stack_settings import settings_model

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = "config/schemas"


def schemas() -> Iterator[tuple[str, str]]:
    """Path below the repository and text of each schema."""
    models: dict[str, type[BaseModel]] = {deployment.name: settings_model(deployment) for deployment in DEPLOYMENTS}
    models["environment"] = Environment
    for name, model in models.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
        yield f"{FOLDER}/{name}.json", f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n"
