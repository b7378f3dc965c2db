"""`runs`: list of the runs of a project, with the numbers of rows left to do."""

from __future__ import annotations

import click

from runner.journal.open_runs import what_is_left
from runner.problems import printable
from runner.project import projects
from runner.project.journal_checks import lost_run, said_lost
from runner.project.recorded_runs import history_of


@click.command(short_help="List the runs.")
def runs() -> int:
    """List the runs of this project, oldest first."""
    from runner.report.history import runs_table

    history = history_of(projects.current())
    found = history.runs()
    folder = lost_run(history, history.path.parent)
    if folder is not None:
        click.echo(printable(said_lost(folder)), err=True)
    elif not found:
        click.echo("no run is recorded here", err=True)
    if not found:
        return 0
    counts = {run.id: history.buckets(run.id) for run in found}
    click.echo(runs_table(found, counts, left=what_is_left(history)), nl=False)
    return 0
