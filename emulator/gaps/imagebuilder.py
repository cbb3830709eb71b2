"""EC2 Image Builder: moto does not have the service at all.

For `aws_imagebuilder_component`, `_image_recipe`, `_container_recipe`, `_infrastructure_configuration`,
`_distribution_configuration`, `_image_pipeline` and `_image`, all of which are made, read, changed and deleted alike.
Nothing is built: an image is available at once and names an AMI that does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from moto.core.utils import utcnow

from emulator.accounts import ACCOUNT_HEADER
from emulator.call import Signature
from emulator.store import Record, Shelf

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_resources: Shelf[str, Record] = Shelf("imagebuilder", "resources")
"""ARN → object as AWS returns it."""


@dataclass(frozen=True)
class _Kind:
    """How one kind of object is named: in actions, in its ARN, and in requests and answers."""

    action: str
    arn: str
    """In the ARN, before the name."""
    arn_field: str
    field: str


_KINDS = {
    kind.action: kind
    for kind in (
        _Kind("Component", "component", "componentBuildVersionArn", "component"),
        _Kind("ImageRecipe", "image-recipe", "imageRecipeArn", "imageRecipe"),
        _Kind("ContainerRecipe", "container-recipe", "containerRecipeArn", "containerRecipe"),
        _Kind(
            "InfrastructureConfiguration",
            "infrastructure-configuration",
            "infrastructureConfigurationArn",
            "infrastructureConfiguration",
        ),
        _Kind(
            "DistributionConfiguration",
            "distribution-configuration",
            "distributionConfigurationArn",
            "distributionConfiguration",
        ),
        _Kind("ImagePipeline", "image-pipeline", "imagePipelineArn", "imagePipeline"),
        _Kind("Image", "image", "imageBuildVersionArn", "image"),
    )
}


class ImageBuilder:
    """Answers the requests signed for Image Builder; all others go on to moto."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer in the service's protocol (REST with JSON)."""
        signature = Signature.of(environ)
        if signature is None or signature.service != "imagebuilder":
            return self._app(environ, start_response)
        request = _Request(environ, account_id=environ[ACCOUNT_HEADER], region=signature.region)
        headers = [("Content-Type", "application/json")]
        try:
            status, body = HTTPStatus.OK, request.answer()
        except _RefusedError as refusal:
            status, body = refusal.status, {"message": str(refusal)}
            headers.append(("x-amzn-errortype", refusal.code))
        start_response(f"{status.value} {status.phrase}", headers)
        return [json.dumps(body, default=str).encode()]


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class _Request:
    """One request: its action is the path, its object is named in the body or in the query."""

    def __init__(self, environ: WSGIEnvironment, *, account_id: str, region: str) -> None:
        self._account_id = account_id
        self._region = region
        self._objects = _resources.of(account_id, region)
        self._method: str = environ["REQUEST_METHOD"]
        self._path: str = environ["PATH_INFO"].strip("/")
        self._query = parse_qs(environ.get("QUERY_STRING", ""))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self._body: Record = json.loads(environ["wsgi.input"].read(length) or b"{}")

    def answer(self) -> Record:
        if self._path.startswith("tags/"):
            return self._tags(self._find(unquote(self._path.removeprefix("tags/"))))
        for verb in ("Create", "Get", "Update", "Delete"):
            kind = _KINDS.get(self._path.removeprefix(verb)) if self._path.startswith(verb) else None
            if kind:
                return self._create(kind) if verb == "Create" else self._on_one(verb, kind)
        raise NotImplementedError(f"Image Builder's {self._path}")

    def _create(self, kind: _Kind) -> Record:
        made = {name: value for name, value in self._body.items() if name != "clientToken"}
        name = str(made.get("name", "image")).lower().replace(" ", "-").replace("_", "-")
        arn = f"arn:aws:imagebuilder:{self._region}:{self._account_id}:{kind.arn}/{name}"
        version = made.pop("semanticVersion", None)
        if kind.action == "Component":
            arn += f"/{version}/1"
            made |= {"version": version, "owner": self._account_id, "type": "BUILD", "encrypted": True}
        elif kind.action in ("ImageRecipe", "ContainerRecipe"):
            arn += f"/{version}"
            made |= {"version": version, "owner": self._account_id, "platform": "Linux", "type": "AMI"}
            if kind.action == "ImageRecipe":
                agent = {"systemsManagerAgent": {"uninstallAfterBuild": False}}
                made.setdefault("additionalInstanceConfiguration", agent)
        elif kind.action == "ImagePipeline":
            made = {"enhancedImageMetadataEnabled": True, "status": "ENABLED", "platform": "Linux", **made}
        elif kind.action == "Image":
            arn += "/1.0.0/1"
            ami = {"region": self._region, "image": "ami-0123456789abcdef0", "accountId": self._account_id}
            made |= {
                "version": "1.0.0/1",
                "platform": "Linux",
                "state": {"status": "AVAILABLE"},
                "outputResources": {"amis": [ami]},
            }
        if arn in self._objects:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "ResourceAlreadyExistsException", f"{arn} exists already.")
        self._objects[arn] = made | {"arn": arn, "dateCreated": utcnow().isoformat()}
        return {kind.arn_field: arn}

    def _on_one(self, verb: str, kind: _Kind) -> Record:
        arn = self._query[kind.arn_field][0] if kind.arn_field in self._query else self._body.get(kind.arn_field, "")
        found = self._find(arn)
        if verb == "Get":
            return {kind.field: found}
        if verb == "Delete":
            del self._objects[arn]
        else:
            found |= {k: v for k, v in self._body.items() if k not in ("clientToken", kind.arn_field)}
        return {kind.arn_field: arn}

    def _tags(self, found: Record) -> Record:
        tags = found.setdefault("tags", {})
        if self._method == "GET":
            return {"tags": tags}
        if self._method == "POST":
            tags |= self._body.get("tags", {})
        else:
            for key in self._query.get("tagKeys", []):
                tags.pop(key, None)
        return {}

    def _find(self, arn: str) -> Record:
        if arn not in self._objects:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", f"{arn} does not exist.")
        return self._objects[arn]
