"""`plan`: `run --dry-run` as a command."""

from __future__ import annotations

import copy
from typing import Any

import click

from runner.cli.run import run

_SENDING = frozenset(
    {
        "as_json",
        "dry_run",
        "export",
        "first_run",
        "junit_file",
        "max_failures",
        "new_identity",
        "plan_file",
        "quiet",
        "separate_journal",
        "verbose",
        "workers",
        "xlsx",
    }
)
"""Parameters of `run` that have no meaning if nothing is sent."""

_HELP = {
    "limit": "Only the first N rows.",
    "again": "Plan this row as sent again although it is done; may be repeated.",
    "why": "With --again: the reason.",
    "bad_rows": "With aside, rows with wrong cells are shown as not sent and the others are planned; "
    "with refuse, the default, nothing is planned then.",
}
"""Help texts of options for which the text of `run` does not apply."""


def _own(parameter: click.Parameter) -> click.Parameter:
    """Return a parameter of `run` for `plan`, without the remarks about dry runs in its help."""
    own = copy.copy(parameter)
    if isinstance(own, click.Option) and own.help:
        text = _HELP.get(own.name or "", own.help).removeprefix("With --dry-run: ")
        text = text.partition(" For a run: ")[0]
        own.help = text[:1].upper() + text[1:]
        own.metavar = (own.metavar or "").partition("|")[0] or None
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
