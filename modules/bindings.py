"""The provider's bindings without their price.

Importing anything from `cdktf_cdktf_provider_aws` normally imports all of its 2,135 submodules and makes the jsii kernel read an
assembly of 120 MB that describes every resource AWS has. `install()` leaves out both: the package's `__init__` is not run, and the
kernel is given an assembly cut down to the submodules that the sources name. What is synthesised does not change by a byte.
"""

from __future__ import annotations

import gc
import gzip
import hashlib
import importlib.util
import io
import json
import os
import re
import sys
import tarfile
import tempfile
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

PACKAGE: Final = "cdktf_cdktf_provider_aws"
ASSEMBLY: Final = "@cdktf/provider-aws"
REPOSITORY: Final = Path(__file__).resolve().parents[1]
ROOTS: Final = (REPOSITORY / "modules", REPOSITORY / "deployments")
ARCHIVES_KEPT: Final = 8

_FORMAT = 1  # to be raised when cut_down() makes something else of the same input
_NAMED = re.compile(rf"\b{PACKAGE}\.(\w+)|\bfrom\s+{PACKAGE}\s+import\s+(\([^)]*\)|[^\n]*)")
_KERNEL_IGNORES = frozenset({"docs", "locationInModule", "readme"})


def install(*, roots: Sequence[Path] | None = None) -> None:
    """Make later imports of the provider's bindings cheap; without effect when they are imported already.

    `roots` are the folders (or files) whose Python sources name the submodules that may be imported, by default the reusable
    modules and the deployments. `QUINTET_BINDINGS=stock` in the environment keeps the bindings as they were installed, to compare.
    If anything stands in the way, one line on standard error says what, and the bindings work at their usual price.
    """
    _set_jsii_environment()
    if PACKAGE in sys.modules or os.environ.get("QUINTET_BINDINGS") == "stock":
        return
    try:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            return
        package = Path(spec.submodule_search_locations[0])
        finder = _Finder(package, named_submodules(package, roots or ROOTS))
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)  # known, but its __init__ has not run
        sys.meta_path.insert(0, finder)
    except Exception as error:  # the stock bindings are always right, only slow
        _warn(error)


def named_submodules(package: Path, roots: Iterable[Path]) -> frozenset[str]:
    """The submodules of `package` that Python sources under `roots` name, in code as well as in the examples of docstrings."""
    names: set[str] = set()
    for root in roots:
        for source in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            for submodule, imported in _NAMED.findall(source.read_text(encoding="utf-8")):
                names.update(re.findall(r"\w+", submodule or imported))
    return frozenset(name for name in names if (package / name / "__init__.py").is_file())


class _Finder(MetaPathFinder):
    """Answers for the one module that hands the assembly to the kernel, and watches over the set of submodules."""

    def __init__(self, package: Path, submodules: frozenset[str]) -> None:
        self.package = package
        self.submodules = submodules
        self.loaded: frozenset[str] | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parent, _, name = fullname.rpartition(".")
        if parent != PACKAGE or not (self.package / name / "__init__.py").is_file():
            return None
        if name == "_jsii":
            spec = PathFinder.find_spec(fullname, path)
            if spec is not None:
                spec.loader = _AssemblyLoader(fullname, str(self.package / name / "__init__.py"), self)
            return spec
        if self.loaded is None:
            self.submodules |= {name}
        elif name not in self.loaded:
            raise ImportError(
                f"{fullname} is not in the assembly that was loaded for the {len(self.loaded)} submodules the sources name. "
                f"Import it by that name in a file under modules/ or deployments/, hand its folder to "
                f"modules.bindings.install(roots=…), or set QUINTET_BINDINGS=stock.",
                name=fullname,
            )
        return None


class _AssemblyLoader(SourceFileLoader):
    """Runs in place of the package's `_jsii` module and loads the assembly that was cut down."""

    def __init__(self, fullname: str, path: str, finder: _Finder) -> None:
        super().__init__(fullname, path)
        self.finder = finder

    def exec_module(self, module: ModuleType) -> None:
        import cdktf._jsii  # noqa: F401 - the assembly refers to this one's types
        from jsii import JSIIAssembly

        release = version(PACKAGE.replace("_", "-"))
        stock = self.finder.package / "_jsii" / f"provider-aws@{release}.jsii.tgz"
        try:
            archive = cached_archive(stock, self.finder.submodules)
            assembly = JSIIAssembly.load(ASSEMBLY, release, PACKAGE, str(archive))
            self.finder.loaded = self.finder.submodules
        except Exception as error:  # the stock assembly is always right, only slow
            _warn(error)
            assembly = JSIIAssembly.load(ASSEMBLY, release, PACKAGE, stock.name)
            self.finder.loaded = frozenset(entry.name for entry in self.finder.package.iterdir())
        vars(module).update(__jsii_assembly__=assembly, __all__=["__jsii_assembly__"])


def cached_archive(stock: Path, submodules: frozenset[str]) -> Path:
    """The cut-down assembly for these submodules, made when no cache folder holds it whole.

    Its name carries what it was made from and the hash of its bytes, so one that was damaged or half-written is never taken.
    OSError: no cache folder can be written.
    """
    key = archive_key(stock, submodules)
    folders = (REPOSITORY / ".cache" / "bindings", _user_cache() / "quintet" / "bindings")
    for folder in folders:
        for archive in folder.glob(f"{key}-*.tgz"):
            if archive.name == _archive_name(key, archive.read_bytes()):
                return archive
    content = cut_down(stock, submodules)
    refusals = []
    for folder in folders:
        try:
            return _keep(folder, key, content)
        except OSError as error:
            refusals.append(str(error))
    raise OSError("; ".join(refusals))


def archive_key(stock: Path, submodules: frozenset[str]) -> str:
    """Names everything a cut-down assembly depends on."""
    made_from = [_FORMAT, version("jsii"), stock.name, stock.stat().st_size, *sorted(submodules)]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]


def cut_down(stock: Path, submodules: frozenset[str]) -> bytes:
    """The stock assembly's archive with nothing in it but these submodules; the same input gives the same bytes."""
    wanted = {f"{ASSEMBLY}.{_jsii_name(stock.parents[1] / name)}" for name in submodules}
    files: dict[str, bytes] = {}
    folders: dict[str, str] = {}
    with tarfile.open(stock, "r|gz") as archive:  # a stream: .jsii comes first
        for member in archive:
            content = archive.extractfile(member)
            if content is None:
                continue
            if member.name == "package/.jsii":
                assembly = _parse(content.read())
                assembly["submodules"] = {
                    name: entry for name, entry in assembly["submodules"].items() if name in wanted
                }
                assembly["types"] = {
                    name: entry for name, entry in assembly["types"].items() if name.rpartition(".")[0] in wanted
                }
                # src/db-instance/index: → db-instance
                folders = {
                    entry["symbolId"].split("/")[1]: name.rpartition(".")[2]
                    for name, entry in assembly["submodules"].items()
                }
                _check(assembly, wanted)
                files[member.name] = json.dumps(_for_the_kernel(assembly), separators=(",", ":")).encode()
            elif member.name == "package/package.json":
                files[member.name] = content.read()
            elif (
                member.name.startswith("package/lib/")
                and member.name.endswith(".js")
                and member.name.split("/")[2] in folders
            ):
                files[member.name] = content.read().partition(b"\n//# sourceMappingURL=")[0]
    files["package/lib/index.js"] = "\n".join(
        f"Object.defineProperty(exports, '{name}', {{ enumerable: true, get: () => require('./{folder}') }});"
        for folder, name in sorted(folders.items())
    ).encode()
    return _pack(files)


def _jsii_name(submodule: Path) -> str:
    """The name jsii gives a Python submodule: `vpc_ipam_pool` → `vpcIpamPool`, but `lexv2_models_bot` → `lexv2ModelsBot`."""
    found = re.search(rf'jsii_type="{ASSEMBLY}\.(\w+)\.', (submodule / "__init__.py").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{submodule.name} declares no jsii type")
    return found[1]


def _parse(content: bytes) -> dict[str, Any]:
    """json.loads, with the garbage collector off: it would walk through millions of new objects and find nothing."""
    gc.disable()
    try:
        parsed: dict[str, Any] = json.loads(content)
    finally:
        gc.enable()
    return parsed


def _check(assembly: dict[str, Any], wanted: set[str]) -> None:
    """ValueError: a submodule is missing, or a type refers to one that was left out."""
    missing = wanted - set(assembly["submodules"])
    referred = set(re.findall(rf'"({ASSEMBLY}\.\w+\.\w+)"', json.dumps(assembly["types"])))
    if missing or referred - set(assembly["types"]):
        raise ValueError(f"the assembly lacks {', '.join(sorted(missing | (referred - set(assembly['types']))))}")


def _for_the_kernel(node: Any) -> Any:
    """The assembly without what only documentation generators read."""
    if isinstance(node, dict):
        return {key: _for_the_kernel(value) for key, value in node.items() if key not in _KERNEL_IGNORES}
    return [_for_the_kernel(value) for value in node] if isinstance(node, list) else node


def _pack(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _keep(folder: Path, key: str, content: bytes) -> Path:
    """Write the archive so that others see it whole or not at all, and drop the oldest beyond a few."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / _archive_name(key, content)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as unfinished:
        try:
            unfinished.write(content)
            unfinished.close()
            Path(unfinished.name).replace(archive)
        except BaseException:
            Path(unfinished.name).unlink(missing_ok=True)
            raise
    newest_first = sorted(folder.glob("*.tgz"), key=lambda kept: kept.stat().st_mtime, reverse=True)
    for old in newest_first[ARCHIVES_KEPT:]:
        old.unlink(missing_ok=True)
    return archive


def _archive_name(key: str, content: bytes) -> str:
    return f"{key}-{hashlib.sha256(content).hexdigest()[:16]}.tgz"


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _set_jsii_environment() -> None:
    """What the kernel's process finds in its environment, unless the operator has set it."""
    try:
        from modules.node import jsii_environment
    except ImportError:
        return
    for name, value in jsii_environment().items():
        os.environ.setdefault(name, value)


def _warn(error: Exception) -> None:
    reason = " ".join(str(error).split()) or type(error).__name__
    sys.stderr.write(f"warning: slow start, the provider's bindings are used whole: {reason}\n")
