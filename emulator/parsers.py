"""moto's protocol parsers, made to keep what a service's model does not know, so that it can be refused."""

from __future__ import annotations

import functools
from typing import Any

from moto.core.parse import PROTOCOL_PARSERS, BaseJSONParser, BaseXMLParser, QueryParser

_ENVELOPE = frozenset({"Action", "Version"})
"""Names in a request of the query protocol that are no members of the input."""


class _Form(dict[str, str]):
    """Fields of a request of the query protocol; remembers which were asked for."""

    def __init__(self, fields: Any) -> None:
        super().__init__(fields)
        self.read: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


class _WholeForm:
    """Keeps fields that no member of the model took."""

    def _do_parse(self, request: dict[str, Any], shape: Any) -> dict[str, Any]:
        form = _Form(request["values"])
        parsed: dict[str, Any] = super()._do_parse({**request, "values": form}, shape)  # type: ignore[misc]  # botocore has no types
        return parsed | {name: form[name] for name in form if name not in form.read | _ENVELOPE}


class _WholeObject:
    """Keeps members of JSON objects that the model does not have."""

    def _parse_structure(self, shape: Any, value: Any) -> Any:
        parsed = super()._parse_structure(shape, value)  # type: ignore[misc]  # botocore has no types
        if not isinstance(value, dict) or shape.is_document_type:
            return parsed
        known = {member.serialization.get("name", name) for name, member in shape.members.items()}
        return parsed | {name: found for name, found in value.items() if name not in known and found is not None}


class _WholeElement:
    """Keeps XML elements that the model does not have."""

    def _parse_structure(self, shape: Any, node: Any) -> Any:
        parsed = super()._parse_structure(shape, node)  # type: ignore[misc]  # botocore has no types
        parent = node[0] if isinstance(node, list) else node
        known = {self._member_key_name(member, name) for name, member in shape.members.items()}  # type: ignore[attr-defined]  # botocore has no types
        children = {self._node_tag(child): child.text or "" for child in parent}  # type: ignore[attr-defined]  # botocore has no types
        return parsed | {tag: text for tag, text in children.items() if tag not in known}


_WHOLE = ((QueryParser, _WholeForm), (BaseJSONParser, _WholeObject), (BaseXMLParser, _WholeElement))


@functools.cache
def parser(protocol: str) -> type[Any]:
    """The parser of a protocol: `query`, `ec2`, `json`, `rest-json` or `rest-xml`."""
    base = PROTOCOL_PARSERS[protocol]
    keeping = next(keeping for kind, keeping in _WHOLE if issubclass(base, kind))
    return type(base.__name__, (keeping, base), {})


def parse(operation: Any, labels: dict[str, Any], request: Any) -> dict[str, Any]:
    """The input of an operation; `labels` are the values its path holds. Raises ValueError for what cannot be read."""
    from moto.core.parse import RequestParserError
    from moto.core.request import determine_request_protocol

    if operation.input_shape is None:
        return {}
    protocol = determine_request_protocol(operation.service_model, request.content_type)
    try:
        parsed: dict[str, Any] = parser(protocol)(operation).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": labels,
            }
        )
    except (RequestParserError, TypeError, AttributeError, LookupError) as error:
        raise ValueError(str(error)) from error
    return parsed
