"""The CDKTF application: every deployment in every environment becomes one stack of Terraform JSON.

`python main.py` and `cdktf synth` write the same bytes. Settings are checked first, so a wrong one is refused before
anything is loaded or written.
"""

from __future__ import annotations

import json
import os
import pkgutil
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from config.clashes import clashes  # noqa: E402  # the path above makes it importable from anywhere
from config.rendering import not_evaluated  # noqa: E402
from config.retired_stacks import refuse_lost_stacks  # noqa: E402
from config.settings import SettingsError  # noqa: E402
from config.stack_settings import StackSettings, load_all  # noqa: E402

if TYPE_CHECKING:
    from cdktf import App

    from modules.stack import DeploymentStack

LOCK_FILE = ".terraform.lock.hcl"


def main() -> int:
    """Synthesises everything into the output folder; 0 when it was written, 1 when something was refused."""
    settings = json.loads((ROOT / "cdktf.json").read_text(encoding="utf-8"))
    output = Path(os.environ.get("CDKTF_OUTDIR") or ROOT / settings["output"]).resolve()
    try:
        wanted = load_all()
        refuse_lost_stacks((stack.stack_name for stack in wanted), output=output)
    except SettingsError as error:
        print(f"Settings refused, nothing was written:\n{error}", file=sys.stderr)  # noqa: T201
        return 1
    with tempfile.TemporaryDirectory(prefix="quintet-synth-") as folder:
        fresh = Path(folder) / "generated"
        try:
            synthesise(wanted, fresh, context=settings["context"])
        except (RuntimeError, ValueError) as error:
            print(f"Refused, nothing was written: {error}", file=sys.stderr)  # noqa: T201
            return 1
        replace_changed(fresh, output)
    return 0


def synthesise(wanted: list[StackSettings], output: Path, *, context: dict[str, str]) -> None:
    """Writes the stacks of `wanted` as Terraform JSON into the folder `output`.

    Raises RuntimeError when a refusal finds something, ValueError when constructs cannot be combined as asked, or when
    two stacks would share a state or a name.
    """
    from synth import bindings

    bindings.install()
    os.environ.pop("CDKTF_CONTINUE_SYNTH_ON_ERROR_ANNOTATIONS", None)  # refusals are not optional
    os.environ.pop("CDKTF_CONTEXT_JSON", None)  # the file in git says it, whoever starts this
    from cdktf import App

    app = App(outdir=str(output), context=context)
    stacks = [add_stack(app, stack_settings) for stack_settings in wanted]
    app.synth()
    for stack in stacks:
        folder = output / "stacks" / stack.node.id
        for name, content in stack.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        shutil.copyfile(ROOT / LOCK_FILE, folder / LOCK_FILE)
    _refuse_clashes(wanted, output)


def _refuse_clashes(wanted: list[StackSettings], output: Path) -> None:
    """Raises ValueError when two stacks in `output` would share a state, or two resources a name."""
    documents = {path.parent.name: json.loads(path.read_text()) for path in output.glob("stacks/*/cdk.tf.json")}
    found = list(clashes(documents, {stack.environment.name: stack.environment for stack in wanted}))
    if found:
        raise ValueError("\n".join(found))


def add_stack(app: App, wanted: StackSettings) -> DeploymentStack:
    """Creates the stack of `wanted` in `app`, text of settings as text. The bindings are installed by then."""
    stack: type[DeploymentStack] = pkgutil.resolve_name(wanted.deployment.stack)
    return stack(app, environment=not_evaluated(wanted.environment), settings=not_evaluated(wanted.settings))  # type: ignore[call-arg]  # each names its own deployment


def replace_changed(fresh: Path, output: Path) -> None:
    """Makes `output` hold what `fresh` holds: changed files replaced whole, folders of stacks that are gone removed.

    What Terraform keeps in a stack's folder stays.
    """
    wanted = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    for name in sorted(wanted):
        content = (fresh / name).read_bytes()
        target = output / name
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            half = target.with_name(target.name + ".new")
            half.write_bytes(content)
            half.replace(target)
    stacks = {name.parts[1] for name in wanted if name.parts[0] == "stacks"}
    for folder in sorted((output / "stacks").iterdir()):
        if folder.name not in stacks:
            shutil.rmtree(folder)
            continue
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(output)
            kept = (
                {".terraform", "plan"} & set(name.parts)
                or path.name.startswith("terraform.")
                or path.name == "errored.tfstate"
            )
            if path.is_file() and name not in wanted and not kept:
                path.unlink()


if __name__ == "__main__":
    sys.exit(main())
