"""Settings read the limits that do not age, and nothing that does."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from importlib import resources

import pytest

from config.limits import AVAILABILITY_ZONES
from config.settings import ROOT
from config.types import architecture
from tests.settings.conftest import Files

APP = "suai_cloud_app/environments/dev.toml"
_WATCHED = """
import json, sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
from config.registry import DEPLOYMENTS
from config.stack_settings import load_all
import pkgutil
load_all()
for deployment in DEPLOYMENTS:
    pkgutil.resolve_name(deployment.settings)
print(json.dumps(sorted({path for path in opened if "config/aws" in path})))
"""


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-gov-west-1", "AWS GovCloud"),
        ("cn-north-1", "AWS China"),
        ("eusc-de-east-1", "the AWS European Sovereign Cloud"),
    ],
)
def test_regions_of_other_partitions_are_refused_in_one_sentence(files: Files, region: str, partition: str) -> None:
    files.replace(APP, 'region = "eu-central-1"', f'region = "{region}"')
    (refused,) = files.refusals()
    assert f'region = "{region}": is a region of {partition}, another partition' in refused


def test_zones_of_regions_are_those_that_ec2_describes() -> None:
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

    for region, letters in AVAILABILITY_ZONES.items():
        described = {zone.name for zone in RegionsAndZonesBackend.zones[region]}
        assert described <= {region + letter for letter in letters}, region


def test_the_processor_of_every_instance_type_follows_from_its_name() -> None:
    content = gzip.decompress(resources.files("moto.ec2").joinpath("resources/instance_types.json.gz").read_bytes())
    types = json.loads(content)
    assert len(types) > 1000
    for name, described in types.items():
        known = "arm64" if "arm64" in described["ProcessorInfo"]["SupportedArchitectures"] else "x86_64"
        assert architecture(name) == known, name


def test_loading_all_settings_opens_no_file_of_dated_facts() -> None:
    run = subprocess.run([sys.executable, "-c", _WATCHED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [str(ROOT / "config" / "aws" / "limits.json")]


def test_code_that_synthesises_names_no_file_of_dated_facts() -> None:
    dated = [path.name for path in (ROOT / "config" / "aws").glob("*.json") if path.name != "limits.json"]
    assert len(dated) > 3
    sources = [
        path
        for folder in ("config", "synth", "modules", "deployments")
        for path in (ROOT / folder).rglob("*.py")
        if "day2" not in path.parts
    ]
    assert len(sources) > 50
    named = [
        (path.name, name)
        for path in [*sources, ROOT / "main.py"]
        for name in [*dated, "review.facts"]
        if name in path.read_text()
    ]
    assert named == []
