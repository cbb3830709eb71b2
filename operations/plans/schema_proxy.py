"""A proxy between Terraform and a standing provider, which describes the named types of resources only.

Each command of Terraform has the AWS provider describe its 1,500 types and decodes that, which takes most of the CPU
time of a small stack's plan, and uses the few that its configuration and its state name. All other calls and answers
are passed on as they are.

    python -m operations.plans.schema_proxy PROVIDER SOCKET TYPE,TYPE FILE

PROVIDER and SOCKET are the addresses of the provider and of this program, paths of Unix sockets. It prints READY.
FILE keeps the whole description for other processes of the same provider, which need not be asked then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

READY = "ready"
_SCHEMA = "/tfplugin5.Provider/GetSchema"
_RESOURCES, _DATA_SOURCES, _DIAGNOSTICS, _FUNCTIONS, _EPHEMERAL_RESOURCES = 2, 3, 4, 7, 8
"""Fields of Terraform's GetProviderSchema.Response; all but diagnostics are maps by name."""
_STREAMS = ("/plugin.GRPCBroker/StartStream", "/plugin.GRPCStdio/StreamStdio")
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_CALLS = 100
"""Calls at once; Terraform has as many under way as its parallelism, which is 30."""


def named_only(schema: bytes, types: Collection[str]) -> bytes:
    """The provider's answer with the schemas of these resource types, and of nothing else that has a name.

    Raises ValueError for an answer of another form.
    """
    kept = bytearray()
    for field, whole, content in _fields(schema):
        if field in (_DATA_SOURCES, _FUNCTIONS, _EPHEMERAL_RESOURCES):
            continue
        if field == _RESOURCES:
            _, _, name = next(_fields(content))
            if name.decode() not in types:
                continue
        kept += whole
    return bytes(kept)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each field of a message of protocol buffers that has messages and text only: number, bytes and content."""
    at = 0
    while at < len(message):
        begin = at
        tag, at = _number(message, at)
        if tag & 7 != 2:
            raise ValueError(f"field {tag >> 3} has no length")
        length, at = _number(message, at)
        at += length
        yield tag >> 3, message[begin:at], message[at - length : at]


def _number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


class _Proxy:
    """Handles every call by the same call of the provider, and asks it for its schema once, or not at all."""

    def __init__(self, provider: grpc.Channel, types: Collection[str], kept: Path) -> None:
        self._provider = provider
        self._types = types
        self._kept = kept
        self._schema = b""

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """The handler of a method."""
        if call.method in _STREAMS:
            stream = self._provider.stream_stream(call.method)

            def pass_on(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
                answers = stream(requests)
                context.add_callback(answers.cancel)  # each command of Terraform leaves its streams open
                yield from answers

            return grpc.stream_stream_rpc_method_handler(pass_on)
        ask: Callable[[bytes], bytes] = self._provider.unary_unary(call.method)

        def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                return self._describe(request, ask) if call.method == _SCHEMA else ask(request)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
                raise

        return grpc.unary_unary_rpc_method_handler(handle)

    def _describe(self, request: bytes, ask: Callable[[bytes], bytes]) -> bytes:
        if not self._schema:
            whole = self._kept.read_bytes() if self._kept.exists() else self._ask_and_keep(request, ask)
            self._schema = named_only(whole, self._types)
        return self._schema

    def _ask_and_keep(self, request: bytes, ask: Callable[[bytes], bytes]) -> bytes:
        whole = ask(request)
        if all(field != _DIAGNOSTICS for field, _, _ in _fields(whole)):
            new = self._kept.with_name(f"{self._kept.name}.{os.getpid()}")
            new.write_bytes(whole)
            new.replace(self._kept)
        return whole


def main(provider: str, socket: str, types: str, kept: str) -> None:
    """Serve until the process is ended."""
    with grpc.insecure_channel(f"unix:{provider}", options=_UNLIMITED) as channel:
        server = grpc.server(ThreadPoolExecutor(_CALLS), options=_UNLIMITED)
        server.add_generic_rpc_handlers((_Proxy(channel, frozenset(types.split(",")), Path(kept)),))
        server.add_insecure_port(f"unix:{socket}")
        server.start()
        print(READY, flush=True)  # noqa: T201 - the program that starts this one waits for it
        server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
