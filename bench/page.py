"""CPU seconds that a report's page takes in Chromium: `python -m bench.page [CHANGES]`; wanted of 10,000 changes.

The main thread's CPU time, by the DevTools protocol's `Performance.getMetrics` with `threadTicks`: what else the
machine does does not count.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.report import plan
from operations.plans.report.html import html
from operations.plans.report.model import Report
from operations.plans.review import Background, review
from tests.operations.plans.browser import Browser, find_browser

WANTED_SECONDS = {"load": 2.5, "by word": 0.3, "by action": 0.3, "all again": 0.3}
"""Goals for the first view, and for each filter until its result is drawn."""
_DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
_FILTERS = {
    "by word": ("#search", "element.value = 'queue_77'"),
    "by action": ("input[value=create]", "element.checked = false"),
    "all again": ("#search", "element.value = ''; document.querySelector('input[value=create]').checked = true"),
}


def main() -> int:
    """Exit code 0 when each step takes at most what is wanted."""
    amount = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    program = find_browser() or sys.exit("There is no Chromium (Debian: apt install chromium-headless-shell)")
    background = Background({}, {}, protect_data=True, silence=lambda policy, address: "")
    report = Report("Plan of 1 stack", "bench", (review("bench-prod", "prod", plan(amount), background),))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        page.write_text(html(report), encoding="utf-8")
        print(f"{amount} changes, a page of {page.stat().st_size / 1e6:.1f} MB")
        with Browser(program, Path(folder, "profile")) as browser:
            browser.screenshot(1280, 900)
            browser.call("Performance.enable", timeDomain="threadTicks")
            before = _seconds(browser)
            browser.open(page)
            browser.run(_DRAWN)
            took = {"load": _seconds(browser) - before}
            for name, (selector, change) in _FILTERS.items():
                before = _seconds(browser)
                browser.run(
                    f"(element => {{ {change}; element.dispatchEvent(new Event('input', {{bubbles: true}})); }})"
                    f"(document.querySelector({selector!r}))"
                )
                browser.run(_DRAWN)
                took[name] = _seconds(browser) - before
            shown = browser.run("document.getElementById('amount').textContent")
    for name, seconds in took.items():
        print(f"{name:12} {seconds:6.2f} s, wanted {WANTED_SECONDS[name]} s")
    print(shown)
    return 0 if all(seconds <= WANTED_SECONDS[name] for name, seconds in took.items()) else 1


def _seconds(browser: Browser) -> float:
    metrics = {each["name"]: each["value"] for each in browser.call("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


if __name__ == "__main__":
    sys.exit(main())
