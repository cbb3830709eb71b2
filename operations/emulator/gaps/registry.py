"""All gaps, in the order they are filled."""

from __future__ import annotations

from operations.emulator.gap import Gap

GAPS: tuple[Gap, ...] = ()
