"""`run` and `resume`."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TextIO

import click

from runner.catalogue import parse_json
from runner.cli.declared import Declared, declared_options
from runner.cli.options import PROJECT, PlanOptions
from runner.cli.output_options import EXPORT, JUNIT, OUT, Wanted, wanted_options
from runner.cli.rows_options import PIPED, row_key, rows_options
from runner.cli.whole_numbers import COUNT, RECORDED, WORKERS
from runner.config import Config
from runner.engine.events import Reporter
from runner.engine.run import Selection
from runner.journal import History, RunRecord
from runner.journal.open_runs import open_runs
from runner.problems import UsageError
from runner.project import projects
from runner.project.apis import catalogue_for
from runner.project.dry_run import check_plan, plan_options, written
from runner.project.dry_run import dry_run as show_plan
from runner.project.inputs import near
from runner.project.journal_checks import lost_run, said_lost
from runner.project.task import ANOTHER_RUN, Job, refuse
from runner.rows import Input

DEFAULT_WORKERS = 4


_MAX_FAILURES = click.option(
    "--max-failures",
    type=COUNT,
    metavar="N",
    help="Stop after N rejected rows; it can be resumed. Else it stops when the first 10 are rejected alike.",
)

_STRICT = click.option(
    "--strict",
    is_flag=True,
    help="Reject a row when one of its outputs cannot be computed, and send nothing more.",
)


_SKIP_INVALID = click.option(
    "--skip-invalid",
    is_flag=True,
    help="Reject the rows that cannot be sent as they are and send the others; else nothing is sent.",
)


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
@click.option(
    "--workers",
    type=WORKERS,
    default=DEFAULT_WORKERS,
    show_default=True,
    help="Rows at once.",
)
@_MAX_FAILURES
@_SKIP_INVALID
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
    why: str | None, fresh: bool, strict: bool, workers: int, max_failures: int | None, skip_invalid: bool,
    plan_file: Path | None, junit_file: Path | None, export: Path | None, declared: Declared,
    wanted: Wanted, shown: PlanOptions,
) -> int:  # fmt: skip
    """Run RECIPE for every row of its input.

    RECIPE is a file, or the name of a recipe that comes with the program (import-orders, new-order). What an
    earlier run has done is not done again.
    """
    if dry_run:
        _check_dry_run(plan_file or junit_file, wanted, shown)
    elif option := shown.given():
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
    )
    input_ = job.open_input(rows_files)
    if dry_run:
        return show_plan(job, input_, shown)
    if plan_file is not None:
        check_plan(job, input_, plan_file)
    from runner.project.execution import (
        Settings,
        execute,
        keeping,
    )  # what sends is imported when something is sent

    with ExitStack() as open_files:
        also = (
            [partial(_junit, open_files.enter_context(written(junit_file)))]
            if junit_file is not None
            else []
        )
        settings = Settings(
            workers, max_failures, also, declared=declared, skip_invalid=skip_invalid
        )
        code = execute(job, input_, settings)
        with keeping(code):
            open_files.pop_all().close()
        return code


def _junit(out: TextIO, input_: Input | None) -> Reporter:
    from runner.report.problems.junit import JUnit

    return JUnit(out, input_)


def _check_dry_run(of_a_run: Path | None, wanted: Wanted, shown: PlanOptions) -> None:
    """Refuse the options of a run on a dry run, and what does not go together among its own."""
    if of_a_run:
        remedy = "--against PLAN shows what changed, --out FILE.xml writes JUnit"
        raise UsageError("--plan and --junit are for a run", remedy=remedy)
    if option := wanted.given():
        raise UsageError(
            f"{option} is for a run", remedy="--format and --out say how a dry run is shown"
        )
    shown.check()


@click.command(short_help="Go on with a run that stopped.")
@click.argument("number", metavar="[RUN]", type=RECORDED, required=False)
@click.option(
    "--workers",
    type=WORKERS,
    default=DEFAULT_WORKERS,
    show_default=True,
    help="Rows at once.",
)
@_MAX_FAILURES
@_SKIP_INVALID
@_STRICT
@OUT
@declared_options(first_run=False)
@wanted_options
def resume(
    *, number: int | None, workers: int, max_failures: int | None, skip_invalid: bool, strict: bool,
    out: Path | None, declared: Declared, wanted: Wanted,
) -> int:  # fmt: skip
    """Continue a run where it stopped, for whatever reason: RUN, or the only one that something is left to do of."""
    from runner.project.execution import Settings, execute

    current = projects.current()
    history = History(current.runs)
    record = recorded_run(history, number) if number is not None else _only_open(history)
    if record is None:
        click.echo("no run has anything left to do: nothing to resume")
        return 0
    if is_complete(history, record):
        click.echo(f"run {record.id} is finished and all its rows are done: nothing to resume")
        return 0
    job, input_ = reopened(
        current, record, wanted._replace(out=out), remedy=_other_ways(history, record)
    )
    new_identity = job.new_identity or declared.new_identity
    job = job._replace(strict=strict, new_identity=new_identity)
    settings = Settings(
        workers, max_failures, resumed=record, declared=declared, skip_invalid=skip_invalid
    )
    return execute(job, input_, settings)


def _only_open(history: History) -> RunRecord | None:
    """The run to continue where nobody says which. Raises UsageError when there are several."""
    from runner.report.history import said_left

    recorded_run(history, None)
    at_work = [run for run in history.runs() if run.state == "running"]
    if at_work:
        return at_work[-1]  # its lock says who has to wait
    found = open_runs(history)
    if len(found) < 2:
        return found[0].run if found else None
    refusal = UsageError(
        f"{len(found)} runs have something left to do", remedy="say which: runner resume RUN"
    )
    for each in found:
        for line in said_left(each):
            refusal.add_note(line)
    raise refusal


def _other_ways(history: History, record: RunRecord) -> str:
    """Say what can be done for a run that cannot be resumed, because its recipe or input has changed."""
    unknown = history.open_calls(record.account, record.recipe)
    settle = f"; for what is unknown of it: runner settle {record.id}"
    return ANOTHER_RUN + (settle if unknown else "")


def reopened(
    current: Config, record: RunRecord, wanted: Wanted, *, remedy: str
) -> tuple[Job, Input | None]:
    """The job of a run that is on record, and its input. Raises UsageError when either is not what it was."""
    target = current.target(record.target)
    catalogue = catalogue_for(current, target)
    project = projects.project(record.recipe_file, catalogue, at=current)
    if project.recipe.digest != record.recipe_digest:
        mapped = " or a file of its lookups" if project.mappings else ""
        refuse(
            f"the recipe {record.recipe_file}{mapped} has changed since run {record.id} began",
            remedy=remedy,
        )
    values = projects.typed_values(project.recipe, parse_json(record.vars.encode()))
    selection = Selection(only=tuple(json.loads(record.only)))
    job = Job(
        project, catalogue, target, values, dt.date.fromisoformat(record.date), selection, wanted,
        new_identity=bool(record.new_identity),
    )  # fmt: skip
    if record.input_file == PIPED:
        refuse(f"run {record.id} ended before what was piped into it was kept", remedy=remedy)
    input_ = (
        job.open_input([near(name) for name in record.input_files]) if record.input_file else None
    )
    if input_ is not None and input_.digest != record.input_digest:
        names = ", ".join(record.input_files)
        refuse(f"the input {names} has changed since run {record.id} began", remedy=remedy)
    return job, input_


def is_complete(history: History, record: RunRecord) -> bool:
    """Tell whether a run has ended with every row that it was to take done, or found to be there."""
    buckets = history.buckets_reached(record.id)
    taken = len(json.loads(record.only)) or record.row_count
    return (
        record.state == "finished"
        and buckets.keys() <= {"done", "found"}
        and (sum(buckets.values()) >= taken)
    )


def recorded_run(history: History, number: int | None) -> RunRecord:
    """The run called `number`, or the last one. Raises UsageError when there is none."""
    runs = history.runs()
    found = history.run(number) if number is not None else runs[-1] if runs else None
    if found is None and (folder := lost_run(history, history.path.parent)) is not None:
        remedy = "restore the journal from a copy that has all of its files"
        raise UsageError(said_lost(folder), remedy=remedy)
    if not runs:
        raise UsageError("no run is recorded here", remedy=f"the journal would be {history.path}")
    if found is None:
        raise UsageError(
            f"there is no run {number}", remedy=f"runs 1 to {runs[-1].id}: runner runs"
        )
    return found
