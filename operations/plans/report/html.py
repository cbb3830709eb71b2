"""A report as one page that needs nothing else: no network, no server."""

from __future__ import annotations

from pathlib import Path

from operations.plans.report.model import SHOWN, Report
from operations.plans.report.safe_text import visible
from operations.plans.report.wording import MARKS, SHOUTED, besides, deed, notes, standing, state

TEMPLATE = Path(__file__).with_name("page.html.j2")


def html(report: Report) -> str:
    """The page. Its policy lets a browser load nothing from anywhere."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE.name).render(
        report=report,
        shown=[action for action in SHOWN if report.counts[action]],
        marks=MARKS,
        shouted=SHOUTED,
        besides=besides,
        deed=deed,
        notes=notes,
        standing=standing,
        state=state,
        visible=visible,
    )
