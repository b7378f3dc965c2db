"""A run built by hand, as the command builds it: a recipe text, a sheet, a journal in a folder, a scripted server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.catalogue import Catalogue
from runner.config import Secret
from runner.config.masking import Mask
from runner.engine.context import Connection, Context
from runner.engine.events import (
    CallFinished,
    Event,
    Reporter,
    RowFinished,
    RowResult,
    RunEnded,
    RunStarted,
    Waiting,
)
from runner.engine.limits import Pace
from runner.engine.once_per import OncePer
from runner.engine.past.names import KnownNames
from runner.engine.past.other_names import OtherNames
from runner.engine.past.other_uses import Others, others_of
from runner.engine.run import Run, Selection, scope_of
from runner.engine.sending.retry import Budget
from runner.engine.stop import Stop
from runner.journal import AgainRecord, CallRecord, History, Journal, RunRecord
from runner.project.task import asked_again, by_key
from runner.recipe.load import load_text
from runner.recipe.model import Recipe, key_text
from runner.rows import Input, Row, open_input
from runner.template import Unknown
from runner.transport.client import Transport

SHOP = Path(__file__).with_name("shop.openapi.yaml")
CANARY = 'p@ss w/o"rd&1'
SECRETS = {"api_key": Secret(CANARY), "token": Secret(CANARY + "?")}
DATE = dt.date(2026, 3, 2)
HEAD = """\
recipe: 1
name: shop-import
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns:
    ref: {required: true}
"""
CATALOGUE = Catalogue({"shop": SHOP})
EVERY_ROW = Selection()
Parts = tuple[Connection, History, Journal | None, Others]


class QuickStop(Stop):
    """Waits take no time; what was waited for is kept, and a clock that runs by it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.now = 0.0

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@dataclass
class Ran:
    """What a run said: its end, its rows by key, its requests."""

    number: int
    ended: RunEnded
    events: list[Event]
    stop: QuickStop

    @property
    def rows(self) -> dict[str, RowResult]:
        return {
            event.result.key: event.result
            for event in self.events
            if isinstance(event, RowFinished)
        }

    @property
    def row(self) -> RowResult:
        (row,) = self.rows.values()
        return row

    @property
    def calls(self) -> list[CallFinished]:
        return [event for event in self.events if isinstance(event, CallFinished)]

    @property
    def waits(self) -> list[Waiting]:
        return [event for event in self.events if isinstance(event, Waiting)]

    @property
    def buckets(self) -> dict[str, int]:
        return {bucket: count for bucket, count in self.ended.buckets.items() if count}


@dataclass
class Bench:
    """A project in a folder. `runs` of the same bench share its journal."""

    folder: Path
    base_url: str
    deadline: float = 30.0
    account: str = "acme"
    fresh: bool = False
    strict: bool = False
    key_texts: bool = False
    """Whether runs are recorded with the text of their key, as they are since there is one."""
    journal_class: type[Journal] = Journal
    transports: list[Transport] = field(default_factory=list)

    def sheet(self, text: str) -> Path:
        path = self.folder / "rows.csv"
        path.write_text(text, encoding="utf-8")
        return path

    def recipe(self, steps: str, *, head: str = HEAD) -> Recipe:
        return load_text(head + steps, file="recipe.yaml", catalogue=CATALOGUE).recipe

    def run(
        self, steps: str, sheet: str | None = "ref\nA\n", *, head: str = HEAD, workers: int = 1,
        selection: Selection = EVERY_ROW, resume: int = 0, stop: QuickStop | None = None, pace: Pace | None = None,
        more: Reporter = lambda _: None, again: Sequence[str] = (), hits_per_day: int | None = None,
        max_failures: int | None = None, aside: bool = False, new_identity: bool = False,
        check_names: bool = True,
    ) -> Ran:  # fmt: skip
        """One run; `resume` goes on with the run of that number. `again` are keys of rows to send once more."""
        recipe, stop = self.recipe(steps, head=head), stop or QuickStop()
        input_ = self.open_input(recipe, sheet)
        with self.journal_class(self.folder) as journal:
            with self._history() as history:
                others = self._others(history, recipe, new_identity=new_identity)
                asked = self._asked(history, again, input_)
                if check_names:
                    self._check_names(history, recipe, input_, others, asked)
                record = _record(recipe, self.account, input_, new_identity=new_identity)
                if self.key_texts:
                    record = record._replace(key_text=key_text(recipe))
                number = resume or journal.begin(record, again=asked)
                stop.run = number
                connection = Connection(self.base_url, self.transport(), pace, hits_per_day)
                parts = (connection, history, journal, others)
                rows = history.again(number)
                ran = self._execute(
                    recipe, input_, selection, parts, number, workers, stop, more, rows, max_failures,
                    aside=aside,
                )  # fmt: skip
            journal.end(number, state="finished", exit_code=ran.ended.exit_code, finished_at="")
        return ran

    def _asked(
        self, history: History, again: Sequence[str], input_: Input | None
    ) -> list[AgainRecord]:
        former = {row.key: row.former for row in input_ or ()}
        keys = {key: former.get(key, ()) for key in again}
        return asked_again(
            history, self.account, "shop-import", keys, why="it is gone", who="me", at="now"
        )

    def plan(
        self,
        steps: str,
        sheet: str | None = "ref\nA\n",
        *,
        head: str = HEAD,
        again: Sequence[str] = (),
    ) -> Ran:
        """The dry run."""
        with self._history() as history:
            recipe = self.recipe(steps, head=head)
            others = self._others(history, recipe)
            parts = (Connection("http://127.0.0.1:1"), history, None, others)
            input_ = self.open_input(recipe, sheet)
            asked = self._asked(history, again, input_)
            return self._execute(
                recipe, input_, EVERY_ROW, parts, 0, 1, QuickStop(), lambda _: None, asked
            )

    def transport(self, *, base_url: str = "", max_answer: int | None = None) -> Transport:
        """A transport as the command makes it, closed with the bench."""
        more: dict[str, Any] = {} if max_answer is None else {"max_answer": max_answer}
        transport = Transport(
            base_url=base_url or self.base_url, auth=CATALOGUE["shop"].auth, secrets=SECRETS, user_agent="bench/1",
            deadline=self.deadline, **more,
        )  # fmt: skip
        self.transports.append(transport)
        return transport

    def close(self) -> None:
        for transport in self.transports:
            transport.close()

    def calls(self) -> dict[tuple[str, str, str], CallRecord]:
        """Every call in the journal by (key, step, item)."""
        with self._history() as history:
            found = [call for run in history.runs() for call in history.calls_of_run(run.id)]
        return {(c.identity.key, c.identity.step, c.identity.item): c for c in found}

    def settle(self, key: str, step: str, **changes: Any) -> None:
        """What a person decides about a call."""
        call = self.calls()[key, step, ""]
        with Journal(self.folder) as journal:
            journal.note(call._replace(**changes))

    @contextmanager
    def _history(self) -> Iterator[History]:
        history = History(self.folder)
        try:
            yield history
        finally:
            history.close()

    def open_input(self, recipe: Recipe, sheet: str | None) -> Input | None:
        """The sheet, checked."""
        if sheet is None or recipe.rows is None:
            return None
        return open_input(self.sheet(sheet), recipe.rows, scope=_scope(recipe, 0))

    def _others(self, history: History, recipe: Recipe, *, new_identity: bool = False) -> Others:
        if new_identity:
            return Others()
        accounts = {self.account}
        return others_of(history, recipe, CATALOGUE, account=self.account, accounts=accounts)

    def _check_names(
        self, history: History, recipe: Recipe, input_: Input | None, others: Others,
        again: Sequence[AgainRecord],
    ) -> None:  # fmt: skip
        parts = (Connection(self.base_url), history, None, others)
        context = self._context(recipe, parts, 0, QuickStop(), lambda _: None, again)
        if input_ is not None:
            OtherNames(context).check(input_, digest=input_.digest)

    def _execute(
        self, recipe: Recipe, input_: Input | None, selection: Selection,
        parts: Parts, number: int, workers: int, stop: QuickStop, more: Reporter,
        again: Sequence[AgainRecord], max_failures: int | None = None, *, aside: bool = False,
    ) -> Ran:  # fmt: skip
        events: list[Event] = []

        def note(event: Event) -> None:
            events.append(event)
            more(event)

        context = self._context(recipe, parts, number, stop, note, again)
        if input_ is not None:
            input_.check_known(KnownNames(context.history, self.account, recipe))
        single = Row(1, "once", {}, ())
        run = Run(
            context, input_, single=single, selection=selection, workers=workers, max_failures=max_failures,
            aside=aside,
        )  # fmt: skip
        ended = run.execute(_started(recipe, number, input_))
        return Ran(number, ended, events, stop)

    def _context(
        self, recipe: Recipe, parts: Parts, number: int, stop: QuickStop, note: Reporter,
        again: Sequence[AgainRecord] = (),
    ) -> Context:  # fmt: skip
        connection, history, journal, others = parts
        scope, connections = _scope(recipe, number), {"shop": connection}
        return Context(
            recipe, CATALOGUE, self.account, number, scope, connections, history, journal, note,
            OncePer(), stop, Budget(), by_key(again), fresh=self.fresh,
            twins=history.twins(self.account, recipe.name), others=others, strict=self.strict,
            mask=Mask(each.reveal() for each in SECRETS.values()),
        )  # fmt: skip


def grouped(name: str, columns: Mapping[str, str]) -> str:
    """The head of a recipe whose rows are groups of lines that share the column `name`."""
    types = "".join(f"    {column}: {{type: {kind}}}\n" for column, kind in columns.items())
    return HEAD.replace("  key:", f"  group_by: {name}\n  key:") + types


def columns(**kinds: str) -> str:
    """The head of a recipe with more columns than `ref`."""
    return HEAD + "".join(f"    {name}: {{type: {kind}}}\n" for name, kind in kinds.items())


def table(header: str, *rows: Any) -> str:
    """A sheet; each row a tuple of cells, or one cell."""
    lines = [",".join(map(str, row)) if isinstance(row, tuple) else str(row) for row in rows]
    return "\n".join([header, *lines, ""])


def journal_bytes(folder: Path) -> bytes:
    """Everything the journal holds, with what has not been moved into it yet."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("journal.sqlite*")))


def _scope(recipe: Recipe, number: int) -> dict[str, Any]:
    return scope_of(recipe, values={}, run={"id": number or Unknown("run.id"), "date": DATE})


def _record(recipe: Recipe, account: str, input_: Input | None, *, new_identity: bool) -> RunRecord:
    return RunRecord(
        recipe.name,
        "test",
        account,
        "recipe.yaml",
        recipe.digest,
        "",
        input_.digest if input_ is not None else "",
        "{}",
        DATE.isoformat(),
        "",
        new_identity=int(new_identity),
    )


def _started(recipe: Recipe, number: int, input_: Input | None) -> RunStarted:
    rows, lines = (input_.row_count, input_.line_count) if input_ is not None else (1, 0)
    return RunStarted(number, recipe.name, "test", rows, lines, dry_run=not number)
