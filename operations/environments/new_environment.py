"""A new environment: the settings of an existing one, with names, networks and state places of its own."""

from __future__ import annotations

import ipaddress
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from config.environment import Environment, environment_names, load_environment
from config.registry import Deployment
from config.settings import Settings, checked
from config.stack_settings import StackSettings, load_all
from config.types import PRIVATE_RANGES, AccountId, Name, Sharing
from operations.errors import OperatorError
from operations.plans.fresh_synth import fresh_synth

if TYPE_CHECKING:
    from pathlib import Path

Location = tuple[str | int, ...]
_TWICE = "would both be called"
"""Words by which a synth refuses two resources of one name."""


@dataclass(frozen=True)
class Kept:
    """A value that the new environment shares with its source: it names something that has to exist, or to differ."""

    file: str
    key: str
    value: str


@dataclass(frozen=True)
class Renamed:
    """A value that the new environment has of its own."""

    file: str
    key: str
    before: str
    after: str


@dataclass(frozen=True)
class NewEnvironment:
    """The result: the files, their values that differ from the source's, and those to look at."""

    files: Sequence[str]
    renamed: Sequence[Renamed]
    kept: Sequence[Kept]


@dataclass(frozen=True)
class Creation:
    """The wanted environment: one called `name` from `source`, in `account_id` where that is another account."""

    name: str
    source: str
    root: Path
    account_id: str | None = None
    deployments: Sequence[str] = ()
    """Names or aliases; without any, those that `source` has."""

    def run(self) -> NewEnvironment:
        """Write the settings files and check them, also by a synth of all stacks. Existing files are never written to.

        Raises OperatorError for a name that cannot be used, and SettingsError or OperatorError, with nothing written,
        when the new settings would be refused.
        """
        environments = self.root / "config" / "environments"
        self._refuse_names(environment_names(environments))
        every = load_all(folder=self.root / "deployments", environments=environments)
        source = load_environment(self.source, environments)
        account = self.account_id or source.account_id
        chosen = self._chosen([stack for stack in every if stack.environment.name == self.source])
        networks = _Networks(every)
        drafts = [_Draft.of(environments / f"{self.source}.toml", source, self.root)]
        drafts += [
            _Draft.of(self._file(stack.deployment, self.source), stack.settings, self.root, stack) for stack in chosen
        ]
        for draft in drafts:
            others = [
                other.settings
                for other in every
                if draft.stack
                and other.deployment == draft.stack.deployment
                and other.environment.account_id == account
            ]
            draft.rename(_Renaming(self.source, self.name, source.account_id, account, networks.next, others))
        self._write({draft.path.with_name(f"{self.name}.toml"): draft.text for draft in drafts})
        return NewEnvironment(
            [str(draft.path.with_name(f"{self.name}.toml").relative_to(self.root)) for draft in drafts],
            [line for draft in drafts for line in draft.renamed],
            [line for draft in drafts for line in draft.kept],
        )

    def _file(self, deployment: Deployment, environment: str) -> Path:
        return self.root / "deployments" / deployment.folder / "environments" / f"{environment}.toml"

    def _refuse_names(self, names: Sequence[str]) -> None:
        try:
            checked(Name, "name", self.name)
            if self.account_id is not None:
                checked(AccountId, "account", self.account_id)
        except ValueError as error:
            raise OperatorError(f"{error}.", hint="Example: quintet new environment trial") from None
        if self.source not in names:
            raise OperatorError(f"There is no environment {self.source}; environments: {', '.join(names)}.")
        if self.name in names:
            raise OperatorError(
                f"The environment {self.name} exists; nothing was written.", hint=f"Others than: {', '.join(names)}"
            )
        for path in self.root.glob(f"deployments/*/environments/{self.name}.toml"):
            raise OperatorError(f"{path} exists; nothing was written.", hint="Move it away, or take another name.")

    def _chosen(self, of_source: Sequence[StackSettings]) -> list[StackSettings]:
        names = {name for stack in of_source for name in _names(stack.deployment)}
        for wanted in self.deployments:
            if wanted not in names:
                have = ", ".join(stack.deployment.name for stack in of_source)
                raise OperatorError(f"{self.source} has no deployment {wanted}; it has {have}.")
        return [stack for stack in of_source if not self.deployments or {*self.deployments} & _names(stack.deployment)]

    def _write(self, files: Mapping[Path, str]) -> None:
        """Write all files and read them again as settings do; none remains when they are refused."""
        written: list[Path] = []
        try:
            for path, text in files.items():
                with path.open("x", encoding="utf-8") as file:
                    written.append(path)
                    file.write(text)
            load_all(folder=self.root / "deployments", environments=self.root / "config" / "environments")
            _synthesise(self.root)
        except BaseException as error:
            for path in written:
                path.unlink()
            if isinstance(error, FileExistsError):  # written by somebody else in this moment
                raise OperatorError(f"{error.filename} exists; nothing was written.") from None
            raise


def _synthesise(root: Path) -> None:
    """Raises OperatorError when a stack is refused with the settings as they are."""
    try:
        fresh_synth(root)
    except OperatorError as error:
        hint = (
            "A name that a document fixes is there once in an account: --account ID, or --deployment NAME for others."
        )
        raise OperatorError(error.message, hint=hint if _TWICE in error.message else error.hint) from None


def _names(deployment: Deployment) -> set[str]:
    return {deployment.name, deployment.alias}


@dataclass
class _Networks:
    """Blocks of networks, no two of which overlap, in whatever environment."""

    every: Sequence[StackSettings]

    def __post_init__(self) -> None:
        blocks = [getattr(stack.settings.network, "cidr_block", None) for stack in self.every]
        self.taken = [ipaddress.IPv4Network(block) for block in blocks if block]

    def next(self, block: str) -> str:
        """The first block after `block`, of its size and within its private range, that nobody has."""
        source = ipaddress.IPv4Network(block)
        private = next(r for r in PRIVATE_RANGES if source.subnet_of(r))
        free = [n for n in private.subnets(new_prefix=source.prefixlen) if not any(map(n.overlaps, self.taken))]
        if not free:
            raise OperatorError(f"Every /{source.prefixlen} of {private} is taken by a network of another stack.")
        chosen = next((network for network in free if network > source), free[0])
        self.taken.append(chosen)
        return str(chosen)


@dataclass(frozen=True)
class _Renaming:
    """The rules by which a value of the source becomes one of the new environment."""

    source: str
    name: str
    account: str
    new_account: str
    next_network: Callable[[str], str]
    others: Sequence[Settings]
    """Settings of the same deployment in the account that the new environment is for."""

    def own(self, kind: str, value: str, annotation: Any, location: Location, domains: Sequence[str]) -> str:
        """The value that the new environment has at `location`. Raises OperatorError when none is left."""
        if kind == "network":
            return self.next_network(value)
        if kind == "choice":
            return self._choice(value, annotation, location)
        renamed = self.word.sub(self.name, value)
        if renamed != value:
            return renamed
        for domain in domains:
            if value == domain or value.endswith(f".{domain}"):
                return f"{value.removesuffix(domain)}{self.name}.{domain}"
        return f"{value}-{self.name}" if kind == "suffix" else value

    def domains(self, hosts: Sequence[str]) -> list[str]:
        """The host names below which the others are, as far as the source's name is not in them."""
        plain = [host for host in hosts if not self.word.search(host)]
        return [host for host in plain if not any(host.endswith(f".{other}") for other in plain)]

    @property
    def word(self) -> re.Pattern[str]:
        """The source's name, where it stands as a word."""
        return re.compile(rf"(?<![A-Za-z0-9]){re.escape(self.source)}(?![A-Za-z0-9])")

    def _choice(self, value: str, annotation: Any, location: Location) -> str:
        taken = {_at(settings, location) for settings in self.others}
        allowed = get_args(annotation)
        if value not in taken:
            return value
        for other in allowed:
            if other not in taken:
                return str(other)
        raise OperatorError(
            f"{_dotted(location)}: {', '.join(allowed)} are all taken in account {self.new_account}.",
            hint="Use another account: --account ID",
        )


class _Draft:
    """One settings file of the new environment, line by line that of the source but for its values."""

    def __init__(self, path: Path, settings: Settings, root: Path, text: str, stack: StackSettings | None) -> None:
        self.path = path
        self.stack = stack
        self.text = text
        self.renamed: list[Renamed] = []
        self.kept: list[Kept] = []
        self._settings = settings
        self._file = str(path.relative_to(root))
        self._document = tomllib.loads(text)

    @staticmethod
    def of(path: Path, settings: Settings, root: Path, stack: StackSettings | None = None) -> _Draft:
        """That of the source's file at `path`, which holds `settings`."""
        return _Draft(path, settings, root, path.read_text(encoding="utf-8"), stack)

    def rename(self, renaming: _Renaming) -> None:
        """Give every value that environments cannot share its own. Raises OperatorError."""
        wanted = dict(self._own(renaming))
        self._leave_adoption_out()
        for location, value in _leaves(self._document):
            changed = value.replace(renaming.account, renaming.new_account)
            if location not in wanted and changed != value:
                wanted[location] = changed
        if isinstance(self._settings, Environment):
            wanted["name",] = renaming.name
        for location, after in wanted.items():
            before = str(_at(self._settings, location))
            if after != before:
                self._put(location, before, after)
                self.renamed.append(Renamed(self._file, _dotted(location), before, after))
        if tomllib.loads(self.text) != self._document:
            raise OperatorError(
                f"{self._file} is written in a form that cannot be rewritten line by line; nothing was written.",
                hint="Write each key on a line of its own, and texts in one line and double quotes.",
            )
        given = {location for location, sharing, *_ in _shared((), self._settings) if sharing.kind == "given"}
        for location, value in _leaves(self._document):
            if location in given or (renaming.word.search(value) and "reasons" not in location):
                self.kept.append(Kept(self._file, _dotted(location), value))

    def _own(self, renaming: _Renaming) -> Iterator[tuple[Location, str]]:
        found = list(_shared((), self._settings))
        domains = renaming.domains([value for _, sharing, _, value in found if sharing.kind == "domain"])
        for location, sharing, annotation, value in found:
            if sharing.kind != "given":
                yield location, renaming.own(sharing.kind, value, annotation, location, domains)

    def _leave_adoption_out(self) -> None:
        """Drop [adopt]: what the source has taken over is not the new environment's."""
        if self._document.pop("adopt", None) is not None:
            self.text = re.sub(r"^\[adopt\][^\n]*\n(?:(?!\[)[^\n]*\n?)*", "", self.text, flags=re.MULTILINE)

    def _put(self, location: Location, before: str, after: str) -> None:
        *parents, key = location
        holder: Any = self._document
        for step in parents:
            holder = holder.setdefault(step, {}) if isinstance(holder, dict) else holder[step]
        present = not isinstance(holder, dict) or key in holder
        holder[key] = after
        if not present:
            self._insert([str(step) for step in parents], f"{key} = {json.dumps(after)}\n")
            return
        quoted = rf"(['\"]){re.escape(before)}\1"
        place = rf"(?<![\w-]){re.escape(key)}\s*=\s*{quoted}" if isinstance(key, str) else quoted
        line = re.compile(rf"^[^#\n]*?{place}", re.MULTILINE)
        old, new = re.compile(quoted), json.dumps(after)
        self.text = line.sub(lambda found: old.sub(lambda _: new, found[0]), self.text)

    def _insert(self, table: Sequence[str], line: str) -> None:
        """Put a key below the header of its table, above the first table where it has none."""
        header = rf"^\[{re.escape('.'.join(table))}\][^\n]*\n" if table else r"^(?=\[)"
        found = re.search(header, self.text, re.MULTILINE)
        if found is None:
            self.text += f"\n[{'.'.join(table)}]\n{line}" if table else line
        elif table:
            self.text = self.text[: found.end()] + line + self.text[found.end() :]
        else:
            head = self.text[: found.start()].rstrip("\n")
            self.text = f"{head}\n{line}\n{self.text[found.start() :]}"


def _shared(location: Location, settings: Settings) -> Iterator[tuple[Location, Sharing, Any, str]]:
    """Every text of the settings whose type says how environments share it, defaults included."""
    for name, field in type(settings).model_fields.items():
        annotation = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        yield from _shared_value((*location, name), annotation, getattr(settings, name))


def _shared_value(location: Location, annotation: Any, value: Any) -> Iterator[tuple[Location, Sharing, Any, str]]:
    if isinstance(value, Settings):
        yield from _shared(location, value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _shared_value((*location, key), annotation, item)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _shared_value((*location, index), annotation, item)
    elif isinstance(value, str):
        for sharing, bare in _markers(annotation):
            yield location, sharing, bare, value
            return


def _markers(annotation: Any) -> Iterator[tuple[Sharing, Any]]:
    """The marks of a type and of the types it is made of, the outermost first; not those of a mapping's keys."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        yield from ((mark, arguments[0]) for mark in arguments[1:] if isinstance(mark, Sharing))
        yield from _markers(arguments[0])
    elif get_origin(annotation) is not Literal:
        for argument in arguments[1:] if get_origin(annotation) is dict else arguments:
            yield from _markers(argument)


def _leaves(document: Any, location: Location = ()) -> Iterator[tuple[Location, str]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _leaves(value, (*location, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from _leaves(value, (*location, index))
    elif isinstance(document, str):
        yield location, document


def _at(settings: Any, location: Location) -> Any:
    for step in location:
        settings = getattr(settings, str(step)) if isinstance(settings, Settings) else settings[step]
    return settings


def _dotted(location: Location) -> str:
    return ".".join(str(step) for step in location)
