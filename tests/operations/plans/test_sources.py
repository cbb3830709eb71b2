"""Every resource of every stack is traced to the lines of Python it comes from."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from config.settings import ROOT
from operations.plans.fresh_synth import FreshSynth
from operations.review.addresses import read_document
from operations.stacks import read_stack

pytestmark = pytest.mark.xdist_group("sources")  # traced once
Sources = Mapping[str, Sequence[str]]


TRACE = "import json, sys, pathlib; from scripts.fresh_synth import traced; json.dump(traced(pathlib.Path(sys.argv[1])), sys.stdout)"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traced") / "generated"


def digests(output: Path) -> dict[str, dict[str, str]]:
    return {
        folder.name: {
            str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in folder.rglob("*")
            if file.is_file()
        }
        for folder in (output / "stacks").iterdir()
    }


@pytest.fixture(scope="module")
def sources(output: Path) -> Sources:
    done = subprocess.run([sys.executable, "-c", TRACE, output], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: Sources = json.loads(done.stdout)
    return found


def test_the_committed_stacks_are_what_the_code_and_the_settings_say(sources: Sources, output: Path) -> None:
    del sources
    assert FreshSynth(files=digests(output)).stale_stacks(ROOT) == []


def test_every_resource_is_traced_to_its_deployment(sources: Sources, output: Path) -> None:
    untraced = []
    for folder in sorted((output / "stacks").iterdir()):
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
        "Fleet("
        in (ROOT / "deployments/suai_cloud_app/stack.py").read_text().splitlines()[int(places[0].split(":")[1]) - 1]
    )
