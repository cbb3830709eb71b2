from __future__ import annotations

import json

from modules.image_repository import ImageRepository
from tests.modules.peer import Peer
from tests.modules.synth import assert_subset, sample_stack, synthesised


def test_images_are_scanned_tags_are_immutable_and_the_newest_stay():
    stack = sample_stack()
    ImageRepository(stack, "repository", name="sample", images_kept=5)
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_ecr_repository.repository"),
        {
            "image_tag_mutability": "IMMUTABLE",
            "image_scanning_configuration": {"scan_on_push": True},
            "force_delete": False,
        },
    )
    rules = json.loads(result.resource("aws_ecr_lifecycle_policy.repository_lifecycle")["policy"])["rules"]
    assert [rule["selection"]["countNumber"] for rule in rules] == [1, 5]


def test_who_pulls_cannot_push():
    stack = sample_stack()
    ImageRepository(stack, "repository", name="sample").grant_pull(Peer(stack, "web"))
    statements = synthesised(stack).policy("aws_iam_role_policy.repository_pull_by_web")
    assert statements["PullImage"]["Resource"] == ["${aws_ecr_repository.repository.arn}"]
    assert not [action for action in statements["PullImage"]["Action"] if "Put" in action or "Upload" in action]
