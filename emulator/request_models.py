"""Refuses calls that AWS's own models of its services do not allow.

Required and unknown members and types are botocore's check; ranges, lengths, enumerations and patterns are in its
models as well, but left to AWS by it. A model constrains few values of some services: see the README.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import botocore
import regex
from botocore.validate import ParamValidator, ValidationErrors

from emulator.call import Refusal

if TYPE_CHECKING:
    from emulator.call import Call

_CODES = {
    "backup": "InvalidParameterValueException",
    "cloudfront": "InvalidArgument",
    "cloudwatch": "ValidationError",
    "ecr": "InvalidParameterException",
    "ecs": "InvalidParameterException",
    "imagebuilder": "InvalidParameterException",
    "logs": "InvalidParameterException",
    "route53": "InvalidInput",
    "s3": "InvalidArgument",
    "sns": "InvalidParameter",
    "ec2": "InvalidParameterValue",
    "elasticache": "InvalidParameterValue",
    "rds": "InvalidParameterValue",
}
"""Error code of a service for a value its model does not allow, where it is not the one of its protocol."""
_CODE_OF_QUERY = "ValidationError"
_CODE = "ValidationException"
_MORE_CODES = {
    ("ec2", "missing"): "MissingParameter",
    ("ec2", "unknown"): "UnknownParameter",
    ("elasticache", "missing"): "MissingParameter",
    ("rds", "missing"): "MissingParameter",
}
_SHOWN = 200
"""Characters of a value that an error repeats."""


def check_request_model(call: Call) -> None:
    """Raise Refusal when the model of the service does not allow the call; a call without a model passes."""
    if call.malformed:
        raise _refusal(call, "value", [f"The request cannot be read: {call.malformed}"])
    if call.operation is None:
        return
    shape = call.operation.input_shape
    if shape is None:
        return
    found = _Validator().validate(call.parameters, shape)
    if found.has_errors():
        raise _refusal(call, found.kind(), found.sentences())


def _refusal(call: Call, kind: str, sentences: list[str]) -> Refusal:
    query = call.operation is not None and call.operation.service_model.protocol == "query"
    code = _MORE_CODES.get((call.service, kind)) or _CODES.get(call.service, _CODE_OF_QUERY if query else _CODE)
    number = f"{len(sentences)} validation error{'s' if len(sentences) > 1 else ''} detected"
    return Refusal(code, f"{number}: {'; '.join(sentences)} (by botocore {botocore.__version__})")


class _Violations(ValidationErrors):  # type: ignore[misc]  # botocore has no types
    """Violations in the words AWS's services use."""

    def kind(self) -> str:
        """`missing` or `unknown` when the first violation is such a one, else `value`."""
        return str(self._errors[0][0]).split()[0] if self._errors[0][0] in _MEMBERS else "value"

    def sentences(self) -> list[str]:
        """One sentence for each violation."""
        return [self._format_error(error) for error in self._errors]

    def _format_error(self, error: tuple[str, str, dict[str, Any]]) -> str:
        reason, name, details = error
        at = self._get_name(name)
        if reason == "missing required field":
            member = f"{name}.{details['required_name']}".lstrip(".")
            return f"Value null at '{member}' failed to satisfy constraint: Member must not be null"
        if reason == "unknown field":
            return f"Unknown parameter '{details['unknown_param']}' at '{at}'"
        if reason == "invalid range":
            reason = f"Member must have value greater than or equal to {details['min_allowed']}"
        elif reason == "invalid length":
            reason = f"Member must have length greater than or equal to {details['min_allowed']}"
        elif not reason.startswith("Member"):
            return str(super()._format_error(error))
        return f"Value '{str(details['param'])[:_SHOWN]}' at '{at}' failed to satisfy constraint: {reason}"


_MEMBERS = ("missing required field", "unknown field")


class _Validator(ParamValidator):  # type: ignore[misc]  # botocore has no types
    """botocore's check of an input, with the constraints that botocore leaves to AWS."""

    VALIDATED_METADATA_ATTRS = ParamValidator.VALIDATED_METADATA_ATTRS | {"max", "pattern", "enum"}

    def validate(self, params: dict[str, Any], shape: Any) -> _Violations:
        errors = _Violations()
        self._validate(params, shape, errors, name="")
        return errors

    def _validate_string(self, param: Any, shape: Any, errors: Any, name: str) -> None:
        super()._validate_string(param, shape, errors, name)
        if not isinstance(param, str):
            return
        shown = "***" if shape.metadata.get("sensitive") else param
        allowed = shape.metadata.get("enum")
        pattern = shape.metadata.get("pattern")
        if allowed and param not in allowed:
            errors.report(name, f"Member must satisfy enum value set: [{', '.join(allowed)}]", param=shown)
        if pattern and not _compiled(pattern).fullmatch(param):
            errors.report(name, f"Member must satisfy regular expression pattern: {pattern}", param=shown)
        self._check_most(len(param), shape, errors, name, shown)

    def _validate_list(self, param: Any, shape: Any, errors: Any, name: str) -> None:
        super()._validate_list(param, shape, errors, name)
        if isinstance(param, list | tuple):
            self._check_most(len(param), shape, errors, name, f"{len(param)} elements")

    def _validate_map(self, param: Any, shape: Any, errors: Any, name: str) -> None:
        super()._validate_map(param, shape, errors, name)
        if isinstance(param, dict):
            self._check_most(len(param), shape, errors, name, f"{len(param)} entries")

    def _validate_blob(self, param: Any, shape: Any, errors: Any, name: str) -> None:
        super()._validate_blob(param, shape, errors, name)
        if isinstance(param, bytes | bytearray | str):
            if len(param) < shape.metadata.get("min", 0):
                errors.report(name, "invalid length", param=len(param), min_allowed=shape.metadata["min"])
            self._check_most(len(param), shape, errors, name, f"{len(param)} bytes")

    def _validate_integer(self, param: Any, shape: Any, errors: Any, name: str) -> None:
        super()._validate_integer(param, shape, errors, name)
        self._check_highest(param, shape, errors, name)

    def _validate_long(self, param: Any, shape: Any, errors: Any, name: str) -> None:
        super()._validate_long(param, shape, errors, name)
        self._check_highest(param, shape, errors, name)

    def _validate_double(self, param: Any, shape: Any, errors: Any, name: str) -> None:
        super()._validate_double(param, shape, errors, name)
        self._check_highest(param, shape, errors, name)

    _validate_float = _validate_double

    def _check_most(self, length: int, shape: Any, errors: Any, name: str, shown: str) -> None:
        most = shape.metadata.get("max")
        if most is not None and length > most:
            errors.report(name, f"Member must have length less than or equal to {most}", param=shown)

    def _check_highest(self, param: Any, shape: Any, errors: Any, name: str) -> None:
        highest = shape.metadata.get("max")
        if highest is not None and isinstance(param, int | float) and param > highest:
            errors.report(name, f"Member must have value less than or equal to {highest}", param=param)


@functools.cache
def _compiled(pattern: str) -> Any:
    """AWS writes patterns as Java does: with Unicode properties, and surrogate pairs for characters above U+FFFF."""
    surrogates = r"\uD800\uDC00-\uDBFF\uDFFF"
    return regex.compile(pattern.replace(surrogates, "\U00010000-\U0010ffff"))
