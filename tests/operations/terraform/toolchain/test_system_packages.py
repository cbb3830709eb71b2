"""Installation of the system's packages that tests use; apt is a stand-in that says what apt 2.6.1 said (2026-11-29)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "scripts" / "system-packages.sh"
TOOLS = ("chmod", "grep", "head", "mktemp", "rm", "sed", "tail")
PACKAGE = "http://example.org/package"
"""An address in the place of the one that apt named."""
REFUSED = f"E: Failed to fetch {PACKAGE}  Could not connect to 127.0.0.1:9 (127.0.0.1)."
UNKNOWN = f"E: Failed to fetch {PACKAGE}  Could not resolve 'nowhere.invalid'"
NO_ROOM = "E: You don't have enough free space in /var/cache/apt/archives/."


def install(folder: Path, said: str, *, proxy: str = "", configured: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script where programs are missing, as root, with an apt that always fails and says `said`."""
    programs = folder / "programs"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or tool)
    answers = {
        "id": "echo 0",
        "sleep": "",
        "apt-config": f"echo \"proxy='{configured}'\"" if configured else "",
        "apt-get": f'echo called >>"{folder}/calls"; echo "{said}" >&2; exit 100',
    }
    for name, answer in answers.items():
        (programs / name).write_text(f"#!/bin/sh\n{answer}\n")
        (programs / name).chmod(0o755)
    script = SCRIPT.read_text().replace("/usr/sbin/policy-rc.d", str(folder / "policy"))
    variables = {"PATH": str(programs), **({"http_proxy": proxy} if proxy else {})}
    return subprocess.run(["/bin/sh", "-c", script], env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("said", "proxy", "configured", "place"),
    [
        (REFUSED, "http://ann:s3cret@127.0.0.1:9/", "", "127.0.0.1:9"),
        (UNKNOWN, "http://nowhere.invalid:3128", "", "nowhere.invalid:3128"),
        (UNKNOWN, "http://127.0.0.1:8", "http://nowhere.invalid:3128/", "nowhere.invalid:3128"),
    ],
)
def test_a_proxy_that_does_not_serve_is_named_after_one_attempt(
    said: str, proxy: str, configured: str, place: str, tmp_path: Path
) -> None:
    done = install(tmp_path, said, proxy=proxy, configured=configured)
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last.startswith(f"The proxy {place} of apt does not serve. Correct or unset it (http_proxy,")
    assert "s3cret" not in done.stdout + done.stderr
    assert (tmp_path / "calls").read_text().count("called") == 1
    assert not (tmp_path / "policy").exists()


@pytest.mark.parametrize("said", [REFUSED, NO_ROOM])
def test_after_three_attempts_the_last_line_says_what_apt_said(said: str, tmp_path: Path) -> None:
    done = install(tmp_path, said, proxy="http://127.0.0.1:3128")
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last.startswith("These packages could not be installed: ")
    assert last.endswith(f". apt says: {said.removeprefix('E: ')}")
    assert (tmp_path / "calls").read_text().count("called") == 3
