"""A repository with one small stack, and an emulator to apply it to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from config.environment import Environment, StateSettings
from config.settings import ROOT
from operations.stacks import Stack, read_stack

ACCOUNT = "222233334444"
REGION = "eu-central-1"
STATE = StateSettings(bucket="quintet-test-terraform-state", region=REGION, lock_table="quintet-test-terraform-locks")
ENVIRONMENT = Environment(name="test", account_id=ACCOUNT, state=STATE)

SETTINGS = f"""
name = "test"
account_id = "{ACCOUNT}"
[state]
bucket = "{STATE.bucket}"
region = "{STATE.region}"
lock_table = "{STATE.lock_table}"
"""

QUICK: dict[str, Any] = {
    "aws_ssm_parameter": {"greeting": {"name": "/DEPLOYMENT/greeting", "type": "String", "value": "hello"}},
    "aws_sns_topic": {"alarms": {"name": "DEPLOYMENT-alarms"}},
}
_WAIT = "touch started; timeout --foreground 120 sh -c 'until [ -e go ]; do sleep 0.05; done'"
SLOW: dict[str, Any] = {
    "aws_sns_topic": QUICK["aws_sns_topic"],
    "terraform_data": {
        "slow": {
            "depends_on": ["aws_sns_topic.alarms"],
            "provisioner": [{"local-exec": {"command": _WAIT}}],
        }
    },
}
"""Is under way once the file `started` is there, until the file `go` is; the topic exists by then."""

PLAIN: dict[str, Any] = {"terraform_data": {"first": {"input": "hello"}, "second": {"input": "hello"}}}
"""Nothing of AWS, for copies without the provider (`plain_terraform`)."""

PLAIN_SLOW: dict[str, Any] = {
    "terraform_data": {
        "first": {},
        "slow": {**SLOW["terraform_data"]["slow"], "depends_on": ["terraform_data.first"]},
    }
}
"""SLOW without anything of AWS."""

REFUSED: dict[str, Any] = {
    **QUICK,
    "aws_ssm_parameter": {"reserved": {"name": "/aws/reserved", "type": "String", "value": "x"}},
}


def make_root(path: Path) -> Path:
    """A repository at `path` that runs the same Terraform with the same provider as this one."""
    path.mkdir(parents=True, exist_ok=True)
    (path / ".terraform-version").write_text((ROOT / ".terraform-version").read_text())
    (ROOT / ".tools").mkdir(exist_ok=True)
    (path / ".tools").symlink_to(ROOT / ".tools")
    return path


def make_repository(path: Path, settings: str = SETTINGS) -> Path:
    """One that has the environment `test` with these settings as well, and synthesises nothing."""
    root = make_root(path)
    (root / "config" / "environments").mkdir(parents=True)
    (root / "config" / "environments" / "test.toml").write_text(settings)
    (root / "main.py").write_text("")
    return root


def write_stack(
    root: Path, resources: dict[str, Any], *, deployment: str = "example", environment: Environment = ENVIRONMENT
) -> Stack:
    """Commit a stack with these resources, as main.py would."""
    state = environment.state
    backend: dict[str, Any] = {
        "bucket": state.bucket,
        "key": f"{environment.name}/{deployment}/terraform.tfstate",
        "region": state.region,
        "encrypt": True,
    }
    if state.locking != "lockfile":
        backend["dynamodb_table"] = state.lock_table
    if state.locking != "dynamodb":
        backend["use_lockfile"] = True
    provider = {
        "region": REGION,
        "allowed_account_ids": [environment.account_id],
        "default_tags": [{"tags": {"Deployment": deployment, "Environment": environment.name}}],
    }
    document = {
        "terraform": {
            "backend": {"s3": backend},
            "required_version": "~> 1.11.4",
            "required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}},
        },
        "provider": {"aws": [provider]},
        # Resources of different stacks must not share their names.
        "resource": json.loads(json.dumps(resources).replace("DEPLOYMENT", deployment)),
        "output": {"greeting": {"value": "hello"}, "password": {"value": "not for logs", "sensitive": True}},
    }
    folder = root / "generated" / "stacks" / f"{deployment}-{environment.name}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cdk.tf.json").write_text(json.dumps(document, indent=2))
    shutil.copyfile(ROOT / ".terraform.lock.hcl", folder / ".terraform.lock.hcl")
    return read_stack(folder)
