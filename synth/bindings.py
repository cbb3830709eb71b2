"""The provider's bindings without their price.

Importing anything from `cdktf_cdktf_provider_aws` normally imports all of its 2,135 submodules and makes the jsii
kernel read 120 MB that describe every resource AWS has. `install()` leaves out both: the package's `__init__` is not
run, and the kernel gets an assembly cut down to the submodules that the sources name. Besides, the bindings do not
check the types of arguments again that mypy and the kernel check, and the kernel runs in one process, not two. Not a
byte of what is synthesised changes.
"""

from __future__ import annotations
import __future__

import importlib.util
import os
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synth.assembly import ASSEMBLY, cached_archive
from synth.kernel import kernel_environment
from synth.nodejs import jsii_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType, ModuleType

    from typing_extensions import Buffer

PACKAGE: Final = "cdktf_cdktf_provider_aws"
ROOTS: Final = tuple(Path(__file__).resolve().parents[1] / folder for folder in ("modules", "deployments"))
_GENERATED: Final = frozenset({"cdktf", "cdktf._jsii", "cdktf.testing_matchers", "constructs", "constructs._jsii"})
"""Modules that jsii has generated as well, whole in any case."""
_CHECKER: Final = re.compile(rb"^import typeguard\n.*?^def check_type\(.*?\n(?=\S)", re.DOTALL | re.MULTILINE)
"""The part of a generated module that its checks need: a library that loads asyncio, and the library's version."""
_NAMED = re.compile(rf"\b{PACKAGE}\.(\w+)|\bfrom\s+{PACKAGE}\s+import\s+(\([^)]*\)|[^\n]*)")


def install(*, roots: Sequence[Path] | None = None) -> None:
    """Make later imports of the provider's bindings cheap; without effect when they are imported already.

    `roots` are the folders or files whose Python sources name the submodules that may be imported, by default the
    reusable modules and the deployments. If anything stands in the way, one line on standard error says what, and the
    bindings work at their usual price. `QUINTET_BINDINGS=stock` in the environment leaves the bindings and the settings
    of Node.js as they are installed, to compare.
    RuntimeError: there is no Node.js to run the kernel.
    """
    if os.environ.get("QUINTET_BINDINGS") == "stock":
        return
    os.environ.update(jsii_environment())
    if PACKAGE in sys.modules:
        return
    try:
        os.environ.update(kernel_environment())
    except (OSError, ValueError) as error:
        _warn("the jsii kernel runs in two processes", error)
    try:
        from synth import wire  # imports jsii, which must not come before its environment

        wire.install()
    except (AttributeError, ImportError) as error:
        _warn("messages to the jsii kernel are jsii's own", error)
    try:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            return
        package = Path(spec.origin).parent
        finder = _SubmoduleFinder(package, named_submodules(package, ROOTS if roots is None else roots))
        sys.modules[PACKAGE] = importlib.util.module_from_spec(
            spec
        )  # known from now on, though its __init__ never runs
        sys.meta_path.insert(0, finder)
    except Exception as error:
        _warn("the bindings of the AWS provider are loaded whole", error)


def named_submodules(package: Path, roots: Iterable[Path]) -> frozenset[str]:
    """The submodules of `package` that Python sources under `roots` name, in code or in the examples of docstrings."""
    names: set[str] = set()
    for root in roots:
        for source in root.rglob("*.py") if root.is_dir() else [root]:
            for submodule, imported in _NAMED.findall(source.read_text(encoding="utf-8")):
                names.update(re.findall(r"\w+", submodule or imported))
    return frozenset(name for name in names if (package / name / "__init__.py").is_file())


class _SubmoduleFinder(MetaPathFinder):
    """Puts a loader of its own before the module that loads the assembly, and refuses submodules that come too late."""

    def __init__(self, package: Path, submodules: frozenset[str]) -> None:
        self.package = package
        self.submodules = submodules
        self.complete = False
        """True when the kernel has its assembly, which cannot be exchanged."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in _GENERATED:
            return _unchecked(fullname, path)
        parent, _, name = fullname.rpartition(".")
        source = self.package / name / "__init__.py"
        if parent != PACKAGE or not source.is_file():
            return None
        if name == "_jsii":
            spec = PathFinder.find_spec(fullname, path)
            if spec is not None:
                spec.loader = _AssemblyLoader(fullname, str(source), self)
            return spec
        if name not in self.submodules and self.complete:
            raise ImportError(
                f"{fullname} came too late: the assembly is loaded, with the {len(self.submodules)} submodules that "
                f"the sources name. Import it by this name under modules/ or deployments/, or give the folder that "
                f"imports it to synth.bindings.install(roots=…), or set QUINTET_BINDINGS=stock.",
                name=fullname,
            )
        self.submodules |= {name}
        return _unchecked(fullname, path)


def _unchecked(fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
    spec = PathFinder.find_spec(fullname, path)
    if spec is not None and spec.origin is not None:
        spec.loader = _UncheckedLoader(fullname, spec.origin)
    return spec


class _UncheckedLoader(SourceFileLoader):
    """Loads a module without the checks of every argument, as `python -O` would, nor what these check by and with.

    Types stay as text; the byte code is cached apart from Python's own.
    """

    @staticmethod
    def source_to_code(data: Any, path: Any = "<string>", **_: Any) -> CodeType:
        as_text = __future__.annotations.compiler_flag
        source = _CHECKER.sub(lambda checker: b"\n" * checker[0].count(b"\n"), data)  # lines keep their numbers
        code: CodeType = compile(source, path, "exec", flags=as_text, dont_inherit=True, optimize=1)
        return code

    def get_code(self, fullname: str) -> CodeType | None:
        # beside the packages, as byte code of the environment: compiling anew would double what a stack costs
        unwanted, sys.dont_write_bytecode = sys.dont_write_bytecode, False
        try:
            return super().get_code(fullname)
        finally:
            sys.dont_write_bytecode = unwanted

    def get_data(self, path: str) -> bytes:
        return super().get_data(_unchecked_cache(path))

    def set_data(self, path: str, data: Buffer, **mode: Any) -> None:
        super().set_data(_unchecked_cache(path), data, **mode)


def _unchecked_cache(path: str) -> str:
    return re.sub(r"(\.opt-\w+)?\.pyc$", ".opt-nochecks.pyc", path)


class _AssemblyLoader(SourceFileLoader):
    """Stands in for the package's `_jsii` module, which would load the whole assembly."""

    def __init__(self, fullname: str, path: str, finder: _SubmoduleFinder) -> None:
        super().__init__(fullname, path)
        self.finder = finder

    def exec_module(self, module: ModuleType) -> None:
        import cdktf._jsii  # noqa: F401 - the provider's types refer to this assembly's
        from jsii import JSIIAssembly

        release = version(PACKAGE.replace("_", "-"))
        stock = Path(self.path).with_name(f"provider-aws@{release}.jsii.tgz")
        try:
            archive = cached_archive(stock, self.finder.submodules)
            assembly = JSIIAssembly.load(ASSEMBLY, release, PACKAGE, str(archive))
        except Exception as error:
            _warn("the bindings of the AWS provider are loaded whole", error)
            assembly = JSIIAssembly.load(ASSEMBLY, release, PACKAGE, stock.name)
            self.finder.submodules = frozenset(entry.name for entry in self.finder.package.iterdir())
        self.finder.complete = True
        vars(module).update(__jsii_assembly__=assembly, __all__=["__jsii_assembly__"])


def _warn(what: str, error: Exception) -> None:
    reason = " ".join(str(error).split()) or type(error).__name__
    sys.stderr.write(f"warning: slow start, {what}: {reason}\n")
