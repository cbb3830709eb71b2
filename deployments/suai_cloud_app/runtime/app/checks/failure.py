"""What a check raises."""

from __future__ import annotations


class CheckError(Exception):
    """The checked thing cannot be used as configured; the message is the cause, for the page and the log."""


class SignInRefusedError(CheckError):
    """The server is there and does not take the password."""
