"""The reference of `modules/`: classes, functions and settings, from signatures and docstrings of the sources."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from config.settings import Settings
from operations.docs.settings_table import HEADER, rows

Table = Callable[[tuple[str, ...], Iterator[tuple[str, ...]]], str]


def reference(root: Path, table: Table) -> str:
    """A section for each file: its docstring, its constructs, its functions, and the keys of the settings it takes."""
    parts: list[str] = []
    settings: dict[str, type[Settings]] = {}
    for path in sorted((root / "modules").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and _is_public(node)]
        if not public or "handlers" in path.parts:
            continue
        parts.append(f"## `{path.relative_to(root).as_posix()}`\n\n{_prose(tree)}")
        parts += ["\n\n".join(_entry(node)) for node in public]
        settings |= _settings_of(tree)
    parts.append("## Keys of settings")
    for name, model in sorted(settings.items()):
        parts.append(f"### {name}\n\n{_paragraphs(model.__doc__ or '')}\n\n{table(HEADER, rows(model))}")
    return "\n\n".join(parts)


def _entry(node: ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef):
        yield f"`{node.name}({_arguments(node, leave_out=0)})`: {_prose(node)}"
        return
    yield f"### {node.name}"
    yield _prose(node)
    functions = [part for part in node.body if isinstance(part, ast.FunctionDef)]
    start = next((part for part in functions if part.name == "__init__"), None)
    if start is not None:
        yield f"`{node.name}({_arguments(start, leave_out=1)})`"
    fields = list(_explained(node.body, ast.Name))
    offered = [*fields, *(_explained(start.body, ast.Attribute) if start else ())]
    offered += [(_called(part), _prose(part)) for part in functions if _is_public(part)]
    lines = [f"- `{name}`: {text}" for name, text in offered if text]
    if plain := [f"`{name}`" for name, text in offered if not text]:
        lines.append(f"- {', '.join(plain)}")
    if lines:
        yield "\n".join(lines)


def _explained(body: list[ast.stmt], kind: type[ast.Name | ast.Attribute]) -> Iterator[tuple[str, str]]:
    """Public attributes that are declared in `body`, each with its docstring."""
    for part, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(part, ast.AnnAssign) or not isinstance(part.target, kind):
            continue
        name = part.target.attr if isinstance(part.target, ast.Attribute) else part.target.id
        if name.startswith("_"):
            continue
        match after:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield name, _paragraphs(text)
            case _:
                yield name, ""


def _called(function: ast.FunctionDef) -> str:
    decorators = {ast.unparse(decorator) for decorator in function.decorator_list}
    if "property" in decorators:
        return function.name
    return f"{function.name}({_arguments(function, leave_out=0 if 'staticmethod' in decorators else 1)})"


def _arguments(function: ast.FunctionDef, *, leave_out: int) -> str:
    """The names of arguments as they are given, defaults included; annotations are left out."""
    wanted = function.args
    for argument in (*wanted.posonlyargs, *wanted.args, *wanted.kwonlyargs):
        argument.annotation = None
    wanted.args = wanted.args[leave_out:]
    return ast.unparse(wanted)


def _settings_of(tree: ast.Module) -> dict[str, type[Settings]]:
    """Settings classes of `config` that the public constructs of a file take."""
    found: dict[str, type[Settings]] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("config."):
            for alias in node.names:
                value = pkgutil.resolve_name(f"{node.module}:{alias.name}")
                if inspect.isclass(value) and issubclass(value, Settings) and value.__module__ != "config.settings":
                    found[alias.name] = value
    return found


def _is_public(node: ast.ClassDef | ast.FunctionDef) -> bool:
    return not node.name.startswith("_")


def _prose(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> str:
    return _paragraphs(ast.get_docstring(node) or "")


def _paragraphs(docstring: str) -> str:
    """A docstring without its examples, each paragraph on a line."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(docstring))
    return "\n\n".join(" ".join(text.split()) for text in paragraphs if not text.lstrip().startswith(">>>"))
