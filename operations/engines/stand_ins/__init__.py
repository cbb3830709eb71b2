"""Programs of Amazon Linux that would change the machine they run on, in a form that changes one folder only.

Each is a file that Python runs by itself, in the environment `operations.engines.host` gives a host. Each names what of
the real program it was written from, and refuses what the real one refuses.
"""
