"""Differences of two states, told without values that may be secret."""

from __future__ import annotations

from typing import Any

from operations.state.difference import differences


def test_differences_tell_of_other_histories_and_of_every_instance() -> None:
    def state(lineage: str, keys: list[Any]) -> dict[str, Any]:
        instances = [{"index_key": key, "attributes": {"id": 1}} for key in keys]
        resource = {"mode": "managed", "module": "module.m", "type": "t", "name": "n", "instances": instances}
        return {"lineage": lineage, "resources": [resource, {"mode": "data", "instances": [{}]}]}

    assert list(differences(state("x", ["a", 0]), state("y", [0]))) == [
        "lineage: y instead of x: the history of another state",
        '- module.m.t.n["a"]: Terraform would no longer know it',
    ]
    assert list(differences({}, state("y", [0]))) == ["+ module.m.t.n[0]: Terraform would know it again"]


def test_differences_tell_of_outputs_that_change_come_or_go_and_show_no_secret() -> None:
    def state(**outputs: Any) -> dict[str, Any]:
        return {"version": 4, "lineage": "x", "serial": 1, "outputs": outputs, "resources": []}

    url, other, secret = ({"value": value, "type": "string"} for value in ("https://a", "https://b", "hush"))
    secret["sensitive"] = True
    before = state(same={"value": 1000, "type": "number"}, url=url, gone=url, key=secret)
    after = state(same={"value": int("1000"), "type": "number"}, url=other, new=other, key=other)
    assert list(differences(before, after)) == [
        '~ output gone: "https://a" → none',
        '~ output key: (sensitive) → "https://b"',
        '~ output new: none → "https://b"',
        '~ output url: "https://a" → "https://b"',
    ]
