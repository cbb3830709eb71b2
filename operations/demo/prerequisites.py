"""Resources that stacks expect in an account, created on the emulator before they are applied."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from operations.stacks import FILE, images_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.aws import Aws
    from operations.stacks import Stack


def hosted_zones(stack: Stack) -> dict[str, str]:
    """Id → domain of every Route 53 zone that the stack puts records into and does not make itself."""
    document = json.loads((stack.folder / FILE).read_text(encoding="utf-8"))
    records = document.get("resource", {}).get("aws_route53_record", {}).values()
    return {
        record["zone_id"]: ".".join(record["name"].split(".")[-2:])
        for record in records
        if "${" not in record["zone_id"] + record["name"]
    }


def make_existing(aws: Aws, stacks: Sequence[Stack]) -> None:
    """Make what the stacks expect on the emulator that `aws` leads to."""
    zones = {zone: (domain, stack) for stack in stacks for zone, domain in hosted_zones(stack).items()}
    for zone, (domain, stack) in zones.items():
        route53 = aws.client("route53", region=stack.region)
        # The emulator gives a zone the id that such a reference asks for.
        route53.create_hosted_zone(Name=domain, CallerReference=f"/hostedzone/{zone}")
    for region, name, tag in sorted({image for stack in stacks for image in images_of(stack)}):
        ecr = aws.client("ecr", region=region)
        with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):  # another image's
            ecr.create_repository(repositoryName=name)
        with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
            ecr.put_image(repositoryName=name, imageTag=tag, imageManifest=_manifest(tag))


def _manifest(content: str) -> str:
    """The manifest of an image that is nothing but its content's name."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {"digest": content}})
