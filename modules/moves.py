"""A construct that gets another id keeps what it deployed."""

from __future__ import annotations

from cdktf import TerraformResource
from constructs import Construct

from modules.order import address_of


def move_from_id(construct: Construct, former_id: str) -> None:
    """Has every resource of `construct`, a Database or a Fleet, keep what stands in the state under its former id.

    Call it once the construct is complete, with the ids joined by `_` as they were: `move_from_id(database, "db")`.
    """
    prefix = "_".join(word for word in construct.node.path.split("/")[1:] if word != "Default")
    for node in construct.node.find_all():
        if isinstance(node, TerraformResource):
            kind, _, name = address_of(node).partition(".")
            node.move_from_id(f"{kind}.{former_id}{name.removeprefix(prefix)}")
