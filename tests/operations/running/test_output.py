"""`quintet output`: the outputs of an applied stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.server import Emulator
from operations import cli
from tests.operations.running.applied import apply
from tests.operations.terraform_support import write_stack

Output = Callable[..., tuple[int, str, str]]


@pytest.fixture
def output(
    tmp_path: Path,
    emulator: Emulator,
    account: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Output:
    """`output("url")` runs the command line and returns exit code, output and errors."""
    applied = apply(tmp_path, emulator, account, {}, {"url": "https://x.test", "zones": ["a", "b"]})
    applied.lead_there(monkeypatch)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["output", *(arguments or (applied.stack.name,))])
        return code, *capsys.readouterr()

    return run


def test_outputs_are_listed_without_sensitive_ones(output: Output) -> None:
    code, out, _ = output("example-test", "--json")
    assert code == 0
    assert json.loads(out) == {
        "outputs": [{"output": "url", "value": "https://x.test"}, {"output": "zones", "value": '["a", "b"]'}]
    }
    assert "a secret" not in out


def test_one_output_is_printed_bare_for_a_shell_to_take(output: Output) -> None:
    assert output("example-test", "url") == (0, "https://x.test\n", "")
    assert output("example-test", "zones", "--json") == (0, '["a", "b"]\n', "")


def test_an_output_that_does_not_exist_is_answered_with_the_nearest(output: Output) -> None:
    code, out, err = output("example-test", "ulr")
    assert (code, out) == (1, "")
    assert "There is no output ulr. Did you mean url?" in err
    assert "There is no output password. There are: url, zones." in output("example-test", "password")[2]


def test_a_stack_that_was_never_applied_is_answered_with_the_command_that_plans_it(
    output: Output, tmp_path: Path, account: str
) -> None:
    committed = write_stack(tmp_path, {}, deployment="other").folder / "cdk.tf.json"
    document = json.loads((tmp_path / "generated/stacks/example-test/cdk.tf.json").read_text())
    document["terraform"]["backend"]["s3"]["key"] = "test/other/terraform.tfstate"
    committed.write_text(json.dumps(document))
    code, _, err = output("other-test")
    assert code == 1
    assert "other-test is not applied" in err
    assert "quintet plan other-test" in err
