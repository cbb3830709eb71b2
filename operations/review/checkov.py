"""Findings of checkov on the committed stacks, less the exemptions that stand at the resources.

checkov reads Terraform JSON with its `terraform_json` framework, which knows no way to skip a rule for one resource and
chokes on plain values such as `required_version`. So it is shown the resources alone, and what it finds is compared
with the exemptions here. One that exempts from nothing is reported too: its reason would no longer be true.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError
from operations.stacks import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from operations.stacks import Stack

RULE_PREFIX = "CKV"
"""Pattern of checkov's rules; the other exemptions are from the refusals made while synthesising."""


@dataclass(frozen=True, order=True)
class Place:
    """One rule at one resource of one stack."""

    stack: str
    address: str
    rule: str


@dataclass(frozen=True)
class CheckovVerdict:
    """Findings of checkov."""

    passed: int
    failed: Mapping[Place, str]
    """Findings without an exemption."""
    exempted: Mapping[Place, str]
    """The reason of each exemption that was needed."""
    needless: Mapping[Place, str]
    """The reason of each exemption from a rule that finds nothing."""

    @property
    def fine(self) -> bool:
        """Nothing failed, and every exemption is needed."""
        return not self.failed and not self.needless


def judge(stacks: Sequence[Stack], *, executable: Path) -> CheckovVerdict:
    """Checkov's verdict on `stacks`. Raises OperatorError when it cannot be run or cannot read one of them."""
    documents = {stack.name: json.loads((stack.folder / FILE).read_text(encoding="utf-8")) for stack in stacks}
    with tempfile.TemporaryDirectory(prefix="checkov-") as folder:
        for name, document in documents.items():
            shown = Path(folder, name, FILE)
            shown.parent.mkdir()
            shown.write_text(json.dumps({"resource": document.get("resource", {})}, indent=1), encoding="utf-8")
        report = _run(executable, Path(folder))
    return subtract(report, documents)


def subtract(report: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]]) -> CheckovVerdict:
    """The verdict that follows from checkov's report on the stacks' documents and from the exemptions in these."""
    exemptions = {place: reason for name in documents for place, reason in _exemptions(name, documents[name])}
    found = dict(_findings(report, documents))
    return CheckovVerdict(
        passed=report["summary"]["passed"],
        failed={place: found[place] for place in sorted(found.keys() - exemptions.keys())},
        exempted={place: exemptions[place] for place in sorted(found.keys() & exemptions.keys())},
        needless={place: exemptions[place] for place in sorted(exemptions.keys() - found.keys())},
    )


def _exemptions(stack: str, document: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for kind, resources in document.get("resource", {}).items():
        for name, attributes in resources.items():
            for rule, reason in attributes.get("//", {}).get("exemptions", {}).items():
                if rule.startswith(RULE_PREFIX):
                    yield Place(stack, f"{kind}.{name}", rule), reason


def _findings(report: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[Place, str]]:
    for check in report["results"]["failed_checks"]:
        stack = Path(check["file_path"]).parent.name
        kind, _, name = check["resource"].partition(".")
        if kind == "resource":  # rules about one resource leave its type out; in our stacks a name has one type only
            kind = next(kind for kind, named in documents[stack]["resource"].items() if name in named)
        yield Place(stack, f"{kind}.{name}", check["check_id"]), check["check_name"]


def _run(executable: Path, folder: Path) -> Mapping[str, Any]:
    command = [str(executable), "--directory", str(folder), "--framework", "terraform_json", "--output", "json"]
    try:
        run = subprocess.run([*command, "--skip-download", "--soft-fail"], capture_output=True, text=True, check=True)
        report: Any = json.loads(run.stdout)
    except OSError as error:
        raise OperatorError(
            f"checkov is not at {executable}: {error.strerror}.", hint="Install it: make venv-checkov"
        ) from None
    except subprocess.CalledProcessError as error:
        raise OperatorError(f"checkov failed with exit code {error.returncode}:\n{error.stderr[-2000:]}") from None
    except ValueError:
        raise OperatorError(f"checkov's report is not JSON:\n{run.stdout[:200]}\n{run.stderr[-2000:]}") from None
    if isinstance(report, list) or "results" not in report or report["summary"]["parsing_errors"]:
        raise OperatorError(f"checkov could not read every stack:\n{run.stderr[-2000:]}")
    read: Mapping[str, Any] = report
    return read
