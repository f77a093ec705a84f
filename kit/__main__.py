"""Run the command line as `python -m kit`."""

from kit.cli import main

main()
