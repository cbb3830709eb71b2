"""Errors of this package: nothing it does not know is ever an allow."""

from __future__ import annotations


class IamError(Exception):
    """A policy or a request that cannot be judged; the message is one sentence for an operator."""


class MalformedPolicyError(IamError):
    """A document that AWS would refuse, or with elements that are not known here."""


class UndecidedError(IamError):
    """A condition or variable over something that the request does not say."""
