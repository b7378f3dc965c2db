"""`run`: a recipe for every row of its input."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TextIO

import click

from runner.cli.declared_options import declared_options
from runner.cli.output_options import EXPORT, JUNIT, wanted_options
from runner.cli.plan_options import PROJECT, given, plan_options
from runner.cli.questions import asked_at_terminal
from runner.cli.rows_options import row_key, rows_format, rows_options
from runner.cli.run_options import BAD_ROWS, MAX_FAILURES, WORKERS_OPTION
from runner.cli.whole_numbers import COUNT
from runner.engine.events import Reporter
from runner.engine.run import Selection
from runner.problems import UsageError
from runner.project import projects
from runner.project.apis import catalogue_for
from runner.project.destination import Declared
from runner.project.dry_run import check_plan, written
from runner.project.dry_run import dry_run as show_plan
from runner.project.output_settings import Wanted
from runner.project.plan_settings import PlanOptions
from runner.project.task import Job
from runner.recipe.model import ASIDE, Recipe
from runner.rows import Input


@click.command(short_help="Run a recipe, or show what it would send (--dry-run).")
@click.argument("recipe")
@click.option("--dry-run", is_flag=True, help="Show exactly what would be sent, and send nothing.")
@rows_options("The input, instead of the recipe's own; - is what is piped in.")
@click.option(
    "-v",
    "--var",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable of the recipe.",
)
@click.option(
    "--vars-file", type=click.Path(path_type=Path), help="Variables as name: value lines (YAML)."
)
@click.option(
    "--target",
    "target_name",
    default="sandbox",
    show_default=True,
    help="Where it goes (runner.yaml).",
)
@PROJECT
@click.option(
    "--limit",
    type=COUNT,
    help="Only the first N rows; 'runner resume' does the rest.",
)
@click.option(
    "--only",
    multiple=True,
    callback=row_key,
    metavar="KEY",
    help="Only the row with this key; may be repeated.",
)
@click.option(
    "--again",
    multiple=True,
    callback=row_key,
    metavar="KEY",
    help="Send this row again although it is done; may be repeated.",
)
@click.option("--why", metavar="TEXT", help="With --again: the reason; kept in the journal.")
@click.option("--fresh", is_flag=True, help="Read lookups anew that an earlier run has kept.")
@click.option(
    "--strict",
    is_flag=True,
    help="Reject a row when one of its outputs cannot be computed, and send nothing more.",
)
@WORKERS_OPTION
@MAX_FAILURES
@BAD_ROWS
@EXPORT
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="PLAN",
    help="Send exactly what this JSON plan says, or refuse and say what differs.",
)
@JUNIT
@declared_options(first_run=True)
@wanted_options
@plan_options
def run(
    *, recipe: str, dry_run: bool, rows_files: tuple[Path, ...], variables: tuple[str, ...], vars_file: Path | None,
    target_name: str, named: Path | None, limit: int | None, only: tuple[str, ...], again: tuple[str, ...],
    why: str | None, fresh: bool, strict: bool, workers: int, max_failures: int | None, bad_rows: str | None,
    plan_file: Path | None, junit_file: Path | None, export: Path | None, declared: Declared,
    wanted: Wanted, shown: PlanOptions,
) -> int:  # fmt: skip
    """Run RECIPE for every row of its input.

    RECIPE is a file, or the name of a recipe that comes with the program (import-orders, new-order). What an
    earlier run has done is not done again.
    """
    if dry_run:
        _check_dry_run(plan_file or junit_file, wanted, shown)
    elif option := given(shown):
        raise UsageError(
            f"{option} says what a dry run shows", remedy="leave it out, or add --dry-run"
        )
    if bool(again) != bool((why or "").strip()):
        raise UsageError(
            "--again and --why go together",
            remedy="--again KEY --why TEXT, so that the journal says why",
        )
    current = projects.config_of(recipe, named)
    target = current.target(target_name)
    catalogue = catalogue_for(current, target)
    project = projects.project(recipe, catalogue, at=current)
    values = projects.values_of(project.recipe, variables, vars_file)
    if export is not None and not project.recipe.exports:
        remedy = "leave --export out: the outputs of a recipe with steps stand in its results file"
        raise UsageError("this recipe is no export: it has steps", remedy=remedy)
    selection = Selection(limit, only)
    wanted = wanted._replace(export=export, out=None if dry_run else shown.folder)
    job = Job(
        project,
        catalogue,
        target,
        values,
        shown.date,
        selection,
        wanted,
        again,
        why or "",
        fresh,
        strict,
        shown.values,
        declared.new_identity,
        rows_format(),
        _sets_aside(project.recipe, bad_rows),
    )
    input_ = job.open_input(rows_files)
    if dry_run:
        return show_plan(job, input_, shown)
    if plan_file is not None:
        check_plan(job, input_, plan_file)
    # Imported on use: a dry run sends nothing.
    from runner.project.execution import Settings, execute, keeping

    with ExitStack() as open_files:
        also = []
        if junit_file is not None:
            also.append(partial(_junit, open_files.enter_context(written(junit_file))))
        settings = Settings(
            workers,
            max_failures,
            also,
            declared=declared,
            ask=asked_at_terminal(),
        )
        code = execute(job, input_, settings)
        # An unwritable output does not hide that calls are unknown (exit code 5).
        with keeping(code):
            open_files.pop_all().close()
        return code


def _sets_aside(recipe: Recipe, bad_rows: str | None) -> bool:
    """Return whether rows that cannot be sent as they are leave the others alone; the option outweighs the recipe."""
    if bad_rows is not None:
        return bad_rows == ASIDE
    return recipe.rows is not None and recipe.rows.aside


def _junit(out: TextIO, input_: Input | None) -> Reporter:
    from runner.report.problems.junit import JUnit

    return JUnit(out, input_)


def _check_dry_run(of_a_run: Path | None, wanted: Wanted, shown: PlanOptions) -> None:
    """Raise UsageError for options of a run on a dry run, and for options that exclude each other."""
    if of_a_run:
        remedy = "--against PLAN shows what changed, --out FILE.xml writes JUnit"
        raise UsageError("--plan and --junit are for a run", remedy=remedy)
    if option := wanted.given():
        raise UsageError(
            f"{option} is for a run", remedy="--format and --out say how a dry run is shown"
        )
    shown.check()
