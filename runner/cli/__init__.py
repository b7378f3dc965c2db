"""Command line: parsing and wiring, and the one place that turns errors into text and exit codes."""

from runner.cli.main import main

__all__ = ["main"]
