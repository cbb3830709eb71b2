"""docker whose containers are processes of this machine, which see no variables but those docker would give them.

The command line was checked against the client of Docker 28.2.2 on 2026-11-29; what a daemon would answer is from the
API's documentation. An image is a folder of programs, $HOST_ROOT/image, under whatever name: the entry point `entry`,
and others by their names. As the real one it refuses options it does not know, a name that is taken, --rm beside
--restart, environment files with a malformed name, images that no registry has, and a private registry of Amazon ECR
before a login. A container with -d runs its entry point to the end and then counts as running; where the image has a
file `stays`, it is a unit of the host instead, which ends with `docker rm` or the host, and starts again as with
--restart=always. Programs see the values of -v in $STAND_IN_VOLUMES, one a line, and put such files in their places.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(os.environ["HOST_ROOT"])
STATE = ROOT / "docker.json"
FLAGS = frozenset({"-d", "--rm", "--read-only"})
OPTIONS = frozenset(
    {"--name", "--restart", "--label", "--log-driver", "--log-opt", "--env-file", "-p", "--publish", "-v", "--volume"}
    | {
        "-e",
        "--env",
        "--network",
        "--user",
        "--cap-drop",
        "--security-opt",
        "--tmpfs",
        "--entrypoint",
        "--add-host",
        "--hostname",
    }
)


def main(arguments: list[str]) -> int:
    """Do what the arguments say."""
    with (ROOT / "calls").open("a") as calls:
        calls.write(" ".join(["docker", *arguments]) + "\n")
    kept = json.loads(STATE.read_text()) if STATE.exists() else {"images": [], "containers": {}, "logins": []}
    if arguments[:2] == ["image", "inspect"]:
        return int(arguments[2] not in kept["images"])
    if arguments[:1] == ["login"]:
        password = sys.stdin.read()
        if not password.strip():
            return refuse("Error: Password Required")
        kept["logins"].append(arguments[-1])
    elif arguments[:1] == ["pull"]:
        return pull(kept, arguments[-1])
    elif arguments[:2] == ["container", "inspect"]:
        if arguments[2] not in kept["containers"]:
            return refuse(f"Error response from daemon: No such container: {arguments[2]}")
        container = kept["containers"][arguments[2]]
        if container["Stays"]:
            container["State"]["Running"] = runs(arguments[2])
        sys.stdout.write(json.dumps([container]))
        return 0
    elif arguments[:1] == ["rm"]:
        container = kept["containers"].pop(arguments[-1], None)
        if container is None:
            return refuse(f"Error response from daemon: No such container: {arguments[-1]}")
        if container["Stays"]:
            systemctl("stop", arguments[-1])
    elif arguments[:1] == ["logs"]:
        lines = (ROOT / "output").read_text().splitlines() if (ROOT / "output").exists() else []
        sys.stdout.write("\n".join(lines[-int(arguments[arguments.index("--tail") + 1]) :]) + "\n")
        return 0
    elif arguments[:1] == ["exec"]:
        if not kept["containers"].get(arguments[1], {}).get("State", {}).get("Running"):
            return refuse(f"Error response from daemon: No such container: {arguments[1]}")
        sys.stdout.write("sent\n")
        return 0
    elif arguments[:1] == ["run"]:
        return run(kept, arguments[1:])
    else:
        return refuse(f"docker: unknown command: docker {' '.join(arguments[:1])}")
    keep(kept)
    return 0


def keep(kept: dict[str, Any]) -> None:
    """Remember what docker knows."""
    STATE.write_text(json.dumps(kept))


def refuse(message: str, code: int = 1) -> int:
    """Say why not."""
    sys.stderr.write(message + "\n")
    return code


def pull(kept: dict[str, Any], image: str) -> int:
    """Fetch an image from its registry."""
    told = json.loads((ROOT / "host.json").read_text())
    registry = image.partition("/")[0]
    if not told["network"]:
        return refuse(f"Error response from daemon: Get https://{registry}/v2/: dial tcp: i/o timeout")
    if ".dkr.ecr." in registry and registry not in kept["logins"]:
        return refuse(f"Error response from daemon: Head https://{image}: no basic auth credentials")
    if told["images"] is not None and image not in told["images"]:
        return refuse(f"Error response from daemon: manifest for {image} not found: manifest unknown")
    kept["images"].append(image)
    keep(kept)
    return 0


def variables_of(file: str) -> dict[str, str]:
    """As docker reads an environment file: no quotes, no expansion; blank lines and lines with # are left out."""
    found = {}
    for line in Path(file).read_bytes().decode("utf-8").split("\n"):
        text = line.removesuffix("\r")
        if text.lstrip() and not text.startswith("#"):
            name, _, value = text.partition("=")
            if not name or any(letter.isspace() for letter in name):
                raise ValueError(f"invalid env file ({file}): variable {name!r} contains whitespaces")
            found[name] = value
    return found


def stay(name: str, command: list[str], variables: dict[str, str]) -> None:
    """Run a container until it is removed."""
    program = ROOT / "run/containers" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.touch(mode=0o700)
    program.write_text(f"#!{sys.executable}\nimport os\nos.execve({command[0]!r}, {command!r}, {variables!r})\n")
    unit = ROOT / "usr/lib/systemd/system" / f"container-{name}.service"
    unit.write_text(f"[Service]\nExecStart={program}\nRestart=always\nRestartSec=5\n")
    systemctl("start", name)


def systemctl(verb: str, name: str) -> None:
    """Start or stop the unit that is a container."""
    program = Path(__file__).with_name("systemctl.py")
    subprocess.run([sys.executable, program, verb, f"container-{name}.service"], check=True)


def runs(name: str) -> bool:
    """True while the program of a container exists."""
    file = ROOT / "run/units" / f"container-{name}.service"
    try:
        os.kill(json.loads(file.read_text())["main"], 0)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    return True


def run(kept: dict[str, Any], rest: list[str]) -> int:
    """Run a container."""
    options: dict[str, list[str]] = {}
    flags = set()
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        name, equals, value = option.partition("=")
        if option in FLAGS:
            flags.add(option)
        elif name in OPTIONS and (equals or rest):
            options.setdefault(name, []).append(value if equals else rest.pop(0))
        else:
            return refuse(f"unknown flag: {option}\n\nRun 'docker run --help' for more information", 125)
    if not rest:
        return refuse("docker: 'docker run' requires at least 1 argument")
    image, words = rest[0], rest[1:]
    name = options.get("--name", ["unnamed"])[-1]
    if "--rm" in flags and "--restart" in options:
        return refuse("docker: conflicting options: cannot specify both --restart and --rm", 125)
    if image not in kept["images"]:
        return refuse(f"Unable to find image '{image}' locally", 125)
    if name in kept["containers"]:
        return refuse(f'docker: Error response from daemon: Conflict. The container name "/{name}" is in use.', 125)
    try:
        variables = variables_of(options["--env-file"][-1]) if "--env-file" in options else {}
    except (OSError, ValueError) as error:
        return refuse(f"docker: {error}", 125)
    variables |= dict(word.split("=", 1) for word in options.get("--env", []) + options.get("-e", []))
    inside = {"PATH": os.environ["PATH"], "STAND_IN_IMAGE": image, "STAND_IN_ROOT": str(ROOT), **variables}
    inside["STAND_IN_VOLUMES"] = "\n".join(options.get("-v", []) + options.get("--volume", []))
    folder = ROOT / "image"
    entry = options.get("--entrypoint", [""])[-1]
    if entry == "cat":
        sys.stdout.write((folder / Path(words[0]).name).read_text())
        return 0
    if not entry and words and (folder / words[0]).exists():  # as images do whose entry point is a shell's exec "$@"
        entry, words = words[0], words[1:]
    program = folder / (entry or "entry")
    if not program.exists():
        return refuse(f'docker: exec: "{entry}": executable file not found in $PATH: unknown.', 127)
    if "-d" not in flags:
        os.execve(program, [str(program), *words], inside)  # noqa: S606 - signals reach it, as docker hands them on
    stays = (folder / "stays").exists()
    if stays:
        stay(name, [str(program), *words], inside)
    else:
        done = subprocess.run([program, *words], env=inside, capture_output=True, text=True)
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
        if done.returncode:
            return done.returncode
    now = datetime.datetime.now(datetime.timezone.utc)  # noqa: UP017 - run by whatever Python there is
    kept["containers"][name] = {
        "State": {"Running": True, "StartedAt": f"{now:%Y-%m-%dT%H:%M:%S.%f}000Z"},
        "Config": {"Image": image, "Labels": dict(label.split("=", 1) for label in options.get("--label", []))},
        "Options": options,
        "Stays": stays,
    }
    keep(kept)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
