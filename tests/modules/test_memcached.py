from __future__ import annotations

import socket
from pathlib import Path

import pytest

from config.memcached import MemcachedSettings
from modules.memcached import Memcached
from modules.network import Network
from operations.engines.server import HOST, free_port, running
from tests.engines import need
from tests.modules.peer import Peer
from tests.modules.synth import NETWORK, Synthesised, assert_subset, sample_stack, synthesised

MAX_ITEM_SIZE_MIB = 21
LARGEST_VALUE = 20 * 2**20
"""Largest value of Sync Storage's client."""


def cache(*, nodes: int = 1) -> Synthesised:
    stack = sample_stack()
    network = Network(stack, "network", name="sample", settings=NETWORK)
    made = Memcached(
        stack, "cache", name="sample-cache", network=network, max_item_size_mib=MAX_ITEM_SIZE_MIB,
        settings=MemcachedSettings(node_type="cache.t4g.small", num_cache_nodes=nodes),
    )  # fmt: skip
    made.connections.allow_from(Peer(stack, "web"))
    assert len(made.watches()) == 4 * nodes
    return synthesised(stack)


def test_only_allowed_peers_reach_it() -> None:
    result = cache()
    rules = result.resources("aws_vpc_security_group_ingress_rule")
    assert set(rules) == {"cache_from_web"}
    assert_subset(rules["cache_from_web"], {"from_port": 11211, "to_port": 11211})


def test_what_was_applied_is_what_runs() -> None:
    assert_subset(cache().resource("aws_elasticache_cluster.cache"), {"apply_immediately": True})


def test_one_node_stands_in_one_zone_and_several_in_several() -> None:
    assert_subset(cache().resource("aws_elasticache_cluster.cache"), {"num_cache_nodes": 1, "az_mode": "single-az"})
    assert_subset(
        cache(nodes=2).resource("aws_elasticache_cluster.cache"), {"num_cache_nodes": 2, "az_mode": "cross-az"}
    )


def test_a_name_that_is_too_long_is_refused() -> None:
    stack = sample_stack()
    network = Network(stack, "network", name="sample", settings=NETWORK)
    with pytest.raises(ValueError, match="at most 50 characters"):
        Memcached(
            stack, "cache", name="x" * 51, network=network, settings=MemcachedSettings(node_type="cache.t4g.small")
        )


@pytest.mark.engines
def test_a_real_server_with_this_item_size_takes_the_largest_value_of_the_client(tmp_path: Path) -> None:
    (program,) = need("memcached", "memcached")
    port = free_port()
    command = [program, "-l", HOST, "-p", str(port), "-m", "128", "-I", f"{MAX_ITEM_SIZE_MIB * 2**20}", "-u", "nobody"]

    def ask() -> socket.socket:
        return socket.create_connection((HOST, port), timeout=30)

    with running(command, tmp_path, lambda: ask().close()), ask() as connection:
        key = b"k" * 250
        connection.sendall(b"set %s 0 0 %d\r\n" % (key, LARGEST_VALUE) + b"x" * LARGEST_VALUE + b"\r\n")
        assert connection.recv(100) == b"STORED\r\n"
