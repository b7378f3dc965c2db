"""`plan`: the dry run under a name of its own."""

from __future__ import annotations

import copy
from typing import Any

import click

from runner.cli.recipes import run

_SENDING = frozenset({"dry_run", "export", "junit_file", "max_failures", "plan_file", "workers"})
"""What `run` takes that means nothing where nothing is sent."""


def _own(parameter: click.Parameter) -> click.Parameter:
    """A parameter of `run` as `plan` has it: it need not say that it is for the dry run."""
    own = copy.copy(parameter)
    if isinstance(own, click.Option) and own.help:
        text = own.help.removeprefix("With --dry-run: ")
        own.help = text[:1].upper() + text[1:]
    return own


@click.pass_context
def _plan(context: click.Context, /, **given: Any) -> int:
    code: int = context.invoke(run, dry_run=True, **given)
    return code


plan = click.Command(
    "plan",
    params=[_own(parameter) for parameter in run.params if parameter.name not in _SENDING],
    callback=_plan,
    short_help="Show what a recipe would send, and send nothing.",
    help="""Show exactly what RECIPE would send for every row of its input, and send nothing.

    It is the same as 'runner run RECIPE --dry-run'.
    """,
)
