"""A Redis cluster of its own: three primary nodes on free ports of 127.0.0.1."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from operations.engines.authority import CertificateAuthority
from operations.engines.server import HOST, EngineError, Server, free_port, private_folder, programs_of, running

_START_SECONDS = 60


@dataclass(frozen=True)
class RedisCluster:
    """Three Redis servers in cluster mode, each with a third of the slots."""

    servers: tuple[Server, ...]
    host: str
    ports: tuple[int, ...]
    authority_file: Path | None = None
    """Authority that clients must trust, where the cluster speaks nothing but TLS."""

    @property
    def port(self) -> int:
        """Where clients ask for the others, as at ElastiCache's configuration endpoint."""
        return self.ports[0]

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """All three are gone; afterwards the cluster is whole again."""
        with contextlib.ExitStack() as servers:
            for server in self.servers:
                servers.enter_context(server.stopped())
            yield
        self.wait_until_state("ok")

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """All three hang; afterwards the cluster is whole again."""
        with contextlib.ExitStack() as servers:
            for server in self.servers:
                servers.enter_context(server.frozen())
            yield
        self.wait_until_state("ok")

    def wait_until_state(self, state: str, *, ports: Sequence[int] = ()) -> None:
        """Wait until the servers, or those at `ports`, say so: `ok` when all slots are served, `fail` otherwise."""
        give_up = time.monotonic() + _START_SECONDS
        for port in ports or self.ports:
            with _client(port, self.authority_file) as node:
                while (info := node.execute_command("CLUSTER INFO"))["cluster_state"] != state:
                    if time.monotonic() > give_up:
                        raise EngineError(f"the Redis cluster does not become {state}: {info}")
                    time.sleep(0.05)


@contextlib.contextmanager
def redis_cluster(*, tls: bool = False) -> Iterator[RedisCluster]:
    """A cluster of the Redis that is installed. Raises MissingEngineError when there is none."""
    (redis_server,) = programs_of("redis-server", "redis-server")
    with private_folder("redis") as directory, contextlib.ExitStack() as stack:
        authority_file = _certified(directory) if tls else None
        ports, bus_ports = [free_port() for _ in range(3)], [free_port() for _ in range(3)]
        servers = []
        for port, bus_port in zip(ports, bus_ports, strict=True):
            folder = directory / str(port)
            folder.mkdir()
            command = [redis_server, "--bind", HOST, "--dir", str(folder), "--save", ""]
            command += ["--cluster-enabled", "yes", "--cluster-port", str(bus_port), "--cluster-node-timeout", "2000"]
            command += _tls_options(directory, port) if tls else ["--port", str(port)]
            servers.append(stack.enter_context(running(command, folder, _client(port, authority_file).ping)))
        bounds = [0, 5461, 10923, 16384]
        for index, port in enumerate(ports):
            with _client(port, authority_file) as node:
                node.execute_command("CLUSTER ADDSLOTSRANGE", bounds[index], bounds[index + 1] - 1)
                node.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
                if index:
                    node.execute_command("CLUSTER MEET", HOST, ports[0], bus_ports[0])
        cluster = RedisCluster(tuple(servers), HOST, tuple(ports), authority_file)
        cluster.wait_until_state("ok")
        yield cluster


def _client(port: int, authority_file: Path | None) -> redis.Redis:
    if authority_file is None:
        return redis.Redis(HOST, port)
    return redis.Redis(HOST, port, ssl=True, ssl_ca_certs=str(authority_file))


def _certified(directory: Path) -> Path:
    """Write a certificate for this machine, and the authority that issued it, into the folder."""
    authority = CertificateAuthority("redis")
    certificate, key = authority.issue(HOST)
    for name, content in (("ca.pem", authority.pem), ("cert.pem", certificate), ("key.pem", key)):
        (directory / name).write_bytes(content)
    return directory / "ca.pem"


def _tls_options(directory: Path, port: int) -> list[str]:
    files = [("cert-file", "cert.pem"), ("key-file", "key.pem"), ("ca-cert-file", "ca.pem")]
    options = [word for name, file in files for word in (f"--tls-{name}", str(directory / file))]
    return ["--port", "0", "--tls-port", str(port), "--tls-cluster", "yes", "--tls-auth-clients", "no", *options]
