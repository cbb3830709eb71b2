"""A running emulator, started and stopped from here; the server itself is another process."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from emulator.behind import VARIABLE
from emulator.errors import EmulatorError

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
"""The literal address: with a host name S3 clients would put the bucket's name in front of it."""
DEFAULT_ACCOUNT_ID = "123456789012"
STAGES = ("request-models", "rules", "target-health")
"""Parts of the emulator that can be left out."""
STATUS_PATH = "/_emulator/status"
RESET_PATH = "/_emulator/reset"
UPGRADE_PATH = "/_emulator/upgrade"
TURN_ON_PATH = "/_emulator/turn-on"
KEYS_PATH = "/_emulator/keys"
SECRET_HEADER = "X-Emulator-Secret"  # noqa: S105  # the header's name
_INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "TZ")
"""The only variables of its parent that the emulator's process has: what it runs could read all of them."""
_REPOSITORY = Path(__file__).resolve().parents[1]
_START_SECONDS = 60
_STOP_SECONDS = 5


class Emulator:
    """The emulator's process, usable as a context manager that stops it.

    One process serves any number of accounts: the access key id decides the account, and `environment` sets it to
    the account id itself and the secret, without which no code runs; see `emulator.code_rights`.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, lifeline: int, secret: str) -> None:
        """Use `start`; `lifeline` is the end of the pipe whose closing ends the process, unless it outlives us."""
        self._process = process
        self.secret = secret
        self._lifeline: int | None = lifeline
        self.port = port
        self.endpoint = endpoint_of(port)

    @classmethod
    def start(
        cls,
        *,
        log: Path,
        port: int = 0,
        account_id: str | None = None,
        outlives_parent: bool = False,
        behind: Path | None = None,
        facts: Path | None = None,
        request_models: bool = True,
        rules: bool = True,
        target_health: bool = True,
    ) -> Emulator:
        """Start the process in its own process group and wait until it answers.

        `log` takes its output; a free port is taken when `port` is 0; `account_id` owns what access keys that name no
        account make. The process ends when this one ends, however that happens, unless `outlives_parent`. `behind` is a
        file that says what really runs behind the API; see `emulator.behind`. `facts` is the folder of dated facts of
        AWS; without it, rules that need them are off. `request_models`, `rules` and `target_health` can be turned off
        to apply what an earlier commit asked for before they existed. With `target_health` a target is healthy only
        when a load balancer reaches it and what it boots from exists; see `emulator.target_health`.
        Raises EmulatorError when the port is taken or the process ends before it answers.
        """
        listener = listen(port)
        secret = new_secret()
        end_of_child, lifeline = os.pipe()
        command = [sys.executable, "-m", "emulator", "--listener", str(listener.fileno())]
        command += ["--account", account_id or DEFAULT_ACCOUNT_ID]
        command += ["--facts", str(facts.resolve())] if facts else []
        for stage, wanted in zip(STAGES, (request_models, rules, target_health), strict=True):
            command += [] if wanted else ["--without", stage]
        command += [] if outlives_parent else ["--end-with", str(end_of_child)]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output, listener:
            process = subprocess.Popen(
                command,
                cwd=_REPOSITORY,
                env=_inherited() | ({VARIABLE: str(behind)} if behind else {}),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(listener.fileno(), end_of_child),
                start_new_session=True,
            )
            os.close(end_of_child)
            emulator = cls(process, listener.getsockname()[1], lifeline, secret)
        try:
            _hand_over(secret, process)
            emulator._wait_until_it_answers(log)
        except BaseException:
            emulator.stop()
            raise
        return emulator

    @property
    def pid(self) -> int:
        """The server's process id, which is also its process group's."""
        return self._process.pid

    def environment(self, *, account_id: str, region: str) -> dict[str, str]:
        """The variables that send AWS clients and Terraform here, as this account in this region."""
        return aws_environment(self.endpoint, account_id=account_id, region=region, secret=self.secret)

    def full_environment(self, *, account_id: str, region: str) -> dict[str, str]:
        """The environment of this process, with `environment` in place of everything in it that is about AWS."""
        return without_aws(os.environ) | self.environment(account_id=account_id, region=region)

    def status(self) -> dict[str, Any]:
        """Inventory and unsupported actions that were called; see `emulator.process`."""
        return ask(self.endpoint, STATUS_PATH)

    def keys_of(self, arn: str, *, region: str, vpc_id: str = "") -> dict[str, str]:
        """Environment variables with temporary keys of a role or user; see `keys_of`."""
        return keys_of(self.endpoint, arn, region=region, vpc_id=vpc_id, secret=self.secret)

    def reset(self) -> None:
        """Forget every resource of every account."""
        ask(self.endpoint, RESET_PATH, secret=self.secret)

    def upgrade_minor_versions(self, names: Iterable[str], *, account_id: str, region: str) -> dict[str, str]:
        """Upgrade databases and clusters as AWS does by itself; returns identifier → new version."""
        asked = urllib.parse.urlencode({"account_id": account_id, "region": region, "names": ",".join(names)})
        return ask(self.endpoint, f"{UPGRADE_PATH}?{asked}", secret=self.secret)

    def turn_on(self) -> None:
        """Turn on the request models, rules and target health that were turned off at the start."""
        ask(self.endpoint, TURN_ON_PATH, secret=self.secret)

    def wait(self) -> int:
        """Wait until the process ends by itself; its exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """End the process and everything it started; does nothing when that was done before."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_it_answers(self, log: Path) -> None:
        give_up = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                ask(self.endpoint, STATUS_PATH, seconds=_START_SECONDS)
                return
            time.sleep(0.05)
        last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        raise EmulatorError(f"The emulator did not start:\n{last_lines}", hint=f"Its whole output is in {log}.")


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in _INHERITED}


def _hand_over(secret: str, process: subprocess.Popen[bytes]) -> None:
    """Write the secret to the process's standard input: arguments and variables can be read by others."""
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as standard_input:
            standard_input.write(f"{secret}\n".encode())


def listen(port: int) -> socket.socket:
    """A socket that listens on the loopback address; a free port when `port` is 0. EmulatorError when it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise EmulatorError(
            f"The emulator cannot listen on {HOST}:{port}: {error.strerror}.",
            hint="Choose another port, or let it take a free one: --port 0",
        ) from error
    listener.listen(128)
    return listener


def endpoint_of(port: int) -> str:
    """The URL of an emulator on this port."""
    return f"http://{HOST}:{port}"


def new_secret() -> str:
    """A random secret, in characters that an access key id may have."""
    return f"_{secrets.token_hex(16)}"


def aws_environment(endpoint: str, *, account_id: str, region: str, secret: str) -> dict[str, str]:
    """The variables that send AWS clients and Terraform to an emulator, as this account in this region.

    With the emulator's secret they may run code there; without one (an empty text) they run none.
    """
    direct = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), HOST]))
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": f"{account_id}{secret}",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without any variable that AWS clients read: profiles, tokens, endpoints of single services …"""
    return {name: value for name, value in environment.items() if not name.startswith("AWS_")}


def keys_of(endpoint: str, arn: str, *, region: str, secret: str, vpc_id: str = "") -> dict[str, str]:
    """Environment variables with temporary keys of a role or user, whose program runs in the VPC, if in any.

    Raises EmulatorError when there is no such role or user.
    """
    asked = urllib.parse.urlencode({"arn": arn, "region": region, "vpc_id": vpc_id})
    answer = ask(endpoint, f"{KEYS_PATH}?{asked}", secret=secret)
    if "missing" in answer:
        raise EmulatorError(answer["missing"], hint="Apply the stack that has it first.")
    return answer


def ask(endpoint: str, path: str, *, secret: str = "", seconds: float = 10) -> dict[str, Any]:
    """The JSON answer of one of the emulator's own pages, all but its status with its secret.

    Raises OSError when it does not answer.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(endpoint + path)  # noqa: S310  # http, as `endpoint_of` says
    if secret:
        request.method = "POST"
        request.add_header(SECRET_HEADER, secret)
    answer: IO[bytes]
    with opener.open(request, timeout=seconds) as answer:
        loaded: dict[str, Any] = json.load(answer)
    return loaded
