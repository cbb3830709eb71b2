"""The generated parts of the documentation: current, complete, and the same whenever they are made."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from config import types
from config.environment import Environment
from config.registry import DEPLOYMENTS
from config.settings import ROOT, Settings
from config.stack_settings import load_all, settings_model
from operations.docs.data_protection import protections
from operations.docs.diagram import mermaid
from operations.docs.pages import DEPLOYMENT_PARTS, Page, pages
from operations.docs.settings_table import rows
from operations.errors import OperatorError
from operations.review.addresses import read_document
from operations.stacks import find_stacks

SUAI = Path("deployments/suai_cloud_app/README.md")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with the committed stacks and nothing else."""
    shutil.copytree(ROOT / "generated", tmp_path / "generated", ignore=shutil.ignore_patterns(".terraform"))
    (tmp_path / SUAI).parent.mkdir(parents=True)
    return tmp_path


def page_of(root: Path) -> Page:
    """The page of the deployment; schemas of settings, which follow from the code alone, are left out."""
    (page,) = (page for page in pages(root) if page.path == root / SUAI)
    return page


def part(name: str, text: str = "old") -> str:
    return f"# Page\n\n<!-- generated: {name} -->\n{text}\n<!-- end -->\n\nBy hand.\n"


def test_every_generated_part_is_up_to_date() -> None:
    assert [str(page.path.relative_to(ROOT)) for page in pages(ROOT) if page.stale] == [], "run: quintet docs write"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment.name)
def test_every_deployments_readme_shows_its_diagram_its_data_and_its_settings(deployment: Any) -> None:
    text = (ROOT / "deployments" / deployment.folder / "README.md").read_text()
    assert [name for name in DEPLOYMENT_PARTS if f"<!-- generated: {name} -->" not in text] == []


def test_what_is_written_is_current_and_the_rest_of_the_page_stays(root: Path) -> None:
    (root / SUAI).write_text(part("diagram"))
    page = page_of(root)
    assert page.stale
    page.path.write_text(page.wanted)
    again = page_of(root)
    assert not again.stale
    assert again.text.startswith("# Page\n")
    assert again.text.endswith("\n\nBy hand.\n")
    assert "```mermaid\nflowchart" in again.text


def test_a_changed_stack_makes_its_pages_stale(root: Path) -> None:
    (root / SUAI).write_text(part("data") + part("diagram"))
    page = page_of(root)
    page.path.write_text(page.wanted)
    file = root / "generated/stacks/suai-cloud-app-prod/cdk.tf.json"
    document = json.loads(file.read_text())
    document["resource"]["aws_db_instance"]["database"]["deletion_protection"] = False
    file.write_text(json.dumps(document))
    page = page_of(root)
    assert page.stale


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "README.md",
            part("diagramm"),
            "There are: decisions, environment settings, exemptions, layers, module reference.",
        ),
        (str(SUAI), part("exemptions"), "There are: data, diagram, reach, settings."),
        ("README.md", "<!-- generated: exemptions -->\nold\n", "has no end"),
    ],
)
def test_a_part_that_cannot_be_made_is_refused(root: Path, file: str, text: str, said: str) -> None:
    (root / file).write_text(text)
    with pytest.raises(OperatorError, match=said) as refused:
        pages(root)
    assert file in str(refused.value)


def reversed_everywhere(value: Any) -> Any:
    """The same JSON with its keys in another order."""
    if isinstance(value, Mapping):
        return {key: reversed_everywhere(value[key]) for key in reversed(value)}
    return [reversed_everywhere(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("stack", find_stacks(ROOT), ids=lambda stack: stack.name)
def test_a_diagram_does_not_depend_on_the_order_of_the_json(stack: Any) -> None:
    document = read_document(stack.folder)
    assert mermaid(reversed_everywhere(document)) == mermaid(document)


def edges(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if "-->" in line or ".->" in line)


def test_arrows_are_what_security_groups_and_policies_allow() -> None:
    document = read_document(ROOT / "generated/stacks/suai-cloud-app-dev")
    assert set(edges(mermaid(document))) == {
        'world -- "HTTP 8080" --> load_balancer',
        'load_balancer -- "HTTP 8080 healthy by /health" --> web',
        'web -- "TCP 3306" --> database',
        'web -- "TCP 6379" --> redis',
        'web -- "TCP 443" --> internet',
        'database_user_databases_function -- "TCP 3306" --> database',
        'database_user_databases_function -- "TCP 443" --> internet',
        'web -. "read" .-> database_user_secret',
        'web -. "read" .-> bucket',
        'web -. "read write" .-> table',
    }
    del document["resource"]["aws_vpc_security_group_ingress_rule"]["redis_from_web"]
    assert 'web -- "TCP 6379" --> redis' not in mermaid(document)
    assert "redis" not in mermaid(document), "what no arrow reaches is left out"


def test_an_opening_to_some_addresses_is_drawn_from_them() -> None:
    document = read_document(ROOT / "generated/stacks/suai-cloud-app-dev")
    rules = document["resource"]["aws_vpc_security_group_ingress_rule"]
    rules["load_balancer_from_anywhere_8080"]["cidr_ipv4"] = "192.0.2.0/24"
    assert 'from_192_0_2_0_24(["192.0.2.0/24"])' in mermaid(document)
    assert 'from_192_0_2_0_24 -- "HTTP 8080" --> load_balancer' in mermaid(document)
    assert "world" not in mermaid(document)


def test_boxes_stand_in_their_subnets() -> None:
    text = mermaid(read_document(ROOT / "generated/stacks/suai-cloud-app-prod"))
    public, private = (text.split(f'["{kind} subnets in ')[1].split("    end")[0] for kind in ("public", "private"))
    assert public.startswith("eu-central-1a, b, c")
    assert "load_balancer(" in public
    assert all(f"{name}[" in private for name in ("web", "database", "redis"))
    outside = text.split("  end\n")[-1]
    assert "table[(" in outside
    assert "bucket[(" in outside


def test_the_table_of_data_says_what_protects_it() -> None:
    dev, prod = (
        protections(read_document(ROOT / f"generated/stacks/suai-cloud-app-{name}")) for name in ("dev", "prod")
    )
    assert dev["aws_db_instance.database"] == "goes with the stack"
    assert prod["aws_db_instance.database"] == (
        "Terraform refuses to destroy it, AWS refuses to delete it, a last snapshot is taken, backups of 14 days"
    )
    assert "objects and all" in dev["aws_s3_bucket.bucket"]
    assert "objects and all" not in prod["aws_s3_bucket.bucket"]


def keys(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_the_table_of_settings_has_every_key_that_is_set() -> None:
    for plan in load_all():
        documented = {row[0].strip("`") for row in rows(settings_model(plan.deployment))}
        written = set(keys(tomllib.loads((ROOT / plan.file).read_text())))
        known = re.compile("|".join(re.escape(key).replace("NAME", "[^.]+") for key in documented))
        assert {key for key in written if not key.startswith("tags.") and not known.fullmatch(key)} == set()


@pytest.mark.parametrize("model", [Environment, *map(settings_model, DEPLOYMENTS)], ids=lambda model: model.__name__)
def test_the_table_of_settings_explains_every_key_and_names_no_type(model: type[Settings]) -> None:
    table = list(rows(model))
    assert [key for key, _, _, meaning in table if not meaning] == []
    assert [key for key, allowed, _, _ in table if not allowed or hasattr(types, allowed.strip("`"))] == []


def test_the_table_of_settings_says_what_is_allowed() -> None:
    (suai,) = [deployment for deployment in DEPLOYMENTS if deployment.name == "suai-cloud-app"]
    table = {row[0].strip("`"): row[1:] for row in rows(settings_model(suai))}
    assert table["network.nat"][0] == '`"none"`, `"single"`, `"per_az"`'
    assert table["application.port"][:2] == ("1 to 65535", "`8080`")
    assert table["database.instance_class"][:2] == ("RDS instance class; example: db.t4g.micro", "required")
    assert "storage_encrypted = false" in table["database.reasons.storage_encrypted"][2]
