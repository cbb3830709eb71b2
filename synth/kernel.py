"""The jsii kernel without the second Node.js process that jsii puts between it and Python.

That process starts the kernel's and hands on every message in both directions, which costs as much as many of the
messages themselves. The program that is run here is the kernel's own, reading and writing where Python does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

from synth.kept_files import cache_folders
from synth.whole_file import write_whole

FOLDERS: Final = cache_folders("kernel")
_CHANNEL: Final = ("readFD:3,writeFD:3", "readFD:0,writeFD:1")
_OVERRIDE: Final = (
    r"function _Kernel_defineOverridenMethod\((\w+),\w+,(\w+),\w+\)\{",
    r"\g<0>if(\2.javascript)return void Object.defineProperty(\1,\2.method,{value:(0,eval)(\2.javascript)});",
)
"""Beginning of the kernel's function that makes a method call Python: of an object, for an override."""
_INSPECTED: Final = (r"(expected type information, got \$\{)\(0,\w+\.inspect\)\((\w+)\)\}", r"\1\2}")
"""Part of a message about what is null or undefined, which was rendered for each type that is neither."""
_BEFORE = """\
if ((process.env.NODE_OPTIONS || "").includes("--preserve-symlinks"))
  process.execArgv.push("--preserve-symlinks");  // what tells the kernel to link packages instead of copying them
for (const name of ["stdout", "stderr"]) {  // what constructs print: framed, as standard output carries the messages
  const frame = (text) => JSON.stringify({ [name]: Buffer.from(text).toString("base64") }) + "\\n";
  const write = (text, _, done) => { require("fs").writeSync(2, frame(text)); done(); };
  const stream = new (require("stream").Writable)({ write });
  Object.defineProperty(process, name, { get: () => stream });
}
const modules = require("module"), load = modules._load;
modules._load = function (name, ...rest) {  // CDKTF zips assets with it; loading it was a sixth of the kernel's start
  if (name !== "archiver") return load.call(this, name, ...rest);
  return (...options) => load.call(this, name, ...rest)(...options);
};
const compile = modules.prototype._compile;
modules.prototype._compile = function (source, file, ...rest) {  // else CDKTF looks for tokens in each string anew
  if (file.endsWith("/cdktf/lib/tokens/private/resolve.js"))
    source = source
      .replace("makeContext()[0].resolve(key)", "plain(key) ? key : $&")
      .replace("makeContext(key)[0].resolve(obj[key])", "plain(obj[key]) ? obj[key] : $&")
      .replace("makeContext(`${i}`)[0].resolve(x)", "plain(x) ? x : $&")
      + "\\nfunction plain(x) { return typeof x === 'string' && !/[{]|Token|[-|\\\\d.+]e/.test(x); }";
  return compile.call(this, source, file, ...rest);
};
Error.captureStackTrace = () => {};  // every token would keep a stack of the kernel's own functions
"""

Method = TypeVar("Method", bound=Callable[..., Any])


def in_kernel(javascript: str) -> Callable[[Method], Method]:
    """Marks a method that overrides one of the kernel's: the function that `javascript` yields does the same there.

    The kernel then does not call Python. The method itself runs with the stock bindings.
    """

    def mark(method: Method) -> Method:
        vars(method)["javascript"] = javascript
        return method

    return mark


def kernel_environment(folders: Iterable[Path] = FOLDERS) -> dict[str, str]:
    """Environment variables to set before `import jsii`, so that it starts the kernel itself.

    OSError: none of the folders can be written. ValueError: the installed jsii is not what this module knows.
    """
    program = str(direct_kernel(folders))
    if os.environ.get("JSII_RUNTIME", program) != program:
        return {}
    options = os.environ.get("NODE_OPTIONS", "")
    if "--preserve-symlinks" not in options.split():
        options = f"{options} --preserve-symlinks".lstrip()
    return {"JSII_RUNTIME": program, "NODE_OPTIONS": options}


def direct_kernel(folders: Iterable[Path] = FOLDERS) -> Path:
    """The kernel's program, to be run by Node.js, and beside it what it starts; made unless a cache folder has it."""
    package = find_spec("jsii")
    if package is None or package.origin is None:
        raise ValueError("jsii is not installed")
    embedded = Path(package.origin).parent / "_embedded" / "jsii"
    source = (embedded / "lib__program.js").read_text(encoding="utf-8")
    for words, other in (_CHANNEL, _OVERRIDE, _INSPECTED):
        source, count = re.subn(words, other, source)
        if count != 1:
            raise ValueError(f"{embedded}/lib__program.js does not say {words} once")
    files = {
        "program.js": (_BEFORE + source).encode(),
        "runtime-index-worker.js": (embedded / "lib__runtime-index-worker.js").read_bytes(),
    }
    key = hashlib.sha256(b"\0".join(files.values())).hexdigest()[:16]
    refusals = []
    for folder in folders:
        try:
            for name, content in files.items():
                _keep(folder / key / name, content)
        except OSError as error:
            refusals.append(str(error))
        else:
            return folder / key / "program.js"
    raise OSError(f"no cache folder can be written ({'; '.join(refusals)})")


def _keep(file: Path, content: bytes) -> None:
    """Writes the file, unless it is there already."""
    with contextlib.suppress(FileNotFoundError):
        if file.read_bytes() == content:
            return
    write_whole(file, content)
