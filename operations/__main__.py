"""`python -m operations` is the command line `quintet`."""

from operations.cli import main

main()
