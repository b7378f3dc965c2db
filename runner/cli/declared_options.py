"""What a person declares of the past on the command line of `run` or `resume`, where a journal does not know it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from runner.project.destination import Declared

_OPTIONS = (
    click.option("--first-run", is_flag=True,
                 help="Nothing was sent to the target's account from a recipe before: begin without a journal of it."),
    click.option("--new-identity", is_flag=True,
                 help="Send rows although they were sent under another recipe name or account."),
    click.option("--separate-journal", is_flag=True,
                 help="Write to the account beside another journal of this machine."),
)  # fmt: skip


def declared_options(*, first_run: bool) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command these options as one argument `declared`; `--first-run` only where it may be the first."""
    options = _OPTIONS if first_run else _OPTIONS[1:]

    def decorated(command: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(command)
        def packed(**given: Any) -> int:
            found = {name: given.pop(name) for name in Declared._fields if name in given}
            return command(declared=Declared(**found), **given)

        for option in reversed(options):
            option(packed)
        return packed

    return decorated
