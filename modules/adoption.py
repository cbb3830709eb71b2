"""Takes resources over that exist already, made by hand, instead of making them a second time."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import jsii
from cdktf import TerraformStack
from constructs import IValidation

from config.adoption import NAMES


def adopt(stack: TerraformStack, ids: Mapping[str, str]) -> None:
    """Gives `stack` an import block for each address in `ids`, with the id AWS knows the resource by.

    The stack is refused when it has no such address, or calls the resource otherwise: Terraform would replace it.
    """
    if ids:
        stack.add_override("import", [{"to": address, "id": id_} for address, id_ in sorted(ids.items())])
        stack.node.add_validation(_Adoptions(stack, ids))


@jsii.implements(IValidation)
class _Adoptions:
    """Problems of a stack's adoptions."""

    def __init__(self, stack: TerraformStack, ids: Mapping[str, str]) -> None:
        self._stack = stack
        self._ids = ids

    def validate(self) -> list[str]:
        """One line for each adoption that cannot be."""
        return list(problems(self._stack.to_terraform(), self._ids))


def problems(document: Mapping[str, Any], ids: Mapping[str, str]) -> Iterator[str]:
    """Problems of adopting `ids` into a stack's Terraform JSON, one line each."""
    resources = {
        f"{kind}.{name}": arguments
        for kind, named in document.get("resource", {}).items()
        for name, arguments in named.items()
    }
    for address, id_ in sorted(ids.items()):
        if address not in resources:
            near = difflib.get_close_matches(address, resources, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "see the addresses in its cdk.tf.json"
            yield f'adopt."{address}" = "{id_}": the stack has no such resource; {hint}'
            continue
        argument = NAMES.get(address.split(".")[0])
        name = resources[address].get(argument) if argument else None
        if isinstance(name, str) and "${" not in name and name != id_:
            yield (
                f'adopt."{address}" = "{id_}": the stack calls it {argument} = "{name}", so Terraform would replace or'
                " rename it; set its name in the settings, or rename what exists first"
            )
