"""The HTML report in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.plans.report.html import html
from operations.plans.report.model import StackReport
from tests.operations.plans.browser import Browser, find_browser
from tests.operations.plans.plan_support import recorded, report_of, stack_report

pytestmark = pytest.mark.engines

SEEN = "[...document.querySelectorAll('details.line:not([hidden])')].filter(line => line.checkVisibility()).length"
FOCUSED = "document.activeElement.closest('details').querySelector('.address').textContent"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stacks = [stack_report(recorded(name), name=f"{name}-test") for name in ("everything", "create", "drift", "empty")]
    failed = StackReport("broken-test", "test", failure="broken-test: terraform plan failed.")
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(html(report_of(*stacks, failed)), encoding="utf-8")
    return file


@pytest.fixture
def browser(page: Path, tmp_path: Path) -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium (Debian: apt install chromium-headless-shell)")
    with Browser(program, tmp_path / "profile") as started:
        started.call("Log.enable")
        started.screenshot(1280, 900)
        started.open(page)
        yield started


def choose(browser: Browser, selector: str, script: str) -> None:
    browser.run(
        f"(element => {{ {script}; element.dispatchEvent(new Event('input', {{bubbles: true}})); }})(document.querySelector({selector!r}))"
    )


def test_counts_and_findings_are_above_the_fold(browser: Browser) -> None:
    for selector in ("table.counts tbody tr:nth-child(5)", "section[aria-label='Policy findings'] h2"):
        bottom = browser.run(f"document.querySelector({selector!r}).getBoundingClientRect().bottom")
        assert 0 < bottom < 900


def test_destroys_and_replacements_are_open_and_the_rest_is_closed(browser: Browser) -> None:
    opened = "[...document.querySelectorAll('#everything-test details[open]')].map(line => line.dataset.action)"
    assert set(browser.run(opened)) >= {"destroy", "replace"}
    assert browser.run("document.querySelectorAll('#create-test details[open]').length") == 0


def test_lines_are_filtered_by_stack_by_action_and_by_word(browser: Browser) -> None:
    everything = browser.run(SEEN)
    choose(browser, "#stack", "element.value = 'create-test'")
    assert (
        browser.run(SEEN) == browser.run("document.querySelectorAll('#create-test details.line').length") < everything
    )
    choose(browser, "#stack", "element.value = ''")
    choose(browser, "input[value=create]", "element.checked = false")
    assert browser.run("document.querySelectorAll('details[data-action=create]:not([hidden])').length") == 0
    choose(browser, "input[value=create]", "element.checked = true")
    choose(browser, "#search", "element.value = 'HASH_KEY'")
    assert (
        browser.run("[...document.querySelectorAll('details.line:not([hidden]) .address')].map(a => a.textContent)")
        == ["aws_dynamodb_table.sessions"] * 2
    )
    assert browser.run("document.getElementById('amount').textContent").startswith("2 of ")


def test_the_keyboard_alone_is_enough(browser: Browser) -> None:
    browser.press("j")
    first = browser.run(FOCUSED)
    browser.press("j")
    second = browser.run(FOCUSED)
    browser.press("k")
    assert first != second
    assert browser.run(FOCUSED) == first
    was_open = browser.run("document.activeElement.closest('details').open")
    browser.press("Enter")
    assert browser.run("document.activeElement.closest('details').open") is not was_open
    browser.press("/")
    assert browser.run("document.activeElement.id") == "search"
    browser.press("j")
    assert browser.run("document.activeElement.value") == "j"


def test_text_can_be_read_in_light_and_in_dark(browser: Browser) -> None:
    contrast = """(() => {
      const numbers = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
      const light = colour => { const [r, g, b] = numbers(colour).map(part => { part /= 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; }); return 0.2126*r + 0.7152*g + 0.0722*b; };
      const backdrop = element => { while (element) { const colour = getComputedStyle(element).backgroundColor;
        if (colour !== 'rgba(0, 0, 0, 0)') return colour; element = element.parentElement; } return 'rgb(255, 255, 255)'; };
      return [...document.querySelectorAll('summary *, td, th, p, li, label, h1, h2, a, small')].map(element => {
        const pair = [light(getComputedStyle(element).color), light(backdrop(element))].sort((a, b) => b - a);
        return (pair[0] + 0.05) / (pair[1] + 0.05); }).reduce((a, b) => Math.min(a, b)); })()"""
    backgrounds = set()
    for dark in (False, True):
        browser.screenshot(1280, 900, dark=dark)
        backgrounds.add(browser.run("getComputedStyle(document.body).backgroundColor"))
        assert browser.run(contrast) >= 4.5
    assert len(backgrounds) == 2


def test_nothing_sticks_out_of_a_narrow_window(browser: Browser) -> None:
    browser.screenshot(400, 800)
    assert browser.run("document.documentElement.scrollWidth") <= 400


def test_the_page_loads_nothing_and_has_no_errors(browser: Browser) -> None:
    assert browser.run("performance.getEntriesByType('resource').length") == 0
    browser.run("window.failed = ''; addEventListener('error', event => { window.failed = event.message; })")
    browser.press("e")
    assert browser.run("document.querySelectorAll('details.line:not([open])').length") == 0
    browser.press("c")
    assert browser.run("document.querySelectorAll('details.line[open]').length") == 0
    assert browser.run("window.failed") == ""
