"""One run of a job: begun or gone on with in the journal, sent, reported, and its end on record whatever it is."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from runner.config.masking import Mask
from runner.durable import refuse_links
from runner.engine.context import Context
from runner.engine.events import RunEnded
from runner.engine.past.former_keys import check_key
from runner.engine.past.key_columns import key_columns
from runner.engine.past.row_calls import shared_former_keys
from runner.engine.past.rows import OnRecord
from runner.engine.run import Run
from runner.engine.sending.sender import Sender
from runner.engine.stop import Stop
from runner.engine.totals import EXIT_UNKNOWN
from runner.journal import (
    AgainRecord,
    History,
    Journal,
    RowRecord,
    RunRecord,
    moment_after,
    now,
)
from runner.problems import ConfigError, RunnerError, StoppedError
from runner.project import connections
from runner.project.destination import NOTHING, Ask, Declared, destination_of
from runner.project.inputs import keep_piped, take_input
from runner.project.journal_checks import check_runs, stamp_of
from runner.project.output_files import check_not_read
from runner.project.progress import watched
from runner.project.projects import make_folder, open_journal, user
from runner.project.reporters import MakeReporter, Reports
from runner.project.signals import stopping_on_signals
from runner.project.task import Job, after_former_keys, by_key, refuse
from runner.recipe.model import key_text
from runner.rows import Input, Row


@dataclass(frozen=True)
class Settings:
    """How a run goes: rows at once, how many rejected ones stop it, more reporters, and the run it goes on with,
    what was declared of the past, and how a person is asked (None: nobody can answer)."""

    workers: int
    max_failures: int | None = None
    also: Sequence[MakeReporter] = ()
    resumed: RunRecord | None = None
    declared: Declared = NOTHING
    ask: Ask | None = None


def execute(job: Job, input_: Input | None, settings: Settings) -> int:
    """Run the job, or the rest of it, told to the console, the results files and what else is set. The exit code."""
    recipe, runs = job.project.recipe, job.project.config.runs
    if job.wanted.export is not None:
        lookups = (each.file for each in recipe.lookups if each.file)
        read = (job.project.path, *(job.project.path.parent / name for name in lookups))
        check_not_read(job.wanted.export, "--export", read)
    job.wanted.check(input_, recipe, runs=runs)
    if input_ is None and not job.search:
        job.check_keys(None)
    if settings.resumed is not None and settings.max_failures is None:
        settings = replace(settings, max_failures=settings.resumed.max_failures)
    with _on_record(job, input_, settings) as run:
        try:
            ended = run.recorded(input_, settings)
        finally:
            run.reports.notify(job.project.config, run.journal, run.number)
    with keeping(ended.exit_code):
        run.reports.deliver(ended)
    return ended.exit_code


@contextmanager
def keeping(code: int) -> Iterator[None]:
    """Keep the exit code of a run that left something unknown where its files or its last words cannot be written."""
    try:
        yield
    except StoppedError as error:
        if code == EXIT_UNKNOWN:
            error.exit_code = code
        raise


@contextmanager
def _on_record(job: Job, input_: Input | None, settings: Settings) -> Iterator[_Execution]:
    """All that a run needs while it lasts, from the lock of the journal on."""
    stop, runs, resumed = Stop(), job.project.config.runs, settings.resumed
    if resumed is not None:
        refuse_links(runs / str(resumed.id))
    with ExitStack() as open_things:
        way = open_things.enter_context(
            connections.open_way(job.project, job.target, job.catalogue)
        )
        destination = destination_of(job.project.recipe, job.target, job.catalogue, way)
        if destination is not None and resumed is None:
            destination.check_known(runs, settings.declared, settings.ask)
        check_no_secret(job, input_, way.mask)
        make_folder(runs)
        journal = open_things.enter_context(open_journal(runs))
        open_things.enter_context(stopping_on_signals(stop))
        if resumed is not None and way.account != resumed.account:
            refuse(
                f"the account has changed since run {resumed.id} began ({resumed.account}, now {way.account})"
            )
        single = job.single()  # a key that cannot be made leaves no run on record
        history = History(runs)
        open_things.callback(history.close)
        check_runs(runs, journal, history, job.catalogue)
        if destination is not None:
            destination.record(journal, history, settings.declared)
        check_key(
            history, way.account, job.project.recipe
        )  # rows that cannot be placed leave no files
        again = history.again(resumed.id) if resumed else job.asked_again(history, way, input_)
        if input_ is not None or not job.search:
            job.check_other_names(history, way, input_, again)
        job.check_known(input_, history, way.account)
        since = time.monotonic()
        number = _begin(job, journal, history, way, input_, settings, again)
        stop.run = number
        if destination is not None:
            destination.note_run(history, number)
        reports = Reports(
            job.project.recipe, runs / str(number), wanted=job.wanted, stop=stop, history=history,
            catalogue=job.catalogue,
        )  # fmt: skip
        open_things.callback(reports.close)
        yield _Execution(job, single, number, way, journal, history, stop, reports, since)


def _begin(
    job: Job, journal: Journal, history: History, way: connections.Way, input_: Input | None, settings: Settings,
    again: Sequence[AgainRecord],
) -> int:  # fmt: skip
    """Put the run on record, or open it again. Its number."""
    if settings.resumed is not None:
        journal.reopen(
            settings.resumed.id, max_failures=settings.max_failures, new_identity=job.new_identity,
            aside=job.aside,
        )  # fmt: skip
        return settings.resumed.id
    recipe = job.project.recipe
    previous = job.previous(history, way.account)
    unread = 0 if job.search else 1  # rows of an API are counted once they are read
    return journal.begin(
        RunRecord(
            recipe.name, job.target.name, way.account, job.project.name, recipe.digest,
            input_.origin if input_ is not None else "",
            input_.digest if input_ is not None else "",
            job.recorded_values, job.date.isoformat(), now(),
            line_count=input_.line_count if input_ is not None else 0,
            row_count=input_.row_count if input_ is not None else unread,
            only=json.dumps(job.selection.only), max_failures=settings.max_failures, who=user(),
            left_out=len(input_.left_out) if input_ is not None else 0,
            new_identity=int(job.new_identity),
            aside=int(job.aside),
            key_text=key_text(job.project.recipe),
            key_columns=key_columns(job.project.recipe),
            previous=previous.id if previous is not None else 0,
        ),
        again=again, known=_known_rows(job, history, way, input_),
    )  # fmt: skip


def _known_rows(
    job: Job, history: History, way: connections.Way, input_: Input | None
) -> Iterator[RowRecord]:
    """The rows of a run that something is on record of, before it has got to them."""
    if input_ is None and job.search:
        return iter(())
    recipe, rows = job.project.recipe.name, input_ if input_ is not None else [job.single()]
    if not history.knows(way.account, recipe):
        return iter(())
    on_record = OnRecord(
        history, job.catalogue, account=way.account, recipe=recipe,
        heirs=dict.fromkeys(shared_former_keys(rows), ""),
    )  # fmt: skip
    total = input_.row_count if input_ is not None else 1
    quiet = job.wanted.quiet
    return on_record.records(
        watched(rows, "compared with earlier runs, nothing is sent yet", total=total, quiet=quiet)
    )


def check_no_secret(job: Job, input_: Input | None, mask: Mask) -> None:
    """Refuse variables and an input that hold a secret of the target. Raises ConfigError.

    The journal would have it, and it would be blotted out of answers that repeat it.
    """
    for name, value in job.values.items():
        if mask.tree(value) != value:
            raise ConfigError(
                f"the variable {name!r} holds a secret of the target, which would stand in the journal",
                remedy="leave it out: runner.yaml says which secret is sent where. Nothing was sent",
            )
    if input_ is None:
        return
    for number, raw in input_.raw_lines(array("Q", input_.records())):
        if mask.finds(raw):
            file, line = input_.place(number) if len(input_.parts) > 1 else (input_.name, number)
            raise ConfigError(
                f"{file} line {line} holds a secret of the target, which is blotted out of answers: the cell with it",
                remedy="take it out of the sheet; if the cell is right, ask for another key. Nothing was sent",
            )


@dataclass(frozen=True)
class _Execution:
    """A run that is on record."""

    job: Job
    single: Row
    number: int
    way: connections.Way
    journal: Journal
    history: History
    stop: Stop
    reports: Reports
    since: float
    """When it was put on record, or opened again, by the clock that nobody sets."""

    def recorded(self, input_: Input | None, settings: Settings) -> RunEnded:
        """Send what is left, and record the end of it, whatever it is."""
        try:
            ended = self._sent(input_, settings)
        except RunnerError as error:
            with suppress(RunnerError):
                self._end("stopped", error.exit_code, error.message)
            raise
        except BaseException as error:  # whatever it is, the run is not at work any more
            with suppress(RunnerError):
                self._end("stopped", 1, f"an error inside runner itself: {type(error).__name__}")
            raise
        run = self.history.run(self.number)
        at = moment_after(run.started_at, ended.seconds) if run and not settings.resumed else now()
        with keeping(ended.exit_code):
            state = "stopped" if ended.stopped else "finished"
            self._end(state, ended.exit_code, ended.stopped, at=at)
        return ended

    def _end(self, state: str, exit_code: int, reason: str, *, at: str = "") -> None:
        if self.reports.created_is_whole:
            folder = self.job.project.config.runs / str(self.number)
            self.journal.checked(self.number, stamp_of(folder))
        self.journal.end(
            self.number, state=state, exit_code=exit_code, finished_at=at or now(), reason=reason
        )

    def _sent(self, input_: Input | None, settings: Settings) -> RunEnded:
        job, history = self.job, self.history
        context = job.context(
            self.way, self.number, history, self.journal, self.reports.early, self.stop
        )
        context = replace(context, again=by_key(history.again(self.number)))
        if input_ is not None:
            keep_piped(input_, self.journal, job.project.config.runs / str(self.number))
        elif job.search:
            input_ = self._read(context)
            context = replace(context, again=by_key(history.again(self.number)))
            job.check_other_names(history, self.way, input_, [*context.again.values()])
            job.check_known(input_, history, self.way.account)
        run = Run(
            replace(context, emit=self.reports.open(self.number, input_, settings.also)), input_, single=self.single,
            selection=job.selection, workers=settings.workers, max_failures=settings.max_failures,
            aside=job.aside,
        )  # fmt: skip
        resumed = settings.resumed is not None
        return run.execute(
            job.started(
                self.way, self.number, input_, history, resumed=resumed, again=context.again
            ),
            since=self.since,
        )

    def _read(self, context: Context) -> Input:
        """The rows of an API, kept in the run's folder so that every resume has the same ones."""
        folder = self.job.project.config.runs / str(self.number)
        make_folder(folder)
        found = self.job.fetched(context, Sender(context, self.journal), folder)
        known = _known_rows(self.job, self.history, self.way, found)
        recipe, asked = context.recipe.name, [*context.again.values()]
        again = after_former_keys(self.history, context.account, recipe, asked, found)
        self.journal.ask_again(self.number, again)
        take_input(self.journal, self.number, found, found.path, known=known)
        return found
