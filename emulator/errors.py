"""Errors of the emulator that the one who starts or looks for it can act on."""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator cannot be started or found: `message` says why, `hint` says what to do next."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}"
