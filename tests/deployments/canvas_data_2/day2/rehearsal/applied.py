"""Canvas Data 2 as committed, applied to the emulator by the real Terraform, with the pipeline behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.environment import load_environment
from config.limits import FACTS
from config.settings import ROOT
from deployments.canvas_data_2.day2 import DEPLOYMENT
from deployments.canvas_data_2.day2.deployed import CanvasData2
from deployments.canvas_data_2.day2.rehearsal.dap_api import DapApi
from deployments.canvas_data_2.day2.rehearsal.pipeline import Pipeline, pipeline
from emulator.server import Emulator
from operations.aws import Aws
from operations.engines.postgresql import PostgreSql
from operations.plans.standing_provider import StandingProviders
from operations.stacks import find_stacks, only
from operations.state.bootstrap import bootstrap
from operations.terraform.run import Run

ENVIRONMENT = "dev"


@contextmanager
def applied(directory: Path, server: PostgreSql, api: DapApi) -> Iterator[Pipeline]:
    """The stack, applied and made ready."""
    stack = only(find_stacks(ROOT), f"{DEPLOYMENT}-{ENVIRONMENT}")
    behind = directory / "behind.json"
    with (
        Run("canvas", root=ROOT) as run,
        StandingProviders(run) as providers,
        Emulator.start(log=directory / "emulator.log", behind=behind, facts=FACTS) as emulator,
    ):
        variables = emulator.full_environment(account_id=stack.account_id, region=stack.region)
        aws = Aws(emulator.environment(account_id=stack.account_id, region=stack.region))
        bootstrap(aws, load_environment(ENVIRONMENT))
        terraform = run.terraform(stack, environment=variables)
        with providers.attached(terraform, stack):
            terraform.apply(terraform.plan())
        with pipeline(
            root=ROOT,
            deployed=CanvasData2.applied(ROOT, ENVIRONMENT, aws),
            behind=behind,
            server=server,
            api=api,
            sleep=time.sleep,
        ) as ready:
            yield ready
