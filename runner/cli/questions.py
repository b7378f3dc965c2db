"""Questions to the person at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import click


def confirmed(question: str, *, err: bool = False) -> bool:
    """Ask a question, and return true if the answer is yes. The end of the input (Ctrl-D) means no."""
    try:
        return click.confirm(question, default=False, err=err)
    except click.Abort as error:
        if not isinstance(error.__context__, EOFError):
            raise
        click.echo(err=err)
        return False


def asked_at_terminal() -> Callable[[str], bool] | None:
    """Return a function that asks the person at the terminal; None if there is no terminal."""
    if sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty():
        return partial(confirmed, err=True)
    return None
