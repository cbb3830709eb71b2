"""KMS: grammar of key policies, and the check that nobody locks himself out.

Source: KMS API Reference, CreateKey and PutKeyPolicy (2026-11-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Refusal
from emulator.rules.policies import resource_policy
from emulator.rules.rule import Rules
from iam.errors import IamError
from iam.evaluation import evaluate
from iam.request import Context, Principal, Request

if TYPE_CHECKING:
    from emulator.call import Call

RULES = Rules("kms")

_CODE = "MalformedPolicyDocumentException"


@RULES.on("CreateKey", "PutKeyPolicy")
def the_policy_of_a_key_can_be_changed_later(call: Call) -> None:
    document = call.parameters.get("Policy")
    if not document:
        return
    try:
        policy = resource_policy(document)
        if call.parameters.get("BypassPolicyLockoutSafetyCheck"):
            return
        root = Principal(f"arn:aws:iam::{call.account_id}:root", call.account_id)
        arn = f"arn:aws:kms:{call.region}:{call.account_id}:key/*"
        request = Request("kms:PutKeyPolicy", arn, root, Context({}))
        decided = evaluate(request, (), resource=policy)
    except IamError as error:
        raise Refusal(_CODE, str(error)) from error
    if not decided.allowed:
        raise Refusal(_CODE, "The new key policy will not allow you to update the key policy in the future.")
