"""Checks of `make demo` on Sync Storage, with webheads, nodes and cache that really run."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from deployments.sync_storage.day2.rehearsal.surroundings import ADDED, Surroundings, added_node, surroundings
from operations.aws import refusals_explained
from operations.demo.check import Check, CheckContext, expect
from operations.demo.rehearsals import NotRehearsedError, Stage
from operations.engines.mariadb import mariadb
from operations.engines.memcached import memcached
from operations.engines.server import HOST, MissingEngineError, programs_of

_BOOKMARKS, _TABS = 7, 9
"""Numbers that all databases share (syncstorage/storage/sql/__init__.py:48)."""
PACKAGES = "mariadb-server memcached nginx"


@contextmanager
def checks(stage: Stage, program: Sequence[str] | None = None) -> Iterator[Sequence[Check]]:
    """The checks, to be run in their order; `program` is as in `surroundings`. Raises NotRehearsedError."""
    with ExitStack() as behind:
        try:
            programs_of("nginx", "nginx")
            servers = [behind.enter_context(mariadb()) for _ in range(2)]
            cache = behind.enter_context(memcached())
        except MissingEngineError as missing:
            raise NotRehearsedError(f"not run: {missing} (apt install {PACKAGES})") from None
        behind.enter_context(refusals_explained())
        played = _Played(behind.enter_context(surroundings(stage, servers, cache, program)))
        yield (
            Check("first boot", played.webheads_boot_before_any_node_is_in_service),
            Check("node", played.a_node_is_put_into_service),
            Check("transaction", played.a_signed_item_is_stored_and_fetched_on_every_host_name),
            Check("tabs", played.tabs_are_in_the_cache_and_nowhere_else),
            Check("another node", played.a_node_is_added_while_the_first_one_serves),
        )


class _Played:
    """The checks; each begins where the one before it ended."""

    def __init__(self, ready: Surroundings) -> None:
        self._ready = ready
        self._first = next(iter(ready.servers))

    def webheads_boot_before_any_node_is_in_service(self, context: CheckContext) -> str:
        """The deployed user data boots every webhead, and each answers the load balancer's question."""
        del context
        failed = self._ready.boot()
        expect(not failed, f"a first boot failed: {failed[:1]}")
        for instance, host in self._ready.hosts.items():
            connection = http.client.HTTPConnection(HOST, host.ports[80], timeout=30)
            connection.request("GET", "/__heartbeat__")
            status = connection.getresponse().status
            connection.close()
            expect(status == 200, f"{instance} answers {status}")
        return f"{len(self._ready.hosts)} webheads answer /__heartbeat__"

    def a_node_is_put_into_service(self, context: CheckContext) -> str:
        """`add-node`: databases and tables by the function, secrets, and a reload of every webhead."""
        del context
        said = self._ready.add(self._first)
        expect("10 databases made" in said, said)
        return "10 databases and their tables, before any worker knew them"

    def a_signed_item_is_stored_and_fetched_on_every_host_name(self, context: CheckContext) -> str:
        """A put and a get with a token of the token server's file, through nginx; a wrong secret gets nothing."""
        del context
        for number in range(10):
            client = self._ready.client(self._first, number)
            stored = client.put("bookmarks", "item", f"payload {number}")
            expect(stored.status == 200, f"{client.node}: put answers {stored.status} {stored.body[:200]!r}")
            fetched = client.get("bookmarks", "item")
            expect(fetched.status == 200, f"{client.node}: get answers {fetched.status}")
            expect(fetched.json()["payload"] == f"payload {number}", f"{client.node}: another payload comes back")
            expect(
                self._ready.rows(self._first, _BOOKMARKS, number=number) == 1, f"{client.node}: the row is elsewhere"
            )
        stranger = type(client)(client.node, client.uid, "ab" * 32, client.ports)
        expect(stranger.get("bookmarks", "item").status == 401, "a token of another secret is accepted")
        largest = client.configuration()["max_request_bytes"]
        answer = client.put("bookmarks", "large", "x" * (largest - 4096))
        expect(answer.status == 200, f"a request as large as advertised is answered with {answer.status}")
        return f"10 host names; {largest} bytes are advertised and pass"

    def tabs_are_in_the_cache_and_nowhere_else(self, context: CheckContext) -> str:
        """Tabs are lost with the cache, other collections are not."""
        del context
        client = self._ready.client(self._first)
        expect(client.put("tabs", "device", "open tabs").status == 200, "tabs cannot be stored")
        expect(client.get("tabs", "device").json()["payload"] == "open tabs", "tabs do not come back")
        expect(self._ready.rows(self._first, _TABS) == 0, "tabs are in the database")
        with socket.create_connection((HOST, self._ready.cache.port), timeout=10) as cache:
            cache.sendall(b"flush_all\r\n")
            expect(cache.recv(100) == b"OK\r\n", "memcached does not forget")
        expect(client.get("tabs", "device").status == 404, "tabs outlive the cache")
        expect(client.get("bookmarks", "item").status == 200, "bookmarks are lost with the cache")
        return "lost with the cache, as upstream has it"

    def a_node_is_added_while_the_first_one_serves(self, context: CheckContext) -> str:
        """No request to the first node fails while the webheads learn of another."""
        del context
        client, answers, done = self._ready.client(self._first, uid=8), list[int](), threading.Event()

        def load() -> None:
            while not done.wait(0.02):  # a user beside others, who leaves the machine to them
                answers.append(client.put("bookmarks", "busy", str(len(answers))).status)
                answers.append(client.get("bookmarks", "busy").status)

        with added_node(self._ready):
            working = threading.Thread(target=load)
            working.start()
            try:
                self._ready.add(ADDED)
                there = self._ready.client(ADDED, 9)
                expect(there.put("bookmarks", "item", "there").status == 200, f"{there.node} stores nothing")
                expect(there.get("bookmarks", "item").json()["payload"] == "there", f"{there.node} returns another")
            finally:
                done.set()
                working.join()
        refused = [status for status in answers if status != 200]
        expect(answers, "no request was made meanwhile")
        expect(not refused, f"{len(refused)} of {len(answers)} requests failed meanwhile: {sorted(set(refused))}")
        return f"{len(answers)} requests to {self._first} meanwhile, none failed"
