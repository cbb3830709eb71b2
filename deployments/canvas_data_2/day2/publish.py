"""Publishes what Terraform does not carry: the libraries of `sync_table` as a layer, and the task's image."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.settings import ROOT
from deployments.canvas_data_2.day2.deployed import CanvasData2
from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

RUNTIME = ROOT / "deployments" / "canvas_data_2" / "runtime"
LOCK = RUNTIME / "requirements.lock"
CA_BUNDLE_URL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
CA_BUNDLE = "rds-global-bundle.pem"
LAMBDA_PYTHON = "3.12"
_IN_LAMBDA_ALREADY = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "python_dateutil", "six")
_LARGEST_ZIP_BYTES = 50 * 1024 * 1024


def fetch_ca_bundle() -> bytes:
    """RDS's certificate authorities, from AWS. Raises OperatorError."""
    import requests

    try:
        answer = requests.get(CA_BUNDLE_URL, timeout=30)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise OperatorError(f"RDS's certificate authorities cannot be fetched: {error}.") from None
    if b"-----BEGIN CERTIFICATE-----" not in answer.content:
        raise OperatorError(f"{CA_BUNDLE_URL} holds no certificates.")
    return answer.content


def layer_name(function: str) -> str:
    """The name of the layer with a function's libraries."""
    return f"{function}-libraries"


def layer_description(python: str = LAMBDA_PYTHON) -> str:
    """The description by which a version of the layer is recognised: the lock's digest, and Python's version."""
    return f"requirements.lock {hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}, Python {python}"


@dataclass(frozen=True)
class PipelinePublication:
    """A publication: the layer and the image of this repository, for an applied stack."""

    environment: str = "dev"
    dry_run: bool = False
    root: Path = ROOT
    aws: Aws = field(default_factory=Aws)
    python: str = LAMBDA_PYTHON
    ca_bundle: Callable[[], bytes] = fetch_ca_bundle
    docker: str | None = field(default_factory=lambda: shutil.which("docker"))

    def run(self, console: Console) -> None:
        """Publish what is not there yet; safe to run again. Raises OperatorError when it is refused or fails."""
        with refusals_explained():
            canvas = CanvasData2.applied(self.root, self.environment, self.aws)
            with canvas.changed("publish", dry_run=self.dry_run):
                self._publish_layer(canvas, console)
                self._publish_image(canvas, console)

    def _publish_layer(self, canvas: CanvasData2, console: Console) -> None:
        functions = canvas.client("lambda")
        function = canvas.outputs.sync_function
        name, wanted = layer_name(function), layer_description(self.python)
        found = functions.list_layer_versions(LayerName=name).get("LayerVersions", [])
        arn = next((version["LayerVersionArn"] for version in found if version.get("Description") == wanted), None)
        used = functions.get_function_configuration(FunctionName=function).get("Layers", [])
        if arn is not None and [layer["Arn"] for layer in used] == [arn]:
            console.print(f"{function} has its libraries already: {wanted}.")
            return
        if self.dry_run:
            console.print(f"{function} would get its libraries: {wanted}.")
            return
        if arn is None:
            with tempfile.TemporaryDirectory() as scratch:
                archive = build_layer(Path(scratch), python=self.python, ca_bundle=self.ca_bundle())
            arn = functions.publish_layer_version(
                LayerName=name,
                Description=wanted,
                Content={"ZipFile": archive},
                CompatibleRuntimes=[f"python{self.python}"],
            )["LayerVersionArn"]
            console.print(f"The libraries are the layer {arn} ({len(archive) // 2**20} MiB).")
        functions.update_function_configuration(FunctionName=function, Layers=[arn])
        console.print(f"{function} has its libraries: {wanted}.")

    def _publish_image(self, canvas: CanvasData2, console: Console) -> None:
        ecr = canvas.client("ecr")
        image = canvas.outputs.image
        repository, _, tag = image.partition("/")[2].rpartition(":")
        if _is_there(ecr, repository, tag):
            console.print(f"The image is there already: {image}")
            return
        if self.dry_run:
            console.print(f"The image would be built and pushed: {image}")
            return
        if self.docker is None:
            raise OperatorError(
                f"There is no docker here to build {image}.",
                hint=f"Where it is: docker build --platform linux/amd64 --tag {image} {RUNTIME.relative_to(ROOT)} "
                f"&& docker push {image}",
            )
        registry = image.partition("/")[0]
        (authorization,) = ecr.get_authorization_token()["authorizationData"]
        console.print(f"Building {image}")
        self._docker(["build", "--platform", "linux/amd64", "--tag", image, str(RUNTIME)])
        self._docker(
            ["login", "--username", "AWS", "--password-stdin", registry], password=authorization["authorizationToken"]
        )
        self._docker(["push", image])
        console.print(f"The image is there: {image}")

    def _docker(self, arguments: Sequence[str], *, password: str | None = None) -> None:
        import base64

        given = base64.b64decode(password).decode().partition(":")[2] if password else None
        done = subprocess.run([str(self.docker), *arguments], input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            end = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise OperatorError(f"docker {arguments[0]} failed:\n{end}")


def build_layer(scratch: Path, *, python: str, ca_bundle: bytes) -> bytes:
    """The layer: every library of requirements.lock that Lambda does not bring along, as wheels for Lambda's Linux.

    Raises OperatorError when pip cannot fetch them with the hashes of the lock, or Lambda would not take the result.
    """
    target = scratch / "python"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "--no-compile",
        "--no-deps",
    ]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    command += [f"--platform=manylinux{suffix}_x86_64" for suffix in ("_2_34", "_2_28", "_2_17", "2014")]
    command += [f"--requirement={LOCK}", f"--target={target}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        end = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise OperatorError(f"pip cannot fetch the libraries of {LOCK.relative_to(ROOT)}:\n{end}")
    archive = scratch / "layer.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(CA_BUNDLE, ca_bundle)
        for path in sorted(target.rglob("*")):
            top = path.relative_to(target).parts[0].partition("-")[0].partition(".")[0]
            if path.is_file() and top not in (*_IN_LAMBDA_ALREADY, "dateutil", "bin"):
                packed.write(path, path.relative_to(scratch).as_posix())
    content = archive.read_bytes()
    if len(content) > _LARGEST_ZIP_BYTES:
        raise OperatorError(f"The libraries have {len(content) // 2**20} MiB, Lambda takes 50 MiB.")
    return content


def _is_there(ecr: Any, repository: str, tag: str) -> bool:
    try:
        ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ecr.exceptions.ImageNotFoundException:
        return False
    return True
