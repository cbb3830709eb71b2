"""Errors that are told to operators: a message and a hint."""

from __future__ import annotations


class OperatorError(Exception):
    """A refusal or failure the operator can act on; the command line prints it and exits 1.

    `message` says what was wrong, with the wrong value and what is allowed; `hint` says what to do next.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message
