"""The user data of a committed launch template, as an instance gets it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_TEMPLATE = re.compile(r'\$\{(?P<coded>base64gzip|base64encode)\(templatefile\("(?P<file>[^"]+)", \{(?P<values>.*)\}\)\)\}')
_VALUE = re.compile(r'"(?P<name>\w+)" = (?:"(?P<text>[^"]*)"|(?P<expression>[^,]+))(?:, |$)')


def user_data(folder: Path, template: Mapping[str, Any], resolve: Callable[[str], str]) -> str:
    """The script, with what `resolve` gives for each expression that Terraform knows when it applies."""
    found = _TEMPLATE.fullmatch(template["user_data"])
    assert found, template["user_data"]
    text = (folder / found["file"]).read_text()
    for value in _VALUE.finditer(found["values"]):
        known = value["text"] if value["expression"] is None else resolve(value["expression"])
        text = text.replace(f"${{{value['name']}}}", known)
    assert "${" not in text
    return text


def size(template: Mapping[str, Any], script: str) -> int:
    """How many bytes EC2 is given, before they are coded in base64."""
    data = script.encode()
    return len(gzip.compress(data, mtime=0) if "base64gzip" in template["user_data"] else data)
