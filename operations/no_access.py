"""Causes for which no request to AWS can succeed: a sign-in that expired, unknown keys, a wrong clock, proxy, trust.

They are found in the words of botocore and of Terraform, whose SDK words them differently.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXPIRED = re.compile(
    r"\b(ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired|UnauthorizedSSOTokenError|SSOTokenLoadError"
    r"|TokenRetrievalError)\b|cached SSO token is expired|SSO session .* has expired"
)
_CLOCK = re.compile(r"Signature (expired|not yet current)|\bRequestTimeTooSkewed\b")
_UNKNOWN = re.compile(
    r"\b(InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|SignatureDoesNotMatch"
    r"|InvalidSignatureException)\b|not able to validate the provided access credentials"
)
_NONE = re.compile(r"\bNoCredentialsError\b|No valid credential sources found")
_PROXY = re.compile(r"proxyconnect tcp|\bProxyConnectionError\b")
_BUNDLE = re.compile(
    r"custom (CA bundle|RootCAs)|SSL validation failed for \S+ (\[Errno \d+\]|\[X509: NO_CERTIFICATE_OR_CRL_FOUND\])"
)
_UNTRUSTED = re.compile(r"\bCERTIFICATE_VERIFY_FAILED\b|x509: certificate signed by unknown authority")
_BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


class NoAccessError(OperatorError):
    """No request of this shell can succeed, whatever it asks for."""


class Cause(NamedTuple):
    """A sentence on what is wrong, and the next step."""

    message: str
    hint: str


def cause_in(words: str, environment: Mapping[str, str] | None = None) -> Cause | None:
    """The cause that error messages name, if any; `environment` is this process's by default.

    >>> cause_in("api error ExpiredToken: The security token included in the request is expired", {})
    Cause(message='The AWS credentials of this shell have expired.', hint='Sign in again: aws sso login')
    """
    shell = os.environ if environment is None else environment
    if _EXPIRED.search(words):
        return Cause("The AWS credentials of this shell have expired.", f"Sign in again: {_sign_in(shell)}")
    if _CLOCK.search(words):
        return Cause("AWS refuses the time of this machine's clock.", "Set the clock; date -u shows it.")
    if found := _UNKNOWN.search(words):
        return Cause(
            f"AWS does not know the credentials of this shell ({found.group()}).", f"Correct them: {_sign_in(shell)}"
        )
    if _NONE.search(words):
        hint = "Sign in (aws sso login, aws configure) or set AWS_PROFILE; for the emulator: quintet emulator env"
        return Cause("There are no AWS credentials.", hint)
    if _PROXY.search(words):
        name = next((name for name in _PROXIES if shell.get(name)), "")
        named = f"{name}={without_password(shell[name])}" if name else "to AWS"
        return Cause(
            f"The proxy {named} does not answer.", f"Correct or unset {name or 'it'}; NO_PROXY leaves hosts out."
        )
    if _BUNDLE.search(words):
        name = next((name for name in _BUNDLES if shell.get(name)), "AWS_CA_BUNDLE")
        return Cause(f"{name}={shell.get(name, '')} is no file of certificates in PEM.", f"Correct or unset {name}.")
    if _UNTRUSTED.search(words):
        return Cause(
            "Nobody whom this machine trusts signed the certificate that answers for AWS.",
            "A proxy of your network may answer: AWS_CA_BUNDLE=FILE names its certificates, in PEM.",
        )
    return None


def _sign_in(shell: Mapping[str, str]) -> str:
    """The command or the variables by which this shell got its credentials."""
    if shell.get("AWS_ACCESS_KEY_ID"):  # they come before every profile
        return "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew, or unset them"
    profile = shell.get("AWS_PROFILE") or shell.get("AWS_DEFAULT_PROFILE")
    return f"aws sso login --profile {profile}" if profile else "aws sso login"


def without_password(url: str) -> str:
    """The address of a proxy, without the user and the password that it may hold."""
    return url.replace(f"{urlsplit(url).netloc.rpartition('@')[0]}@", "", 1)
