"""Search for secrets in every form in which programs write them, packed or not."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import os
import re
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from ahocorasick_rs import BytesAhoCorasick

SHORTEST = 8
"""Characters; a shorter value stands somewhere by chance."""
_LINKED = "providers"
"""In `.terraform`: the provider's program, which knows no secret."""
_DEPTH = 3
_WRITTEN_SECONDS = 60.0
"""Seconds in which a program that is at work has written an archive to its end."""


def forms(value: str) -> dict[bytes, str]:
    """Each form in which `value` may stand in a file → the name of the form."""
    octets = value.encode()
    found = dict.fromkeys(_quoted(value), "URL-quoted")
    found |= {form.encode(): "escaped in JSON twice" for once in _in_json(value) for form in _in_json(once)}
    found |= {form.encode(): "escaped in JSON" for form in _in_json(value)}
    found |= {binascii.hexlify(octets): "in hex", binascii.hexlify(octets).upper(): "in hex"}
    for offset in range(3):
        packed = base64.b64encode(bytes(offset) + octets).decode()
        # signs that depend on what stands before and after the value are left out
        inner = packed[(0, 2, 3)[offset] : len(packed) - (0, 3, 2)[(offset + len(octets)) % 3]]
        found |= {inner.encode(): "in base64", inner.translate(str.maketrans("+/", "-_")).encode(): "in base64"}
    return found | {octets: "as it is"}


class SecretSearch:
    """The forms of secrets that are known by a name; findings never show a value."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        named = {
            form: f"{name} {how}"
            for name, value in secrets.items()
            if len(value) >= SHORTEST
            for form, how in forms(value).items()
        }
        self._names = list(named.values())
        self._finder = BytesAhoCorasick(named)

    def in_bytes(self, place: str, data: bytes) -> list[str]:
        """Findings in `data`, or in an archive that it is, as `place: secret form`."""
        return [f"{inner}: {secret}" for inner, content in unpacked(place, data) for secret in self._in(content)]

    def in_texts(self, texts: Iterable[tuple[str, str]]) -> list[str]:
        """Findings in texts, each given with its place."""
        return [found for place, text in texts for found in self.in_bytes(place, text.encode(errors="replace"))]

    def in_files(self, folder: Path) -> list[str]:
        """Findings in the files below `folder`, and in their names. Raises BadZipFile for one that stays cut off."""
        return [
            found
            for path in _files(folder)
            for part in (self._in_file(path), self.in_bytes(str(path), str(path).encode(errors="replace")))
            for found in part
        ]

    def _in(self, content: bytes) -> list[str]:
        """Each form that stands there, once; forms may overlap."""
        matches = self._finder.find_matches_as_indexes(content, overlapping=True)
        return [self._names[number] for number in sorted({number for number, _, _ in matches})]

    def _in_file(self, path: Path) -> list[str]:
        give_up = time.monotonic() + _WRITTEN_SECONDS
        while True:
            try:
                return self.in_bytes(str(path), _read(path))
            except zipfile.BadZipFile:  # a plan that Terraform is writing
                if time.monotonic() > give_up:
                    raise
            time.sleep(0.05)


def unpacked(place: str, data: bytes, depth: int = _DEPTH) -> Iterator[tuple[str, bytes]]:
    """The data, and what is packed in it: plan files and code are ZIP archives, user data may be gzip in base64."""
    yield place, data
    if depth == 0:
        return
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from unpacked(f"{place}!{name}", archive.read(name), depth - 1)
    elif data.startswith(b"\x1f\x8b"):
        yield from unpacked(f"{place}!gzip", gzip.decompress(data), depth - 1)
    elif re.fullmatch(rb"[A-Za-z0-9+/\s]{16,}={0,2}\s*", data):
        try:
            yield from unpacked(f"{place}!base64", base64.b64decode(data), depth - 1)
        except binascii.Error:
            return


def _in_json(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"})  # as Terraform's jsonencode


def _quoted(value: str) -> Iterator[bytes]:
    for form in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield form.encode()
        yield re.sub("%..", lambda code: code[0].lower(), form).encode()


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not (name == _LINKED and Path(place).name == ".terraform")]
        yield from (path for name in names if (path := Path(place) / name).is_file() and not path.is_symlink())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a lock or draft of a program that is at work
        return b""
