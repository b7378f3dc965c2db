"""Rows in flight: feeds the rows of an input to workers, tells the reporters, and adds up the end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.engine.calls.dry_reads import Looker
from runner.engine.calls.identity_changes import past_of
from runner.engine.context import Context
from runner.engine.events import (
    Checking,
    Event,
    Noticed,
    OutputFault,
    Outstanding,
    Reporter,
    RowFinished,
    RowResult,
    RunEnded,
    RunStarted,
)
from runner.engine.failures import Failures
from runner.engine.lookups import check_names, read_lookup
from runner.engine.once_per import A_RUN, OncePer, shared_value
from runner.engine.past.claims import Asked
from runner.engine.past.finished import Finished, record_of
from runner.engine.past.former_keys import check_key, heirs_of
from runner.engine.past.outstanding import outstanding
from runner.engine.past.rows import OnRecord
from runner.engine.recorded import Recorded
from runner.engine.row import RowRun
from runner.engine.row_scope import name_values, visible
from runner.engine.scopes import StepScopes
from runner.engine.sending.sender import Sender
from runner.engine.stop import Stop
from runner.engine.totals import EXIT_DATA, EXIT_STOPPED, EXIT_UNKNOWN, Totals
from runner.keys import brief
from runner.problems import RunnerError
from runner.recipe.model import Recipe
from runner.rows import Input, Row
from runner.template import EvaluationError, Unknown

if TYPE_CHECKING:
    from concurrent.futures import Future

CHECKED_AFTER, CHECKED_EVERY = 1.0, 0.25
"""Seconds after which it is reported how far a check of the rows is, and again."""

NO_ROW = Row(1, "", {}, ())
"""What the steps are taken for in a recipe without rows, but for its key."""


class Selection(NamedTuple):
    """Which rows a run takes: the first `limit`, or only those with a key in `only`."""

    limit: int | None = None
    only: Collection[str] = ()

    def of(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The rows that are taken, in their order."""
        for count, row in enumerate(row for row in rows if not self.only or row.key in self.only):
            if self.limit is not None and count >= self.limit:
                return
            yield row


EVERY_ROW = Selection()


class Reporters:
    """Passes each event to every reporter, one at a time whatever thread it comes from."""

    def __init__(self, reporters: Collection[Reporter]) -> None:
        self._reporters = tuple(reporters)
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """What keeps one reporter from its work is raised when the others have heard of it."""
        failed: RunnerError | None = None
        with self._lock:
            for reporter in self._reporters:
                try:
                    reporter(event)
                except RunnerError as error:
                    failed = failed or error
        if failed is not None:
            raise failed


class Run:
    """One execution of a recipe over an input, or its dry run when the context has no journal.

    Without an input there is one row: `single`, which in a dry run may stand for all that a search will find.
    """

    def __init__(
        self, context: Context, input_: Input | None, *, single: Row = NO_ROW,
        selection: Selection = EVERY_ROW, workers: int = 1, clock: Callable[[], float] = time.monotonic,
        max_failures: int | None = None, lookups: bool = False, aside: bool = False,
    ) -> None:  # fmt: skip
        self._aside = aside
        self._failures = Failures(max_failures, run=context.run)
        self._input, self._single, self._selection = input_, single, selection
        self._clock, self._totals = clock, Totals()
        self._lock = threading.Lock()
        self._reached = bytearray((input_.row_count if input_ is not None else 1) + 1)
        self._rejected = 0
        self._reaching = True
        self._faulty: set[str] = set()
        self._unknown: set[str] = set()
        self._emit = context.emit
        self._journal = context.journal
        self._recorded: Recorded | None = None
        if context.journal is not None:
            self._recorded = Recorded(context.journal, self._report, run=context.run)
        context = replace(context, emit=self._recorded or self._report)
        self._context = context
        self._sender = Sender(context, context.journal) if context.journal is not None else None
        self._looker = Looker(context) if lookups and context.journal is None else None
        # What is exported keeps its order.
        several = self._sender is not None and not context.recipe.exports
        self._workers = max(1, workers) if several else 1

    def execute(self, started: RunStarted, *, since: float | None = None) -> RunEnded:
        """Take all selected rows through the steps. Raises what is neither a row's nor the run's own end.

        `since` is when the run began, by its clock, where that was before now.
        """
        start = self._clock() if since is None else since
        self._context.emit(started)
        try:
            check_key(self._context.history, self._context.account, self._context.recipe)
            if self._sender is not None:
                self._sender.read_earlier()
            lookups = {
                each.name: read_lookup(self._context, each, self._sender or self._looker)
                for each in self._context.recipe.lookups
            }
            past = past_of(self._context.history, self._context.account, self._context.recipe)
            self._context = replace(
                self._context,
                scope={**self._context.scope, **lookups},
                past=past,
                asked=self._asked(),
            )
            heirs = heirs_of(self._context, self._keyed_rows, self._plan_of)
            self._context = replace(self._context, heirs=heirs)
            if not self._begun:
                check_names(self._context.recipe, self._context.scope)
            self._check_rows()
            if not self._context.stop.requested:
                self._take_rows()
        except RunnerError as error:
            self._stop_for(error)
        self._report_waiting()
        left = self._totals.rows["not started"]
        self._tell_unreached()
        if left and self._sender is not None:  # rows that gave up waiting are no success
            reason, remedy = self._why_left(left, self._sender)
            self._context.stop.ask(reason, exit_code=EXIT_STOPPED, remedy=remedy)
        ended = self._totals.ended(
            started, self._context.stop, seconds=round(self._clock() - start, 3),
            outstanding=self._outstanding(),
        )  # fmt: skip
        try:
            self._context.emit(ended)
        except RunnerError as error:
            if (
                ended.exit_code == EXIT_UNKNOWN or ended.exit_code > 128
            ):  # says more than a file that is missing
                error.exit_code = ended.exit_code
            raise
        return ended

    def _outstanding(self) -> tuple[Outstanding, ...]:
        """What earlier runs have left unknown, and no row of this run shows; a dry run has not looked for it."""
        if self._sender is None:
            return ()
        context = self._context
        found = outstanding(
            context.history, context.account, context.recipe.name, run=context.run, unknown=self._unknown
        )  # fmt: skip
        return tuple(found)

    def _why_left(self, left: int, sender: Sender) -> tuple[str, str]:
        """Why rows did not get to their end in a run that nobody stopped, and what to do."""
        rows, again = f"{left} row{'s' * (left != 1)}", self._context.stop.resume
        if sender.unknown_payment:
            reason = f"{rows} held back: the outcome of the payment of {sender.unknown_payment} is unknown"
            return reason, f"settle it: runner settle {self._context.run}; then: {again}"
        reason = f"{rows} could not go on: the API was not reached, or held them back"
        return reason, f"go on when it answers: {again}"

    def _all_rows(self) -> Iterable[Row]:
        """The rows of the whole input that can be sent, whichever of them this run takes."""
        return self._input.rows() if self._input is not None else (self._single,)

    def _keyed_rows(self) -> Iterator[Row]:
        return self._watched(self._all_rows(), "searched for former keys")

    def _plan_of(self, context: Context, row: Row) -> RowResult:
        return RowRun(replace(context, journal=None, once=OncePer()), row, None).run()

    def _asked(self) -> Asked | None:
        """What this run asks for; None where no other run has sent anything for the recipe."""
        context = self._context
        if not context.history.has_sent(context.account, context.recipe.name, besides=context.run):
            return None
        keys = (
            self._input.keys()
            if self._input is not None
            else [brief(self._single.key), *map(brief, self._single.former)]
        )
        return Asked(context.recipe, keys, self._shared_values())

    def _shared_values(self) -> set[tuple[str, str]] | None:
        """The values of once_per steps that the rows of the whole input have; empty for one that needs an answer.

        None where they need not be known: nothing was done for a value, or it was under this very recipe.
        """
        context = self._context
        steps = {step.id for step in context.recipe.steps if step.once_per is not None}
        if not steps or not context.history.once_steps(context.account, context.recipe.name):
            return None
        if not context.history.has_other_texts(
            context.account, context.recipe.name, recipe_digest=context.recipe.digest
        ):
            return None
        found: set[tuple[str, str]] = set()
        for row in self._watched(self._all_rows(), "searched for shared values"):
            scope = {**context.scope, "row": visible(row, context.recipe, context.catalogue)}
            name_values(scope, context.recipe.let)
            scopes = StepScopes(scope)
            for step in context.recipe.steps:
                seen = scopes.of(step.inside)
                name_values(seen, step.let)
                if step.id not in steps:
                    continue
                try:
                    value = shared_value(step, seen)
                except EvaluationError:
                    value = ""
                for name in step.names:
                    found.add((name, "" if isinstance(value, Unknown) else value))
        return found

    def _left(self, finished: Finished) -> Iterator[Row]:
        """The rows that this run, if it goes on with an earlier part of itself, has not finished yet."""
        looks = self._sender is not None and not self._context.recipe.exports

        def besides(number: int, lines: Sequence[int]) -> bool:
            return looks and not self._context.stop.requested and finished.has(number, lines)

        if self._input is not None:
            rows = self._input.every_row(besides=besides)
        else:
            rows = iter(() if besides(self._single.number, self._single.lines) else (self._single,))
        for row in self._selection.of(rows):
            if self._context.stop.requested:
                return
            yield row

    def _tell(self, finished: Finished) -> bool:
        """Tell of one row that was finished before; whether there was one."""
        result = finished.tell()
        if result is not None:
            self._add(result)
        return result is not None

    def _add(self, result: RowResult) -> int:
        """Report the end of a row; returns how many are rejected by now, whether or not that is reported yet."""
        with self._lock:
            self._rejected += result.bucket == "rejected"
            rejected = self._rejected
        self._context.emit(RowFinished(result))
        return rejected

    def _report(self, event: Event) -> None:
        """Pass an event on to the reporters; a row counts from here on."""
        if not isinstance(event, RowFinished):
            self._emit(event)
            return
        result = event.result
        with self._lock:
            self._totals.add(result, reached=self._reaching)
            if result.bucket == "unknown":
                self._unknown.update((result.key, result.on_record))
            if result.number < len(self._reached):
                self._reached[result.number] = 1
            new = [fault for fault in result.faults if fault.output not in self._faulty]
            self._faulty.update(fault.output for fault in new)
        self._emit(event)
        if result.bucket != "rejected":
            for fault in new:  # the first of each output; the results have the others
                where = f"row {result.key}" if result.key else f"row {result.number}"
                self._emit(Noticed(f"{where}: {fault.text}; its cell is no value"))

    def _report_waiting(self) -> None:
        """Pass on what waited for a commit; what cannot be committed is unknown."""
        if self._recorded is not None:
            try:
                self._recorded.settle()
            except RunnerError as error:
                self._stop_for(error)

    def _watched(self, rows: Iterable[Row], what: str) -> Iterator[Row]:
        """The rows, which are gone through before the first request; how far that is, from a second on."""
        total = len(self._reached) - 1
        due = self._clock() + CHECKED_AFTER if self._sender is not None else math.inf
        for count, row in enumerate(rows):
            if (now := self._clock()) >= due:
                due = now + CHECKED_EVERY
                self._context.emit(Checking(what, count, total))
            yield row

    def _check_rows(self) -> None:
        """Send nothing where a row is sure to fail, as where a cell is wrong; those rows are rejected.

        A run that has sent something goes on: rows of which something was sent are judged one by one.
        """
        context = self._context
        used = [context.catalogue.operation(step.operation) for step in context.recipe.steps]
        writes = any(operation.effect != "read" for operation in used)
        if self._sender is None or self._aside or self._begun or not writes:
            return
        wrong = 0
        for row in self._watched(self._left(self._finished()), "checked"):
            planning = self._planned(row, stop=Stop())
            result = self._refusal(planning)
            sure = (planning.broke_off or planning.unmet) and not planning.begun
            if sure and result is not None and result.bucket == "rejected":
                self._record(result)
                wrong += 1
        if wrong:
            rows = "1 row cannot be sent as it is"
            if wrong > 1:
                rows = f"{wrong:,} rows cannot be sent as they are"
            remedy = (
                "fix them and run it again, or leave them out: --bad-rows aside sends the others"
            )
            context.stop.ask(f"{rows}; nothing was sent", exit_code=EXIT_DATA, remedy=remedy)

    @property
    def _begun(self) -> bool:
        """Whether an earlier part of this run has sent something."""
        return self._journal is not None and self._context.history.has_written(self._context.run)

    def _finished(self) -> Finished:
        """The rows that an earlier part of this run has finished."""
        context = self._context
        return Finished(context.history, context.account, context.recipe.name, context.run)

    def _take_rows(self) -> None:
        finished = self._finished()
        if self._workers == 1:
            for row in self._left(finished):
                self._take(row)
        else:
            self._take_at_once(finished)
        while self._tell(finished):
            pass

    def _take_at_once(self, finished: Finished) -> None:
        """Several rows in flight. While all workers are busy there is time to tell of rows that were done before."""
        from concurrent.futures import (
            ThreadPoolExecutor,
        )  # imported on use: a dry run takes one row at a time

        places = threading.Semaphore(self._workers * 2)
        failures: list[BaseException] = []

        def ended(future: Future[None]) -> None:
            places.release()
            error = future.exception()
            if isinstance(error, RunnerError):
                self._stop_for(error)
            elif error is not None:
                failures.append(error)
                self._context.stop.ask(str(error), exit_code=1)

        with ThreadPoolExecutor(self._workers, thread_name_prefix="row") as pool:
            for row in self._left(finished):
                while not places.acquire(blocking=False):
                    if not self._tell(finished):
                        places.acquire()
                        break
                if self._context.stop.requested:
                    break
                self._announce(row)
                pool.submit(self._take, row).add_done_callback(ended)
        if failures:
            raise failures[0]

    def _announce(self, row: Row) -> None:
        """Say which once_per values a row will need, in the order of the input."""
        if row.wrong:
            return
        context = self._context
        scope = {**context.scope, "row": visible(row, context.recipe, context.catalogue)}
        name_values(scope, self._context.recipe.let)
        scopes = StepScopes(scope)
        for step in self._context.recipe.steps:
            seen = scopes.of(step.inside)
            name_values(seen, step.let)
            if step.once:
                context.once.announce(step.id, A_RUN, row=row.number, key=row.key)
            if step.once_per is None:
                continue
            try:
                value = shared_value(step, seen)
            except EvaluationError:
                continue  # it needs an earlier step: claimed when the row gets there
            if isinstance(value, Unknown):
                continue
            self._context.once.announce(step.id, value, row=row.number, key=row.key)

    def _take(self, row: Row) -> None:
        try:
            if self._context.stop.requested:
                return
            refused = self._wrong(row) if row.wrong else self._refused(row)
            result = refused or self._sent(row)
        except RunnerError as error:
            self._stop_for(error)
            return
        finally:
            self._context.once.release(row.number)
        rejected = self._record(result)
        if self._sender is None:
            return
        halt = self._failures.add(result, rejected=rejected)
        if self._context.strict and refused is None and result.bucket == "rejected":
            halt = halt or self._failures.of_outputs(result)
        if halt is not None:
            self._context.stop.ask(halt.reason, exit_code=EXIT_STOPPED, remedy=halt.remedy)

    def _wrong(self, row: Row) -> RowResult:
        """The end of a row with wrong cells: rejected, or changed where it was done before."""
        context = self._context
        known = OnRecord(
            context.history, context.catalogue, account=context.account, recipe=context.recipe.name,
            heirs=context.heirs,
        ).each([row])  # fmt: skip
        found = next(known, None) if row.key else None
        if found is None:
            return RowResult(row.number, row.key, row.lines, "rejected", row.wrong)
        if found.bucket == "unknown":
            return found._replace(reason=f"{found.reason}; {row.wrong}")
        if found.bucket in ("done", "found", "changed"):
            return found._replace(bucket="changed", reason=row.wrong)
        on_record = "; what was sent for it is on record, and is not sent again" * bool(found.ids)
        return found._replace(bucket="rejected", reason=row.wrong + on_record)

    def _sent(self, row: Row) -> RowResult:
        """Take a row through its steps; what is sent for it is on record with its lines."""
        input_, sender = self._input, self._sender
        if sender is None or input_ is None:
            return self._row_run(row).run()
        with sender.row(row.number, lambda: input_.digests(row)):
            return self._row_run(row).run()

    def _record(self, result: RowResult) -> int:
        """A row as far as it got: in the journal, in the totals, and told. How many are rejected by now.

        No credential that an answer has brought gets into any of these, whatever the recipe makes of it.
        """
        mask = self._context.mask
        faults = tuple(OutputFault(each.output, mask.text(each.reason)) for each in result.faults)
        result = result._replace(
            reason=mask.text(result.reason), outputs=mask.tree(result.outputs), faults=faults,
            ids=mask.text(result.ids), links=mask.text(result.links),
        )  # fmt: skip
        if self._journal is not None:
            self._journal.row(record_of(self._context.run, result))
        return self._add(result)

    def _row_run(self, row: Row) -> RowRun:
        return RowRun(self._context, row, self._sender, looker=self._looker)

    def _tell_unreached(self) -> None:
        """A row that this run did not get to is what the journal knows of it, whatever kept the run from it."""
        context = self._context
        if self._journal is None or sum(self._reached) == len(self._reached) - 1:
            return
        self._reaching = False
        on_record = OnRecord(
            context.history, context.catalogue, account=context.account, recipe=context.recipe.name,
            until=context.run, heirs=context.heirs,
        )  # fmt: skip
        try:
            every = self._input.every_row() if self._input is not None else (self._single,)
            left = (row for row in every if not self._reached[row.number])
            for result in on_record.each(left):
                self._journal.row(record_of(context.run, result, reached=False))
                self._report(RowFinished(result))
        except RunnerError as error:
            self._stop_for(error)
        self._report_waiting()

    def _planned(self, row: Row, *, stop: Stop) -> RowRun:
        """The row's own dry run."""
        planning = replace(self._context, journal=None, once=OncePer(), stop=stop)
        return RowRun(planning, row, None)

    def _refused(self, row: Row) -> RowResult | None:
        """The row as its own dry run refuses it: where a later step cannot be built, no earlier one is sent."""
        if self._sender is None:
            return None
        return self._refusal(self._planned(row, stop=self._context.stop))

    def _refusal(self, planning: RowRun) -> RowResult | None:
        """The end of a row whose dry run does not get through; None where it does."""
        result = planning.run()
        faulty = self._context.strict and result.faults
        ended = planning.broke_off or planning.unmet or faulty
        if result.bucket not in ("changed", "rejected") or not ended:
            return None
        return result._replace(planned=())

    def _stop_for(self, error: RunnerError) -> None:
        self._context.stop.ask(error.message, exit_code=error.exit_code, remedy=error.remedy)


def scope_of(
    recipe: Recipe, *, values: Mapping[str, Any], run: Mapping[str, Any]
) -> dict[str, Any]:
    """What every expression sees besides the row and the steps: `vars` and `run` (`id`, `date`)."""
    return {
        "vars": {**{name: var.default for name, var in recipe.vars.items()}, **values},
        "run": dict(run),
    }
