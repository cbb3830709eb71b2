"""The CDKTF application: every deployment in every environment becomes one stack of Terraform JSON.

`python main.py` and `cdktf synth` write the same bytes. Settings are checked first, so a wrong one is refused before
anything is loaded or written. `python main.py STACK…` writes these stacks and leaves the others as they are. A stack
that an earlier run synthesised from the same is not synthesised again, unless `--no-cache` says so.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import pkgutil
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # none is used, and looking for them reads every package

from config.clashes import clashes  # noqa: E402  # the path above makes it importable from anywhere
from config.locked_provider import LOCK_FILE, locked_provider_version  # noqa: E402  # as above
from config.rendering import not_evaluated  # noqa: E402  # as above
from config.retired_stacks import refuse_lost_stacks  # noqa: E402  # as above
from config.settings import SettingsError  # noqa: E402  # as above
from config.stack_settings import StackSettings, load_all  # noqa: E402  # as above
from config.utf8 import use_utf8  # noqa: E402  # as above
from synth.kept_stacks import FinishedStack, KeptStacks, switched_off  # noqa: E402  # as above

if TYPE_CHECKING:
    from cdktf import App

    from modules.stack import DeploymentStack

MANIFEST = "manifest.json"
STACK_FILE = "cdk.tf.json"
_JSII_REASONS = "Failure reason(s):"
"""Part of every message of jsii about a value of a wrong type."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Synthesises into the output folder; 0 when it was written, 1 when something was refused, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="main.py", description="Write stacks of Terraform JSON into generated/.")
    parser.add_argument(
        "stacks", nargs="*", metavar="STACK", help="stacks to write, such as aquamark-dev; default: all"
    )
    parser.add_argument("--no-cache", action="store_true", help="synthesise every stack, and keep none for later runs")
    asked = parser.parse_args(arguments)
    output = Path(os.environ.get("CDKTF_OUTDIR") or ROOT / _cdktf_json()["output"]).resolve()
    try:
        every = {stack.stack_name: stack for stack in load_all()}
        refuse_lost_stacks(every, output=output)
    except SettingsError as error:
        print(f"Settings refused, nothing was written:\n{error}", file=sys.stderr)  # noqa: T201 - for who runs it
        return 1
    if unknown := [name for name in asked.stacks if name not in every]:
        parser.error(f"no stack is called {', '.join(unknown)}; stacks: {', '.join(every)}")
    wanted = [every[name] for name in dict.fromkeys(asked.stacks)] or list(every.values())
    try:
        finished = finish(wanted, every, output, None if asked.no_cache else kept_stacks())
    except (RuntimeError, ValueError) as error:
        where = _own_line(error) if _JSII_REASONS in str(error) else ""
        print(f"Refused, nothing was written: {where}{_short(str(error))}", file=sys.stderr)  # noqa: T201 - for who runs it
        return 1
    except (AttributeError, TypeError) as error:  # a wrong name: the line that has it says more than frames of jsii
        print(f"Refused, nothing was written: {_own_line(error)}{error}", file=sys.stderr)  # noqa: T201 - for who runs it
        return 1
    write(finished, output, every)
    return 0


def _own_line(error: BaseException) -> str:
    """`file:line: ` of the repository's code that ran last; `synth/` only passes constructs on."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(ROOT)]
    own = [f for f in frames if Path(f.filename).relative_to(ROOT).parts[0] not in (".venv", "synth")]
    return f"{Path(own[-1].filename).relative_to(ROOT)}:{own[-1].lineno}: " if own else ""


def _short(message: str) -> str:
    """A message; of jsii's tree about a value of a wrong type its first line and the keys that are named."""
    if _JSII_REASONS not in message:
        return message
    first, _, tree = message.partition("\n")
    return "; ".join([first, *re.findall(r"Key '.*", tree)])


def kept_stacks() -> KeptStacks | None:
    """The stacks of earlier runs; None where none may be read."""
    if switched_off():
        return None
    try:
        return KeptStacks(ROOT)
    except OSError as error:
        print(f"warning: slow synth, finished stacks are not kept: {error}", file=sys.stderr)  # noqa: T201 - for who runs it
        return None


def finish(
    wanted: Sequence[StackSettings], every: Mapping[str, StackSettings], output: Path, kept: KeptStacks | None
) -> dict[str, FinishedStack]:
    """The stacks of `wanted` in that order, from `kept` as far as they are there; it keeps the others.

    Those of `every` that are not wanted count for clashes as they stand in `output`. Raises RuntimeError when a refusal
    finds something, ValueError when constructs cannot be combined as asked, when two stacks clash, or when the lock
    file is not for the provider that the bindings write.
    """
    found = {stack.stack_name: stack_kept for stack in wanted if kept and (stack_kept := kept.read(stack))}
    missing = [stack for stack in wanted if stack.stack_name not in found]
    if missing:
        with tempfile.TemporaryDirectory(prefix="quintet-synth-") as folder:
            found |= synthesise(missing, Path(folder) / "generated", context=_cdktf_json()["context"])
    finished = {stack.stack_name: found[stack.stack_name] for stack in wanted}
    documents = {name: json.loads(stack.files[STACK_FILE]) for name, stack in finished.items()}
    _refuse_other_lock(documents)
    _refuse_clashes(documents, every, output)
    if kept:
        try:
            for stack in missing:
                kept.keep(stack, finished[stack.stack_name])
        except OSError as error:
            print(f"warning: finished stacks are not kept: {error}", file=sys.stderr)  # noqa: T201 - for who runs it
    return finished


def synthesise(wanted: Sequence[StackSettings], output: Path, *, context: dict[str, str]) -> dict[str, FinishedStack]:
    """Writes the stacks of `wanted` as Terraform JSON into the folder `output`, and returns what was written.

    Raises RuntimeError when a refusal finds something, ValueError when constructs cannot be combined as asked.
    """
    from synth import bindings

    bindings.install()
    for name in (
        "CDKTF_CONTINUE_SYNTH_ON_ERROR_ANNOTATIONS",  # refusals are not optional
        "CDKTF_CONTEXT_JSON",  # the file in git says it, whoever starts this
        "SYNTH_HCL_OUTPUT",  # what is applied is JSON
    ):
        os.environ.pop(name, None)
    from cdktf import App

    from synth.construct_sources import recorded_sources

    app = App(outdir=str(output), context=context)
    with recorded_sources(ROOT) as sources:
        stacks = [add_stack(app, stack_settings) for stack_settings in wanted]
    app.synth()
    manifest = json.loads((output / MANIFEST).read_text(encoding="utf-8"))["stacks"]
    finished = {}
    for stack in stacks:
        name = stack.node.id
        folder = output / "stacks" / name
        for file, content in stack.files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        shutil.copyfile(ROOT / LOCK_FILE, folder / LOCK_FILE)
        files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        lines = {path: places for path, places in sources.items() if path.split("/")[0] == name}
        finished[name] = FinishedStack(files, manifest[name], lines)
    return finished


def add_stack(app: App, wanted: StackSettings) -> DeploymentStack:
    """Creates the stack of `wanted` in `app`, text of settings as text. The bindings are installed by then."""
    stack: type[DeploymentStack] = pkgutil.resolve_name(wanted.deployment.stack)
    return stack(app, environment=not_evaluated(wanted.environment), settings=not_evaluated(wanted.settings))  # type: ignore[call-arg]  # each names its own deployment


def _refuse_other_lock(documents: Mapping[str, dict[str, Any]]) -> None:
    """Raises ValueError when Terraform would refuse the stacks, as the lock file has another provider."""
    locked = locked_provider_version(ROOT)
    for name, document in documents.items():
        wanted = document["terraform"]["required_providers"]["aws"]["version"]
        if wanted != locked:
            raise ValueError(
                f"{LOCK_FILE} locks hashicorp/aws {locked or 'not at all'}, and the installed bindings write {wanted} "
                f"({name}). Install what requirements.lock has (make venv), or lock {wanted}: docs/upgrading.md"
            )


def _refuse_clashes(finished: Mapping[str, dict[str, Any]], every: Mapping[str, StackSettings], output: Path) -> None:
    """Raises ValueError when two stacks would share a state, or two resources a name.

    The stacks of `every` that are not in `finished` count as they stand in `output`.
    """
    documents = dict(finished)
    for name in every.keys() - finished.keys():
        if (file := output / "stacks" / name / STACK_FILE).is_file():
            documents[name] = json.loads(file.read_text(encoding="utf-8"))
    environments = {stack.environment.name: stack.environment for stack in every.values()}
    if found := list(clashes(documents, environments)):
        raise ValueError("\n".join(found))


def write(finished: Mapping[str, FinishedStack], output: Path, every: Iterable[str]) -> None:
    """Makes `output` hold the finished stacks: changed files replaced whole, files and stacks that are gone removed.

    Stacks of `every` that are not finished stay, and so does what Terraform keeps in a stack's folder.
    """
    manifest = output / MANIFEST
    unfinished = [name for name in every if name not in finished]
    entries = json.loads(manifest.read_text(encoding="utf-8"))["stacks"] if unfinished and manifest.is_file() else {}
    entries = {name: entries[name] for name in unfinished if name in entries}
    entries |= {name: stack.manifest for name, stack in finished.items()}
    for name, stack in finished.items():
        folder = output / "stacks" / name
        for file, content in stack.files.items():
            _replace(folder / file, content)
        for path in sorted(folder.rglob("*")):
            below = path.relative_to(folder)
            of_terraform = (
                {".terraform", "plan"} & set(below.parts)
                or path.name.startswith("terraform.")
                or path.name == "errored.tfstate"
            )
            if path.is_file() and str(below) not in stack.files and not of_terraform:
                path.unlink()
    for folder in sorted((output / "stacks").iterdir()):
        if folder.name not in entries:
            shutil.rmtree(folder)
    _replace(manifest, _manifest(entries))


def _manifest(entries: Mapping[str, Any]) -> bytes:
    """The file that tells `cdktf` which stacks there are, as its App writes it."""
    text = json.dumps({"stacks": entries, "version": version("cdktf")}, indent=2, sort_keys=True)
    return re.sub(r'^( *)(".*": )\[\]', r"\1\2[\n\1]", text, flags=re.MULTILINE).encode()


def _replace(target: Path, content: bytes) -> None:
    if not target.is_file() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(target.name + ".new")
        half.write_bytes(content)
        half.replace(target)


def _cdktf_json() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "cdktf.json").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    gc.disable()  # constructs live until the end, and looking for garbage among them was a tenth of a synth
    use_utf8()
    code = main()
    gc.freeze()  # nor at the end, where Python would look through all of them: another tenth
    sys.exit(code)
