"""Aquamark played through on this machine: all is real but AWS and docker.

Without a checkout of Upmark, programs of this package stand in for it.
"""
