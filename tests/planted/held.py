"""The secrets that an applied stack has: those AWS made, those commands made, and planted ones where none is yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

PLANTED = 'plânted <&%"\\> /+= {role} of {stack}'
"""Its forms differ from each other; Secrets Manager and the Parameter Store take every sign of it."""
_PUBLIC = frozenset(
    {
        "username",
        "host",
        "port",
        "engine",
        "dbname",
        "dbInstanceIdentifier",
        "dbClusterIdentifier",
        "key",
        "access_key_id",
    }
)
"""Other values in a secret's JSON: where the login is used, and ids."""


def plant(secrets_manager: Any, stack: str) -> None:
    """Give each secret of the stack that is still empty a value; other stacks may be in the account as well."""
    for secret in _secrets(secrets_manager):
        name, tags = secret["Name"], {tag["Key"]: tag["Value"] for tag in secret.get("Tags", ())}
        if f"{tags.get('Deployment')}-{tags.get('Environment')}" != stack:
            continue
        if not secrets_manager.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]:
            secrets_manager.put_secret_value(SecretId=name, SecretString=PLANTED.format(role=name, stack=stack))


def known_secrets(secrets_manager: Any, ssm: Any) -> dict[str, str]:
    """Every secret value in the account and region, each under a name: all versions, and all SecureStrings."""
    found: dict[str, str] = {}
    for secret in _secrets(secrets_manager):
        versions = secrets_manager.list_secret_version_ids(SecretId=secret["Name"], IncludeDeprecated=True)["Versions"]
        for version in versions:
            value = secrets_manager.get_secret_value(SecretId=secret["Name"], VersionId=version["VersionId"])
            for path, part in _parts(value["SecretString"]):
                found[f"{secret['Name']}{path} version {version['VersionId'][:8]}"] = part
    pages = ssm.get_paginator("describe_parameters").paginate()
    for parameter in (each for page in pages for each in page["Parameters"] if each["Type"] == "SecureString"):
        value = ssm.get_parameter(Name=parameter["Name"], WithDecryption=True)["Parameter"]["Value"]
        found |= {f"{parameter['Name']}{path}": part for path, part in _parts(value)}
    return found


def _secrets(secrets_manager: Any) -> list[Any]:
    pages = secrets_manager.get_paginator("list_secrets").paginate()
    return [secret for page in pages for secret in page["SecretList"]]


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """The whole text, and what is secret inside it: values of JSON, lines, what stands after the first sign of one."""
    yield "", text
    try:
        yield from _leaves("", json.loads(text))
    except ValueError:
        for number, line in enumerate(text.splitlines(), start=1):
            yield f" line {number}", line
            yield f" value {number}", line.partition(":")[2] or line.partition("=")[2]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in _PUBLIC:
                yield from _leaves(f"{path}.{name}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(f"{path}.{index}", item)
    elif isinstance(value, str):
        yield path, value
