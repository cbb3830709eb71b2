"""A report in Markdown that fits into a comment on a pull request."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial

from operations.plans.finding import Finding
from operations.plans.plan_document import Action
from operations.plans.report.attributes import AttributeChange
from operations.plans.report.model import SHOWN, Report, ReportLine, StackReport
from operations.plans.report.safe_text import shortened, visible
from operations.plans.report.wording import MARKS, SHOUTED, besides, counted, deed, notes, state, step

COMMENT_BYTES = 65_536
"""GitHub refuses longer comments; it counts characters, of which there are never more than bytes."""
_VALUE_LENGTH = 300
_MESSAGE_LENGTH = 1_000
_LEAST_ROOM = 50
_SHRUNK_BODY = 1_500
"""Characters of attributes that a change keeps as long as others are not named."""


def markdown(report: Report, *, limit: int = COMMENT_BYTES, pointer: str = "") -> str:
    """The report in at most `limit` bytes.

    It names every destroy and replacement before anything else, then findings, then other changes. Attributes get the
    room that is left, the most urgent first; it says what is left out, and `pointer` says where that is.
    """
    head = [marker(report), f"## {visible(report.title)}", _cut(_table(report), limit // 4)]
    parts = [part for section in _sections(report) for part in (section, *section.parts)]
    room = limit - 400 - sum(_size(text) for text in head)  # 400 for the words about what is left out
    for urgency, level in _ORDER:
        for part in parts:
            if part.urgency is urgency and len(part.texts) > level > part.level and room > _LEAST_ROOM:
                text = part.texts[level]()
                more = _size(text) - (_size(part.text) if part.level >= 0 else 0)
                if more <= room:
                    part.text, part.level = text, level
                    room -= more
    shown = [part.text for part in parts if part.text]
    unnamed = sum(1 for part in parts if part.level < 0)
    shrunk = sum(1 for part in parts if 0 <= part.level < len(part.texts) - 1)
    if unnamed or shrunk:
        amounts = [f"{unnamed} parts"] * bool(unnamed) + [f"some of {shrunk} parts"] * bool(shrunk)
        said = " and ".join(amounts)
        shown.append(f"**{said} did not fit into this comment.**{f' {pointer}' if pointer else ''}")
    return _cut("\n\n".join((*head, *shown)) + "\n", limit)


def marker(report: Report) -> str:
    """The first line of every report, by which an earlier comment about the same environments is found and replaced."""
    environments = sorted({stack.environment for stack in report.stacks})
    return f"<!-- quintet {report.title.split()[0].lower()} {' '.join(environments)} -->"


class _Urgency(IntEnum):
    HEADING = 0
    SHOUTED = 1
    FOUND = 2
    QUIET = 3


_ORDER = (
    (_Urgency.HEADING, 0),
    (_Urgency.SHOUTED, 0),
    (_Urgency.FOUND, 0),
    (_Urgency.SHOUTED, 1),
    (_Urgency.FOUND, 1),
    (_Urgency.SHOUTED, 2),
    (_Urgency.QUIET, 0),
    (_Urgency.SHOUTED, 3),
    (_Urgency.QUIET, 1),
    (_Urgency.QUIET, 2),
)
"""The order in which parts get room: how urgent, and how much of each."""


@dataclass
class _Part:
    """One change, finding or failure in several lengths, the shortest first; `text` is the one that has room."""

    urgency: _Urgency
    texts: Sequence[Callable[[], str]]
    parts: Sequence[_Part] = ()
    level: int = field(default=-1, init=False)
    text: str = field(default="", init=False)


def _sections(report: Report) -> Iterator[_Part]:
    for stack, finding in report.findings:
        yield _finding(stack, finding)
    for stack in report.stacks:
        if stack.failure:
            title = f"### ❌ {_code(stack.name)} {'has no plan' if not stack.changes else 'failed'}"
            said = _fenced(shortened(visible(stack.failure, lines=True), 4000))
            yield _Part(_Urgency.FOUND, [partial(str, title), partial(str, f"{title}\n\n{said}")])
        for notice in stack.notices:
            text = f"- ⚠️ {_code(stack.name)}: {_code(shortened(notice, _MESSAGE_LENGTH))}"
            yield _Part(_Urgency.FOUND, [partial(str, text)])
    for stack in report.stacks:
        shouted = [line for line in stack.changes if line.action in SHOUTED]
        if shouted:
            amounts = counted(Counter({action: stack.counts[action] for action in SHOUTED}))
            yield _section(f"### ⚠️ {_code(stack.name)}: {amounts}", [_shouted(line) for line in shouted])
    for stack in report.stacks:
        rest = [line for line in stack.changes if line.action not in SHOUTED]
        for title, lines in (
            ("changes", rest),
            ("moved", stack.moved),
            ("imported", stack.imported),
            ("outputs", stack.outputs),
            ("deferred", stack.deferred),
            ("drift, changed without Terraform", stack.drift),
        ):
            if lines:
                heading = f"**{_code(stack.name)}: {title}** ({len(lines)})"
                yield _section(heading, [_quiet(line, drift=lines is stack.drift) for line in lines])


def _section(heading: str, parts: Sequence[_Part]) -> _Part:
    return _Part(_Urgency.HEADING, [partial(str, heading)], parts)


def _shouted(line: ReportLine) -> _Part:
    bare = f"- {MARKS[line.action]} {_code(line.address)}"
    named = partial(_named, line)
    return _Part(
        _Urgency.SHOUTED,
        [partial(str, bare), named, partial(_resource, line, length=_SHRUNK_BODY), partial(_resource, line)],
    )


def _quiet(line: ReportLine, *, drift: bool) -> _Part:
    return _Part(
        _Urgency.QUIET,
        [
            partial(_named, line, drift=drift),
            partial(_resource, line, drift=drift, length=_SHRUNK_BODY),
            partial(_resource, line, drift=drift),
        ],
    )


def _table(report: Report) -> str:
    actions = [action for action in SHOWN if report.counts[action]]
    head = ["stack", *map(str, actions), "besides"]
    rows = [
        [_code(stack.name).replace("|", "\\|"), *(_cell(stack, action) for action in actions), besides(stack) or "–"]
        for stack in report.stacks
    ]
    rows = [head, ["---", *["--:"] * len(actions), "---"], *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(stack: StackReport, action: Action) -> str:
    amount = stack.counts[action]
    if amount and action in SHOUTED:
        return f"**{amount}**"
    return str(amount or "–")


def _finding(stack: StackReport, finding: Finding) -> _Part:
    mark = "🛑" if finding.counts else "🔇" if finding.silenced else "❔"
    message = _code(shortened(finding.message, _MESSAGE_LENGTH))
    text = f"- {mark} **[{finding.policy}]** {_code(stack.name)} {_code(finding.address)}: {message}"
    if not finding.counts:
        text += f" – {_code(state(finding))}"
    texts = [partial(str, text)]
    if finding.fix and not finding.silenced:
        texts.append(partial(str, f"{text}\n\n{_fenced(finding.fix)}"))
    return _Part(_Urgency.FOUND, texts)


def _named(line: ReportLine, *, drift: bool = False) -> str:
    about = "".join(f" · {_code(note)}" for note in notes(line))
    return f"- {MARKS[line.action]} {_code(line.address)} {deed(line, drift=drift)}{about}"


def _resource(line: ReportLine, *, drift: bool = False, length: int | None = None) -> str:
    """A change with its attributes, in at most about `length` characters of them."""
    if not line.attributes and not line.sources:
        return _named(line, drift=drift)
    about = "".join(f" · <code>{_html(note)}</code>" for note in notes(line))
    summary = f"{MARKS[line.action]} <code>{_html(line.address)}</code> {deed(line, drift=drift)}{about}"
    source = f"{' → '.join(map(_code, line.sources))}\n\n" if line.sources else ""
    body = _fenced(_shrunk(_attributes(line.attributes), length), "diff")
    opened = " open" if line.action in SHOUTED else ""
    return f"<details{opened}><summary>{summary}</summary>\n\n{source}{body}\n\n</details>"


def _attributes(attributes: Iterable[AttributeChange]) -> list[str]:
    return [text for attribute in attributes for text in _attribute(attribute)]


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


def _shrunk(lines: list[str], length: int | None) -> str:
    if length is None or sum(map(len, lines)) <= length:
        return "\n".join(lines)
    kept: list[str] = []
    while length > 0 and len(kept) < len(lines):
        kept.append(shortened(lines[len(kept)], length))
        length -= len(kept[-1]) + 1
    return "\n".join([*kept, f"  … {len(lines) - len(kept)} more lines"])


def _size(text: str) -> int:
    return len(text.encode("utf-8", errors="replace")) + 2


def _cut(text: str, limit: int) -> str:
    return text.encode("utf-8", errors="replace")[: max(0, limit)].decode("utf-8", errors="ignore")


def _fenced(text: str, language: str = "") -> str:
    """A code block; its fence is longer than any in the text."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _code(text: str) -> str:
    """A code span: in it, mentions, links and marks of Markdown are text."""
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{visible(text)}{pad}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall(r"`+", text)), default=0)


def _html(text: str) -> str:
    """`text` inside an HTML element."""
    return html.escape(visible(text), quote=False)
