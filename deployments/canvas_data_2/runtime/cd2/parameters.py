"""The API's credentials, from the Parameter Store."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from . import log

UNSET = "not set"
"""Value of parameters that Terraform created, before operators did."""


class CredentialsMissingError(Exception):
    """Nobody has stored the API's credentials yet; the message says how."""


class ApiCredentials(NamedTuple):
    """What the DAP API asks for."""

    client_id: str
    client_secret: str


def api_credentials(ssm: Any) -> ApiCredentials:
    """The credentials below SSM_PATH. Raises CredentialsMissingError when they are not filled in."""
    path = os.environ["SSM_PATH"]
    found = []
    for name in ("dap_client_id", "dap_client_secret"):
        try:
            value = ssm.get_parameter(Name=f"{path}/{name}", WithDecryption=True)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            value = UNSET
        if value == UNSET:
            raise CredentialsMissingError(f"{path}/{name} is not set: quintet canvas put-credentials fills it")
        found.append(value)
    log.hide(found[1])
    return ApiCredentials(*found)
