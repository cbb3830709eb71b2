"""Lambda (`aws_lambda_function`).

* functions run in Docker only; here Python functions run in a process of their own, with their layers, environment,
  time limit and log group, and with AWS clients that come back to the emulator as the function's role
* the dead letter queue and the logging configuration are forgotten
* changes of tracing, storage and key are forgotten
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import uuid
import zipfile
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.awslambda.utils import get_backend
from moto.settings import moto_server_port

from emulator.code_rights import mark, require, written_with_the_secret
from emulator.gap import Gap
from emulator.identities import temporary_keys, vpc_of_subnets
from emulator.server import HOST

GAP = Gap("awslambda")

_RUNTIME = Path(__file__).parents[1] / "lambda_runtime.py"
_KEPT = ("DeadLetterConfig", "LoggingConfig")
_START_SECONDS = 10
"""Seconds that AWS gives a function to start in, before its own time limit begins."""


@GAP.around(LambdaFunction, "__init__")
def function_with_all_it_was_given(original: Any, function: Any, *args: Any, **kwargs: Any) -> None:
    original(function, *args, **kwargs)
    spec = kwargs["spec"] if "spec" in kwargs else args[1]
    function.kept_settings = {}
    mark(function, first=True)
    _keep(function, spec)


@GAP.around(LambdaFunction, "update_function_code")
def code_with_its_writer(original: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
    mark(function)
    return original(function, *args, **kwargs)


@GAP.around(LayerVersion, "__init__")
def layer_with_its_writer(original: Any, version: Any, *args: Any, **kwargs: Any) -> None:
    original(version, *args, **kwargs)
    mark(version, first=True)


@GAP.around(LambdaFunction, "get_configuration")
def configuration_with_all_it_was_given(original: Any, function: Any, on_create: bool = False) -> dict[str, Any]:
    configuration: dict[str, Any] = original(function, on_create)
    kept: dict[str, Any] = function.kept_settings
    if kept.get("DeadLetterConfig", {}).get("TargetArn"):
        configuration["DeadLetterConfig"] = kept["DeadLetterConfig"]
    configuration["LoggingConfig"] = {
        "LogFormat": "Text",
        **kept.get("LoggingConfig", {}),
        "LogGroup": function.logs_group_name,
    }
    return configuration


@GAP.around(LambdaFunction, "update_configuration")
def updated_in_all_ways(original: Any, function: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
    mark(function)
    _keep(function, config_updates)
    if "TracingConfig" in config_updates:
        function.tracing_config = config_updates["TracingConfig"]
    if "EphemeralStorage" in config_updates:
        function.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
    if "KMSKeyArn" in config_updates:
        function.kms_key_arn = config_updates["KMSKeyArn"]
    updated: dict[str, Any] = original(function, config_updates)
    return updated


@GAP.around(LambdaFunction, "_invoke_lambda")
def run_in_a_process(original: Any, function: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
    """Returns the payload as JSON, whether the function failed, and what it wrote to its log."""
    del original
    written = all(map(written_with_the_secret, [function, *_layers(function)]))
    require(f"The function {function.function_name}", written_with_the_secret=written)
    if not (function.run_time or "").startswith("python"):
        raise NotImplementedError(f"{function.function_name} runs on {function.run_time or 'an image'}, not on Python")
    with tempfile.TemporaryDirectory(prefix="function-") as root:
        paths = _unpack(function, Path(root))
        log, answer = _run(function, paths, event if isinstance(event, str) else json.dumps(event))
    function.logs_backend.ensure_log_group(function.logs_group_name)
    request_id = uuid.uuid4()
    function.save_logs(f"START RequestId: {request_id}\n{log}\nEND RequestId: {request_id}")
    return json.dumps(answer.get("error", answer.get("result"))), "error" in answer, log


@GAP.around(LambdaFunction, "invoke")
def unhandled_when_it_raises(
    original: Any, function: LambdaFunction, body: str, request_headers: Any, response_headers: Any
) -> str | bytes:
    payload: str | bytes = original(function, body, request_headers, response_headers)
    if "x-amz-function-error" in response_headers:
        response_headers["x-amz-function-error"] = "Unhandled"
    return payload


def _keep(function: Any, settings: dict[str, Any]) -> None:
    function.kept_settings |= {name: settings[name] for name in _KEPT if settings.get(name) is not None}
    log_group = function.kept_settings.get("LoggingConfig", {}).get("LogGroup")
    if log_group:
        function.logs_group_name = log_group


def _unpack(function: LambdaFunction, root: Path) -> list[str]:
    """Unpack the function's code and layers below `root`; the folders to import from, the code's first."""
    archives = [function.code_bytes, *(version.code_bytes for version in _layers(function))]
    folders = [root / str(number) for number in range(len(archives))]
    for folder, archive in zip(folders, archives, strict=True):
        zipfile.ZipFile(io.BytesIO(archive)).extractall(folder)
    return [str(folders[0]), *(str(folder / "python") for folder in folders[1:])]


def _layers(function: LambdaFunction) -> list[LayerVersion]:
    backend = get_backend(function.account_id, function.region)
    versions = (backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers)
    return [version for version in versions if version is not None]


def _run(function: LambdaFunction, paths: list[str], event: str) -> tuple[str, dict[str, Any]]:
    """The log and the answer: `{"result": …}` or `{"error": …}`."""
    seconds = int(function.timeout)
    # The packages that AWS's runtime has, boto3 among them, are those of the emulator itself.
    packages = [path for path in sys.path if path.endswith("site-packages")]
    environment = {
        "PATH": os.defpath,
        "TZ": "UTC",
        # Without HOME, clients of AWS would look for the developer's own files in the user's home.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": os.pathsep.join([*paths, *packages]),
        "LAMBDA_TASK_ROOT": paths[0],
        "_HANDLER": str(function.handler),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ENDPOINT_URL": f"http://{HOST}:{moto_server_port()}",
        **temporary_keys(
            function.role,
            region=function.region,
            session_name=function.function_name,
            vpc_id=_vpc_of(function),
            function_arn=function.function_arn,
        ),
        **{name: str(value) for name, value in function.environment_vars.items()},
    }
    command = [sys.executable, "-P", str(_RUNTIME), function.function_arn, str(seconds)]
    try:
        ended = subprocess.run(
            command,
            input=event,
            env=environment,
            cwd=paths[0],
            capture_output=True,
            text=True,
            timeout=_START_SECONDS + seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        written = late.stderr.decode(errors="replace") if isinstance(late.stderr, bytes) else late.stderr or ""
        return _timed_out(written, seconds)
    if ended.returncode == -signal.SIGALRM:
        return _timed_out(ended.stderr, seconds)
    if not ended.stdout:
        message = f"Runtime exited with error: exit status {ended.returncode}"
        return ended.stderr, {"error": {"errorMessage": message, "errorType": "Runtime.ExitError"}}
    answer: dict[str, Any] = json.loads(ended.stdout)
    return ended.stderr, answer


def _vpc_of(function: LambdaFunction) -> str:
    subnets = (function.vpc_config or {}).get("subnet_ids") or (function.vpc_config or {}).get("SubnetIds") or []
    return vpc_of_subnets(subnets, function.account_id, function.region)


def _timed_out(written: str, seconds: int) -> tuple[str, dict[str, Any]]:
    message = f"Task timed out after {seconds}.00 seconds"
    return f"{written}\n{message}", {"error": {"errorMessage": message, "errorType": "Sandbox.Timedout"}}
