"""The stack that a state belongs to, by the tags of its resources."""

from __future__ import annotations

from typing import Any

import pytest

from operations.state.belonging import owner_of

OURS = {"Deployment": "aquamark", "Environment": "dev", "Project": "Quintet"}
PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'


def state(*tags: dict[str, str] | None, provider: str = PROVIDER) -> Any:
    instances = [{"attributes": {"id": "x"} if each is None else {"id": "x", "tags_all": each}} for each in tags]
    resource = {"mode": "managed", "type": "aws_vpc", "name": "n", "provider": provider, "instances": instances}
    return {"version": 4, "lineage": "x", "serial": 1, "resources": [resource]}


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ((OURS,), ("aquamark", "dev")),
        ((None, {"Deployment": "aquamark"}, {"Environment": "dev"}), None),
        ((), None),
        ((OURS, {**OURS, "Environment": "prod"}, OURS), ("aquamark", "dev")),
    ],
    ids=["tags of its own beside ours", "half of the tags", "nothing", "most of them"],
)
def test_tags_of_deployment_and_environment_say_whose_a_state_is(
    tags: tuple[dict[str, str] | None, ...], owner: tuple[str, str] | None
) -> None:
    assert owner_of(state(*tags)) == owner


def test_resources_of_other_providers_and_regions_say_nothing() -> None:
    assert owner_of(state(OURS, provider=f"{PROVIDER}.us_east_1")) is None
