"""Dry run as text: the calls that would be sent, row by row, and the totals.

    DRY RUN  import-orders -> sandbox   nothing is sent
             40 rows from 112 lines

    PO-1042  lines 2-4
      job      create_job                    POST http://127.0.0.1:8765/v2/orders/jobs
          client.id    (known after run: contact.id)   inferred field
          description  "Spring jerseys [PO-1042]"
          only if GET /v2/orders/jobs?date_from=2024-05-01 finds none
      lines    create_sales_order_line_item  POST http://127.0.0.1:8765/...  x 3
      deposit  create_sales_order_payment    POST http://127.0.0.1:8765/...  250.00
    PO-1080  line 70  not sent: job: quantity is required

    like PO-1042: 35 more rows of this shape (--all shows each)
    like PO-1077: PO-1081, PO-1090 (--all shows each)
    1 row done before (run 3)

    Plan: 40 rows: 38 to send, 1 done before, 1 with problems; 304 calls (38 create_job, ...)
    Reads: 38 at least (38 search_contacts); a list of several pages takes more
    Money: 31 payments, 18,442.50
    DRY RUN  nothing was sent

Rows are of one shape if they have the same steps in the same states with the same fields. The first call of each
operation shows its complete URL, the others leave out the host. Text is quoted as in JSON; a value in parentheses
without quotes is not known yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TextIO

from runner.engine.events import Event, PlannedCall, RowFinished, RowResult, RunEnded, RunStarted
from runner.exact import exact_sum
from runner.problems import printable
from runner.report.plan.calls import draw_row, literal, shape
from runner.report.text import (
    LIKE_SHOWN,
    exceptions,
    input_size,
    like_it,
    line_numbers,
    money,
    plural,
)
from runner.template import Unknown

Kind = Literal[
    "to send",
    "to export",
    "only read",
    "with nothing to do",
    "done before",
    "unknown",
    "changed",
    "with problems",
]

HEADINGS: Mapping[Kind, str] = {
    "with problems": "not sent",
    "changed": "set aside",
    "unknown": "not sent, unknown",
}
"""Headings of the rows that need a person."""

OTHERS: tuple[Kind, ...] = (
    "to export",
    "only read",
    "with nothing to do",
    "done before",
    "unknown",
    "changed",
    "with problems",
)


@dataclass
class _Money:
    """Number and sum of payments. `open` is the number of those whose amount is not known yet."""

    count: int = 0
    total: Decimal = Decimal(0)
    open: int = 0

    def add(self, amount: Decimal | Unknown) -> None:
        if isinstance(amount, Unknown):
            self.open += 1
        else:
            self.count += 1
            self.total = exact_sum((self.total, amount))


@dataclass
class Totals:
    """Totals of a dry run. `writes` and `reads` count calls by the full name of their operation."""

    rows: Counter[Kind] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    searches: int = 0
    undecided: int = 0
    money: _Money = field(default_factory=_Money)
    money_undecided: _Money = field(default_factory=_Money)

    def begin(self, event: RunStarted) -> None:
        """Count the reads before the first row."""
        self.reads.update(event.lookups)

    def add(self, kind: Kind, planned: Sequence[PlannedCall]) -> None:
        """Count a row, and its calls if it is sent: a row that is set aside sends none."""
        self.rows[kind] += 1
        if kind not in ("to send", "only read"):
            return
        for _, operation, state, request, _, _, unless_found, _, read_back in planned:
            if state == "to read":
                self.reads[operation.full_name] += 1
            if state not in ("to send", "undecided"):
                continue
            self.writes[operation.full_name] += 1
            if unless_found is not None:
                self.searches += 1
            if read_back is not None and operation.read_back is not None:
                self.reads[f"{operation.api}.{operation.read_back.operation}"] += 1
            if state == "undecided":
                self.undecided += 1
            if request is not None and request.amount is not None:
                self.money.add(request.amount)
                if state == "undecided":
                    self.money_undecided.add(request.amount)


class PlanText:
    """Writer of a dry run to `out`, row by row. `show_all` shows every row instead of one of each shape."""

    def __init__(self, out: TextIO, *, show_all: bool = False) -> None:
        self._out = out
        self._show_all = show_all
        self._likes: dict[Hashable, list[str]] = {}
        self._more: Counter[Hashable] = Counter()
        self._done_before: Counter[int] = Counter()
        self._seen: set[str] = set()
        self._rows, self._each = 0, False
        self._after_block = True
        self.totals = Totals()

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, RowFinished):
            self._row(event.result)
        elif isinstance(event, RunEnded):
            self._end(event)

    def _write(self, *lines: str) -> None:
        self._out.writelines(f"{line}\n" for line in lines)

    def _begin(self, event: RunStarted) -> None:
        self._rows, self._each = event.rows, event.reads is not None
        self.totals.begin(event)
        head = f"DRY RUN  {printable(event.recipe)} -> {printable(event.target)}"
        self._write(f"{head}   nothing is sent")
        if event.reads is not None:
            search, url = printable(event.search), printable(event.reads.url)
            self._write(f"         rows: {search}   GET {url}")
            self._write("         they are read when it runs; one row stands here for each of them")
        elif event.lines:
            self._write(f"         {input_size(event)}")
        if event.previous:
            self._write(f"         run.previous: {event.previous}")
        if event.writes_before:
            finished = f"earlier runs finished {plural(event.writes_before, 'call')}"
            again = printable(exceptions(event.again))
            self._write(f"         {finished}; none is sent again{again}")

    def _row(self, result: RowResult) -> None:
        kind = kind_of(result)
        self.totals.add(kind, result.planned)
        if kind in HEADINGS:
            self._line(result, f"{HEADINGS[kind]}: {printable(reason_of(result))}")
        elif kind == "done before":
            run = result.earlier_run or max(call.run for call in result.planned)
            self._done_before[run] += 1
            if self._show_all:
                self._line(result, f"done in run {run}" + _outputs(result.outputs))
        elif self._show_all:
            self._block(result)
        else:
            # Calls of one shape count once: rows may differ in the number of their items.
            like = tuple(dict.fromkeys(map(shape, result.planned)))
            if like not in self._likes:
                self._likes[like] = [_name(result)]
                self._block(result)
            else:
                self._more[like] += 1
                if len(self._likes[like]) <= LIKE_SHOWN:
                    self._likes[like].append(_name(result))

    def _line(self, result: RowResult, text: str) -> None:
        if self._after_block:
            self._write("")
        self._after_block = False
        self._write("  ".join(filter(None, (_name(result), line_numbers(result.lines), text))))

    def _block(self, result: RowResult) -> None:
        self._write("", "  ".join(filter(None, (_name(result), line_numbers(result.lines)))))
        self._write(*draw_row(result, self._seen))
        self._after_block = True

    def _end(self, event: RunEnded) -> None:
        more = [
            f"like {names[0]}: {like_it(names[1:], self._more[like])} (--all shows each)"
            for like, names in self._likes.items()
            if self._more[like]
        ]
        before = [
            f"{plural(count, 'row')} done before (run {run})"
            for run, count in sorted(self._done_before.items())
        ]
        if more or before:
            self._write("", *more, *before)
        self._write("", *summary(self.totals, rows=self._rows, each=self._each))
        if event.stopped:
            self._write(f"Stopped: {printable(event.stopped)}")
        if event.stopped and event.remedy:
            self._write(f"         {printable(event.remedy)}")
        self._write("DRY RUN  nothing was sent")


def summary(totals: Totals, *, rows: int, each: bool = False) -> list[str]:
    """Return the last lines of a plan. `rows` is the number of rows of the input, which may not all be planned.

    `each`: the one planned row represents all rows that a search will find.
    """
    planned = totals.rows.total()
    of = f" of {rows:,}" if rows > planned else ""
    kinds = [f"{totals.rows['to send']:,} to send"]
    kinds += [f"{totals.rows[kind]:,} {kind}" for kind in OTHERS if totals.rows[kind]]
    noun = "row" if max(rows, planned) == 1 else "rows"
    lines = [f"Plan: {planned:,}{of} {noun}: {', '.join(kinds)}; {_counted(totals.writes, 'call')}"]
    if each:
        lines = [f"Plan: for each row found: {_counted(totals.writes, 'call')}"]
    if totals.undecided:
        lines.append(
            f"      {totals.undecided:,} of the calls only if the run finds that their condition holds"
        )
    reads = totals.reads.total() + totals.searches
    if reads:
        names = [_names(totals.reads)] if totals.reads else []
        if totals.searches:
            names.append(plural(totals.searches, "search before a call", "searches before a call"))
        lines.append(
            f"Reads: {reads:,} at least ({', '.join(names)}); a list of several pages takes more"
        )
    return [*lines, money_line(totals)]


def money_line(totals: Totals) -> str:
    """Return the totals of the payments, in one line."""
    parts = []
    if totals.money.count:
        parts.append(f"{plural(totals.money.count, 'payment')}, {money(totals.money.total)}")
    if totals.money_undecided.count:
        conditional = totals.money_undecided
        parts.append(
            f"{conditional.count:,} of them ({money(conditional.total)}) only if their condition holds"
        )
    if totals.money.open:
        payments = plural(totals.money.open, "payment")
        parts.append(f"{payments} whose amount is only known after the run")
    return f"Money: {'; '.join(parts) or 'none'}"


def _counted(calls: Counter[str], noun: str) -> str:
    return plural(calls.total(), noun) + (f" ({_names(calls)})" if calls else "")


def _names(calls: Counter[str]) -> str:
    """Return counts by operation in the order of the steps, with short names if these are unique."""
    short = {name: name.rpartition(".")[2] for name in calls}
    unique = len(set(short.values())) == len(short)
    return ", ".join(
        f"{count:,} {short[name] if unique else name}" for name, count in calls.items()
    )


def kind_of(result: RowResult) -> Kind:
    """Return the kind of a row in a dry run; that which needs a person takes precedence."""
    states = {call.state for call in result.planned}
    if result.bucket == "changed" or "changed" in states:
        return "changed"
    if result.bucket == "unknown" or "unknown" in states:
        return "unknown"
    if result.bucket == "rejected" or "invalid" in states:
        return "with problems"
    if states & {"to send", "undecided"}:
        return "to send"
    if states & {"done", "found"} or result.earlier_run:
        return "done before"
    if not result.planned:
        return "to export"
    return "only read" if states & {"to read", "read"} else "with nothing to do"


def _name(result: RowResult) -> str:
    return printable(result.key) or f"row {result.number}"


def reason_of(result: RowResult) -> str:
    """Return the reason why a row is not sent; empty if there is none."""
    return result.reason or next(
        (f"{call.step}: {call.reason}" for call in result.planned if call.reason), ""
    )


def _outputs(outputs: Mapping[str, Any]) -> str:
    shown = [f"{name} {literal(value)}" for name, value in outputs.items() if value is not None]
    return f": {', '.join(shown)}" if shown else ""
