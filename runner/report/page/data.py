"""Data of the page of a run, from the journal alone: the request, summary, money, times, rows and their calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import chain, islice
from pathlib import PurePath
from typing import Any

from runner.catalogue import Catalogue
from runner.engine.events import BUCKETS
from runner.engine.past.outstanding import outstanding_of
from runner.engine.past.rows import rows_of
from runner.exact import exact_sum
from runner.journal import History, RowRecord, RunRecord, SentCall
from runner.journal.open_runs import still_unknown
from runner.problems import printable
from runner.report.history import id_of, lines_of, object_of, said_state
from runner.report.page.calls import Chunks, call_data, cut, milliseconds, packed
from runner.report.page.times import CLASSES, Times
from runner.report.replay import Recount, decimal, span
from runner.report.text import line_numbers, moment, money, run_size

ROOM = 1_900_000
"""Bytes for rows, requests and answers: with 10,000 rows, the page stays below 2 MB."""

LEAST = 5
"""One n-th of the room is reserved for requests and answers, regardless of the number of rows."""

LONGEST_CELL = 500
"""Characters of a cell of the table."""

_OF_AN_END = ("not started", "lines")
"""Sections of the summary that mean nothing until the run has ended."""

IDS_SHOWN = 12
"""Ids of created objects that a row shows."""

_PAGE = 500
"""Rows per query for earlier calls."""


@dataclass(frozen=True)
class Page:
    """The data of a page. `head` is JSON, with everything but the calls; `chunks` are the packed calls."""

    head: Mapping[str, Any]
    summary: tuple[tuple[str, tuple[str, ...]], ...]
    chunks: tuple[bytes, ...] = ()


@dataclass
class _Row:
    """Totals of the calls of a row. Times are milliseconds since the run began, -1 without a call."""

    calls: int = 0
    start: int = -1
    end: int = -1
    amount: Decimal = Decimal(0)
    ids: list[str] = field(default_factory=list)


class Clock:
    """Conversion of times of the journal to milliseconds since a run began."""

    def __init__(self, run: RunRecord) -> None:
        self._start = run.started_at

    def __call__(self, at: str) -> int:
        return milliseconds(span(self._start, at))


class _Tally:
    """Totals over the calls of a run, for each part of the page."""

    def __init__(self, run: RunRecord, rows: Iterable[RowRecord], *, room: int) -> None:
        self._since = Clock(run)
        self._with_calls = room > 0
        # Row 0 has the calls that belong to no row.
        first = {row.number for row in rows if row.bucket not in ("done", "found")} | {0}
        self.chunks = Chunks(first, room=room)
        self.figures: dict[int, _Row] = defaultdict(_Row)
        self.money = _Money()
        self.times = Times()

    def add(self, number: int, sent: SentCall) -> None:
        """Add a call of the row with this number."""
        self.money.add(sent)
        _add_call(self.figures[number], sent, self._since)
        for each in sent.requests:
            took = milliseconds(each.seconds)
            self.times.add(sent.call.operation, each.state, start=self._since(each.at), took=took)
        if self._with_calls:
            self.chunks.add(number, partial(call_data, sent, self._since))


def collect(
    history: History,
    run: RunRecord,
    catalogue: Catalogue,
    *,
    made_at: str,
    room: int = ROOM,
    live: bool = False,
) -> Page:
    """Return the page of a run.

    `made_at` is its time (ISO). `room` is the bytes for rows and calls, 0 for no calls.
    `live` is for a run that has not ended: rows without an end are under way, and not interrupted.
    """
    rows = [row for row in rows_of(history, catalogue, run) if row.reached or not live]
    numbers = {key: row.number for row in rows for key in (row.key, row.on_record)}
    under_way = history.under_way(run.id) if live else 0
    complete = not any(row.lines == "[]" for row in rows if run.line_count)
    recount = Recount(
        run,
        rows,
        whole=complete,
        under_way=under_way,
        outstanding=outstanding_of(history, run, rows),
    )
    tally = _Tally(run, rows, room=room)
    for sent in chain(history.sent(run.id), _earlier(history, run, rows)):
        recount.add(sent)
        tally.add(place_of(sent, run, numbers), sent)
    columns = _columns(rows, tally.figures, open_rows=_open_rows(history, run, rows))
    chunks, left_out = tally.chunks.close(max(room - len(packed(columns)), room // LEAST))
    summary = _summary(recount, live=live)
    head = {
        **_run_data(run, history, made_at),
        "counts": list(recount.buckets.values()),
        "under_way": under_way,
        "summary": summary,
        "money": tally.money.table(),
        "operations": tally.times.operations(),
        "picture": tally.times.picture(list(_ends(rows, tally.figures))),
        "rows": columns,
        "chunks": [rows_of_chunk for rows_of_chunk, _ in chunks],
        "left_out": left_out if room else 0,
    }
    return Page(head, summary, tuple(content for _, content in chunks))


def _run_data(run: RunRecord, history: History, made_at: str) -> dict[str, Any]:
    """Return the data of the page that does not depend on rows and calls."""
    return {
        "made": made_at,
        "buckets": BUCKETS,
        "classes": CLASSES,
        "run": run.id,
        "state": run.state,
        "code": run.exit_code,
        "name": printable(f"{run.recipe} → {run.target}"),
        "asked": _asked(run, history),
        "started": run.started_at,
        "total": run.row_count,
    }


def _summary(recount: Recount, *, live: bool) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (label, tuple(map(cut, lines)))
        for label, lines in recount.summary()
        if not (live and label in _OF_AN_END)
    )


def _open_rows(history: History, run: RunRecord, rows: Sequence[RowRecord]) -> set[int]:
    """Return the numbers of the rows that are unknown and have not been settled since."""
    unknown = [row for row in rows if row.bucket == "unknown"]
    open_calls = history.open_calls(run.account, run.recipe)
    return {row.number for row in still_unknown(unknown, open_calls)}


def _ends(rows: Iterable[RowRecord], figures: Mapping[int, _Row]) -> Iterator[tuple[int, int]]:
    """Yield the end of each finished row (milliseconds) with the index of its bucket.

    A row without calls of its own, such as one done by an earlier run, ends with the rows before it: rows are
    processed in order. A row that was not started has no end.
    """
    latest = 0
    for row in rows:
        figure = figures.get(row.number)
        own = figure.end if figure is not None else -1
        if row.bucket not in BUCKETS or (own < 0 and row.bucket == "not started"):
            continue
        latest = max(latest, own)
        yield own if own >= 0 else latest, BUCKETS.index(row.bucket)


def _earlier(history: History, run: RunRecord, rows: Sequence[RowRecord]) -> Iterator[SentCall]:
    """Yield the writes of earlier runs on record for rows that a person may have to review."""
    needy = (row for row in rows if row.bucket not in ("done", "found"))
    keys = (key for row in needy for key in (row.key, row.on_record) if key)
    while page := list(islice(keys, _PAGE)):
        for calls in history.writes_of(run.account, run.recipe, page).values():
            yield from (SentCall(call) for call in calls if call.run < run.id != call.concluded)


def calls_of_row(history: History, run: RunRecord, number: int) -> list[dict[str, Any]]:
    """Return the calls of one row, for the page of a run that has not ended."""
    since = Clock(run)
    calls = history.sent(run.id, number)
    return [call_data(sent, since) for sent in calls if sent.call.run == run.id]


def place_of(sent: SentCall, run: RunRecord, numbers: Mapping[str, int]) -> int:
    """Return the number of the row of this run that a call belongs to; 0 if there is none.

    `numbers` maps the keys of rows to their numbers.
    """
    call = sent.call
    if call.run == run.id:
        return call.row
    return numbers.get(call.identity.key, 0) if call.identity.per == "row" else 0


def _add_call(row: _Row, sent: SentCall, since: Clock) -> None:
    """Add a call to the totals of its row."""
    call = sent.call
    row.calls += len(sent.requests)
    for each in sent.requests:
        start = since(each.at)
        row.start = start if row.start < 0 else min(row.start, start)
        row.end = max(row.end, start + milliseconds(each.seconds))
    if call.effect == "read":
        return
    if call.state in ("done", "found") or call.is_open:
        row.amount = exact_sum((row.amount, decimal(call.amount) or 0))
    created = id_of(call.answer)
    if created and len(row.ids) < IDS_SHOWN:
        row.ids.append(f"{call.identity.step} {created}")


class _Money:
    """Amounts of the calls that the run has reached, by operation and outcome."""

    def __init__(self) -> None:
        self._sums: dict[str, list[Decimal]] = {}

    def add(self, sent: SentCall) -> None:
        call, amount = sent.call, decimal(sent.call.amount)
        if amount is None or call.effect == "read":
            return
        # The columns of the table: reached, posted, there already, unknown, not posted.
        if call.is_open:
            column = 3
        elif any(each.state == "done" for each in sent.attempts):
            column = 1
        else:
            column = 2 if call.state in ("done", "found") else 4
        sums = self._sums.setdefault(call.operation, [Decimal(0)] * 5)
        for at in (0, column):
            sums[at] = exact_sum((sums[at], amount))

    def table(self) -> list[list[str]]:
        """Return for each operation: reached, posted, there already, unknown, not posted."""
        return [[printable(name), *map(money, sums)] for name, sums in sorted(self._sums.items())]


def _asked(run: RunRecord, history: History) -> list[tuple[str, str]]:
    """Return labels and values of the request for the run.

    Files are without their folders: the page is for people on other machines.
    """
    facts = [
        ("recipe", f"{PurePath(run.recipe_file).name}  sha256 {run.recipe_digest[:12]}"),
        ("input", f"{_names(run)}  sha256 {run.input_digest[:12]}" if run.input_file else ""),
        ("size", run_size(run)),
        ("target", run.target),
        ("account", run.account),
        ("vars", run.vars if run.vars != "{}" else ""),
        ("only", run.only if run.only != "[]" else ""),
        ("started", moment(run.started_at)),
        ("started by", run.who),
        ("finished", moment(run.finished_at)),
        ("state", said_state(run)),
    ]
    facts += [
        ("sent again", f"{each.key}: {each.why} ({each.who}, {moment(each.at)})")
        for each in history.again(run.id)
    ]
    return [(name, cut(text, LONGEST_CELL)) for name, text in facts if text]


def _columns(
    rows: Iterable[RowRecord], figures: Mapping[int, _Row], *, open_rows: Collection[int]
) -> dict[str, list[Any]]:
    """Return the table by columns; `open_rows` are the unknown rows that have not been settled."""
    columns: dict[str, list[Any]] = defaultdict(list)
    nothing = _Row()
    for row in rows:
        figure = figures.get(row.number, nothing)
        outputs = [
            f"{name} {value}" for name, value in object_of(row.outputs).items() if value is not None
        ]
        on_record = exact_sum((decimal(row.money) or 0, decimal(row.unsettled) or 0))
        amount = max(figure.amount, on_record)
        for name, value in {
            "n": row.number,
            "key": cut(row.key, LONGEST_CELL),
            "lines": line_numbers(lines_of(row.lines)),
            "bucket": _bucket_index(row.bucket),
            "why": cut(row.reason, LONGEST_CELL),
            "out": cut(", ".join(outputs), LONGEST_CELL),
            "ids": cut(row.ids or "; ".join(figure.ids), LONGEST_CELL),
            "money": money(amount) if amount else "",
            "calls": figure.calls,
            "at": figure.start,
            "ms": figure.end - figure.start,
            "settled": int(row.bucket == "unknown" and row.number not in open_rows),
        }.items():
            columns[name].append(value)
    return columns


def _bucket_index(bucket: str) -> int:
    """Return the index of a bucket; that of the last one, "not started", for a row without an end."""
    return BUCKETS.index(bucket) if bucket in BUCKETS else len(BUCKETS) - 1


def _names(run: RunRecord) -> str:
    """Return the files of the input without their folders."""
    return ", ".join(PurePath(name).name for name in run.input_files)
