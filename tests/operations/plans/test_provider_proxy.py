"""The proxy between Terraform and a provider: a process for each connection, fewer types described, all else passed on."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from config.settings import ROOT
from operations.plans import standing_provider
from operations.plans.standing_provider import PROXY, _description, _descriptions, _types, attachable
from operations.stacks import find_stacks
from synth.nodejs import find_node

ECHOING = Path(__file__).with_name("echoing_provider.py")


def field(number: int, content: bytes) -> bytes:
    """A field of protocol buffers with a length."""
    assert number < 16
    length, rest = bytearray(), len(content)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + content


def named(number: int, name: str, schema: bytes) -> bytes:
    """An entry of a map by name."""
    return field(number, field(1, name.encode()) + field(2, schema))


PROVIDER, CAPABILITIES, META = field(1, b"of the provider" * 20), field(6, b"\x08\x01"), field(5, b"meta")
TOPIC, QUEUE = named(2, "aws_sns_topic", b"topic" * 99_999), named(2, "aws_sqs_queue", b"queue")
OTHERS = named(3, "aws_sns_topic", b"data source") + named(7, "arn_parse", b"function") + named(8, "aws_secret", b"")
WHOLE = PROVIDER + TOPIC + QUEUE + OTHERS + META + CAPABILITIES


class Proxied:
    """Proxies before echoing providers, in a folder whose path is short enough for sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = folder / "kept"
        self.describe(WHOLE)

    def describe(self, description: bytes) -> None:
        """Have providers describe themselves like this."""
        (self.folder / "description").write_bytes(description)

    def events(self) -> Counter[str]:
        """How often a provider was started, asked for its description, and left by a stream."""
        return Counter((self.folder / "events").read_text().split())

    @contextmanager
    def proxy(self, *types: str) -> Iterator[str]:
        """The target of a proxy that describes these types, or all."""
        socket, file = self.folder / f"proxy-{len(types)}", self.folder / "types"
        file.unlink(missing_ok=True)
        if types:
            file.write_text("\n".join(types))
        command = [str(find_node()), str(PROXY), str(socket), str(file), str(self.kept)]
        command += [sys.executable, str(ECHOING), str(self.folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            assert process.stdout is not None
            (announced,) = json.loads(process.stdout.readline()).values()
            assert announced["Protocol"] == "grpc"
            assert announced["ProtocolVersion"] == 5
            assert announced["Addr"] == {"Network": "unix", "String": str(socket)}
            self.process = process
            yield f"unix:{socket}"
            subprocess.run(["kill", "-KILL", "--", f"-{process.pid}"], check=False, stderr=subprocess.DEVNULL)
        socket.unlink()


@contextmanager
def connected(target: str) -> Iterator[grpc.Channel]:
    """A connection of its own to the target."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(target, options=options) as channel:
        yield channel


def ask(channel: grpc.Channel, method: str, request: bytes = b"") -> bytes:
    """The answer to a call."""
    answer: bytes = channel.unary_unary(f"/tfplugin5.Provider/{method}")(request, timeout=30)
    return answer


@pytest.fixture
def proxied() -> Iterator[Proxied]:
    with tempfile.TemporaryDirectory(prefix="q-") as folder:
        yield Proxied(Path(folder))


def test_named_types_and_what_has_no_name_are_described_as_they_are(proxied: Proxied) -> None:
    with proxied.proxy("aws_sqs_queue") as target, connected(target) as channel:
        for _ in range(2):  # the second time from what was kept
            assert ask(channel, "GetSchema") == PROVIDER + QUEUE + META + CAPABILITIES
    with proxied.proxy("aws_sns_topic", "aws_sqs_queue") as target, connected(target) as channel:
        assert ask(channel, "GetSchema") == PROVIDER + TOPIC + QUEUE + META + CAPABILITIES
    with proxied.proxy() as target, connected(target) as channel:
        assert ask(channel, "GetSchema") == WHOLE
    assert proxied.events() == {"started": 3, "described": 1}


def test_calls_answers_and_errors_are_passed_on(proxied: Proxied) -> None:
    with proxied.proxy("aws_vpc") as target, connected(target) as channel:
        assert ask(channel, "Double", b"x" * 3_000_000) == b"x" * 6_000_000
        assert ask(channel, "Double") == b""
        with pytest.raises(grpc.RpcError) as refused:
            ask(channel, "Gone")
        assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.UNIMPLEMENTED, "no such method")
        together = [channel.unary_unary("/tfplugin5.Provider/Double").future(bytes([number])) for number in range(90)]
        assert [each.result(30) for each in together] == [bytes([number, number]) for number in range(90)]


def test_each_configuration_has_a_process_which_takes_another_when_no_connection_uses_it(proxied: Proxied) -> None:
    with proxied.proxy("aws_vpc") as target:
        with ExitStack() as all_open:  # Terraform closes none before it ends
            before, here, there, here_again = (all_open.enter_context(connected(target)) for _ in range(4))
            assert ask(before, "Configured") == b""
            ask(here, "Configure", b"eu-west-1")
            ask(there, "Configure", b"us-east-1")
            ask(here_again, "Configure", b"eu-west-1")
            channels = here, there, here_again
            assert [ask(channel, "Configured") for channel in channels] == [b"eu-west-1", b"us-east-1", b"eu-west-1"]
            assert proxied.events()["started"] == 2
        time.sleep(1)  # the proxy learns of the end of a connection after its client
        for region in (b"eu-central-1", b"eu-north-1"):
            with connected(target) as channel:
                ask(channel, "Configure", region)
                assert ask(channel, "Configured") == region
    assert proxied.events()["started"] == 2


def test_a_connection_may_be_configured_anew(proxied: Proxied) -> None:
    with proxied.proxy("aws_vpc") as target, connected(target) as channel, connected(target) as other:
        ask(other, "Configure", b"other")
        for region in (b"eu-west-1", b"us-east-1", b"eu-west-1"):
            ask(channel, "Configure", region)
            assert (ask(channel, "Configured"), ask(other, "Configured")) == (region, b"other")


def test_a_connection_that_ends_while_its_provider_starts_disturbs_no_other(proxied: Proxied) -> None:
    with proxied.proxy("aws_vpc") as target, connected(target) as channel:
        ask(channel, "Configure", b"eu-west-1")
        with connected(target) as interrupted:
            left = interrupted.unary_unary("/tfplugin5.Provider/Configure").future(b"us-east-1")
            give_up = time.monotonic() + 30
            while proxied.events()["started"] < 2:
                assert time.monotonic() < give_up
                time.sleep(0.001)
            left.cancel()
        for _ in range(20):
            assert ask(channel, "Configured") == b"eu-west-1"
            time.sleep(0.05)
        with connected(target) as other:
            ask(other, "Configure", b"eu-north-1")
            assert ask(other, "Configured") == b"eu-north-1"
    assert proxied.events()["started"] == 2


def test_a_stream_ends_at_the_provider_as_well_when_terraform_leaves_it_open(proxied: Proxied) -> None:
    with proxied.proxy("aws_vpc") as target, connected(target) as channel:
        answers = channel.stream_stream("/plugin.GRPCStdio/StreamStdio")(iter([b"x"]))
        assert next(answers) == b"x"
        assert proxied.events()["left"] == 0
        answers.cancel()
        give_up = time.monotonic() + 30
        while not proxied.events()["left"]:
            assert time.monotonic() < give_up
            time.sleep(0.05)


def test_a_description_that_cannot_be_kept_is_answered_all_the_same(proxied: Proxied) -> None:
    proxied.kept = proxied.folder / "missing" / "kept"
    with proxied.proxy("aws_sqs_queue") as target, connected(target) as channel:
        for _ in range(2):
            assert ask(channel, "GetSchema") == PROVIDER + QUEUE + META + CAPABILITIES
    assert proxied.events()["described"] == 2


def test_programs_that_are_described_at_once_have_one_folder_which_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)

    class Slow(tempfile.TemporaryDirectory[str]):
        def __init__(self, **named: Any) -> None:
            super().__init__(**named)
            with suppress(threading.BrokenBarrierError):
                both.wait(1)

    _descriptions.cache_clear()
    monkeypatch.setattr(tempfile, "TemporaryDirectory", Slow)
    with ThreadPoolExecutor(2) as pool:
        files = list(pool.map(_description, [PROXY, PROXY]))
    assert files[0] == files[1]
    assert files[0].parent.is_dir()


def test_a_description_with_an_error_is_passed_on_and_not_kept(proxied: Proxied) -> None:
    proxied.describe(WHOLE + field(4, b"error"))
    for times in (1, 2):
        with proxied.proxy("aws_vpc") as target, connected(target) as channel:
            assert ask(channel, "GetSchema") == PROVIDER + META + CAPABILITIES + field(4, b"error")
        assert proxied.events()["described"] == times


def test_a_description_of_another_form_and_the_end_of_a_provider_are_errors_of_the_connection(proxied: Proxied) -> None:
    proxied.describe(b"\x08\x01")
    for method in ("GetSchema", "End"):
        with proxied.proxy("aws_vpc") as target, connected(target) as channel:
            with pytest.raises(grpc.RpcError) as refused:
                ask(channel, method)
            assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
            assert proxied.process.wait(30) == 1


def test_types_are_those_of_the_stack_and_of_its_state_and_all_where_something_else_may_be_asked_for() -> None:
    document: dict[str, Any] = {"terraform": {}, "resource": {"aws_sns_topic": {}}}
    assert _types(document, {}) == {"aws_sns_topic"}
    assert _types(document, {"resources": [{"mode": "managed", "type": "aws_vpc"}]}) == {"aws_sns_topic", "aws_vpc"}
    assert _types(document, {"resources": [{"mode": "data", "type": "aws_vpc"}]}) == set()
    for block in ("data", "ephemeral", "module", "check"):
        assert _types({**document, block: {}}, {}) == set(), block
    assert _types({**document, "output": {"x": {"value": "${provider::aws::arn_parse(1)}"}}}, {}) == set()


def test_every_committed_stack_is_served_where_there_is_nodejs(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks = find_stacks(ROOT)
    assert {stack.name for stack in stacks if not attachable(stack)} == set()
    monkeypatch.setattr(standing_provider, "find_node", lambda: None)
    assert not any(map(attachable, stacks))
