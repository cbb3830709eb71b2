"""Sync Storage played through on this machine: all is real but AWS; without a checkout, the application stands in."""
