"""A plan as `terraform show -json` has it: what would be done to which resource, values as they are.

Field names and meanings are those of HashiCorp's "JSON Output Format", version 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from operations.errors import OperatorError
from operations.resource_types import holds_data


class Action(StrEnum):
    """Fate of a resource, worst first."""

    DELETE = "destroy"
    REPLACE = "replace"
    UNKNOWN = "unknown"
    FORGET = "forget"
    UPDATE = "update"
    CREATE = "create"
    READ = "read"
    NO_OP = "nothing"


_ACTIONS: Mapping[tuple[str, ...], Action] = {
    ("delete",): Action.DELETE,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("forget",): Action.FORGET,
    ("create", "forget"): Action.REPLACE,
    ("forget", "create"): Action.REPLACE,
    ("update",): Action.UPDATE,
    ("create",): Action.CREATE,
    ("read",): Action.READ,
    ("no-op",): Action.NO_OP,
}

_REASONS: Mapping[str, str] = {
    "replace_because_tainted": "its last creation failed half-way",
    "replace_because_cannot_update": "",  # the attributes that force it are shown
    "replace_by_request": "asked for with -replace",
    "replace_by_triggers": "replace_triggered_by",
    "delete_because_no_resource_config": "no longer in the code",
    "delete_because_no_module": "its module is no longer in the code",
    "delete_because_wrong_repetition": "count or for_each came or went",
    "delete_because_count_index": "beyond count",
    "delete_because_each_key": "not in for_each any more",
    "delete_because_no_move_target": "moved to what does not exist",
    "read_because_config_unknown": "depends on what is not known yet",
    "read_because_dependency_pending": "depends on what changes",
}


@dataclass(frozen=True, eq=False)
class Change:
    """An action on one resource: planned, deferred, or found to have happened.

    `before` and `after` hold secret values; `before_sensitive` and `after_sensitive` say where. `moved_from`,
    `import_id` and `deposed` are empty where nothing is moved or imported and the object is not deposed.
    """

    address: str
    type: str
    action: Action
    reason: str = ""
    create_before_destroy: bool = False
    forgets: bool = False
    """The existing object stays in AWS and leaves the state, also where another one replaces it."""
    moved_from: str = ""
    import_id: str = ""
    deposed: str = ""
    """Key of an object that an unfinished replacement left behind."""
    before: object = None
    after: object = None
    after_unknown: object = None
    before_sensitive: object = None
    after_sensitive: object = None
    replace_paths: tuple[tuple[str | int, ...], ...] = ()

    @property
    def destroys(self) -> bool:
        """True when the existing object will be gone, and for an unknown action."""
        return self.action in (Action.DELETE, Action.REPLACE, Action.UNKNOWN)

    @property
    def holds_data(self) -> bool:
        """True for a resource whose destruction loses data; an output, which has no type, is not."""
        return bool(self.type) and holds_data(self.type)

    def was(self, name: str) -> object:
        """The value of an attribute before; None where there was none."""
        return self.before.get(name) if isinstance(self.before, dict) else None

    def becomes(self, name: str) -> object:
        """The value of an attribute after; None where there is none or it is not known yet."""
        return self.after.get(name) if isinstance(self.after, dict) else None


@dataclass(frozen=True)
class Existing:
    """A resource of the state, as it was found or as Terraform knew it last."""

    type: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class PlanDocument:
    """A plan: resources to change, resources that changed without Terraform, outputs to change.

    `deferred` is left to a later plan. `notices` are sentences about the plan as a whole: failed checks, actions that
    run, an endpoint that is not AWS's. `errored`: Terraform could not finish it.
    """

    changes: tuple[Change, ...]
    drift: tuple[Change, ...]
    outputs: tuple[Change, ...]
    deferred: tuple[Change, ...] = ()
    notices: tuple[str, ...] = ()
    errored: bool = False
    existing: tuple[Existing, ...] = ()


def read_plan(document: object) -> PlanDocument:
    """The plan in Terraform's JSON. Raises OperatorError for a format this was not written for.

    An entry of an unexpected form becomes a change with an unknown action: it is never left out.
    """
    if not isinstance(document, dict):
        raise OperatorError(f"This is no plan: a JSON object is wanted, not {type(document).__name__}.", hint=_SHOW)
    version = str(document.get("format_version", ""))
    if version.split(".")[0] != "1":
        raise OperatorError(
            f'This plan is in format "{version}"; format 1 of `terraform show -json` can be read.', hint=_SHOW
        )
    if "resource_changes" not in document and "planned_values" not in document:
        raise OperatorError("This is no plan: it has neither resource_changes nor planned_values.", hint=_SHOW)
    entries = [entry for entry in _entries(document, "resource_changes") if nested(entry, "mode") != "data"]
    outputs = document.get("output_changes")
    changes = tuple(map(_change, entries))
    drift = tuple(map(_change, _entries(document, "resource_drift")))
    return PlanDocument(
        changes=changes,
        drift=drift,
        outputs=tuple(
            _change({"address": name, "type": "", "change": change})
            for name, change in (outputs if isinstance(outputs, dict) else {}).items()
        ),
        deferred=tuple(_deferred(entry) for entry in _entries(document, "deferred_changes")),
        notices=(*_endpoints(document, changes), *_failed_checks(document), *_invocations(document)),
        errored=document.get("errored") is True,
        existing=(
            *_of_module(nested(document, "prior_state", "values", "root_module")),
            *(Existing(each.type, each.before) for each in changes if isinstance(each.before, dict)),
            *(
                Existing(each.type, side)
                for each in drift
                for side in (each.before, each.after)
                if isinstance(side, dict)
            ),
        ),
    )


_SHOW = "Make one: terraform plan -out=plan && terraform show -json plan > plan.json"


def _of_module(module: object) -> Iterator[Existing]:
    for entry in _entries(module if isinstance(module, dict) else {}, "resources"):
        values = nested(entry, "values")
        if isinstance(values, dict) and nested(entry, "mode") != "data":
            yield Existing(str(nested(entry, "type")), values)
    for child in _entries(module if isinstance(module, dict) else {}, "child_modules"):
        yield from _of_module(child)


def _entries(document: Mapping[str, object], name: str) -> list[object]:
    entries = document.get(name)
    return entries if isinstance(entries, list) else [] if entries is None else [entries]


def nested(value: object, *steps: str) -> object:
    """The part of nested objects at these keys; None where one is missing or no object."""
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _change(entry: object, why: str = "") -> Change:
    change = nested(entry, "change")
    address = str(nested(entry, "address") or nested(entry, "type") or "(without an address)")
    actions = nested(change, "actions")
    known = tuple(map(str, actions)) if isinstance(actions, list) else (str(actions),)
    action = _ACTIONS.get(known, Action.UNKNOWN)
    said = str(nested(entry, "action_reason") or "")
    reason = why or _REASONS.get(said, said.replace("_", " "))
    if action is Action.UNKNOWN:
        reason = f"the action {', '.join(known)} is not known here"
    paths = nested(change, "replace_paths")
    return Change(
        address=address,
        type=str(kind) if (kind := nested(entry, "type")) is not None else _type_in(address),
        action=action,
        reason=reason,
        create_before_destroy=known == ("create", "delete"),
        forgets="forget" in known,
        moved_from=str(nested(entry, "previous_address") or ""),
        import_id=_import_id(nested(change, "importing")),
        deposed=str(nested(entry, "deposed") or ""),
        before=nested(change, "before"),
        after=nested(change, "after"),
        after_unknown=nested(change, "after_unknown"),
        before_sensitive=nested(change, "before_sensitive"),
        after_sensitive=nested(change, "after_sensitive"),
        replace_paths=tuple(tuple(path) for path in paths or () if isinstance(path, list) and path)
        if isinstance(paths, list)
        else (),
    )


def _type_in(address: str) -> str:
    """The type in an address: `aws_x` of `module.a["b.c"].aws_x.d[0]`."""
    return re.sub(r"^(module\.[^.\[]+(\[[^\]]*\])?\.)*", "", address).partition(".")[0]


def _import_id(importing: object) -> str:
    """The id, or the attributes of the identity, by which a resource is imported; empty when it is not."""
    if not isinstance(importing, dict):
        return ""
    if importing.get("id"):
        return str(importing["id"])
    identity = importing.get("identity")
    if isinstance(identity, dict):
        return ", ".join(f"{name}={value}" for name, value in identity.items() if value is not None)
    return "(known after apply)"


_DEFERRED: Mapping[str, str] = {
    "instance_count_unknown": "count or for_each is not known yet",
    "resource_config_unknown": "its arguments are not known yet",
    "provider_config_unknown": "its provider is not configured yet",
    "absent_prereq": "what it needs does not exist yet",
    "deferred_prereq": "depends on what is deferred",
}


def _deferred(entry: object) -> Change:
    reason = str(nested(entry, "reason") or "unknown")
    return _change(nested(entry, "resource_change"), f"left to a later plan: {_DEFERRED.get(reason, reason)}")


def _failed_checks(document: Mapping[str, object]) -> Iterator[str]:
    for check in _entries(document, "checks"):
        status = nested(check, "status")
        if status in ("fail", "error"):
            name = nested(check, "address", "to_display") or nested(check, "address", "name") or "a check"
            instances = nested(check, "instances")
            problems = [
                str(nested(problem, "message") or "without a message")
                for instance in (instances if isinstance(instances, list) else ())
                if isinstance(instance, dict)
                for problem in _entries(instance, "problems")
            ]
            yield f"Check {name} {'fails' if status == 'fail' else 'cannot be evaluated'}: {'; '.join(problems) or '–'}"


def _invocations(document: Mapping[str, object]) -> Iterator[str]:
    for entry in _entries(document, "action_invocations"):
        trigger = nested(entry, "lifecycle_action_trigger", "triggering_resource_address")
        yield f"Action {nested(entry, 'address') or '?'} runs{f', triggered by {trigger}' if trigger else ''}."
    for entry in _entries(document, "deferred_action_invocations"):
        yield f"Action {nested(entry, 'action_invocation', 'address') or '?'} is left to a later plan."


_LOOPBACK = re.compile(r"https?://(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?(?=/|$)", re.IGNORECASE)


def endpoint_notice(endpoint: str) -> str:
    """The sentence about a plan that was not made on AWS itself."""
    place = "the emulator" if _LOOPBACK.match(endpoint) else "an endpoint of its own"
    return f"This plan was made on {place}, {endpoint}, not on AWS."


def _endpoints(document: Mapping[str, object], changes: Iterable[Change]) -> Iterator[str]:
    """A notice for a provider with endpoints of its own, or for resources that live on this machine."""
    found: dict[str, None] = {}
    configurations = nested(document, "configuration", "provider_config")
    for configuration in configurations.values() if isinstance(configurations, dict) else ():
        endpoints = nested(configuration, "expressions", "endpoints")
        for block in endpoints if isinstance(endpoints, list) else ():
            for expression in block.values() if isinstance(block, dict) else ():
                if endpoint := nested(expression, "constant_value"):
                    found[str(endpoint)] = None
    for change in changes:
        for name in ("id", "url"):
            value = change.was(name)
            if change.type.startswith("aws_") and isinstance(value, str) and (local := _LOOPBACK.match(value)):
                found[local[0]] = None
    yield from map(endpoint_notice, list(found)[:1])
