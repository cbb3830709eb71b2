"""A report in Markdown that fits into a comment on a pull request."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from operations.plans.plan_document import Action
from operations.plans.report.attributes import AttributeChange
from operations.plans.report.model import SHOWN, Line, Report, StackReport
from operations.plans.report.wording import MARKS, SHOUTED, besides, counted, deed, notes, shortened, step

COMMENT_BYTES = 65_536
"""GitHub refuses longer comments; it counts characters, of which there are never more than bytes."""
_VALUE_LENGTH = 300


def markdown(report: Report, *, limit: int = COMMENT_BYTES, pointer: str = "") -> str:
    """The report; what does not fit into `limit` bytes is left out, least urgent last, and `pointer` says where it is.

    Counts and findings come first, then destroys and replacements of all stacks, then stack by stack.
    """
    parts = [marker(report), f"## {report.title}", _table(report)]
    left_out = 0
    room = limit - 400  # for the words about what is left out
    used = sum(len(part.encode()) + 2 for part in parts)
    for block in _blocks(report):
        size = len(block.encode()) + 2
        if used + size > room:
            left_out += 1
            continue
        parts.append(block)
        used += size
    if left_out:
        where = f" {pointer}" if pointer else ""
        parts.append(f"**{left_out} parts did not fit into this comment.**{where}")
    return "\n\n".join(parts)[: max(0, limit)] + "\n"


def marker(report: Report) -> str:
    """The first line of every report, by which an earlier comment about the same environments is found and replaced."""
    environments = sorted({stack.environment for stack in report.stacks})
    return f"<!-- quintet {report.title.split()[0].lower()} {' '.join(environments)} -->"


def _blocks(report: Report) -> Iterator[str]:
    yield from _findings(report)
    for stack in report.stacks:
        if stack.failure:
            yield f"### ❌ {stack.name} has no plan\n\n{_fenced(shortened(stack.failure, 4000))}"
    for stack in report.stacks:
        shouted = [line for line in stack.changes if line.action in SHOUTED]
        if shouted:
            yield f"### ⚠️ {stack.name}: {counted(Counter({action: stack.counts[action] for action in SHOUTED}))}"
            yield from (_resource(line, opened=True) for line in shouted)
    for stack in report.stacks:
        yield from _quiet(stack)


def _table(report: Report) -> str:
    actions = [action for action in SHOWN if report.counts[action]]
    head = ["stack", *map(str, actions), "besides"]
    rows = [
        [f"`{stack.name}`", *(_cell(stack, action) for action in actions), besides(stack) or "–"]
        for stack in report.stacks
    ]
    rows = [head, ["---", *["--:"] * len(actions), "---"], *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(stack: StackReport, action: Action) -> str:
    amount = stack.counts[action]
    if amount and action in SHOUTED:
        return f"**{amount}**"
    return str(amount or "–")


def _findings(report: Report) -> Iterator[str]:
    for stack, finding in report.findings:
        text = f"`{stack.name}` `{finding.address}` {_escaped(finding.message)} [{finding.policy}]"
        if finding.silenced:
            yield f"- 🔇 {text} – silenced: {_escaped(finding.silenced)}"
        else:
            fix = f"\n\n{_fenced(finding.fix)}" if finding.fix else ""
            yield f"- 🛑 **{text}**{fix}"


def _quiet(stack: StackReport) -> Iterator[str]:
    rest = [line for line in stack.changes if line.action not in SHOUTED]
    yield from _section(f"{stack.name}: changes", rest)
    yield from _section(f"{stack.name}: moved", stack.moved)
    yield from _section(f"{stack.name}: imported", stack.imported)
    yield from _section(f"{stack.name}: outputs", stack.outputs)
    yield from _section(f"{stack.name}: drift, changed without Terraform", stack.drift, drift=True)


def _section(title: str, lines: Iterable[Line], *, drift: bool = False) -> Iterator[str]:
    lines = list(lines)
    if lines:
        yield f"**{title}** ({len(lines)})"
        yield from (_resource(line, drift=drift) for line in lines)


def _resource(line: Line, *, opened: bool = False, drift: bool = False) -> str:
    about = "".join(f" · {_html(note)}" for note in notes(line))
    summary = f"{MARKS[line.action]} <code>{_html(line.address)}</code> {deed(line, drift=drift)}{about}"
    source = f"{' → '.join(f'`{source}`' for source in line.sources)}\n\n" if line.sources else ""
    body = _fenced("\n".join(text for attribute in line.attributes for text in _attribute(attribute)), "diff")
    if not line.attributes and not source:
        return f"- {summary}"
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>\n\n{source}{body}\n\n</details>"


def _attribute(attribute: AttributeChange) -> Iterator[str]:
    forced = "   # forces replacement" if attribute.forces_replacement else ""
    if attribute.lines:
        yield f"  {attribute.path}:{forced}"
        yield from (f"{text[:1]}     {text[1:]}" for text in attribute.lines)
    elif attribute.before is None:
        yield f"+ {attribute.path}: {shortened(attribute.after or '', _VALUE_LENGTH)}{forced}"
    elif attribute.after is None:
        yield f"- {attribute.path}: {shortened(attribute.before, _VALUE_LENGTH)}{forced}"
    else:
        yield f"! {attribute.path}: {shortened(step(attribute), _VALUE_LENGTH)}{forced}"


def _fenced(text: str, language: str = "") -> str:
    """A code block; its fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _escaped(text: str) -> str:
    """`text` without anything Markdown or HTML would take for its own."""
    return re.sub(r"([\\`*_\[\]|~#@])", r"\\\1", _html(text))


def _html(text: str) -> str:
    """`text` inside an HTML element, where Markdown's own escapes would be shown."""
    return html.escape(text, quote=False).replace("\n", " ")
