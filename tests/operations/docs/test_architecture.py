"""The picture of the layers and the module reference say what contracts and sources say."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

from config.settings import ROOT
from operations.docs.layers import picture, rules
from operations.docs.module_reference import reference


def test_the_picture_has_an_arrow_for_each_layer_and_none_the_other_way() -> None:
    drawn = picture(ROOT)
    assert "  deployments --> modules" in drawn
    assert "  operations --> config" in drawn
    assert "--> deployments" not in drawn


def test_another_contract_is_another_picture_and_another_rule(tmp_path: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text.replace('["operations", "config"]', '["operations", "iam"]'))
    assert "  operations --> iam" in picture(tmp_path)
    assert set(rules(tmp_path)) ^ set(rules(ROOT)) == {
        ("operations stand on config", "`operations` → `iam`, never the other way"),
        ("operations stand on config", "`operations` → `config`, never the other way"),
    }


def test_every_room_of_the_contracts_has_a_section() -> None:
    page = (ROOT / "docs/architecture.md").read_text().split("\n## The rooms\n")[1]
    for folder in ("config", "modules", "synth", "deployments", "operations", "emulator", "iam", "generated", "tests"):
        assert f"`{folder}/`" in page, folder


def test_the_reference_has_every_construct_with_its_arguments_and_what_it_offers() -> None:
    text = (ROOT / "docs/modules.md").read_text()
    for path in (ROOT / "modules").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert f"\n### {node.name}\n" in text, node.name
    assert "`Fleet(scope, id_, *, name, network, settings, user_data, subnets='private', " in text
    assert "- `secret_arn`: The secret RDS keeps for the master user" in text
    assert "| `min_size` | 0 to 500 | required | Fewest instances. |" in text


def test_a_changed_docstring_changes_the_reference(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "modules", tmp_path / "modules")
    topic = tmp_path / "modules" / "topic.py"
    topic.write_text(
        '"""Pigeons."""\n\nclass Loft:\n    """A loft.\n\n    >>> 1\n    1\n    """\n\n    size: int = 1\n'
    )
    text = reference(tmp_path, lambda header, lines: "")
    assert "Pigeons.\n\n### Loft\n\nA loft.\n\n- `size`\n" in text
