"""S3: names of buckets, and policies of buckets.

Sources: S3 User Guide, bucket naming rules; S3 API Reference, PutBucketPolicy (2026-11-28).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.call import Refusal
from emulator.rules.policies import resource_policy
from emulator.rules.rule import Rules
from iam.errors import MalformedPolicyError

if TYPE_CHECKING:
    from emulator.call import Call

RULES = Rules("s3")

_NAME = re.compile(r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RESERVED_ENDINGS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_POLICY_BYTES = 20_480


@RULES.on("CreateBucket")
def the_name_of_a_bucket_is_allowed(call: Call) -> None:
    name = call.parameters["Bucket"]
    if not _NAME.fullmatch(name) or _ADDRESS.fullmatch(name) or name.endswith(_RESERVED_ENDINGS):
        raise Refusal("InvalidBucketName", "The specified bucket is not valid.")


@RULES.on("PutBucketPolicy")
def a_bucket_policy_is_about_its_bucket(call: Call) -> None:
    document = call.parameters["Policy"]
    text = document.decode() if isinstance(document, bytes) else document
    try:
        policy = resource_policy(text)
    except MalformedPolicyError as error:
        raise Refusal("MalformedPolicy", str(error)) from error
    if len(text.encode()) > _POLICY_BYTES:
        raise Refusal("MalformedPolicy", f"Policies must be at most {_POLICY_BYTES} bytes")
    bucket = f"arn:aws:s3:::{call.parameters['Bucket']}"
    for statement in policy.statements:
        for resource in (*(statement.resources or ()), *(statement.not_resources or ())):
            if resource != bucket and not resource.startswith(f"{bucket}/"):
                raise Refusal("MalformedPolicy", f"Policy has invalid resource: {resource}")
        for action in (*(statement.actions or ()), *(statement.not_actions or ())):
            if action != "*" and not action.lower().startswith("s3:"):
                raise Refusal("MalformedPolicy", f"Policy has invalid action: {action}")
