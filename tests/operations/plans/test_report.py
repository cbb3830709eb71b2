from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from operations.console import new_console
from operations.errors import OperatorError
from operations.plans.plan_document import Action, read_plan
from operations.plans.report.html import html
from operations.plans.report.markdown import COMMENT_BYTES, markdown
from operations.plans.report.model import Report, StackReport
from operations.plans.report.safe_text import shortened
from operations.plans.report.terminal import print_report
from tests.operations.plans.plan_support import SECRETS, change, plan_of, recorded, report_of, stack_report


def terminal(report: Report) -> str:
    output = io.StringIO()
    print_report(report, new_console(file=output, width=200))
    return output.getvalue()


OPEN = {"cidr_blocks": ["0.0.0.0/0"], "from_port": 443, "to_port": 443, "protocol": "tcp"}
FORMS = pytest.mark.parametrize("form", [terminal, markdown, html], ids=["terminal", "markdown", "html"])
Form = Callable[[Report], str]


def test_destroys_come_first_then_replacements_and_what_holds_data_before_the_rest() -> None:
    lines = stack_report(recorded("everything")).changes
    assert [line.action for line in lines] == sorted((line.action for line in lines), key=list(Action).index)
    updates = [line for line in lines if line.action is Action.UPDATE]
    assert [line.holds_data for line in updates] == sorted((line.holds_data for line in updates), reverse=True)


def test_an_output_holds_no_data() -> None:
    plan = plan_of() | {"output_changes": {"url": {"actions": ["delete"], "before": "https://a.example"}}}
    (line,) = stack_report(plan).outputs
    assert not line.holds_data


def test_an_output_that_changes_is_an_update_and_no_drift() -> None:
    plan = plan_of() | {"output_changes": {"url": {"actions": ["update"], "before": "a", "after": "b"}}}
    said = terminal(report_of(stack_report(plan)))
    assert "  ~ url  update" in said.splitlines(), said
    assert "example-test: 1 output\n" in said


@pytest.mark.parametrize(("length", "cut"), [(10, False), (9, True)])
def test_a_text_is_cut_when_it_is_longer_than_there_is_room(length: int, cut: bool) -> None:
    assert shortened("0123456789", length) == ("0123 … 2 more characters … 6789" if cut else "0123456789")


def test_a_settled_stack_is_empty_and_does_not_drift_although_aws_filled_things_in() -> None:
    stack = stack_report(recorded("empty"))
    assert stack.empty
    assert stack.drift == ()
    assert {line.address for line in stack.filled_in} == {"aws_iam_role.web", "aws_security_group.web"}


def test_drift_is_apart_from_change() -> None:
    stack = stack_report(recorded("drift"))
    assert stack.changes == ()
    assert [(line.address, line.action) for line in stack.drift] == [
        ("aws_sns_topic.lost", Action.DELETE),
        ("aws_vpc_security_group_ingress_rule.office", Action.UPDATE),
        ("aws_sns_topic.drifting", Action.UPDATE),
    ]


def test_what_was_filled_in_against_a_policy_is_drift() -> None:
    group = change("aws_security_group.web", {"id": "sg-1", "ingress": []}, {"id": "sg-1", "ingress": [OPEN]})
    stack = stack_report(plan_of(drift=(group,)))
    assert [line.address for line in stack.drift] == ["aws_security_group.web"]
    assert [line.address for line in stack_report(recorded("drift")).filled_in] == ["aws_iam_role.web"]


def test_moved_and_imported_resources_are_apart() -> None:
    stack = stack_report(recorded("everything"))
    assert [(line.address, line.moved_from) for line in stack.moved] == [
        ("aws_sns_topic.moved_to", "aws_sns_topic.moved_from")
    ]
    assert [(line.address, line.import_id) for line in stack.imported] == [
        ("aws_s3_bucket.adopted", "quintet-test-adopted")
    ]
    assert "aws_sns_topic.moved_to" not in [line.address for line in stack.changes]


@FORMS
def test_no_form_shows_a_secret(form: Form) -> None:
    for name in ("create", "everything", "drift", "empty"):
        plan = recorded(name)
        assert name in ("drift", "empty") or any(secret in json.dumps(plan) for secret in SECRETS)
        text = form(report_of(stack_report(plan)))
        assert [secret for secret in SECRETS if secret in text] == []


@FORMS
def test_every_form_names_the_lines_of_python_a_change_comes_from(form: Form) -> None:
    text = form(report_of(stack_report(recorded("everything"))))
    assert "deployments/example/stack.py:12" in text
    assert "modules/table.py:40" in text


@FORMS
def test_every_form_shows_findings_with_the_move_to_write_and_why_there_is_no_plan(form: Form) -> None:
    failed = StackReport("broken-test", "test", failure="broken-test: terraform plan failed.\n  no & such <thing>")
    text = form(report_of(stack_report(recorded("everything")), failed))
    for part in (
        "accidental-rename",
        "move_from_id",
        "iam-wildcard",
        "broken-test",
        "forces replacement",
        "holds data",
    ):
        assert part in text
    assert "no &amp; such &lt;thing&gt;" in text or "no & such <thing>" in text


@FORMS
def test_counts_of_every_stack_come_before_anything_else(form: Form) -> None:
    text = form(
        report_of(
            stack_report(recorded("everything"), name="one-test"), stack_report(recorded("empty"), name="two-test")
        )
    )
    assert text.index("one-test") < text.index("two-test") < text.index("aws_")


def test_markdown_fits_a_comment_and_says_where_the_rest_is() -> None:
    many = [change(f"aws_sqs_queue.q{n}", {"n": "a" * 50}, {"n": "b" * 50}) for n in range(1000)]
    lost = change("aws_dynamodb_table.users", {"id": "users"}, None)
    text = markdown(report_of(stack_report(plan_of(*many, lost))), pointer="See the artifact plan.html.")
    assert text.startswith("<!-- quintet plan test -->\n")
    assert 0.8 * COMMENT_BYTES < len(text.encode()) <= COMMENT_BYTES
    assert "aws_dynamodb_table.users" in text
    assert text.rstrip().endswith("did not fit into this comment.** See the artifact plan.html.")


@pytest.mark.parametrize("limit", [COMMENT_BYTES, 20_000])
def test_the_comment_names_every_destroy_and_replacement_however_big_they_are(limit: int) -> None:
    script = "\n".join(f"line {n} of a long script" for n in range(1200))
    big = change("aws_instance.big", {"user_data": "x", "a": 1}, {"user_data": script, "a": 2}, replace="a")
    gone = [change(f"aws_sqs_queue.gone{n}", {"id": "q" * 100}, None) for n in range(100)]
    small = [change(f"aws_sns_topic.small{n}", {"n": "a" * 90}, {"n": "b" * 90}) for n in range(500)]
    text = markdown(report_of(stack_report(plan_of(*small, big, *gone))), limit=limit)
    assert len(text.encode()) <= limit
    assert [name for name in ("aws_instance.big", *(f"gone{n}`" for n in range(100))) if name not in text] == []


def test_the_comment_fits_whatever_the_report_is() -> None:
    gone = [change(f"aws_sqs_queue.é{n}", {"id": "q"}, None) for n in range(300)]
    one = stack_report(plan_of(*gone))
    stacks = [replace(one, name=f"stack-{n}" * 30) for n in range(40)]
    assert len(markdown(report_of(*stacks)).encode()) <= COMMENT_BYTES


HOSTILE = "x\x1b[2J\u202e\x85@everyone https://evil.example [a](b) <b>\u2028`` \ud800 #1"


@FORMS
def test_untrusted_text_stays_text_in_keys_values_names_and_notices(form: Form) -> None:
    lines = change("aws_x.lines", {"t": "a\nb"}, {"t": f"a\n{HOSTILE}\nc"})
    keys = change("aws_x.keys", {"tags": {}}, {"tags": {HOSTILE + "\n+ fake": HOSTILE}})
    named = change(f'aws_x.x["{HOSTILE}"]', {"id": HOSTILE}, None, importing={"id": HOSTILE})
    plan = plan_of(lines, keys, named) | {"checks": [{"address": {"name": HOSTILE}, "status": "fail"}]}
    text = form(report_of(stack_report(plan), StackReport("broken-test", "test", failure=HOSTILE)))
    assert [sign for sign in text if not sign.isprintable() and sign != "\n"] == []
    assert "\\x1b[2J" in text
    assert "\\u202e" in text
    assert not any(line.lstrip(" |").startswith("+ fake") for line in text.splitlines())


def test_mentions_and_links_stand_in_code_alone() -> None:
    named = change(f'aws_x.x["{HOSTILE}"]', {"id": "x"}, None, importing={"id": HOSTILE})
    plan = plan_of(named) | {"checks": [{"address": {"name": HOSTILE}, "status": "fail"}]}
    text = markdown(report_of(stack_report(plan, name=HOSTILE)))
    without_blocks = re.sub(r"^(`{3,})(?!`).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    without_spans = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|<code>.*?</code>", "", without_blocks)
    assert "evil" not in without_spans
    assert "@everyone" not in without_spans


def test_markdown_cannot_be_broken_out_of() -> None:
    hostile = change("aws_x.x", {"a": "x", "b": "l\nk"}, {"a": "``` </details> @everyone", "b": "l\n```\n# h"})
    text = markdown(report_of(stack_report(plan_of(hostile))))
    fences = [line for line in text.splitlines() if line.startswith("````")]
    assert fences == ["````diff", "````"]


def test_the_page_escapes_what_it_shows() -> None:
    hostile = change("aws_x.x", {"a": "x"}, {"a": "<script>alert(1)</script>"})
    assert "<script>alert" not in html(report_of(stack_report(plan_of(hostile))))


def test_the_page_needs_nothing_from_anywhere() -> None:
    page = html(report_of(stack_report(recorded("everything"))))
    assert "default-src 'none'" in page
    for word in ("http://", "https://", "src=", "@import", "url("):
        assert word not in page


def test_a_plan_in_an_unknown_format_is_refused() -> None:
    with pytest.raises(OperatorError, match=r'format "2\.0"'):
        read_plan({"format_version": "2.0"})
