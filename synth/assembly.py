"""The provider's jsii assembly, cut down to what an app uses and kept for the next run.

An assembly is an archive of JavaScript with `.jsii`, a JSON document that describes every type in it. The provider's
has 2,135 submodules, none of which refers to another, so leaving some out changes nothing about the rest.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from synth import kept_files
from synth.kept_files import cache_folders

if TYPE_CHECKING:
    from collections.abc import Sequence

ASSEMBLY: Final = "@cdktf/provider-aws"
ARCHIVES_KEPT: Final = 8
FOLDERS: Final = cache_folders("bindings")
_FORMAT = 1  # to be raised when cut_down() makes something else of the same input


def cached_archive(stock: Path, submodules: frozenset[str], folders: Sequence[Path] = FOLDERS) -> Path:
    """The cut-down assembly with these Python submodules, made unless one of the cache folders holds it whole.

    Its name carries what it was made from and the hash of its bytes, so a damaged one is made again.
    OSError: none of the folders can be written. ValueError: `stock` is not what this module knows how to cut.
    """
    key = archive_key(stock, submodules)
    if archive := kept_files.find(folders, key, ".tgz"):
        return archive
    return kept_files.keep(folders, key, cut_down(stock, submodules), ".tgz", most=ARCHIVES_KEPT)


def archive_key(stock: Path, submodules: frozenset[str]) -> str:
    """Stands for all that the bytes of a cut-down assembly depend on."""
    made_from = [_FORMAT, version("jsii"), stock.name, stock.stat().st_size, *sorted(submodules)]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]


def cut_down(stock: Path, submodules: frozenset[str]) -> bytes:
    """The archive `stock` with nothing in it but these Python submodules; the same input gives the same bytes."""
    wanted = {_jsii_name(stock.parents[1] / name) for name in submodules}
    files: dict[str, bytes] = {}
    folders: dict[str, str] = {}
    with tarfile.open(stock, "r|gz") as archive:  # read as a stream, in which .jsii comes first
        for member in archive:
            path = member.name.split("/")
            content = archive.extractfile(member)
            if content is None:
                continue
            if path == ["package", ".jsii"]:
                description = _describe(content, wanted)
                files[member.name] = json.dumps(description, separators=(",", ":")).encode()
                folders = {
                    entry["symbolId"].split("/")[1]: name.rpartition(".")[2]  # src/db-instance/index: is dbInstance
                    for name, entry in description["submodules"].items()
                }
            elif path == ["package", "package.json"]:
                files[member.name] = content.read()
            elif path[:2] == ["package", "lib"] and path[2] in folders and path[-1].endswith(".js"):
                files[member.name] = content.read().partition(b"\n//# sourceMappingURL=")[0]
    files["package/lib/index.js"] = "\n".join(
        f"Object.defineProperty(exports, '{name}', {{ enumerable: true, get: () => require('./{folder}') }});"
        for folder, name in sorted(folders.items())
    ).encode()
    return _pack(files)


def _jsii_name(submodule: Path) -> str:
    """The full name jsii gives a Python submodule: `lexv2_models_bot` is `@cdktf/provider-aws.lexv2ModelsBot`."""
    found = re.search(rf'jsii_type="({ASSEMBLY}\.\w+)\.', (submodule / "__init__.py").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{submodule} declares no jsii type")
    return found[1]


def _describe(lines: IO[bytes], wanted: set[str]) -> dict[str, Any]:
    """`.jsii` with nothing in it but the wanted submodules.

    The document has 120 MB and becomes 700 MB when parsed, so what is not wanted is left out before: it is printed with
    an indentation of two, which puts each submodule and each type between two lines indented by four.
    """
    kept: list[bytes] = []
    keep, filtered = True, False
    for line in lines:
        if line.startswith((b'  "', b"  }")):
            keep, filtered = True, line.startswith((b'  "submodules"', b'  "types"'))
        elif filtered and line.startswith(b'    "'):
            name = line.split(b'"')[1].decode()
            keep = name in wanted or name.rpartition(".")[0] in wanted
        if keep:
            kept.append(line)
    description: dict[str, Any] = json.loads(b"".join(kept).replace(b",\n  }", b"\n  }"))  # where the last entry went
    referred = set(re.findall(rf'"({ASSEMBLY}\.\w+\.\w+)"', json.dumps(description["types"])))
    missing = (wanted - set(description["submodules"])) | (referred - set(description["types"]))
    if missing:
        raise ValueError(f"the assembly lacks {', '.join(sorted(missing))}")
    return description


def _pack(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
