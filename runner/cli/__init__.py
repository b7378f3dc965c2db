"""The command line: parsing and wiring, and the one boundary from errors to text and exit codes."""

from runner.cli.main import main

__all__ = ["main"]
