"""Messages between Python and the jsii kernel, fewer of them and with less work for each.

jsii turns each message into objects and these into text by general libraries, and reads over and over what never
changes. The messages here are the same, but for values that are remembered or follow from what created a construct,
attributes of structs that are None, and methods that the kernel runs itself. Callbacks, errors and whatever is rare
are left to jsii.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final, NamedTuple

import attr
import jsii
from jsii import _reference_map
from jsii._kernel import (
    Kernel,
    _callback_till_result,
    _get_overides,
    _make_reference_for_native,
    _recursize_dereference,
)
from jsii._kernel.providers.process import _unstructure_ref, jdefault, ohook
from jsii._kernel.types import Callback, CreateResponse, GetResponse, InvokeResponse, ObjRef, Override, SetResponse
from jsii._stack_trace import is_enabled
from jsii.errors import ErrorType, JavaScriptError, JSIIError

CONSTANT: Final = frozenset({"friendlyUniqueId", "id", "node", "path"})
"""Properties of constructs, nodes and resources that never change once they have been read."""
OF_CLASS: Final = frozenset({"terraformResourceType"})
"""Properties that all resources of a class in the provider's bindings share."""
AS_SET: Final = frozenset({"dependsOn"})
"""Properties that have the value they were set to."""
_UNRESOLVED: Final = "${TfToken["
_PLAIN: Final = (str, int, float, bool, type(None))
_VALUES: Final = {GetResponse: "value", InvokeResponse: "result"}
_DECODE: Final = json.JSONDecoder().decode
_DECODE_REFERENCES: Final = json.JSONDecoder(object_hook=ohook).decode
_ENCODE: Final = json.JSONEncoder(check_circular=False, separators=(",", ":"), default=jdefault).encode


def install() -> None:
    """Makes all bindings talk to the kernel this way. ImportError or AttributeError: another jsii than this knows."""
    if is_enabled():  # each message then carries a stack trace
        return
    kernel = jsii.kernel
    kernel.__class__ = LeanKernel
    for name in ("create", "get", "set", "sget", "invoke", "sinvoke"):
        setattr(jsii, name, getattr(kernel, name))


class _Place(NamedTuple):
    """The place of a construct in the tree."""

    stack: Any
    """None outside of stacks."""
    path: str
    id: str


class LeanKernel(Kernel):
    """The kernel's methods that a synth calls thousands of times."""

    _remembered: ClassVar[dict[str, dict[str, Any]]] = {}
    """Reference of an object, or a class → values of its properties; a process has one kernel."""
    _overriding: ClassVar[dict[tuple[Any, type], list[Override]]] = {}
    """Class of the bindings and class of an object → what the object overrides."""
    _places: ClassVar[dict[str, _Place]] = {}
    """Reference of a construct → where it stands."""

    def create(self, klass: Any, obj: Any, args: list[Any] | None = None) -> ObjRef:
        """Creates the kernel's side of `obj`."""
        request = {
            "api": "create",
            "fqn": klass.__jsii_type__ or "Object",
            "args": [self._encoded(each) for each in args or ()],
            "overrides": [_override(type(obj), each) for each in self._overrides(klass, obj)],
            "interfaces": [each.__jsii_type__ for each in getattr(klass, "__jsii_ifaces__", ())],
        }
        reference: ObjRef = self._answer(request, CreateResponse)
        obj.__jsii_ref__ = reference
        _reference_map.register_reference(obj)
        self._place(klass, obj, *(args or ())[:2])
        return reference

    def _overrides(self, klass: Any, obj: Any) -> list[Override]:
        """The overriding members of an object, which its class has."""
        kinds = (klass, type(obj))
        if kinds not in self._overriding:
            self._overriding[kinds] = _get_overides(klass, obj)
        return self._overriding[kinds]

    def _place(self, klass: Any, obj: Any, scope: Any = None, name: Any = None) -> None:
        """Remembers where the construct `obj` stands, which its scope and its name say."""
        if klass.__jsii_type__ == "cdktf.App":
            self._places[obj.__jsii_ref__.ref] = _Place(None, "", "")
        above = self._places.get(getattr(getattr(scope, "__jsii_ref__", None), "ref", ""))
        if above and isinstance(name, str) and "/" not in name:
            stack = obj if klass.__jsii_type__ == "cdktf.TerraformStack" else above.stack
            self._places[obj.__jsii_ref__.ref] = _Place(stack, f"{above.path}/{name}".removeprefix("/"), name)

    def get(self, obj: Any, property: str) -> Any:  # noqa: A002  # jsii's name
        """Reads a property; one that is constant, or a token that stands for an attribute of AWS, only once."""
        reference = obj.__jsii_ref__.ref
        shared = property in OF_CLASS and not reference.startswith("cdktf.")
        remembered = self._remembered.setdefault(reference.rpartition("@")[0] if shared else reference, {})
        if property in remembered:
            value = remembered[property]
            return list(value) if type(value) is list else value
        request = {"api": "get", "objref": _reference(obj), "property": property}
        value = self._answer(request, GetResponse)
        is_token = isinstance(value, str) and value.startswith(_UNRESOLVED) and not property.endswith("Input")
        if is_token or shared or property in CONSTANT:
            remembered[property] = value
        if property == "node" and (place := self._places.get(reference)):
            self._remembered[value.__jsii_ref__.ref] = {"path": place.path, "id": place.id}
        return value

    def set(self, obj: Any, property: str, value: Any) -> None:  # noqa: A002 - jsii calls it so
        """Writes a property."""
        self._forget(obj)
        request = {"api": "set", "objref": _reference(obj), "property": property}
        self._answer(request | {"value": self._encoded(value)}, SetResponse)
        if property in AS_SET:
            self._remembered.setdefault(obj.__jsii_ref__.ref, {})[property] = value and list(value)

    def sget(self, klass: Any, property: str) -> Any:  # noqa: A002 - jsii calls it so
        """Reads a property of a class."""
        return self._answer({"api": "sget", "fqn": klass.__jsii_type__, "property": property}, GetResponse)

    def invoke(self, obj: Any, method: str, args: list[Any] | None = None) -> Any:
        """Calls a method."""
        self._forget(obj)
        request = {"api": "invoke", "objref": _reference(obj), "method": method}
        return self._answer(request | {"args": [self._encoded(each) for each in args or ()]}, InvokeResponse)

    def sinvoke(self, klass: Any, method: str, args: list[Any] | None = None) -> Any:
        """Calls a method of a class."""
        if method == "of" and klass.__jsii_type__ == "cdktf.TerraformStack" and args:
            place = self._places.get(getattr(getattr(args[0], "__jsii_ref__", None), "ref", ""))
            if place and place.stack:
                return place.stack
        request = {"api": "sinvoke", "fqn": klass.__jsii_type__, "method": method}
        return self._answer(request | {"args": [self._encoded(each) for each in args or ()]}, InvokeResponse)

    def _forget(self, obj: Any) -> None:
        """Drops the tokens of `obj`, which a call may exchange."""
        if remembered := self._remembered.get(obj.__jsii_ref__.ref):
            for name in [name for name in remembered if name not in CONSTANT]:
                del remembered[name]

    def _encoded(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is dict:
            return {"$jsii.map": {name: self._encoded(each) for name, each in value.items()}}
        if kind is list:
            return [self._encoded(each) for each in value]
        names = getattr(kind, "__jsii_name_mapping__", None)
        if names is None or not hasattr(value, "_values"):
            return _make_reference_for_native(self, value)
        set_values = ((names[name], each) for name, each in value._values.items() if each is not None)
        data = {name: self._encoded(each) for name, each in set_values}
        return {"$jsii.struct": {"fqn": value.__jsii_type__, "data": data}}

    def _answer(self, request: dict[str, Any], response: type[Any]) -> Any:
        """The value of the kernel's answer to `request`, after whatever it calls back."""
        process: Any = self.provider._process  # type: ignore[attr-defined]  # jsii has one kind of provider
        process._process.stdin.write(_ENCODE(request).encode() + b"\n")
        process._process.stdin.flush()
        line = process._process.stdout.readline()
        has_references = b'"$jsii.' in line  # or enums, maps and dates
        said = (_DECODE_REFERENCES if has_references else _DECODE)(line.decode())
        if "ok" in said:
            name = _VALUES.get(response)
            value = said["ok"].get(name) if name else said["ok"]
        elif "callback" in said:
            value = _callback_till_result(self, process._serializer.structure(said["callback"], Callback), response)
        else:
            refused = JSIIError if said["name"] == ErrorType.JSII_FAULT.value else RuntimeError
            raise refused(said["error"]) from JavaScriptError(said["stack"])  # type: ignore[no-untyped-call]  # jsii types none
        return _recursize_dereference(self, value) if has_references and response is not CreateResponse else value


def _reference(obj: Any) -> dict[str, Any]:
    reference: dict[str, Any] = _unstructure_ref(obj.__jsii_ref__)  # type: ignore[no-untyped-call]  # jsii types none
    return reference


def _override(kind: type, override: Override) -> dict[str, str]:
    """An overriding member of `kind` as the kernel takes it."""
    named = {name: each for name, each in attr.asdict(override).items() if each is not None}
    if javascript := getattr(getattr(kind, named["cookie"]), "javascript", None):
        named["javascript"] = javascript
    return named
