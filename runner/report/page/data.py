"""A run as the page has it, from the journal alone: what was asked, the summary, money, times, rows and their calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice
from pathlib import PurePath
from typing import Any

from runner.catalogue import Catalogue
from runner.engine.events import BUCKETS
from runner.engine.past.rows import rows_of
from runner.exact import exact_sum
from runner.journal import History, RowRecord, RunRecord, SentCall
from runner.journal.open_runs import still_unknown
from runner.problems import printable
from runner.report.history import id_of, lines_of, object_of, said_state
from runner.report.page.calls import Chunks, cut, drawn, milliseconds, packed
from runner.report.page.times import CLASSES, Times
from runner.report.replay import Recount, decimal, span
from runner.report.text import line_numbers, moment, money, run_size

ROOM = 1_900_000
"""Bytes for rows, requests and answers: with 10,000 rows the page stays below 2 MB."""

LEAST = 5
"""The part of them that is for requests and answers, however many rows there are."""

LONGEST_CELL = 500

_OF_AN_END = ("not started", "lines")
"""Sections of the summary that say nothing while a run goes on."""

IDS_SHOWN = 12

_PAGE = 500
"""Rows whose earlier calls are looked up at a time."""


@dataclass(frozen=True)
class Page:
    """What the page is made from. `head` is all but the calls, and JSON; `chunks` are those, packed."""

    head: Mapping[str, Any]
    summary: tuple[tuple[str, tuple[str, ...]], ...]
    chunks: tuple[bytes, ...] = ()


@dataclass
class _Row:
    """What the calls of a row come to."""

    calls: int = 0
    start: int = -1
    end: int = -1
    amount: Decimal = Decimal(0)
    made: list[str] = field(default_factory=list)


class Clock:
    """Times of the journal as milliseconds since a run began."""

    def __init__(self, run: RunRecord) -> None:
        self._start = run.started_at

    def __call__(self, at: str) -> int:
        return milliseconds(span(self._start, at))


def collect(
    history: History, run: RunRecord, catalogue: Catalogue, *, made_at: str, room: int = ROOM, live: bool = False
) -> Page:  # fmt: skip
    """The page of a run. `made_at` is when (ISO); `room` the bytes for rows and calls, 0 for no calls.

    `live` is for a run that is known to go on: rows without an end are under way, and not cut short.
    """
    rows = [row for row in rows_of(history, catalogue, run) if row.reached or not live]
    places = {key: row.number for row in rows for key in (row.key, row.on_record)}
    under_way = history.under_way(run.id) if live else 0
    whole = not any(row.lines == "[]" for row in rows if run.line_count)
    recount = Recount(run, rows, whole=whole, under_way=under_way)
    first = {row.number for row in rows if row.bucket not in ("done", "found")} | {0}
    chunks, times, since = Chunks(first, room=room), Times(), Clock(run)
    figures: dict[int, _Row] = defaultdict(_Row)
    sums = _Money()
    for sent in chain(history.sent(run.id), _earlier(history, run, rows)):
        number = place_of(sent, run, places)
        recount.add(sent)
        sums.add(sent)
        _note(figures[number], sent, since)
        for each in sent.requests:
            took = milliseconds(each.seconds)
            times.add(sent.call.operation, each.state, start=since(each.at), took=took)
        if room:
            chunks.add(number, _drawing(sent, since))
    unknown = still_unknown(
        [row for row in rows if row.bucket == "unknown"],
        history.open_calls(run.account, run.recipe),
    )
    columns = _columns(rows, figures, open_rows={row.number for row in unknown})
    kept, left_out = chunks.close(max(room - len(packed(columns)), room // LEAST))
    summary = tuple(
        (label, tuple(map(cut, lines)))
        for label, lines in recount.summary()
        if not (live and label in _OF_AN_END)
    )
    ends = list(_ends(rows, figures))
    head = {
        "run": run.id, "state": run.state, "code": run.exit_code, "name": printable(f"{run.recipe} → {run.target}"),
        "asked": _asked(run, history), "made": made_at, "started": run.started_at, "buckets": BUCKETS,
        "counts": list(recount.buckets.values()), "total": run.row_count, "under_way": under_way,
        "summary": summary, "classes": CLASSES, "money": sums.table(), "operations": times.operations(),
        "picture": times.picture(ends), "rows": columns,
        "chunks": [numbers for numbers, _ in kept], "left_out": left_out if room else 0,
    }  # fmt: skip
    return Page(head, summary, tuple(content for _, content in kept))


def _ends(rows: Iterable[RowRecord], figures: Mapping[int, _Row]) -> Iterator[tuple[int, int]]:
    """The end of each finished row with the place of its bucket.

    A row without calls of its own, as one that was done before, ends with the rows in front of it: rows are taken in
    their order. One that was not started has no end.
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
    """The writes of earlier runs on record for rows that a person may have to look at."""
    needy = (row for row in rows if row.bucket not in ("done", "found"))
    keys = (key for row in needy for key in (row.key, row.on_record) if key)
    while page := list(islice(keys, _PAGE)):
        for calls in history.writes_of(run.account, run.recipe, page).values():
            yield from (SentCall(call) for call in calls if call.run < run.id != call.concluded)


def calls_of_row(history: History, run: RunRecord, number: int) -> list[dict[str, Any]]:
    """The calls of one row, for a page that is looked at while the run goes on."""
    since = Clock(run)
    found = history.sent(run.id, number)
    return [drawn(sent, since) for sent in found if sent.call.run == run.id]


def place_of(sent: SentCall, run: RunRecord, places: Mapping[str, int]) -> int:
    """The row of this run that a call belongs to; 0 for what belongs to none."""
    call = sent.call
    return (
        call.row
        if call.run == run.id
        else places.get(call.identity.key, 0)
        if call.identity.per == "row"
        else 0
    )


def _drawing(sent: SentCall, since: Clock) -> Callable[[], dict[str, Any]]:
    return lambda: drawn(sent, since)


def _note(row: _Row, sent: SentCall, since: Clock) -> None:
    """Add a call to its row."""
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
    made = id_of(call.answer)
    if made and len(row.made) < IDS_SHOWN:
        row.made.append(f"{call.identity.step} {made}")


class _Money:
    """What the calls of each operation come to that the run has got to, and what became of it."""

    def __init__(self) -> None:
        self._sums: dict[str, list[Decimal]] = {}

    def add(self, sent: SentCall) -> None:
        call, amount = sent.call, decimal(sent.call.amount)
        if amount is None or call.effect == "read":
            return
        if call.is_open:
            place = 3
        elif any(each.state == "done" for each in sent.attempts):
            place = 1
        else:
            place = 2 if call.state in ("done", "found") else 4
        sums = self._sums.setdefault(call.operation, [Decimal(0)] * 5)
        for at in (0, place):
            sums[at] = exact_sum((sums[at], amount))

    def table(self) -> list[list[str]]:
        """For each operation: reached, posted, there already, unknown, not posted."""
        return [[printable(name), *map(money, sums)] for name, sums in sorted(self._sums.items())]


def _asked(run: RunRecord, history: History) -> list[tuple[str, str]]:
    """What was asked for, and when; files by their names, as the page is for people elsewhere."""
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
    again = (
        f"{each.key}: {each.why} ({each.who}, {moment(each.at)})" for each in history.again(run.id)
    )
    facts += [("sent again", text) for text in again]
    return [(name, cut(text, LONGEST_CELL)) for name, text in facts if text]


def _columns(
    rows: Iterable[RowRecord], figures: Mapping[int, _Row], *, open_rows: Collection[int]
) -> dict[str, list[Any]]:
    """The table, column by column; `open_rows` are those of the unknown ones that are unknown by now."""
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
            "bucket": next(
                (place for place, bucket in enumerate(BUCKETS) if bucket == row.bucket),
                len(BUCKETS) - 1,
            ),
            "why": cut(row.reason, LONGEST_CELL),
            "out": cut(", ".join(outputs), LONGEST_CELL),
            "ids": cut(row.ids or "; ".join(figure.made), LONGEST_CELL),
            "money": money(amount) if amount else "",
            "calls": figure.calls,
            "at": figure.start,
            "ms": figure.end - figure.start,
            "settled": int(row.bucket == "unknown" and row.number not in open_rows),
        }.items():
            columns[name].append(value)
    return columns


def _names(run: RunRecord) -> str:
    """The files of the input without their folders."""
    return ", ".join(PurePath(name).name for name in run.input_files)
