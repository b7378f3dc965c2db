"""A recipe with its values, target and rows, ready to be planned or run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, cast

from runner.catalogue import Catalogue, Request, to_json
from runner.cli import wiring
from runner.cli.inputs import input_of, keep_piped, take_input
from runner.cli.leaving import stopping_on_signals
from runner.cli.projects import Project, make_folder, user
from runner.cli.reports import MakeReporter, Reports
from runner.cli.wanted import Wanted
from runner.config import Target
from runner.engine.again import asked_again, by_key
from runner.engine.context import Context
from runner.engine.events import Reporter, RunEnded, RunStarted
from runner.engine.fetch import fetch_rows, search_request
from runner.engine.looking import Looker
from runner.engine.once import OncePer
from runner.engine.retry import Budget
from runner.engine.run import Reporters, Run, Selection, scope_of
from runner.engine.send import Sender
from runner.engine.stop import Stop
from runner.journal import AgainRecord, History, Journal, RunRecord
from runner.problems import RunnerError, UsageError, nearest
from runner.rows import Input, Row, open_input
from runner.template import EvaluationError, Unknown, to_text

FOUND = "rows.jsonl"
"""In the folder of a run: the rows that it read from an API."""

KEYS_COMPARED = 10_000
"""Keys that a misspelt one is compared with."""


def refuse(message: str) -> NoReturn:
    """Refuse to resume what is no longer what it was."""
    raise UsageError(message, remedy="use 'runner run': it finds by itself what is done, and goes on with the changes")


@dataclass(frozen=True)
class Planning:
    """The way of a dry run, what stops it, and whether it reads what it can."""

    way: wiring.Way
    stop: Stop
    lookups: bool = False


@dataclass(frozen=True)
class Job:
    """A recipe with its values, target and selection of rows: what a run and its dry run have in common.

    `again` are the keys of rows that are sent once more although they are done, and `why` the reason for it.
    """

    project: Project
    catalogue: Catalogue
    target: Target
    values: dict[str, Any]
    date: dt.date
    selection: Selection
    wanted: Wanted = field(default_factory=Wanted)
    again: tuple[str, ...] = ()
    why: str = ""
    fresh: bool = False

    def open_input(self, rows_files: Sequence[Path]) -> Input | None:
        """The checked input, as `runner.cli.inputs` finds it, with all the keys that are asked for."""
        opened = input_of(self.project, rows_files, self._scope())
        if opened is not None:
            self.check_keys(opened)
        return opened

    def check_keys(self, input_: Input | None) -> None:
        """Refuse keys that no row has: a run that finds nothing to do would look like one that is done."""
        only = set(self.selection.only)
        left = only | set(self.again)
        if not left:
            return
        if only and not only.issuperset(self.again):
            key = next(key for key in self.again if key not in only)
            raise UsageError(f"--again {key!r} is not among the rows of --only", remedy="name it there too")
        known = [self._single().key] if input_ is None else (row.key for row in input_)
        near: list[str] = []
        for key in known:
            left.discard(key)
            if len(near) < KEYS_COMPARED:
                near.append(key)
        if left:
            missing = min(left)
            raise UsageError(f"no row has the key {missing!r}", remedy=nearest(missing, near, noun="keys"))

    @contextmanager
    def planned(self, *, lookups: bool) -> Iterator[Planning]:
        """What a dry run needs: the way to the target, which only with `lookups` leads anywhere, and then by GETs."""
        stop = Stop()
        if not lookups:
            yield Planning(wiring.planned_way(self.project, self.target, self.catalogue), stop)
            return
        way = wiring.open_way(self.project, self.target, self.catalogue, wait=stop.wait, gets_only=True)
        with way as opened, stopping_on_signals(stop):
            yield Planning(opened, stop, lookups=True)

    def plan(self, input_: Input | None, planning: Planning, reporters: list[Reporter]) -> RunEnded:
        """The dry run, told to `reporters`. Nothing in it can send."""
        history = History(self.project.config.runs)
        if input_ is None and not self.search:
            self.check_keys(None)
        context = self._context(planning.way, Unknown("run.id"), history, None, reporters, planning.stop)
        context = replace(context, again=by_key(self._asked_again(history, planning.way)))
        selection = Selection() if input_ is None else self.selection
        job = Run(context, input_, single=self._single(), selection=selection, lookups=planning.lookups)
        reads = self._reads(context) if input_ is None else None
        started = self._started(planning.way, 0, input_, history, reads=reads, again=context.again)
        return job.execute(started)

    def run(
        self, input_: Input | None, *, workers: int, resumed: RunRecord | None = None,
        also: Sequence[MakeReporter] = (), max_failures: int | None = None,
    ) -> int:  # fmt: skip
        """The run, or the rest of one, told to the console, the results files and `also`."""
        stop = Stop()
        runs = self.project.config.runs
        self.wanted.check(input_)
        if input_ is None and not self.search:
            self.check_keys(None)
        with ExitStack() as open_things:
            way = open_things.enter_context(
                wiring.open_way(self.project, self.target, self.catalogue, wait=stop.wait)
            )
            make_folder(runs)
            journal = open_things.enter_context(Journal(runs))
            open_things.enter_context(stopping_on_signals(stop))
            if resumed is not None and way.account != resumed.account:
                refuse(f"the account has changed since run {resumed.id} began ({resumed.account}, now {way.account})")
            single = self._single()
            history = History(runs)
            open_things.callback(history.close)
            if resumed is not None and max_failures is None:
                max_failures = resumed.max_failures
            number = self._begin(journal, way, input_, resumed, self._asked_again(history, way), max_failures)
            reports = Reports(
                self.project.recipe, runs / str(number), wanted=self.wanted, stop=stop, history=history,
                catalogue=self.catalogue,
            )  # fmt: skip
            open_things.callback(reports.close)
            context = self._context(way, number, history, journal, reports.early, stop)
            context = replace(context, again=by_key(history.again(number)))

            def execute() -> RunEnded:
                if input_ is not None:
                    keep_piped(input_, journal, runs / str(number))
                read = self._read_rows(context, journal, number) if input_ is None and self.search else input_
                telling = replace(context, emit=reports.open(number, read, also))
                job = Run(
                    telling, read, single=single, selection=self.selection, workers=workers, max_failures=max_failures
                )
                resuming = resumed is not None
                return job.execute(
                    self._started(way, number, read, history, resumed=resuming, again=context.again)
                )

            try:
                ended = _recorded(journal, number, execute)
            finally:
                reports.notify(self.project.config, journal, number)
        reports.deliver(ended)
        return ended.exit_code

    @property
    def search(self) -> str:
        """The operation that gives the rows; empty where they come from a file, or there are none."""
        rows = self.project.recipe.rows
        return rows.search.operation if rows is not None and rows.search is not None else ""

    def _single(self) -> Row:
        """The one row where there is no input: that of a recipe without rows, or what a dry run shows for all rows."""
        if self.project.recipe.rows is None:
            return Row(1, self._key(), {}, ())
        return Row(1, "each row", cast("Mapping[str, Any]", Unknown("row")), ())

    def _reads(self, context: Context) -> Request | None:
        """The request that a dry run will not send for its rows."""
        rows = self.project.recipe.rows
        if rows is None or rows.search is None:
            return None
        return search_request(context, rows.search)

    def look_up_rows(self, planning: Planning, folder: Path) -> Input:
        """The rows that an API has now, for a dry run, in a file in `folder`."""
        history = History(self.project.config.runs)
        context = self._context(planning.way, Unknown("run.id"), history, None, [], planning.stop)
        return self._fetched(context, Looker(context), folder)

    def _read_rows(self, context: Context, journal: Journal, number: int) -> Input:
        """The rows of an API, kept in the run's folder so that every resume has the same ones."""
        folder = self.project.config.runs / str(number)
        make_folder(folder)
        found = self._fetched(context, Sender(context, journal), folder)
        take_input(journal, number, found, found.path)
        return found

    def _fetched(self, context: Context, sender: Sender, folder: Path) -> Input:
        rows = self.project.recipe.rows
        assert rows is not None and rows.search is not None  # noqa: S101 - the caller's condition
        fetch_rows(context, sender, rows.search, folder / FOUND)
        found = open_input(folder / FOUND, rows, scope=self._scope(), name=rows.search.operation)
        self.check_keys(found)
        return found

    def _asked_again(self, history: History, way: wiring.Way) -> list[AgainRecord]:
        name, who = self.project.recipe.name, user() if self.again else ""
        return asked_again(history, way.account, name, self.again, why=self.why, who=who, at=_now())

    def _begin(
        self, journal: Journal, way: wiring.Way, input_: Input | None, resumed: RunRecord | None,
        again: Sequence[AgainRecord], max_failures: int | None,
    ) -> int:  # fmt: skip
        if resumed is not None:
            journal.reopen(resumed.id, max_failures=max_failures)
            return resumed.id
        recipe = self.project.recipe
        return journal.begin(
            RunRecord(
                recipe.name, self.target.name, way.account, self.project.name, recipe.digest,
                input_.origin if input_ is not None else "",
                input_.digest if input_ is not None else "",
                to_json(self.values).decode(), self.date.isoformat(), _now(),
                line_count=input_.line_count if input_ is not None else 0,
                row_count=input_.row_count if input_ is not None else 0 if self.search else 1,
                only=json.dumps(self.selection.only), max_failures=max_failures, who=user(),
                left_out=len(input_.left_out) if input_ is not None else 0,
            ),
            again=again,
        )  # fmt: skip

    def _context(
        self, way: wiring.Way, number: int | Unknown, history: History, journal: Journal | None,
        reporters: list[Reporter], stop: Stop,
    ) -> Context:  # fmt: skip
        return Context(
            recipe=self.project.recipe,
            catalogue=self.catalogue,
            account=way.account,
            run=number if isinstance(number, int) else 0,
            scope=self._scope() | {"run": {"id": number, "date": self.date}},
            connections=way.connections,
            history=history,
            journal=journal,
            emit=Reporters(reporters),
            once=OncePer(),
            stop=stop,
            budget=Budget(),
            fresh=self.fresh,
            mappings=self.project.mappings,
        )

    def _scope(self) -> dict[str, Any]:
        """What expressions see before there is a run."""
        return scope_of(self.project.recipe, values=self.values, run={"id": Unknown("run.id"), "date": self.date})

    def _key(self) -> str:
        """The key of a recipe without rows: what it says, or else the values of its variables."""
        key = self.project.recipe.key
        if self.project.recipe.rows is not None:
            return ""
        if key is None:
            return to_json(self.values).decode()
        try:
            return key if isinstance(key, str) else to_text(key.render(self._scope()))
        except EvaluationError as error:
            raise UsageError(f"the recipe's key cannot be made: {error}") from None

    def _started(
        self, way: wiring.Way, number: int, input_: Input | None, history: History, *, resumed: bool = False,
        reads: Request | None = None, again: Collection[str] = (),
    ) -> RunStarted:  # fmt: skip
        recipe = self.project.recipe
        return RunStarted(
            run=number,
            recipe=recipe.name,
            target=self.target.name,
            rows=input_.row_count if input_ is not None else 1,
            lines=input_.line_count if input_ is not None else 0,
            dry_run=not number,
            resumed=resumed,
            writes_before=history.count_done(way.account, recipe.name),
            outputs=tuple(recipe.outputs),
            pace=wiring.pace_text(way),
            search=self.search if input_ is None or input_.path.name == FOUND else "",
            reads=reads,
            again=tuple(again),
            left_out=len(input_.left_out) if input_ is not None else 0,
            agreed=input_.agreed if input_ is not None else "",
        )


def _recorded(journal: Journal, number: int, execute: Callable[[], RunEnded]) -> RunEnded:
    """The end of a run, recorded whatever it is."""
    try:
        ended = execute()
    except RunnerError as error:
        with suppress(RunnerError):
            state, code = "stopped", error.exit_code
            journal.end(number, state=state, exit_code=code, finished_at=_now(), reason=error.message)
        raise
    state = "stopped" if ended.stopped else "finished"
    journal.end(number, state=state, exit_code=ended.exit_code, finished_at=_now(), reason=ended.stopped)
    return ended


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
