"""Makes docs/images/plan-report.png anew from the recorded plans: `python -m tests.operations.plans.screenshot`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from config.settings import ROOT
from operations.plans.report.html import html
from operations.plans.report.model import Report
from tests.operations.plans.browser import Browser, find_browser
from tests.operations.plans.plan_support import recorded, stack_report

IMAGE = ROOT / "docs" / "images" / "plan-report.png"


def main() -> None:
    program = find_browser() or sys.exit("There is no Chromium (Debian: apt install chromium-headless-shell)")
    names = {"everything": "example-prod", "create": "example-dev", "drift": "mail-prod", "empty": "mail-dev"}
    stacks = tuple(stack_report(recorded(plan), name=name) for plan, name in names.items())
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        page.write_text(html(Report("Plan of 4 stacks", "", stacks)), encoding="utf-8")
        with Browser(program, Path(folder, "profile")) as browser:
            browser.screenshot(1200, 1400)
            browser.open(page)
            IMAGE.parent.mkdir(parents=True, exist_ok=True)
            IMAGE.write_bytes(browser.screenshot(1200, 1400))


if __name__ == "__main__":
    main()
