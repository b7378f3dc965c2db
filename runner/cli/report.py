"""`report`: the files of a run made anew from what is on record."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli import projects
from runner.cli.apis_of import catalogue_for
from runner.cli.recipes import recorded_run, reopened
from runner.cli.reports import RunFiles, tell_files
from runner.cli.wanted import OUT, XLSX, Wanted
from runner.engine.run import Reporters
from runner.journal import History


@click.command(short_help="Make the files of a run anew; nothing is sent.")
@click.argument("number", metavar="[RUN]", type=int, required=False)
@XLSX
@OUT
def report(*, number: int | None, xlsx: bool, out: Path | None) -> int:
    """Make the files of a run anew from the journal and its input; the last one unless RUN says which.

    After a kill, or a full disk, they are there again: results, what is left to do, and what was created. Nothing is
    sent, and nothing in the journal changes.
    """
    from runner.report.remake import replay

    current = projects.current()
    history = History(current.runs)
    run = recorded_run(history, number)
    job, input_ = reopened(current, run, Wanted(out=out, xlsx=xlsx))
    job.wanted.check(input_)
    files = RunFiles(
        run, job.project.recipe, current.runs / str(run.id), wanted=job.wanted, history=history,
        catalogue=catalogue_for(current, current.target(run.target)), input_=input_,
    )  # fmt: skip
    try:
        replay(run, history, input_, Reporters(files.reporters))
    finally:
        files.close()
        history.close()
    tell_files(files.deliver())
    return 0
