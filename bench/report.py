"""CPU seconds of a report on a plan of a thousand changes: `python -m bench.report [CHANGES]`, without Terraform."""

from __future__ import annotations

import io
import sys
import time

from operations.console import new_console
from operations.plans.report.html import html
from operations.plans.report.markdown import markdown
from operations.plans.report.model import Report
from operations.plans.report.terminal import print_report
from operations.plans.review import Background, review

WANTED_SECONDS = 5


def main() -> int:
    """Exit code 0 when everything together takes at most five CPU seconds."""
    amount = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    total = 0.0
    background = Background({}, {}, protect_data=True, silence=lambda policy, address: "")
    begun = time.process_time()
    report = Report("Plan of 1 stack", "bench", (review("bench-prod", "prod", plan(amount), background),))
    total += _show(f"model and policies, {amount} changes", begun, "")
    output = io.StringIO()
    begun = time.process_time()
    print_report(report, new_console(file=output, width=160))
    total += _show("terminal", begun, output.getvalue())
    for form in (markdown, html):
        begun = time.process_time()
        total += _show(form.__name__, begun, form(report))
    print(f"{'together':40} {total:6.2f} s")
    return 0 if total <= WANTED_SECONDS else 1


def plan(amount: int) -> dict[str, object]:
    """Changes of every kind with tags, policies and nested blocks, some of it sensitive."""
    return {"format_version": "1.2", "resource_changes": [_change(number) for number in range(amount)]}


def _change(number: int) -> dict[str, object]:
    actions = (["create"], ["update"], ["delete", "create"], ["delete"])[number % 4]
    values = [
        {
            "name": f"queue-{number}",
            "tags": {f"Key{key}": f"value-{key}" for key in range(10)} | {"Version": str(version)},
            "policy": f'{{"Statement": [{{"Effect": "Allow", "Action": "sqs:SendMessage", "Sid": "{version}"}}]}}',
            "password": f"secret-{number}-{version}",
            "blocks": [{"port": port + version, "cidr": "10.0.0.0/8"} for port in range(10)],
        }
        for version in (1, 2)
    ]
    return {
        "address": f"aws_sqs_queue.queue_{number}",
        "mode": "managed",
        "type": "aws_sqs_queue",
        "change": {
            "actions": actions,
            "before": None if actions == ["create"] else values[0],
            "after": None if actions == ["delete"] else values[1],
            "before_sensitive": {"password": True},
            "after_sensitive": {"password": True},
            "after_unknown": {"arn": True},
            "replace_paths": [["name"]] if len(actions) == 2 else [],
        },
    }


def _show(what: str, begun: float, text: str) -> float:
    seconds = time.process_time() - begun
    print(f"{what:40} {seconds:6.2f} s  {len(text.encode()):9} bytes")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
