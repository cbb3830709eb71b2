"""Order of creation: resources that must exist before a program starts."""

from __future__ import annotations

from cdktf import TerraformResource


class Prerequisites:
    """Resources that a program needs from its first moment on, without being told their names.

    Terraform orders what refers to each other, and a program's host does not refer to its routes, its rules or its
    rights. Whatever starts the program, such as an Auto Scaling group, depends on all that is added, later as well.
    """

    def __init__(self, *resources: TerraformResource) -> None:
        self._addresses: list[str] = []
        self._starters: list[TerraformResource] = []
        self.add(*resources)

    def add(self, *resources: TerraformResource) -> None:
        """Adds to what the program needs."""
        self._addresses += [address_of(resource) for resource in resources]
        for starter in self._starters:
            wait_for(starter, *map(address_of, resources))

    def hold_back(self, starter: TerraformResource) -> None:
        """Makes `starter`, which starts the program, wait."""
        self._starters.append(starter)
        wait_for(starter, *self._addresses)


def wait_for(resource: TerraformResource, *addresses: str) -> None:
    """Makes Terraform create `resource` after what stands at `addresses`."""
    resource.depends_on = list(dict.fromkeys([*(resource.depends_on or ()), *addresses]))


def address_of(resource: TerraformResource) -> str:
    """Where `resource` stands in the state, such as `aws_vpc.network`."""
    return f"{resource.terraform_resource_type}.{resource.friendly_unique_id}"
