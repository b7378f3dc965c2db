"""`show`: rows and calls of a run."""

from __future__ import annotations

from functools import partial

import click

from runner.cli.rows_options import row_key
from runner.cli.whole_numbers import COUNT, RECORDED
from runner.project import projects
from runner.project.recorded_runs import history_of, recorded_run


@click.command(short_help="Show a run row by row and call by call.")
@click.argument("number", metavar="[RUN]", type=RECORDED, required=False)
@click.option(
    "--key",
    callback=row_key,
    help="Only the row with this key, with everything that was sent for it.",
)
@click.option("--limit", type=COUNT, default=50, show_default=True, help="Rows to show.")
def show(*, number: int | None, key: str | None, limit: int) -> int:
    """Show a run row by row and call by call; the last one unless RUN says which."""
    from runner.engine.past.outstanding import outstanding_of
    from runner.report.history import show_run

    history = history_of(projects.current())
    run = recorded_run(history, number)
    text = show_run(
        run,
        history.rows(run.id),
        history.calls_of_run(run.id),
        key=key,
        limit=limit,
        again=history.again(run.id),
        notices=history.notices(run.id),
        settlements=history.settlements_of_run(run.id),
        outstanding=outstanding_of(history, run, history.rows(run.id)),
        writes_of=partial(history.writes_of, run.account, run.recipe),
    )
    click.echo(text, nl=False)
    return 0
