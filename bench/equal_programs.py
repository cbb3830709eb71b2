"""The same infrastructure as a CDKTF program in TypeScript and in Python, mechanically, from the JSON of a stack.

Each AWS resource becomes one statement, with its attributes as they stand there and references as attributes of other
resources: `new Subnet(scope, "subnet__a", { vpcId: vpc__network.id })`. TypeScript is as its compiler writes it.
"""

from __future__ import annotations

import functools
import json
import keyword
import re
import tarfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from synth.assembly import ASSEMBLY, cached_archive
from synth.bindings import PACKAGE, ROOTS, named_submodules

_REFERENCE = re.compile(r"\$\{(aws_\w+)\.(\w+)\.(\w+)\}")
_ADDRESS = re.compile(r"(aws_\w+)\.(\w+)")
Attributes = Mapping[str, Any]


class Infrastructure:
    """The AWS resources of one stack's JSON, each after those that it refers to."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.resources: dict[tuple[str, str], Attributes] = {
            (kind, name): {key: value for key, value in attributes.items() if key not in ("//", "provider")}
            for kind, named in document["resource"].items()
            if kind.startswith("aws_")
            for name, attributes in named.items()
        }
        self.types = _described_types()
        self.order: list[tuple[str, str]] = []
        for resource in self.resources:
            self._put_in_order(resource, set())

    def _put_in_order(self, resource: tuple[str, str], above: set[tuple[str, str]]) -> None:
        if resource in self.order or resource in above:
            return
        for needed in self._references(self.resources[resource]):
            self._put_in_order(needed, above | {resource})
        self.order.append(resource)

    def _references(self, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            found = [(kind, name) for kind, name, _ in _REFERENCE.findall(value)]
            if address := _ADDRESS.fullmatch(value):
                found.append((address[1], address[2]))
            yield from (each for each in found if each in self.resources)
        elif isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                yield from self._references(each)

    def resource_class(self, kind: str) -> str:
        """The full name of the class for a resource type: aws_vpc is @cdktf/provider-aws.vpc.Vpc."""
        plain = kind.removeprefix("aws_").replace("_", "")
        classes = (name for name, entry in self.types.items() if entry.get("base") == "cdktf.TerraformResource")
        return next(name for name in classes if name.split(".")[1].lower() == plain)


class TypeScript:
    """Writes a program for Node.js."""

    def __init__(self, infrastructure: Infrastructure) -> None:
        self.of = infrastructure

    def program(self) -> str:
        """The program; it synthesises COPIES times the infrastructure into CDKTF_OUTDIR."""
        classes = {kind: self.of.resource_class(kind) for kind, _ in self.of.order}
        folders = {kind: kind.removeprefix("aws_").replace("_", "-") for kind in classes}
        imports = [
            f'const {{ {_last(name)} }} = require("@cdktf/provider-aws/lib/{folders[kind]}");'
            for kind, name in classes.items()
        ]
        statements = [
            f"  const {_variable(each)} = new {_last(classes[each[0]])}(scope, {self.id_of(each)}, "
            f"{self.literal(self.of.resources[each], classes[each[0]] + 'Config')});"
            for each in self.of.order
        ]
        return _JAVASCRIPT.format(imports="\n".join(imports), statements="\n".join(statements))

    def id_of(self, resource: tuple[str, str]) -> str:
        """The construct's id, as text of the program."""
        return f"{json.dumps(_variable(resource))} + suffix"

    def literal(self, value: Any, struct: str | None) -> str:
        """A value as text of the program; `struct` names the type of an object, None one whose keys are data."""
        if isinstance(value, dict) and struct:
            known = {_plain(each["name"]): each for each in self.properties(struct)}
            fields = ((known[_plain(name)], each) for name, each in value.items())
            return self.object(
                struct, {name["name"]: self.literal(each, _struct(name["type"])) for name, each in fields}
            )
        if isinstance(value, dict):
            return (
                "{" + ", ".join(f"{json.dumps(name)}: {self.literal(each, None)}" for name, each in value.items()) + "}"
            )
        if isinstance(value, list):
            return "[" + ", ".join(self.literal(each, struct) for each in value) + "]"
        return self.text(value) if isinstance(value, str) else self.constant(value)

    def properties(self, struct: str) -> Iterator[Attributes]:
        """The properties of a type, those of its bases included."""
        if struct == "cdktf.TerraformMetaArguments":
            yield {"name": "dependsOn", "type": {}}
            yield {"name": "lifecycle", "type": {"fqn": "cdktf.TerraformResourceLifecycle"}}
        elif struct == "cdktf.TerraformResourceLifecycle":
            yield from (
                {"name": name, "type": {}} for name in ("createBeforeDestroy", "ignoreChanges", "preventDestroy")
            )
        else:
            yield from self.of.types[struct].get("properties", ())
            for base in self.of.types[struct].get("interfaces", ()):
                yield from self.properties(base)

    def object(self, struct: str, fields: Mapping[str, str]) -> str:
        """An object of a type, of its properties' texts."""
        del struct  # an object of JavaScript has no type
        return "{" + ", ".join(f"{name}: {text}" for name, text in fields.items()) + "}"

    def constant(self, value: float | None) -> str:
        """A number, a boolean or nothing."""
        return json.dumps(value)

    def attribute(self, resource: tuple[str, str], name: str) -> str | None:
        """The attribute of another resource that is text, as the program reads it; None for any other."""
        found = self.of.types[self.of.resource_class(resource[0])]["properties"]
        names = {_plain(each["name"]): each["name"] for each in found if each["type"] == {"primitive": "string"}}
        return f"{_variable(resource)}.{names[_plain(name)]}" if _plain(name) in names else None

    def text(self, value: str) -> str:
        """A string, in which references to resources are attributes of their variables."""
        if (address := _ADDRESS.fullmatch(value)) and address.groups() in self.of.resources:
            return _variable((address[1], address[2]))
        parts, end = [], 0
        for match in _REFERENCE.finditer(value):
            resource = (match[1], match[2])
            if resource in self.of.resources and (read := self.attribute(resource, match[3])):
                parts += [json.dumps(value[end : match.start()])] * (match.start() > end) + [read]
                end = match.end()
        return " + ".join(parts + [json.dumps(value[end:])] * (end < len(value) or not parts))


class Python(TypeScript):
    """Writes a program for Python."""

    def program(self) -> str:
        """The program; it synthesises COPIES times the infrastructure into CDKTF_OUTDIR."""
        classes = {kind: self.of.resource_class(kind) for kind, _ in self.of.order}
        self._used = dict.fromkeys(classes.values())
        statements = [
            f"    {_variable(each)} = {_qualified(classes[each[0]])}(scope, {self.id_of(each)}, "
            f"{self.fields(self.of.resources[each], classes[each[0]] + 'Config')})"
            for each in self.of.order
        ]
        imports = [
            f"import {PACKAGE}.{kind.removeprefix('aws_')} as {_namespace(name)}" for kind, name in classes.items()
        ]
        return _PYTHON.format(imports="\n".join(imports), statements="\n".join(statements))

    def fields(self, value: Attributes, struct: str) -> str:
        """Attributes as keyword arguments."""
        return self.literal(value, struct).partition("(")[2].removesuffix(")")

    def object(self, struct: str, fields: Mapping[str, str]) -> str:
        """An object of a type, of its properties' texts."""
        named = ", ".join(f"{_snake(name)}={text}" for name, text in fields.items())
        return f"{_qualified(struct)}({named})"

    def constant(self, value: float | None) -> str:
        """A number, a boolean or nothing."""
        return repr(value)

    def attribute(self, resource: tuple[str, str], name: str) -> str | None:
        """The attribute of another resource that is text, as the program reads it; None for any other."""
        read = super().attribute(resource, name)
        return read and f"{_variable(resource)}.{_snake(read.partition('.')[2])}"


@functools.cache
def _described_types() -> dict[str, Any]:
    spec = find_spec(PACKAGE)
    assert spec is not None  # installed
    assert spec.origin is not None
    package = Path(spec.origin).parent
    (stock,) = (package / "_jsii").glob("*.jsii.tgz")
    with tarfile.open(cached_archive(stock, named_submodules(package, ROOTS))) as archive:
        file = archive.extractfile("package/.jsii")
        assert file is not None
        types: dict[str, Any] = json.load(file)["types"]
        return types


def _struct(described: Mapping[str, Any]) -> str | None:
    """The struct that a property's type is, or has elements of."""
    if "union" in described:
        return next((found for each in described["union"]["types"] if (found := _struct(each))), None)
    if "collection" in described:
        return _struct(described["collection"]["elementtype"]) if described["collection"]["kind"] == "array" else None
    name: str = described.get("fqn", "")
    return name if name.startswith(ASSEMBLY) or name == "cdktf.TerraformResourceLifecycle" else None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _namespace(name: str) -> str:
    return f"of_{name.split('.')[1]}"


def _qualified(name: str) -> str:
    return f"{_namespace(name)}.{_last(name)}" if name.startswith(ASSEMBLY) else _last(name)


def _variable(resource: tuple[str, str]) -> str:
    return f"{resource[0].removeprefix('aws_')}__{resource[1]}"


def _snake(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


_JAVASCRIPT = """\
const {{ App, TerraformStack }} = require("cdktf");
const {{ AwsProvider }} = require("@cdktf/provider-aws/lib/provider");
{imports}
function create(scope, suffix) {{
{statements}
}}
const app = new App({{ outdir: process.env.CDKTF_OUTDIR }});
const stack = new TerraformStack(app, "equal");
new AwsProvider(stack, "aws", {{ region: "eu-central-1" }});
for (let copy = 0; copy < Number(process.env.COPIES); copy++) create(stack, `_${{copy}}`);
app.synth();
"""
_PYTHON = f"""\
import os
from pathlib import Path

from synth.bindings import install

install(roots=[Path(__file__)])
from cdktf import App, TerraformResourceLifecycle, TerraformStack
from {PACKAGE}.provider import AwsProvider
{{imports}}


def create(scope, suffix):
{{statements}}


app = App(outdir=os.environ["CDKTF_OUTDIR"])
stack = TerraformStack(app, "equal")
AwsProvider(stack, "aws", region="eu-central-1")
for copy in range(int(os.environ["COPIES"])):
    create(stack, f"_{{{{copy}}}}")
app.synth()
"""
