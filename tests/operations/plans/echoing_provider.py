"""A provider for tests of the proxy: keeps one configuration, describes itself from a file and repeats what it is asked.

    python echoing_provider.py FOLDER

It was compared with the AWS provider 5.100.0 started with `-debug`: the line that announces it, gRPC over a Unix socket,
one configuration for all connections, and streams that stay open until the client leaves. Lines of FOLDER/events tell
what happened.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

FOLDER = Path(sys.argv[1])
_configured: list[bytes] = [b""]


def _tell(event: str) -> None:
    with (FOLDER / "events").open("a") as events:
        events.write(f"{event}\n")


def _answer(request: bytes, context: Any, method: str) -> bytes:
    match method:
        case "GetSchema":
            _tell("described")
            return (FOLDER / "description").read_bytes()
        case "Configure":
            _configured[0] = request
            return b""
        case "Configured":
            return _configured[0]
        case "Double":
            return request * 2
        case "End":
            os._exit(1)
    context.abort(grpc.StatusCode.UNIMPLEMENTED, "no such method")
    raise AssertionError(method)


def _stream(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
    left = threading.Event()
    context.add_callback(left.set)
    yield next(requests)
    left.wait(60)
    _tell("left")


class _Service:
    def service(self, call: Any) -> Any:
        method = call.method.rpartition("/")[2]
        if method == "StreamStdio":
            return grpc.stream_stream_rpc_method_handler(_stream)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: _answer(request, context, method))


if __name__ == "__main__":
    _tell("started")
    socket = FOLDER / f"provider-{os.getpid()}"
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((_Service(),))
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    address = {"Network": "unix", "String": str(socket)}
    announced = {"example.com/test/echo": {"Protocol": "grpc", "ProtocolVersion": 5, "Pid": os.getpid(), "Test": True}}
    announced["example.com/test/echo"]["Addr"] = address
    sys.stdout.write(f"Provider started.\n\n\tTF_REATTACH_PROVIDERS='{json.dumps(announced)}'\n")
    sys.stdout.flush()
    server.wait_for_termination()
