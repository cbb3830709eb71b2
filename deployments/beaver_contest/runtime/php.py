"""Checks the contest's code with PHP, of the platform's version where this machine has it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from deployments.beaver_contest.runtime.checkout import code_files

WASM = "php-wasm-cli"
"""The program of npm's package @php-wasm/cli, which runs the PHP that the variable PHP names."""

_OLDEST = (8, 0)
_MANY_AT_ONCE = (8, 3)
_SECONDS = 300
_FATAL = re.compile(r"^(?:PHP )?(?:Parse|Fatal) error: +(.*)$", re.MULTILINE)


class LintError(Exception):
    """PHP does not take the code; the message has files and lines."""


def lint(root: Path, version: str) -> str:
    """Check the contest's own code below `root`; returns a line that says with which PHP, or why with none.

    `version` is the platform's, as "8.4". Raises LintError.
    """
    files = [path.relative_to(root).as_posix() for path in code_files(root)]
    installed = _version(shutil.which("php"))
    wanted = tuple(map(int, version.split(".")))
    wasm = shutil.which(WASM) if installed != wanted else None
    if wasm is None and (installed is None or installed < _OLDEST):
        return f"The code is not checked: there is no PHP. npm install --global @php-wasm/cli brings PHP {version}."
    used, program = (wanted, wasm) if wasm else (installed or wanted, "php")
    batches = [files] if used >= _MANY_AT_ONCE else [[name] for name in files]
    errors = [error for batch in batches if batch for error in _errors(root, [program, "-l", *batch], version)]
    name = ".".join(map(str, used))
    if errors:
        raise LintError(f"PHP {name} does not take the code:\n" + "\n".join(f"  {error}" for error in errors))
    note = "" if used == wanted else f"; the platform has {version}, which npm install --global @php-wasm/cli brings"
    return f"{len(files)} files of code pass PHP {name}{note}"


def _errors(root: Path, command: list[str], version: str) -> list[str]:
    try:
        done = subprocess.run(
            command, cwd=root, env={**os.environ, "PHP": version}, check=False, capture_output=True, text=True,
            errors="replace", timeout=_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise LintError(f"{command[0]} did not end within {_SECONDS} seconds.") from None
    said = done.stdout + done.stderr
    found = list(dict.fromkeys(_FATAL.findall(said)))
    if done.returncode and not found:
        found = [f"{command[0]} failed: {said.strip()[-300:]}"]
    return found


def _version(program: str | None) -> tuple[int, ...] | None:
    if program is None:
        return None
    done = subprocess.run(
        [program, "-r", "echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;"], check=False, capture_output=True, text=True
    )
    found = re.fullmatch(r"(\d+)\.(\d+)", done.stdout.strip())
    return (int(found[1]), int(found[2])) if found else None
