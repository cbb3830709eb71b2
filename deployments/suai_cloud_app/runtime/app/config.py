"""`config.toml`: the keys the document names, two more for Redis behind TLS, and what each may hold."""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE_NAME = "config.toml"


@dataclass(frozen=True)
class ServerConfig:
    """Where the application listens."""

    host: str
    port: int


@dataclass(frozen=True)
class AwsConfig:
    """The region of the bucket and the table."""

    region: str


@dataclass(frozen=True)
class S3Config:
    """The bucket `/s3` looks into."""

    bucket: str


@dataclass(frozen=True)
class DatabaseConfig:
    """The MySQL database `/database` connects to."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str


@dataclass(frozen=True)
class RedisConfig:
    """The Redis cluster, or single server, `/redis` connects to."""

    host: str
    port: int
    tls: bool = False
    auth_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class DynamoDbConfig:
    """The table `/dynamodb` reads and writes; its only key is the partition key, a string."""

    table: str
    partition_key: str


@dataclass(frozen=True)
class Config:
    """The whole file."""

    server: ServerConfig
    aws: AwsConfig
    s3: S3Config
    database: DatabaseConfig
    redis: RedisConfig
    dynamodb: DynamoDbConfig


class ConfigError(Exception):
    """The file cannot be used; the message has one line for each thing that is wrong with it, and no secret."""


class _Rule(NamedTuple):
    allowed: str
    accepts: Callable[[Any], bool]
    secret: bool = False
    optional: bool = False
    """Not of the document: left out, the default holds."""


def load(path: Path) -> Config:
    """The configuration in `path`. Raises ConfigError with everything that is wrong at once."""
    try:
        content = path.read_bytes().decode()
        found = tomllib.loads(content)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    problems = [f"{path}: {problem}" for problem in _problems(found)]
    if problems:
        raise ConfigError("\n".join(problems))
    return Config(
        server=ServerConfig(**found["server"]),
        aws=AwsConfig(**found["aws"]),
        s3=S3Config(**found["s3"]),
        database=DatabaseConfig(**found["database"]),
        redis=RedisConfig(**found["redis"]),
        dynamodb=DynamoDbConfig(**found["dynamodb"]),
    )


def _problems(found: dict[str, Any]) -> list[str]:
    problems = [
        f"unknown {f'table [{name}]' if isinstance(value, dict) else f'key {name}'}{_did_you_mean(name, _RULES)}"
        for name, value in found.items()
        if name not in _RULES
    ]
    for table, rules in _RULES.items():
        values = found.get(table, {})
        if not isinstance(values, dict):
            problems.append(f"{table} must be a table, written [{table}]")
            continue
        problems += [f"unknown key {table}.{key}{_did_you_mean(key, rules)}" for key in values if key not in rules]
        for key, rule in rules.items():
            if key not in values:
                if rule.optional:
                    continue
                problems.append(f"{table}.{key} is missing; it must be {rule.allowed}")
            elif not rule.accepts(values[key]):
                shown = "has a value that" if rule.secret else f"is {values[key]!r}, which"
                problems.append(f"{table}.{key} {shown} is not allowed; it must be {rule.allowed}")
    return problems


def _did_you_mean(name: str, known: dict[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; allowed: {', '.join(known)}"


def _matches(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _is_ip_address(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_port(value: Any) -> bool:
    return type(value) is int and 1 <= value <= 65535


_PORT = _Rule("a whole number from 1 to 65535", _is_port)
_HOST = _Rule(
    "a host name or an IP address, without scheme or port",
    lambda value: (
        _is_ip_address(value) or _matches(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")(value)
    ),
)

_RULES: dict[str, dict[str, _Rule]] = {
    "server": {
        "host": _Rule("an IP address of this machine, or '0.0.0.0' for all of them", _is_ip_address),
        "port": _PORT,
    },
    "aws": {"region": _Rule("a region's name such as 'eu-central-1'", _matches(r"[a-z]{2}(-[a-z]+)+-[0-9]"))},
    "s3": {
        "bucket": _Rule(
            "a bucket's name: 3 to 63 lower-case letters, digits, hyphens and dots",
            _matches(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
        )
    },
    "database": {
        "host": _HOST,
        "port": _PORT,
        "user": _Rule("a user's name of 1 to 32 characters", _matches(r"(?s).{1,32}")),
        "password": _Rule("a text that is not empty (it is not shown here)", _matches(r"(?s).+"), secret=True),
        "dbname": _Rule("a database's name of 1 to 64 characters", _matches(r"(?s).{1,64}")),
    },
    "redis": {
        "host": _HOST,
        "port": _PORT,
        "tls": _Rule("true or false", lambda value: isinstance(value, bool), optional=True),
        "auth_token": _Rule(
            "a text of 16 to 128 characters (it is not shown here)",
            _matches(r"[!-~]{16,128}"),
            secret=True,
            optional=True,
        ),
    },
    "dynamodb": {
        "table": _Rule(
            "a table's name: 3 to 255 letters, digits, underscores, hyphens and dots",
            _matches(r"[A-Za-z0-9_.-]{3,255}"),
        ),
        "partition_key": _Rule("an attribute's name of 1 to 255 characters", _matches(r"(?s).{1,255}")),
    },
}
