"""`resume`: continuation of a run that stopped."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.declared_options import declared_options
from runner.cli.output_options import OUT, wanted_options
from runner.cli.run_options import BAD_ROWS, MAX_FAILURES, STRICT, WORKERS_OPTION
from runner.cli.whole_numbers import RECORDED
from runner.journal import History
from runner.project import projects
from runner.project.destination import Declared
from runner.project.output_settings import Wanted
from runner.project.recorded_runs import (
    is_complete,
    only_open_run,
    other_ways,
    recorded_run,
    reopened,
)
from runner.recipe.model import ASIDE


@click.command(short_help="Go on with a run that stopped.")
@click.argument("number", metavar="[RUN]", type=RECORDED, required=False)
@WORKERS_OPTION
@MAX_FAILURES
@BAD_ROWS
@STRICT
@OUT
@declared_options(first_run=False)
@wanted_options
def resume(
    *,
    number: int | None,
    workers: int,
    max_failures: int | None,
    bad_rows: str | None,
    strict: bool,
    out: Path | None,
    declared: Declared,
    wanted: Wanted,
) -> int:
    """Continue a run where it stopped, for whatever reason: RUN, or the only one that something is left to do of."""
    from runner.project.execution import Settings, execute

    current = projects.current()
    history = History(current.runs)
    record = recorded_run(history, number) if number is not None else only_open_run(history)
    if record is None:
        click.echo("no run has anything left to do: nothing to resume")
        return 0
    if is_complete(history, record):
        click.echo(f"run {record.id} is finished and all its rows are done: nothing to resume")
        return 0
    aside = bool(record.aside) if bad_rows is None else bad_rows == ASIDE
    job, input_ = reopened(
        current, record, wanted._replace(out=out), remedy=other_ways(history, record), aside=aside
    )
    new_identity = job.new_identity or declared.new_identity
    job = job._replace(strict=strict, new_identity=new_identity)
    settings = Settings(workers, max_failures, resumed=record, declared=declared)
    return execute(job, input_, settings)
