"""Runs one invocation of a Python Lambda function, as a program of its own: event on standard input, answer on output.

What the function prints goes to standard error, which is its log. Its time limit begins when it is called, as at AWS,
where starting and importing have a limit of their own; then SIGALRM ends the program.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass
class LambdaContext:
    """The context that AWS's Python runtime hands to a function besides the event."""

    invoked_function_arn: str
    seconds: float
    function_name: str = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    function_version: str = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    memory_limit_in_mb: str = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    log_group_name: str = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    log_stream_name: str = "emulator"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    _started: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return int((self._started + self.seconds - time.monotonic()) * 1000)


def invoke(handler: str, event: Any, arn: str, seconds: float) -> dict[str, Any]:
    """Call the handler ("module.function"): `{"result": …}`, or `{"error": …}` in the form AWS reports exceptions."""
    try:
        module, _, function = handler.rpartition(".")
        called = getattr(importlib.import_module(module.replace("/", ".")), function)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        result = called(event, LambdaContext(arn, seconds))
        signal.setitimer(signal.ITIMER_REAL, 0)
        json.dumps(result)
    except BaseException as error:  # whatever the function raises, exits included, is its answer
        traceback.print_exc()
        return {
            "error": {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
        }
    return {"result": result}


def main() -> None:
    """Arguments: the function's ARN and its time limit in seconds."""
    arn, seconds = sys.argv[1:]
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)
        event = json.loads(sys.stdin.read())
        json.dump(invoke(os.environ["_HANDLER"], event, arn, float(seconds)), answer)


if __name__ == "__main__":
    main()
