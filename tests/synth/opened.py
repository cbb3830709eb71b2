"""Records which files a synth opens, in Python and in the kernel's Node.js."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from config.settings import ROOT

_IN_PYTHON = """
import os, sys
log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def note(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = os.fsencode(arguments[0])
        if os.path.isabs(path) or arguments[1:2] != (None,):  # rmtree opens names relative to a folder
            os.write(log, os.path.abspath(path) + b"\\n")
import main
from synth import bindings
every = {stack.stack_name: stack for stack in main.load_all()}
bindings.install()  # looks for the names of submodules in all sources; any set of them gives the same bytes
before = {*sys.modules}  # those of all settings
sys.addaudithook(note)
from pathlib import Path
main.synthesise([every[sys.argv[1]]], Path(os.environ["CDKTF_OUTDIR"]), context={})
for name in sys.modules.keys() - before:
    if file := getattr(sys.modules[name], "__file__", None):
        note("open", [file])
"""
_IN_NODE = """
const fs = require("fs"), path = require("path"), log = fs.openSync(process.env.QUINTET_OPENED, "a");
const write = fs.writeSync;
for (const name of ["openSync", "readFileSync", "readdirSync", "copyFileSync", "opendirSync", "cpSync"]) {
  const real = fs[name];
  fs[name] = (file, ...rest) => {
    if (typeof file === "string") write(log, path.resolve(file) + "\\n");
    return real(file, ...rest);
  };
}
"""


@dataclass(frozen=True)
class Opened:
    """The files and folders that were opened, and the folder for what the synth writes by the way."""

    paths: set[Path]
    temporary: Path


def opened_by(stack: str, output: Path) -> Opened:
    """Everything that a synth of `stack` alone opens after the settings are read; it writes into `output`."""
    temporary = output.parent
    (temporary / "tmp").mkdir(exist_ok=True)
    log, script = temporary / f"{output.name}.opened", temporary / "record.js"
    script.write_text(_IN_NODE)
    variables = {
        **os.environ,
        "CDKTF_OUTDIR": str(output),
        "NODE_OPTIONS": f"{os.environ.get('NODE_OPTIONS', '')} --require {script}",
        "QUINTET_OPENED": str(log),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temporary / "tmp"),
    }
    subprocess.run([sys.executable, "-c", _IN_PYTHON, stack, str(log)], cwd=ROOT, env=variables, check=True)
    return Opened({Path(line).resolve() for line in log.read_text().splitlines()}, temporary)
