"""`run` and `resume`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import click

from runner.catalogue import parse_json
from runner.cli import projects
from runner.cli.apis_of import catalogue_for
from runner.cli.job import Job, refuse
from runner.engine.run import Selection
from runner.journal import History, RunRecord
from runner.problems import UsageError

DEFAULT_WORKERS = 4


@click.command(short_help="Run a recipe, or show what it would send (--dry-run).")
@click.argument("recipe")
@click.option("--dry-run", is_flag=True, help="Show exactly what would be sent, and send nothing.")
@click.option("--rows", "rows_file", type=click.Path(path_type=Path), help="The input, instead of the recipe's own.")
@click.option("-v", "--var", "variables", multiple=True, metavar="NAME=VALUE", help="Set a variable of the recipe.")
@click.option("--vars-file", type=click.Path(path_type=Path), help="Variables as name: value lines (YAML).")
@click.option("--target", "target_name", default="sandbox", show_default=True, help="Where it goes (runner.yaml).")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N rows; 'runner resume' does the rest.")
@click.option("--only", multiple=True, metavar="KEY", help="Only the row with this key; may be repeated.")
@click.option("--workers", type=click.IntRange(1, 64), default=DEFAULT_WORKERS, show_default=True, help="Rows at once.")
@click.option("--export", type=click.Path(path_type=Path), help="Where an export goes: .csv, .jsonl or .xlsx.")
@click.option("--all", "show_all", is_flag=True, help="With --dry-run: show every row, also those that are alike.")
def run(
    *, recipe: str, dry_run: bool, rows_file: Path | None, variables: tuple[str, ...], vars_file: Path | None,
    target_name: str, limit: int | None, only: tuple[str, ...], workers: int, export: Path | None, show_all: bool,
) -> int:  # fmt: skip
    """Run RECIPE for every row of its input.

    RECIPE is a file, or the name of a recipe that comes with the program (import-orders, new-order). What an
    earlier run has done is not done again.
    """
    if show_all and not dry_run:
        raise UsageError("--all says what a dry run shows", remedy="leave it out, or add --dry-run")
    current = projects.config_of(recipe)
    target = current.target(target_name)
    catalogue = catalogue_for(current, target)
    project = projects.project(recipe, catalogue, at=current)
    values = projects.values_of(project.recipe, variables, vars_file)
    if export is not None and project.recipe.steps:
        remedy = "leave --export out: the outputs of a recipe with steps stand in its results file"
        raise UsageError("this recipe is no export: it has steps", remedy=remedy)
    job = Job(project, catalogue, target, values, dt.datetime.now().astimezone().date(), Selection(limit, only), export)
    input_ = job.open_input(rows_file)
    if dry_run:
        return job.plan(input_, show_all=show_all)
    return job.run(input_, workers=workers)


@click.command(short_help="Go on with a run that stopped.")
@click.argument("number", metavar="[RUN]", type=int, required=False)
@click.option("--workers", type=click.IntRange(1, 64), default=DEFAULT_WORKERS, show_default=True, help="Rows at once.")
def resume(*, number: int | None, workers: int) -> int:
    """Go on with a run where it stopped, whatever stopped it; the last one unless RUN says which."""
    current = projects.current()
    record = recorded_run(History(current.runs), number)
    target = current.target(record.target)
    catalogue = catalogue_for(current, target)
    project = projects.project(record.recipe_file, catalogue, at=current)
    if project.recipe.digest != record.recipe_digest:
        refuse(f"the recipe {record.recipe_file} has changed since run {record.id} began")
    values = projects.typed_values(project.recipe, parse_json(record.vars.encode()))
    selection = Selection(only=tuple(json.loads(record.only)))
    job = Job(project, catalogue, target, values, dt.date.fromisoformat(record.date), selection)
    input_ = job.open_input(Path(record.input_file)) if record.input_file else None
    if input_ is not None and input_.digest != record.input_digest:
        refuse(f"the input {record.input_file} has changed since run {record.id} began")
    return job.run(input_, workers=workers, resumed=record)


def recorded_run(history: History, number: int | None) -> RunRecord:
    """The run called `number`, or the last one. Raises UsageError when there is none."""
    runs = history.runs()
    if not runs:
        raise UsageError("no run is recorded here", remedy=f"the journal would be {history.path}")
    found = runs[-1] if number is None else history.run(number)
    if found is None:
        raise UsageError(f"there is no run {number}", remedy=f"runs 1 to {runs[-1].id}: runner runs")
    return found
