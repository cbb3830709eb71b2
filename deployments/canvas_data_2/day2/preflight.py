"""Canvas Data 2's own questions of preflight: credentials, libraries and image, which Terraform does not create."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployments.canvas_data_2.day2.publish import layer_description, layer_name
from deployments.canvas_data_2.outputs import CanvasData2Outputs
from deployments.canvas_data_2.settings import CREDENTIALS
from operations.review.preflight.account import code_of
from operations.review.preflight.findings import PreflightFinding, fine, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from operations.review.preflight.account import Account
    from operations.review.preflight.findings import Question
    from operations.review.preflight.planned import PlannedDocument


def questions() -> Sequence[Question]:
    """Asked before an apply; it succeeds without these, and refreshes do not."""
    return (credentials, libraries, task_image)


def credentials(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for the parameters that the functions read; their values are not asked for."""
    path = planned.read(CanvasData2Outputs).parameter_path
    wanted = [f"{path}/{name}" for name in CREDENTIALS]
    named = [{"Key": "Name", "Option": "Equals", "Values": wanted}]
    found = {each["Name"] for each in account.ask("ssm", "describe_parameters", ParameterFilters=named)["Parameters"]}
    missing = [name for name in wanted if name not in found]
    if missing:
        command = f"after the apply: quintet canvas put-credentials --environment {planned.stack.environment}"
        yield warning("credentials", f"not filled yet: {', '.join(missing)}", command)
    else:
        yield fine("credentials", f"{' and '.join(wanted)} are there")


def libraries(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for the layer of sync_table with the libraries that the committed lock names."""
    function = planned.read(CanvasData2Outputs).sync_function
    wanted = layer_description()
    found = account.ask("lambda", "list_layer_versions", LayerName=layer_name(function)).get("LayerVersions", [])
    if any(version.get("Description") == wanted for version in found):
        yield fine("libraries", f"{layer_name(function)}: {wanted}")
    else:
        yield warning("libraries", f"{layer_name(function)} has no version for {wanted}", _publish(planned))


def task_image(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for the image of the table task, with the tag of the committed code."""
    tag = planned.read(CanvasData2Outputs).image.rpartition(":")[2]
    ((_, repository),) = planned.of("aws_ecr_repository")
    try:
        account.ask("ecr", "describe_images", repositoryName=repository["name"], imageIds=[{"imageTag": tag}])
        yield fine("task image", f"{repository['name']}:{tag}")
    except ClientError as error:
        if code_of(error) not in ("RepositoryNotFoundException", "ImageNotFoundException"):
            raise
        yield warning("task image", f"there is no {repository['name']}:{tag}: tasks do not start", _publish(planned))


def _publish(planned: PlannedDocument) -> str:
    return f"after the apply: quintet canvas publish --environment {planned.stack.environment}"
