"""The proxy between Terraform and a provider: fewer types described, everything else passed on."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import grpc
import pytest

from operations.plans import schema_proxy, standing_provider
from operations.plans.schema_proxy import named_only
from operations.plans.standing_provider import _types

Proxies = Callable[[str], AbstractContextManager[grpc.Channel]]
STREAM = "/plugin.GRPCStdio/StreamStdio"
SCHEMA = "/tfplugin5.Provider/GetSchema"


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
TOPIC, QUEUE = named(2, "aws_sns_topic", b"topic" * 99), named(2, "aws_sqs_queue", b"queue")
OTHERS = named(3, "aws_sns_topic", b"data source") + named(7, "arn_parse", b"function") + named(8, "aws_secret", b"")
WHOLE = PROVIDER + TOPIC + QUEUE + OTHERS + META + CAPABILITIES


def test_named_types_and_what_has_no_name_stay_as_they_are() -> None:
    assert named_only(WHOLE, {"aws_sns_topic"}) == PROVIDER + TOPIC + META + CAPABILITIES
    assert named_only(WHOLE, {"aws_sns_topic", "aws_sqs_queue"}) == PROVIDER + TOPIC + QUEUE + META + CAPABILITIES
    with pytest.raises(ValueError, match="field 1 has no length"):
        named_only(b"\x08\x01", set())


class Provider:
    """A provider that describes itself, repeats what it is asked, and knows no method called `Gone`."""

    def __init__(self) -> None:
        self.described = 0
        self.whole = WHOLE
        self.left = threading.Event()

    def service(self, call: Any) -> Any:
        def handle(request: bytes, context: Any) -> bytes:
            if call.method == SCHEMA:
                self.described += 1
                return self.whole
            if call.method.endswith("Gone"):
                context.abort(grpc.StatusCode.UNIMPLEMENTED, "no such method")
            return request * 2

        def stream(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
            context.add_callback(self.left.set)
            yield from requests
            self.left.wait(60)

        if call.method == STREAM:
            return grpc.stream_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(handle)


@pytest.fixture
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Provider, Proxies]]:
    """A provider, and proxies before it that describe the given types."""
    folder = tmp_path_factory.mktemp("p")
    provider = Provider()
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((provider,))
    server.add_insecure_port(f"unix:{folder}/provider")
    server.start()

    @contextmanager
    def proxy(types: str) -> Iterator[grpc.Channel]:
        addresses = [f"{folder}/provider", f"{folder}/proxy-{types}"]
        command = [sys.executable, "-I", schema_proxy.__file__, *addresses, types, f"{folder}/kept"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{schema_proxy.READY}\n"
            with grpc.insecure_channel(f"unix:{addresses[1]}") as channel:
                yield channel
            process.kill()

    yield provider, proxy
    server.stop(None).wait()


def test_a_provider_is_asked_for_its_schema_once_by_all_and_for_everything_else_each_time(
    proxied: tuple[Provider, Proxies],
) -> None:
    provider, proxy = proxied
    with proxy("aws_sqs_queue") as channel:
        for _ in range(2):
            assert channel.unary_unary(SCHEMA)(b"") == PROVIDER + QUEUE + META + CAPABILITIES
            assert channel.unary_unary("/tfplugin5.Provider/ReadResource")(b"x") == b"xx"
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary("/tfplugin5.Provider/Gone")(b"")
        assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.UNIMPLEMENTED, "no such method")
    with proxy("aws_sns_topic") as channel:
        assert channel.unary_unary(SCHEMA)(b"") == PROVIDER + TOPIC + META + CAPABILITIES
    assert provider.described == 1


def test_a_stream_ends_at_the_provider_as_well_when_terraform_leaves_it_open(proxied: tuple[Provider, Proxies]) -> None:
    provider, proxy = proxied
    with proxy("aws_vpc") as channel:
        answers = channel.stream_stream(STREAM)(iter([b"x"]))
        assert next(answers) == b"x"
        assert not provider.left.is_set()
        answers.cancel()
        assert provider.left.wait(30)


def test_a_description_with_an_error_is_passed_on_and_not_kept(proxied: tuple[Provider, Proxies]) -> None:
    provider, proxy = proxied
    provider.whole = WHOLE + field(4, b"error")
    for times in (1, 2):
        with proxy("aws_vpc") as channel:
            assert channel.unary_unary(SCHEMA)(b"") == PROVIDER + META + CAPABILITIES + field(4, b"error")
        assert provider.described == times


def test_types_are_those_of_the_stack_and_of_its_state_and_all_where_something_else_may_be_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document: dict[str, Any] = {"terraform": {}, "resource": {"aws_sns_topic": {}}}
    assert _types(document, {}) == {"aws_sns_topic"}
    assert _types(document, {"resources": [{"mode": "managed", "type": "aws_vpc"}]}) == {"aws_sns_topic", "aws_vpc"}
    assert _types(document, {"resources": [{"mode": "data", "type": "aws_vpc"}]}) == set()
    for block in ("data", "ephemeral", "module", "check"):
        assert _types({**document, block: {}}, {}) == set(), block
    assert _types({**document, "output": {"x": {"value": "${provider::aws::arn_parse(1)}"}}}, {}) == set()
    monkeypatch.setattr(standing_provider, "find_spec", lambda _: None)
    assert _types(document, {}) == set()
