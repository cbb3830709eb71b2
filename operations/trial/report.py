"""The report on a trial, fit for this project: what went otherwise than on the emulator, and nobody's names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from operations.trial.redaction import ReportRedaction

NAME = "trial"
"""The report's files, without their endings."""


class Outcome(StrEnum):
    """The end of a step."""

    AS_ON_EMULATOR = "as on the emulator"
    REFUSED = "refused"
    DIFFERENT = "different"
    INTERRUPTED = "interrupted"
    NOT_REACHED = "not reached"


@dataclass(frozen=True)
class TrialStep:
    """One step of one stack."""

    step: str
    outcome: Outcome
    seconds: int


@dataclass(frozen=True)
class TrialFinding:
    """A refusal, or a difference from the emulator."""

    step: str
    address: str
    """The resource; empty where it is about none."""
    operation: str
    code: str
    """AWS's error code; empty for a difference."""
    message: str


@dataclass
class StackTrial:
    """The trial of one stack."""

    deployment: str
    region: str
    resources: int = 0
    """Resources of the plan."""
    by_the_hour: dict[str, int] = field(default_factory=dict)
    """Kind and size of what AWS bills by the hour → number."""
    others: int = 0
    """All other resources that the plan creates."""
    steps: list[TrialStep] = field(default_factory=list)
    findings: list[TrialFinding] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)
    """Addresses of what exists in the end."""

    @property
    def fine(self) -> bool:
        """True when everything went as on the emulator and nothing remains."""
        return not self.findings and not self.remains and all(s.outcome is Outcome.AS_ON_EMULATOR for s in self.steps)


@dataclass
class TrialReport:
    """The trial of some stacks."""

    day: str
    place: str
    """`AWS`, or an endpoint in its place."""
    versions: Sequence[str]
    stacks: list[StackTrial] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """True when every stack's trial is."""
        return all(stack.fine for stack in self.stacks)

    def write(self, folder: Path, redaction: ReportRedaction) -> Path:
        """Write trial.md and trial.json into the folder, all text redacted; returns the former."""
        content = {**redaction.everything(asdict(self)), "day": self.day, "versions": list(self.versions)}
        (folder / f"{NAME}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        page = folder / f"{NAME}.md"
        page.write_text(markdown(content), encoding="utf-8")
        return page


_SDK = re.compile(
    r"operation error (?P<service>[^:]+): (?P<operation>\w+), .*?RequestID: [^,]*, (?:HostID: [^,]*, )?"
    r"(?:api error )?(?P<code>\w+)",
    re.DOTALL,
)
_LACKS = re.compile(r"these credentials lack (?P<service>[\w-]+):(?P<operation>\w+)")
_BOTO = re.compile(r"AWS refused (?P<operation>\w+): .*\((?P<code>\w+)\)\.?$", re.DOTALL)


def finding(step: str, address: str, message: str) -> TrialFinding:
    """A finding about a message of Terraform, of the provider or of a command.

    >>> text = "operation error SNS: CreateTopic, https response error StatusCode: 403, RequestID: 1, api error Denied:"
    >>> finding("apply", "aws_sns_topic.alarms", text).code
    'Denied'
    """
    for form in (_SDK, _BOTO, _LACKS):
        if said := form.search(message):
            parts = said.groupdict()
            operation = f"{parts['service']}: {parts['operation']}" if parts.get("service") else parts["operation"]
            return TrialFinding(step, address, operation, parts.get("code", ""), message)
    return TrialFinding(step, address, "", "", message)


def markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown, from its JSON."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    stacks = report["stacks"]
    yield f"Trial of {len(stacks)} stack{'s' * (len(stacks) != 1)} on {report['place']}, {report['day']}."
    yield from (f"- {version}" for version in report["versions"])
    for stack in stacks:
        yield ""
        yield f"**{stack['deployment']}** in {stack['region']}: {stack['resources']} resources planned."
        kinds = ", ".join(f"{number} × {kind}" for kind, number in stack["by_the_hour"].items())
        if kinds:
            yield f"Billed by the hour: {kinds}; {stack['others']} resources of other types."
        yield ""
        yield from _table(
            ("step", "outcome", "seconds"), ((s["step"], s["outcome"], s["seconds"]) for s in stack["steps"])
        )
        if stack["findings"]:
            yield ""
            yield "Refusals and differences from the emulator:"
            yield ""
            rows = (
                (f["step"], f"`{f['address']}`" if f["address"] else "", f["operation"], f["code"], f["message"])
                for f in stack["findings"]
            )
            yield from _table(("step", "address", "operation", "code", "message"), rows)
        yield ""
        yield f"Remains: {', '.join(f'`{address}`' for address in stack['remains']) or 'nothing'}."


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"
