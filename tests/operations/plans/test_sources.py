"""Every resource of every stack is traced to the lines of Python it comes from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

import pytest

from config.settings import ROOT
from operations.plans.fresh_synth import FreshSynth
from operations.review.addresses import read_document
from operations.stacks import read_stack

pytestmark = pytest.mark.xdist_group("sources")  # traced once
Sources = Mapping[str, Sequence[str]]


GENERATED = ROOT / "generated" / "stacks"


@pytest.fixture(scope="module")
def synth() -> FreshSynth:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "fresh_synth.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return FreshSynth(**json.loads(done.stdout))


@pytest.fixture(scope="module")
def sources(synth: FreshSynth) -> Sources:
    return synth.sources


def test_the_committed_stacks_are_what_the_code_and_the_settings_say(synth: FreshSynth) -> None:
    assert synth.stale_stacks(ROOT) == []


def test_every_resource_is_traced_to_its_deployment(sources: Sources) -> None:
    untraced = []
    for folder in sorted(GENERATED.iterdir()):
        stack = read_stack(folder)
        package = f"deployments/{stack.deployment.replace('-', '_')}/"
        for resources in read_document(folder)["resource"].values():
            paths = [resource["//"]["metadata"]["path"] for resource in resources.values()]
            untraced += [path for path in paths if not sources.get(path, [""])[0].startswith(package)]
    assert untraced == []


def test_every_line_exists_and_makes_or_asks_for_something(sources: Sources) -> None:
    places = {place for found in sources.values() for place in found}
    lines: dict[str, list[str]] = {}
    for place in places:
        file, _, number = place.partition(":")
        if file not in lines:
            lines[file] = (ROOT / file).read_text(encoding="utf-8").splitlines()
        assert {"(", "["} & set(lines[file][int(number) - 1]), place  # a call or a comprehension


def test_a_module_is_named_after_the_deployment_that_uses_it(sources: Sources) -> None:
    places = sources["suai-cloud-app-dev/web/launch_template/Default"]
    assert places[0].startswith("deployments/suai_cloud_app/stack.py:")
    assert places[-1].startswith("modules/")
    assert (
        "web_fleet("
        in (ROOT / "deployments/suai_cloud_app/stack.py").read_text().splitlines()[int(places[0].split(":")[1]) - 1]
    )
