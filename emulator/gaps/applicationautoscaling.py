"""Application Auto Scaling: tags are missing.

Without ListTagsForResource no `aws_appautoscaling_target` can be made, planned or destroyed.
"""

from __future__ import annotations

import json
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse

from emulator.gap import Gap
from emulator.store import Shelf

GAP = Gap("applicationautoscaling")

_tags: Shelf[str, dict[str, str]] = Shelf("applicationautoscaling", "tagged targets", counted=False)


@GAP.around(ApplicationAutoScalingResponse, "register_scalable_target")
def target_with_tags(original: Any, response: ApplicationAutoScalingResponse) -> str:
    body: str = original(response)
    tags = response._get_param("Tags")
    if tags:
        _tags.at(response)[json.loads(body)["ScalableTargetARN"]] = dict(tags)
    return body


@GAP.action(ApplicationAutoScalingResponse)
def list_tags_for_resource(self: ApplicationAutoScalingResponse) -> str:
    return json.dumps({"Tags": _tags.at(self).get(self._get_param("ResourceARN"), {})})


@GAP.action(ApplicationAutoScalingResponse)
def tag_resource(self: ApplicationAutoScalingResponse) -> str:
    _tags.at(self).setdefault(self._get_param("ResourceARN"), {}).update(self._get_param("Tags"))
    return "{}"


@GAP.action(ApplicationAutoScalingResponse)
def untag_resource(self: ApplicationAutoScalingResponse) -> str:
    tags = _tags.at(self).get(self._get_param("ResourceARN"), {})
    for key in self._get_param("TagKeys"):
        tags.pop(key, None)
    return "{}"
