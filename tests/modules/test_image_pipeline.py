from __future__ import annotations

import json

from modules.image_pipeline import ImagePipeline
from modules.network import Network
from tests.modules.synth import NETWORK, Synthesised, assert_subset, sample_stack, synthesised


def pipeline(install: str = "dnf install nginx") -> Synthesised:
    stack = sample_stack()
    network = Network(stack, "network", name="sample", settings=NETWORK)
    ImagePipeline(
        stack, "bake", name="sample-image", network=network, install=install, instance_type="t3.medium",
        root_volume_size_gib=20,
    )  # fmt: skip
    return synthesised(stack)


def version(result: Synthesised) -> str:
    found: str = result.resource("aws_imagebuilder_component.bake_component")["version"]
    return found


def test_the_image_is_what_the_script_does_to_amazon_linux() -> None:
    result = pipeline()
    component = json.loads(result.resource("aws_imagebuilder_component.bake_component")["data"])
    assert component["phases"][0]["steps"][0]["inputs"]["commands"] == ["dnf install nginx"]
    recipe = result.resource("aws_imagebuilder_image_recipe.bake_recipe")
    assert recipe["parent_image"].endswith(":aws:image/amazon-linux-2023-x86/x.x.x")


def test_another_script_is_another_version_and_the_same_script_the_same() -> None:
    assert version(pipeline()) == version(pipeline()) != version(pipeline("dnf install apache"))


def test_what_builds_is_in_a_private_subnet_without_ssh_and_speaks_imdsv2() -> None:
    result = pipeline()
    assert_subset(
        result.resource("aws_imagebuilder_infrastructure_configuration.bake_infrastructure"),
        {
            "subnet_id": "${aws_subnet.network_private_a.id}",
            "instance_metadata_options": {"http_tokens": "required"},
            "terminate_instance_on_failure": True,
        },
    )
    assert not result.resources("aws_vpc_security_group_ingress_rule")


def test_images_are_encrypted() -> None:
    recipe = pipeline().resource("aws_imagebuilder_image_recipe.bake_recipe")
    assert recipe["block_device_mapping"][0]["ebs"]["encrypted"] == "true"
