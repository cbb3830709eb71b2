"""A pytest plugin: a stand-in for the AWS command line that forwards ports as a session of Session Manager does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_FORWARDER = '''#!{python}
"""start-session: forwards localPortNumber to host:portNumber, and has a child do it, as the real one does."""
import asyncio, json, os, sys

if os.environ.get("SESSION_REFUSED"):
    sys.exit(os.environ["SESSION_REFUSED"])
if os.fork():
    os.wait()
    sys.exit()
asked = json.loads(sys.argv[sys.argv.index("--parameters") + 1])
host, port, local = (asked[name][0] for name in ("host", "portNumber", "localPortNumber"))

async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()

async def serve(reader, writer):
    there, back = await asyncio.open_connection(host, int(port))
    await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(local))
    await server.serve_forever()

asyncio.run(main())
'''


@pytest.fixture
def session_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Sessions open; where SESSION_REFUSED is set they do not, and that is what is said."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("aws", "session-manager-plugin"):
        (folder / name).write_text(_FORWARDER.format(python=sys.executable))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return monkeypatch
