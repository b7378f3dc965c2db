"""`report`: the files of a run, or its page, regenerated from the journal."""

from __future__ import annotations

import json
import signal
import threading
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import click

from runner.cli.marked_option import MARKED
from runner.cli.output_options import JUNIT, OUT, XLSX
from runner.cli.whole_numbers import RECORDED
from runner.config import Config
from runner.durable import WholeFile, stopping
from runner.engine.past.rows import rows_of
from runner.engine.run import Reporters
from runner.journal import History, RunRecord, now
from runner.problems import RunnerError, UsageError, printable
from runner.project import projects
from runner.project.apis import catalogue_for
from runner.project.dry_run import written
from runner.project.output_files import check_output
from runner.project.output_settings import Wanted
from runner.project.recorded_runs import history_of, recorded_run, reopened
from runner.project.reporters import RunFiles, tell_files
from runner.report.files.results_xlsx import BOOK

PAGE = "report.html"
"""File name of the page in the folder of its run."""


@click.command(short_help="Make the files of a run anew, or a page of it; nothing is sent.")
@click.argument("number", metavar="[RUN]", type=RECORDED, required=False)
@XLSX
@OUT
@JUNIT
@MARKED
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="[FILE]",
    is_flag=False,
    flag_value=PAGE,
    help="Write a page of the run instead, into its folder unless FILE says where.",
)
@click.option(
    "--live",
    is_flag=True,
    help="Serve that page on this machine while the run goes on, until ctrl-C.",
)
def report(
    *,
    number: int | None,
    xlsx: bool,
    out: Path | None,
    junit_file: Path | None,
    marked: Path | None,
    html: Path | None,
    live: bool,
) -> int:
    """Make the files of a run anew from the journal and its input; the last one unless RUN says which.

    After a kill, or a full disk, they are there again: results, what is left to do, and what was created. Nothing is
    sent, and nothing in the journal changes.

    With --html, a page of the run to look at and to send: one file that holds the rows, what was sent and what was
    answered, and loads nothing from anywhere.
    """
    files = xlsx or out is not None or junit_file is not None or marked is not None
    if (html is not None or live) and files:
        raise UsageError(
            "--html and --live are about the page alone",
            remedy="ask for the other files without them",
        )
    if html is not None and live:
        raise UsageError("--live serves the page, --html writes it", remedy="ask for one of them")
    current = projects.current()
    history = history_of(current)
    try:
        run = recorded_run(history, number)
        if live:
            _serve(current, run)
        elif html is not None:
            _page(current, history, run, html)
        else:
            _files(current, history, run, Wanted(out=out, xlsx=xlsx), junit_file)
            if marked is not None:
                _mark(current, history, run, marked)
        if not live:
            _tell_outstanding(history, run)
    finally:
        history.close()
    return 0


def _tell_outstanding(history: History, run: RunRecord) -> None:
    from runner.engine.past.outstanding import outstanding_of
    from runner.report.summary import outstanding_lines

    for line in outstanding_lines(outstanding_of(history, run, history.rows(run.id))):
        click.echo(printable(line), err=True)


def bring_up_to_date(current: Config, history: History, run: RunRecord) -> None:
    """Regenerate the files in the folder of a run. An error is reported, and leaves them unchanged.

    Without the recipe and input of the run, only created.csv can be written.
    """
    from runner.report.files.created import Created

    folder = current.runs / str(run.id)
    if not folder.exists():
        return
    try:
        _rebuilt(current, history, run, Wanted(xlsx=(folder / BOOK).exists()), None)
    except RunnerError as error:
        text = f"results of run {run.id} are as they were: {error.message}"
        click.echo(printable(text), err=True)
        with suppress(RunnerError):
            catalogue = catalogue_for(current, current.targets.get(run.target))
            Created(folder, history, catalogue, run=run.id, live=False).write()


def _files(
    current: Config, history: History, run: RunRecord, wanted: Wanted, junit_file: Path | None
) -> None:
    """Write the files of a run, in its folder and in the requested one."""
    files = _rebuilt(current, history, run, wanted, junit_file)
    if strange := files.created.strange:
        many = f"{strange} lines" if strange > 1 else "a line"
        text = (
            f"created.csv has {many} at its end that the journal does not know, as they were before"
        )
        click.echo(text, err=True)
    tell_files(files.deliver())


def _rebuilt(
    current: Config, history: History, run: RunRecord, wanted: Wanted, junit_file: Path | None
) -> RunFiles:
    """Write the files of a run in its folder, from the journal and its input, and return them."""
    from runner.report.problems.junit import JUnit
    from runner.report.replay import replay

    remedy = (
        f"put it back as it was; without it: runner show {run.id}, runner report {run.id} --html"
    )
    job, input_ = reopened(current, run, wanted, remedy=remedy)
    job.wanted.check(input_, job.project.recipe, runs=current.runs)
    catalogue = catalogue_for(current, current.target(run.target))
    files = RunFiles(
        run,
        job.project.recipe,
        current.runs / str(run.id),
        wanted=job.wanted,
        history=history,
        catalogue=catalogue,
        input_=input_,
        live=False,
    )
    try:
        with ExitStack() as opened:
            reporters = list(files.reporters)
            if junit_file is not None:
                reporters.append(JUnit(opened.enter_context(written(junit_file)), input_))
            rows = rows_of(history, catalogue, run)
            replay(run, rows, input_, Reporters(reporters))
    finally:
        files.close()
    return files


def _mark(current: Config, history: History, run: RunRecord, path: Path) -> None:
    """Write the input of a run as a workbook, with what became of its lines and why."""
    from runner.report.files.marked import Marks, write_marked

    remedy = f"put it back as it was; without it: runner show {run.id}"
    job, input_ = reopened(current, run, Wanted(), remedy=remedy)
    if input_ is None:
        raise UsageError(f"run {run.id} has no sheet to mark", remedy="leave --marked out")
    marks = Marks(input_)
    marks.add(input_.problems)
    for row in rows_of(history, job.catalogue, run):
        lines = json.loads(row.lines)
        marks.end(lines, row.bucket, "" if row.bucket in ("done", "found") else row.reason)
    marks.end_others("not started")
    write_marked(path, marks)
    tell_files({"marked": path})


def _page(current: Config, history: History, run: RunRecord, wanted: Path) -> None:
    """Write the page of a run; in the run's own folder, only its owner can read it."""
    from runner.report.page.data import collect
    from runner.report.page.html import page_html

    if wanted.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"{str(wanted)!r} is no name for a page",
            remedy="--html FILE.html; the run comes before it",
        )
    own = str(wanted) == PAGE
    if not own:
        check_output(wanted, "--html")
    path = current.runs / str(run.id) / PAGE if own else wanted
    catalogue = catalogue_for(current, current.targets.get(run.target))
    content = page_html(collect(history, run, catalogue, made_at=now()))
    with stopping(path, remedy=f"name another place: runner report {run.id} --html FILE.html"):
        if own:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with WholeFile(path, private=own) as file:
            file.write(content)
    tell_files({"page": path})


def _serve(current: Config, run: RunRecord) -> None:
    """Serve the page of a run on loopback, until a signal ends it."""
    from runner.report.page.live import LivePage

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    catalogue = catalogue_for(current, current.targets.get(run.target))
    page = LivePage(partial(history_of, current), run.id, catalogue)
    try:
        click.echo(f"{'page':<8} {page.url}")
        click.echo(f"run {run.id} on this machine only; ctrl-C ends it", err=True)
        ended.wait()
    finally:
        page.close()
