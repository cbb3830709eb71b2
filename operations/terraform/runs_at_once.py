"""How many Terraform runs this machine carries at once."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

RUN_BYTES = 750 * 2**20
"""Terraform and one AWS provider with GOGC=400 at their largest."""

RUNS_PER_CORE = 4
"""A run computes for some seconds per command and then waits for minutes: fixed delays compiled into the provider
(80 s for a database, 60 s for a load balancer). Four per core keep the cores busy while the others wait; more only
makes the starts of all of them slower."""


def runs_at_once() -> int:
    """At least 1; bound by the cores this process may use and by the memory that is free for it."""
    return max(1, min(RUNS_PER_CORE * cores(), available_bytes() // RUN_BYTES))


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_bytes() -> int:
    """Free memory of the machine or, when a container allows less, what is left of that."""
    available = [_machine_available_bytes()]
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):  # no such group, or "max"
        available.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    return min(available)


def _machine_available_bytes() -> int:
    with contextlib.suppress(OSError):  # not Linux
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
