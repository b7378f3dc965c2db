"""Options of a dry run, for `plan` and, with --dry-run, for `run`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from runner.problems import InvalidError
from runner.project.plan_settings import FORMATS, OUT, PlanOptions

_FILE = click.Path(path_type=Path, dir_okay=False)
PROJECT = click.option(
    "--project",
    "named",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="The folder of the runner.yaml that holds, instead of the one here or above.",
)
OPTIONS = (
    click.option(
        "--all",
        "show_all",
        is_flag=True,
        help="With --dry-run: show every row, also those that are alike.",
    ),
    click.option(
        "--format",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="With --dry-run: what is printed, also of problems; schemas/plan.schema.json describes JSON.",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE|FOLDER",
        help="With --dry-run: also write the plan to FILE.json, FILE.md, FILE.txt or FILE.xml (JUnit); may be "
        "repeated. For a run: a folder that gets copies of its files.",
    ),
    click.option(
        "--against",
        type=_FILE,
        metavar="PLAN",
        help="With --dry-run: show what changed since a JSON plan.",
    ),
    click.option(
        "--detailed-exitcode",
        "detailed",
        is_flag=True,
        help="With --dry-run: end with 20 when there is something to send (--against: when a row changed).",
    ),
    click.option(
        "--lookups",
        is_flag=True,
        help="With --dry-run: make lookups, reads and searches as far as they can be made, by GET only.",
    ),
    click.option(
        "--values",
        is_flag=True,
        help="With --dry-run: show the values that let names, with each row.",
    ),
    click.option(
        "--date",
        "day",
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="YYYY-MM-DD",
        help="With --dry-run: the day that run.date is, instead of today.",
    ),
)


def given(shown: PlanOptions) -> str:
    """Return an option that was set and applies only to a dry run, such as --all; empty if there is none."""
    # --out with the name of a plan file means a dry run: sending would be the opposite of it.
    if any(path.suffix.lower() in OUT and not path.is_dir() for path in shown.out):
        return "--out"
    command = click.Command("plan")
    for option in OPTIONS:
        option(command)
    options = {parameter.name: parameter.opts[0] for parameter in command.params}
    defaults = PlanOptions()
    changed = (
        name
        for name in shown._fields
        if name != "out" and getattr(shown, name) != getattr(defaults, name)
    )
    return next((options[name] for name in changed), "")


def plan_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options of a dry run to a command, as one argument `shown`.

    Problems of a dry run are printed in its format.
    """

    @functools.wraps(command)
    def packed(**arguments: Any) -> int:
        shown = PlanOptions(**{name: arguments.pop(name) for name in PlanOptions._fields})
        try:
            return command(shown=shown, **arguments)
        except InvalidError as error:
            if not arguments.get("dry_run"):
                raise
            from runner.project.dry_run import tell_problems

            return tell_problems(error, shown)

    for option in reversed(OPTIONS):
        option(packed)
    return packed
