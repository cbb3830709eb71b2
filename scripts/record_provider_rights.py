"""Writes operations/roles/provider_rights.json: the rights that the AWS provider and operators' commands use.

Usage: record_provider_rights.py [STACK…]. It plans, applies, tags anew, plans again, operates and destroys the
committed stacks, each on an emulator of its own and with the keys of roles that may do everything, and keeps what the
emulator judged. With stacks named, it adds to what was recorded; without, it records everything anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.environment import StateSettings, load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.demo.path_style import path_style
from operations.demo.prerequisites import make_existing
from operations.demo.unprotect import without_protections
from operations.roles.provider_rights import FILE, PHASES, as_text, merged, templates
from operations.stacks import Stack, find_stacks, select
from operations.state.bootstrap import bootstrap
from operations.terraform.run import Run
from operations.terraform.terraform import Terraform

EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
OPERATED = {
    "suai-cloud-app": (
        ("status", "STACK"),
        ("output", "STACK"),
        ("logs", "STACK"),
        ("logs", "STACK", "boot"),
        ("shell", "STACK"),
        ("suai", "database-user", "--environment", "ENVIRONMENT"),
        ("suai", "publish", "--environment", "ENVIRONMENT", "--app", "FILE", "--version", "one", "--no-refresh"),
        ("suai", "publish", "--environment", "ENVIRONMENT", "--app", "FILE", "--version", "two", "--refresh",
         "--timeout-minutes", "1"),
        ("suai", "publish", "--environment", "ENVIRONMENT", "--version", "one"),
        ("suai", "releases", "--environment", "ENVIRONMENT"),
        ("suai", "redis-auth", "--environment", "ENVIRONMENT"),
        ("suai", "redis-auth", "--environment", "ENVIRONMENT", "--finish"),
    )
}  # fmt: skip
"""Commands of operators by deployment."""
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


def main(patterns: list[str]) -> int:
    """Exit code 0 when the file is written."""
    known = json.loads(FILE.read_text(encoding="utf-8")) if patterns else {}
    for stack in select(find_stacks(ROOT), patterns):
        print(f"{stack.name} …", flush=True)  # noqa: T201 - progress
        known[stack.deployment] = merged(known.get(stack.deployment, {}), templates(stack, recorded(stack)))
        FILE.write_text(as_text(known), encoding="utf-8")
    return 0


def recorded(stack: Stack) -> list[dict[str, Any]]:
    """Decisions of the emulator on what Terraform asked for, by the roles `plan` and `apply`."""
    with (
        tempfile.TemporaryDirectory(prefix="quintet-rights-") as folder,
        Emulator.start(log=Path(folder, "emulator.log"), facts=FACTS) as emulator,
        Run("rights", root=ROOT) as run,
    ):
        owner = emulator.environment(account_id=stack.account_id, region=stack.region)
        aws = Aws(owner)
        environment = load_environment(stack.environment)
        if isinstance(environment.state, StateSettings):
            bootstrap(aws, environment)
        make_existing(aws, [stack])
        keys = {}
        iam = aws.client("iam", region=stack.region)
        for name in PHASES:
            arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
            iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=EVERYTHING)
            keys[name] = emulator.keys_of(arn, region=stack.region)
        inherited = emulator.full_environment(account_id=stack.account_id, region=stack.region)
        terraform = run.terraform(stack, environment=inherited)
        with terraform.using(**keys["apply"]):
            _write(terraform, "path_style", path_style(_document(terraform)))
            terraform.init()
            terraform.apply(terraform.plan("first"))
            _write(terraform, "tags", _other_tags(_document(terraform)))
            terraform.apply(terraform.plan("tags"))
        with terraform.using(**keys["plan"]):
            terraform.init()
            terraform.plan("second")
        _operate(stack, inherited | keys["operate"], Path(folder))
        with terraform.using(**keys["apply"]):
            _write(terraform, "unprotected", without_protections(_document(terraform)))
            terraform.apply(terraform.plan("unprotect"))
            terraform.destroy()
        status = emulator.status()
        if status["missing"] or status["failed"]:
            raise SystemExit(f"{stack.name}: the emulator lacks {status['missing']}, failed in {status['failed']}")
        return [each for each in status["decisions"]["allowed"] if each["caller"].removeprefix("role/") in PHASES]


def _operate(stack: Stack, environment: Mapping[str, str], folder: Path) -> None:
    executable = folder / "app"
    executable.write_bytes(b"\x7fELF")
    words = {"STACK": stack.name, "ENVIRONMENT": stack.environment, "FILE": str(executable)}
    for command in OPERATED.get(stack.deployment, ()):
        arguments = [words.get(word, word) for word in command]
        done = subprocess.run([sys.executable, "-m", "operations", *arguments], cwd=ROOT, env=environment, check=False)
        print(f"{' '.join(arguments)}: {done.returncode}", flush=True)  # noqa: T201 - progress


def _document(terraform: Terraform) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((terraform.directory / "cdk.tf.json").read_text(encoding="utf-8"))
    return document


def _write(terraform: Terraform, name: str, override: dict[str, Any]) -> None:
    if override:
        (terraform.directory / f"{name}_override.tf.json").write_text(json.dumps(override))


def _other_tags(document: dict[str, Any]) -> dict[str, Any]:
    """An override that gives everything another default tag, so that its tags are changed."""
    providers = []
    for provider in document["provider"]["aws"]:
        tags = {**provider["default_tags"][0]["tags"], "Recorded": "yes"}
        alias = {"alias": provider["alias"]} if "alias" in provider else {}
        providers.append({**alias, "default_tags": [{"tags": tags}]})
    return {"provider": {"aws": providers}}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
