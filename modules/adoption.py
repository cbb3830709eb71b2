"""Takes resources over that exist already, made by hand, instead of making them a second time."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from cdktf import App, TerraformStack

from config.adoption import NAMES
from modules.refusals import Refusals


def adopt(app: App, stack: TerraformStack, ids: Mapping[str, str]) -> None:
    """Gives `stack` an import block for each address in `ids`, with the id AWS knows the resource by.

    The stack is refused when it has no such address, or calls the resource otherwise: Terraform would replace it.
    """
    if ids:
        stack.add_override("import", [{"to": address, "id": id_} for address, id_ in sorted(ids.items())])
        app.node.add_validation(Refusals(app, stack.node.id, partial(problems, ids=ids)))


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
