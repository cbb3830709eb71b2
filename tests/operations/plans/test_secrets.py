"""Sensitive values are masked in every spelling in which they stand elsewhere."""

from __future__ import annotations

import base64
import json
import re
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.plans.plan_document import read_plan
from operations.plans.report.html import html
from operations.plans.report.markdown import markdown
from operations.plans.report.secrets import SENSITIVE, Secrets
from tests.operations.plans.plan_support import change, plan_of, report_of, stack_report

SECRET = "pA<ss&\"w\\ord>9/é's"


def secrets(value: Any) -> Secrets:
    sensitive = change("aws_x.x", None, {"a": value}, after_sensitive={"a": True})
    return Secrets(read_plan(plan_of(sensitive)).changes)


SPELLINGS = {
    "as it is": SECRET,
    "in JSON": json.dumps({"p": SECRET}),
    "in JSON of Terraform": json.dumps([SECRET], ensure_ascii=False).translate(
        {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}
    ),
    "in JSON inside JSON": json.dumps(json.dumps([SECRET])),
    "in a URL": f"mysql://app:{quote(SECRET, safe='')}@host/db",
    "in a URL in lower case": re.sub("%..", lambda code: code[0].lower(), f"mysql://a:{quote(SECRET, safe='')}@host"),
    "in a query": f"?p={quote_plus(SECRET)}",
    "in HTML": f"<b>{escape(SECRET)}</b>",
    "in a shell": "PW='" + SECRET.replace("'", "'\\''") + "'",
    "in YAML": "p: '" + SECRET.replace("'", "''") + "'",
    "in hexadecimal": SECRET.encode().hex(),
    "in base64": base64.b64encode(SECRET.encode()).decode(),
    "in base64 of more": base64.b64encode(f"ab{SECRET} and more".encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_masked_in_every_spelling(spelling: str) -> None:
    text = SPELLINGS[spelling]
    core = base64.b64encode(SECRET.encode()).decode()[4:12]
    masked = secrets(SECRET).masked(text)
    assert SENSITIVE in masked
    for part in ("ord", "%3Css", core):
        assert part not in masked


@given(
    before=st.text(max_size=8),
    secret=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=8, max_size=30),
)
def test_base64_of_any_text_around_a_secret_shows_little_of_it(before: str, secret: str) -> None:
    encoded = base64.b64encode(f"{before}{secret}".encode(errors="replace")).decode()
    kept = secrets(secret).masked(encoded)
    assert SENSITIVE in kept


@pytest.mark.parametrize("value", [48151623, "48151623"])
def test_a_sensitive_number_is_masked_as_a_number_and_in_a_text(value: Any) -> None:
    hidden = secrets(value)
    assert hidden.masked({"pin": 48151623, "port": 443, "url": "/pin/48151623"}) == {
        "pin": SENSITIVE,
        "port": 443,
        "url": f"/pin/{SENSITIVE}",
    }


def test_keys_parts_of_sensitive_json_and_indented_lines_of_a_script_are_masked() -> None:
    assert secrets("token-0123").masked({"token-0123": 1}) == {SENSITIVE: 1}
    parts = secrets(json.dumps({"user": "administrator", "password": "hunter2-old"}))
    assert parts.masked("administrator:hunter2-old@db") == f"{SENSITIVE}:{SENSITIVE}@db"
    script = secrets("export TOKEN=hunter2\nrun --now\n")
    assert script.masked("#!/bin/sh\n    export TOKEN=hunter2\n    ls\n") == f"#!/bin/sh\n    {SENSITIVE}\n    ls\n"


def test_ids_names_and_findings_do_not_show_what_is_sensitive() -> None:
    wide = json.dumps({"Statement": [{"Effect": "Allow", "Action": "hushservice:*", "Resource": "*"}]})
    plan = plan_of(
        change("aws_iam_role_policy.a", None, {"policy": wide}, after_sensitive={"policy": True}),
        change("aws_x.b", {}, {}, actions=["no-op"], importing={"id": "pool/hushservice:*"}),
    )
    report = report_of(stack_report(plan))
    for text in (markdown(report), html(report)):
        assert "hushservice" not in text
