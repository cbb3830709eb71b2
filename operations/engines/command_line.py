"""The AWS command line in a process that has loaded it: a call is a fork of that process, and costs a seventh as much.

Hosts of this machine call it a hundred times in a demo, and loading it, with AWS's descriptions of its services, is
most of what a call costs. What runs is the real one, with the caller's arguments, environment, folder and files.
"""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

_READ_BEFORE = ("ec2", "ecr", "s3", "secretsmanager", "ssm", "sts")
"""Services that hosts call most: their descriptions are read before the first call."""

_NOBODY = {
    "AWS_ACCESS_KEY_ID": "-",
    "AWS_SECRET_ACCESS_KEY": "-",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""Environment in which descriptions are read, without keys and files of anybody; calls bring their own."""


@functools.cache
def loaded_command_line() -> Path:
    """The socket at which that process waits for `stand_ins/aws.py`; it ends with this one, however that ends."""
    folder = Path(tempfile.mkdtemp(prefix="quintet-aws-"))  # only its owner may enter it
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    end_of_child, _ = os.pipe()  # the other end is open until this process ends
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(64)
        subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno()), str(end_of_child)],
            env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", **_NOBODY},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(listener.fileno(), end_of_child),
            start_new_session=True,
        )
    os.close(end_of_child)
    return folder / "socket"


def serve(listener: socket.socket, lifeline: int) -> None:
    """Answer calls until the other end of `lifeline` is closed."""
    import awscli.clidriver
    import awscli.handlers
    import botocore.session  # awscli's own, which it has put in the place of the package

    # forks have all that one loader has read
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    session = awscli.clidriver.create_clidriver().session
    for service in _READ_BEFORE:
        session.create_client(service)
    gc.freeze()  # a fork's collection copies no page of what was loaded here
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    while lifeline not in select.select([listener.fileno(), lifeline], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            code = 255
            try:
                code = _call(connection, awscli.clidriver.main)
            finally:
                os._exit(code)
        connection.close()


def _call(connection: socket.socket, main: Callable[[], int]) -> int:
    """Be the command line that was called, and tell the caller its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    called = json.loads(b"".join(iter(lambda: connection.recv(2**16), b"")))
    data_path = os.environ["AWS_DATA_PATH"]  # awscli sets it when it is loaded, before the caller's own
    os.environ.clear()
    os.environ.update(called["environment"])
    os.environ["AWS_DATA_PATH"] = os.pathsep.join(filter(None, [data_path, os.environ.get("AWS_DATA_PATH")]))
    os.chdir(called["folder"])
    os.umask(called["umask"])
    sys.argv = ["aws", *called["arguments"]]
    try:
        code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([code]))
    return code


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
