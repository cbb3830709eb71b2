"""Cost of a synth of Sync Storage as nodes are added: `python -m bench.sync_storage_nodes [NUMBER …]`.

CPU seconds are those of the app and of all it started, Node.js included; memory is the largest process's peak.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> int:
    """Measures each number of nodes in a process of its own, one line each."""
    parser = argparse.ArgumentParser(description="Synthesise Sync Storage with so many nodes.")
    parser.add_argument("numbers", nargs="*", type=int, default=[1, 10, 100, 200])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(measure(arguments.one)))
        return 0
    print(f"{'nodes':>6} {'resources':>10} {'CPU s':>7} {'peak MB':>8} {'JSON kB':>8}")
    for number in arguments.numbers:
        command = [sys.executable, "-m", "bench.sync_storage_nodes", "--one", str(number)]
        found = json.loads(subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True).stdout)
        print(f"{number:>6} {found['resources']:>10} {found['cpu']:>7.1f} {found['peak']:>8} {found['size']:>8}")
    return 0


def measure(number: int) -> dict[str, float]:
    """Synthesise once, in this process and its Node.js."""
    from synth import bindings

    bindings.install()
    from cdktf import App

    from config.environment import load_environment
    from config.settings import load
    from deployments.sync_storage.settings import SyncStorageSettings
    from deployments.sync_storage.stack import SyncStorageStack

    file = REPOSITORY / "deployments/sync_storage/environments/dev.toml"
    settings = load(file, SyncStorageSettings)
    nodes = {f"n{count}": settings.nodes["a"] for count in range(number)}
    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder)
        SyncStorageStack(
            app, environment=load_environment("dev"), settings=settings.model_copy(update={"nodes": nodes})
        )
        app.synth()
        text = (Path(folder) / "stacks" / "sync-storage-dev" / "cdk.tf.json").read_text()
    _end_node()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "resources": sum(len(named) for named in json.loads(text)["resource"].values()),
        "cpu": sum(usage.ru_utime + usage.ru_stime for usage in used),
        "peak": max(usage.ru_maxrss for usage in used) // 1024,
        "size": len(text) // 1000,
    }


def _end_node() -> None:
    """The system counts what a child used once it has ended."""
    from jsii._kernel.providers.process import ProcessProvider
    from jsii._runtime import kernel  # type: ignore[attr-defined,unused-ignore]  # jsii does not export it

    provider = kernel.provider
    if isinstance(provider, ProcessProvider):
        provider._process.stop()


if __name__ == "__main__":
    sys.exit(main())
