"""Trust policies and policies of the state bucket in docs/examples/roles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.settings import ROOT
from iam.document import PolicyDocument, parse
from iam.evaluation import evaluate
from iam.request import Context, Principal, Request

EXAMPLES = ROOT / "docs" / "examples" / "roles"
TRUSTS = sorted(EXAMPLES.glob("trust-*.json"))
EVERYTHING = parse({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
ACCOUNT = "111122223333"
STATE = "arn:aws:s3:::quintet-dev-terraform-state/dev/suai-cloud-app/terraform.tfstate"


def example(name: str) -> PolicyDocument:
    return parse((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"), name=name)


def principal(role: str) -> Principal:
    return Principal(f"arn:aws:iam::{ACCOUNT}:role/{role}", ACCOUNT)


@pytest.mark.parametrize("file", TRUSTS, ids=lambda file: file.stem)
def test_a_trust_policy_names_one_audience_and_one_subject_without_wildcards(file: Path) -> None:
    (statement,) = json.loads(file.read_text(encoding="utf-8"))["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert list(statement["Condition"]) == ["StringEquals"]
    keys = statement["Condition"]["StringEquals"]
    provider = statement["Principal"]["Federated"].partition("oidc-provider/")[2]
    assert set(keys) == {f"{provider}:aud", f"{provider}:sub"}
    assert not any("*" in value for value in keys.values())
    parse(file.read_text(encoding="utf-8"), name=file.stem)


@pytest.mark.parametrize(
    ("role", "action", "allowed"),
    [
        ("suai-cloud-app-dev-plan", "s3:GetObject", True),
        ("suai-cloud-app-dev-plan", "s3:PutObject", False),
        ("suai-cloud-app-dev-apply", "s3:PutObject", True),
        ("administrator", "s3:GetObject", False),
        ("aquamark-dev-apply", "s3:GetObject", False),
    ],
)
def test_the_state_of_a_stack_is_for_its_roles_whatever_else_they_may(role: str, action: str, allowed: bool) -> None:
    caller = principal(role)
    request = Request(action, STATE, caller, Context({"aws:principalarn": caller.name}))
    assert evaluate(request, [EVERYTHING], resource=example("state-bucket-policy")).allowed is allowed


def test_the_key_of_the_state_decrypts_for_the_roles_by_way_of_s3_only() -> None:
    key = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/0a1b"

    def may(role: str, service: str | None) -> bool:
        request = Request("kms:Decrypt", key, principal(role), Context({"kms:viaservice": service}))
        policy = example("state-key-policy")
        return evaluate(request, [EVERYTHING], resource=policy, resource_decides=True).allowed

    assert may("suai-cloud-app-dev-plan", "s3.eu-central-1.amazonaws.com")
    assert not may("suai-cloud-app-dev-plan", None)
    assert not may("administrator", "s3.eu-central-1.amazonaws.com")
