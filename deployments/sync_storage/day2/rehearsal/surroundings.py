"""The applied stack with everything behind it that can be real: webheads, nodes and cache on this machine.

Webheads are hosts of `operations.engines.host`, booted with the user data of the launch template as it was applied, and
hold keys of their own role. Nodes are MariaDB servers, the cache is a memcached. What DNS would do, the entries in the
Parameter Store do meanwhile: they name this machine. Run Command runs its document on the hosts.
"""

from __future__ import annotations

import getpass
import grp
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.sync_storage.day2.add_node import AddNode
from deployments.sync_storage.day2.deployed import Deployed
from deployments.sync_storage.day2.rehearsal.sync_client import SyncClient
from deployments.sync_storage.day2.rotation import Rotation
from deployments.sync_storage.day2.secrets_file import parse
from deployments.sync_storage.day2.webheads import RunningWebheads
from deployments.sync_storage.outputs import SyncStorageOutputs
from operations.console import new_console
from operations.demo.check import CheckFailedError
from operations.demo.launch import launch_of
from operations.demo.master_user import let_master_in
from operations.demo.rehearsals import Stage
from operations.engines.host import Host
from operations.engines.mariadb import MariaDb
from operations.engines.server import Engine, free_port

ADDED = "rehearsal"
"""The node that is added while the others serve."""
_GUNICORN = """#!{python}
import json, os, sys
root = os.environ["STAND_IN_ROOT"]
ports = json.load(open(root + "/host.json"))["ports"]
words = [root + word if word.startswith("/etc/") else word for word in sys.argv[1:]]
bind = words.index("--bind") + 1
words[bind] = "127.0.0.1:" + str(ports[words[bind].rpartition(":")[2]])  # the published port
os.environ["PYTHONPATH"] = {path!r}
os.execv({program[0]!r}, {program!r} + words)
"""
"""The image's program: what is published is free here, and the volume is where the host keeps it."""
_VOLUME = '''"""Lets a program see the files of its container's volume where the host keeps them."""
import os
try:
    import __builtin__ as builtins
except ImportError:
    import builtins
opened = builtins.open
def from_volume(path, *arguments, **named):
    if str(path).startswith("/etc/mozilla-services/"):
        path = os.environ["STAND_IN_ROOT"] + str(path)
    return opened(path, *arguments, **named)
builtins.open = from_volume
'''


@dataclass(frozen=True)
class Surroundings:
    """Servers and resources that exist while the rehearsal lasts."""

    deployed: Deployed
    user_data: str
    hosts: dict[str, Host]
    """Instance → its host."""
    servers: dict[str, MariaDb]
    """Node → its server."""
    cache: Engine
    scratch: Path

    def boot(self) -> list[str]:
        """First boots, all at once; what their logs say of those that failed."""
        with ThreadPoolExecutor() as pool:
            done = list(pool.map(lambda host: host.boot(self.user_data), self.hosts.values()))
        return [boot.stderr[-1500:] for boot in done if boot.returncode]

    def add(self, node: str) -> str:
        """`quintet sync-storage add-node`; what it said. Raises what that raises."""
        said = io.StringIO()
        console = new_console(file=said, width=200)
        webheads = RunningWebheads(self.deployed, console, poll_seconds=0)
        (chosen,) = self.deployed.chosen([node])
        AddNode(
            self.deployed,
            chosen,
            Rotation(self.deployed, webheads, console),
            console,
            capacity=100,
            secrets_file=self.scratch / "secrets",
            confirm=lambda: True,
            token_server=None,
            sql_file=self.scratch / "nodes.sql",
        ).run()
        return said.getvalue()

    def client(self, node: str, number: int = 0, *, uid: int = 7) -> SyncClient:
        """A user of one host name, with a token made from the file that was handed over to the token server."""
        name = self.deployed.nodes()[node].names[number]
        handed_over = parse((self.scratch / "secrets").read_text(), source="the secrets file")
        ports = tuple(host.ports[80] for host in self.hosts.values())
        return SyncClient(name, uid, handed_over[name][-1].secret, ports)

    def rows(self, node: str, collection: int, *, number: int = 0) -> int:
        """How many rows of a collection are in a database of the node."""
        with self.servers[node].connect(f"syncstorage{number}") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM bso WHERE collection = %s", (collection,))
            (found,) = cursor.fetchone() or (0,)
        return int(found)


@contextmanager
def surroundings(
    stage: Stage, servers: Sequence[MariaDb], cache: Engine, program: Sequence[str] | None
) -> Iterator[Surroundings]:
    """The stage with webheads that have not booted yet; the account is as it was applied again afterwards.

    `servers` are those of the first node and of the one that is added. `program` is the real gunicorn, from an
    environment with a checkout of server-syncstorage; without it a stand-in runs.
    """
    deployed = Deployed(stage.context.aws, stage.context.stack, stage.context.read(SyncStorageOutputs))
    first = next(iter(deployed.nodes()))
    launch = launch_of(stage.context, deployed.outputs.group)
    with ExitStack() as cleanup:
        scratch = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="quintet-sync-storage-")))
        keys = {**stage.environment, **stage.keys_of(launch.role_arn)}
        hosts = {}
        for instance in launch.instances:
            hosts[instance] = _host(scratch / instance, keys, program, stage.root)
            cleanup.callback(hosts[instance].close)
        path = deployed.outputs.parameter_path
        cleanup.enter_context(_parameter(deployed, f"{path}/cache", f"{cache.host}:{cache.port}"))
        nodes = dict(zip((first, ADDED), servers, strict=True))
        cleanup.enter_context(_entry(deployed, first, nodes[first]))
        let_master_in(deployed.client, deployed.nodes()[first].identifier, nodes[first])
        cleanup.enter_context(_run_command(deployed, hosts))
        yield Surroundings(deployed, launch.user_data, hosts, nodes, cache, scratch)


def _host(root: Path, keys: dict[str, str], program: Sequence[str] | None, checkout: Path) -> Host:
    port = free_port()
    own = {
        "SYNCSTORAGE_ROOT": str(root),
        "SYNCSTORAGE_GROUP": grp.getgrgid(os.getgid()).gr_name,
        "SYNCSTORAGE_PORT": str(port),
        "SYNCSTORAGE_ANSWER_SECONDS": "120",
        "USER": getpass.getuser(),
    }
    host = Host(root, keys | own, ports={80: port})
    host.write("volume/sitecustomize.py", _VOLUME)
    stand_in = [sys.executable, "-m", "deployments.sync_storage.day2.rehearsal.application"]
    path = str(checkout) if program is None else str(root / "volume")
    text = _GUNICORN.format(python=sys.executable, path=path, program=list(program or stand_in))
    host.write("image/gunicorn", text, executable=True)
    return host


@contextmanager
def _parameter(deployed: Deployed, name: str, value: str) -> Iterator[None]:
    ssm = deployed.client("ssm")
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value=value, Overwrite=True)
    try:
        yield
    finally:
        ssm.put_parameter(Name=name, Value=before, Overwrite=True)


@contextmanager
def _entry(deployed: Deployed, node: str, server: MariaDb) -> Iterator[None]:
    name = f"{deployed.outputs.parameter_path}/nodes/{node}"
    entry = json.loads(deployed.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    with _parameter(deployed, name, json.dumps(entry | {"address": server.host, "port": server.port})):
        yield


@contextmanager
def added_node(played: Surroundings) -> Iterator[None]:
    """Creates what `[nodes.rehearsal]` and an apply would, by the same calls; deleted afterwards."""
    deployed = played.deployed
    first = next(iter(deployed.nodes().values()))
    rds, ssm, route53 = (deployed.client(service) for service in ("rds", "ssm", "route53"))
    (like,) = rds.describe_db_instances(DBInstanceIdentifier=first.identifier)["DBInstances"]
    identifier = f"{first.identifier.removesuffix(first.name)}{ADDED}"
    secret = f"{first.master_secrets.removesuffix(first.name)}{ADDED}"
    host_names = [f"{ADDED}{name.removeprefix(first.name)}" for name in first.host_names]
    entry = {"address": played.servers[ADDED].host, "port": played.servers[ADDED].port, "identifier": identifier}
    entry |= {"scheme": first.scheme, "host_names": host_names, "master_secrets": secret}
    changes = [
        {
            "ResourceRecordSet": {
                "Name": name,
                "Type": "CNAME",
                "TTL": 300,
                "ResourceRecords": [{"Value": deployed.outputs.load_balancer_name}],
            }
        }
        for name in host_names
    ]
    name = f"{deployed.outputs.parameter_path}/nodes/{ADDED}"
    zone = deployed.outputs.zone_id
    with ExitStack() as cleanup:
        rds.create_db_instance(
            DBInstanceIdentifier=identifier,
            DBInstanceClass=like["DBInstanceClass"],
            Engine=like["Engine"],
            EngineVersion=like["EngineVersion"],
            MasterUsername=like["MasterUsername"],
            AllocatedStorage=like["AllocatedStorage"],
            DBSubnetGroupName=like["DBSubnetGroup"]["DBSubnetGroupName"],
            ManageMasterUserPassword=True,
        )
        cleanup.callback(rds.delete_db_instance, DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
        deployed.client("secretsmanager").create_secret(Name=secret)
        cleanup.callback(
            deployed.client("secretsmanager").delete_secret, SecretId=secret, ForceDeleteWithoutRecovery=True
        )
        for action in ("CREATE", "DELETE"):
            batch = {"Changes": [{"Action": action, **change} for change in changes]}
            if action == "CREATE":
                route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
            else:
                cleanup.callback(route53.change_resource_record_sets, HostedZoneId=zone, ChangeBatch=batch)
        ssm.put_parameter(Name=name, Value=json.dumps(entry), Type="String")
        cleanup.callback(ssm.delete_parameter, Name=name)
        let_master_in(deployed.client, identifier, played.servers[ADDED])
        yield


@contextmanager
def _run_command(deployed: Deployed, hosts: dict[str, Host]) -> Iterator[None]:
    """A document that is sent runs on the hosts, as the agent of Systems Manager would run it."""
    ssm = deployed.client("ssm")

    def run(params: dict[str, Any], **_: Any) -> None:
        asked = params["body"] if isinstance(params["body"], dict) else json.loads(params["body"])
        document = json.loads(ssm.get_document(Name=asked["DocumentName"])["Content"])
        for instance in asked["InstanceIds"]:
            for line in document["mainSteps"][0]["inputs"]["runCommand"]:
                done = hosts[instance].run("bash", "-c", f"{hosts[instance].root}{line}")
                if done.returncode:
                    raise CheckFailedError(f"{line} on {instance}: {done.stderr[-800:]}")

    ssm.meta.events.register("before-call.ssm.SendCommand", run, unique_id="rehearsal")
    try:
        yield
    finally:
        ssm.meta.events.unregister("before-call.ssm.SendCommand", unique_id="rehearsal")
