"""A construct that gets another id keeps every resource that it deployed."""

from __future__ import annotations

from config.components import MysqlSettings
from modules.database import Database
from modules.engines import MYSQL
from modules.moves import move_from_id
from modules.network import Network
from tests.modules.synth import NETWORK, sample_stack, synthesised


def test_every_resource_of_a_construct_moves_from_its_former_id() -> None:
    stack = sample_stack()
    database = Database(
        stack,
        "database",
        name="sample-test-database",
        network=Network(stack, "network", name="sample-test-network", settings=NETWORK),
        engine=MYSQL,
        settings=MysqlSettings(engine_version="8.4", instance_class="db.t4g.micro", allocated_storage_gib=20),
        database_name="sample",
        username="sample",
    )
    move_from_id(database, "mysql")
    made = synthesised(stack)
    moved = {block["to"]: block["from"] for block in made.document["moved"]}
    of_database = {address for address in made.addresses() if address.partition(".")[2].startswith("database")}
    assert len(of_database) > 5
    assert moved == {address: address.replace(".database", ".mysql", 1) for address in of_database}
