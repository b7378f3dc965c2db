"""Options of `run` and `resume` that declare earlier sends of which the journal has no record."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from runner.project.destination import Declared

_OPTIONS = (
    click.option(
        "--first-run",
        is_flag=True,
        help="Nothing was sent to the target's account from a recipe before: begin without a journal of it.",
    ),
    click.option(
        "--new-identity",
        is_flag=True,
        help="Send rows although they were sent under another recipe name or account.",
    ),
    click.option(
        "--separate-journal",
        is_flag=True,
        help="Write to the account beside another journal of this machine.",
    ),
)


def declared_options(*, first_run: bool) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return a decorator that adds these options to a command, as one argument `declared`.

    `--first-run` is left out for a command that continues a run.
    """
    options = _OPTIONS if first_run else _OPTIONS[1:]

    def decorated(command: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(command)
        def packed(**arguments: Any) -> int:
            values = {name: arguments.pop(name) for name in Declared._fields if name in arguments}
            return command(declared=Declared(**values), **arguments)

        # Decorators apply from the last to the first, and `--help` shows the first first.
        for option in reversed(options):
            option(packed)
        return packed

    return decorated
