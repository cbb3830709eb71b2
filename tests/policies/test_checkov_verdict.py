"""checkov finds nothing in any stack but what is exempted with a reason, and no exemption is needless."""

from __future__ import annotations

import pytest

from config.settings import ROOT
from operations.review.checkov import judge
from operations.stacks import find_stacks

CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"


@pytest.mark.engines
def test_every_stack_passes_checkov_but_for_reasoned_exemptions() -> None:
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed: make venv-checkov")
    verdict = judge(find_stacks(ROOT), executable=CHECKOV)
    assert [
        f"{place.stack}: {place.address}: {finding} [{place.rule}]" for place, finding in verdict.failed.items()
    ] == []
    assert [f"{place.stack}: {place.address}: {place.rule}" for place in verdict.needless] == []
    assert verdict.passed > 100
    assert all(len(reason.split()) >= 3 for reason in verdict.exempted.values())
