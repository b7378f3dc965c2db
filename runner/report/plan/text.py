"""The dry run as text: what would be sent, row by row, and what it adds up to.

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

Rows are of one shape when they have the same steps in the same states with the same fields. The first call of each
operation shows its whole URL, the others leave out the host. Text is quoted as JSON; what is in brackets without
quotes is not known yet.
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
    "to send", "to export", "only read", "with nothing to do", "done before", "unknown", "changed", "with problems"
]  # fmt: skip

HEADINGS: Mapping[Kind, str] = {
    "with problems": "not sent",
    "changed": "set aside",
    "unknown": "not sent, unknown",
}
"""What a row that needs a person is called."""

OTHERS: tuple[Kind, ...] = (
    "to export", "only read", "with nothing to do", "done before", "unknown", "changed", "with problems",
)  # fmt: skip


@dataclass
class _Money:
    """Payments counted and summed; of some the amount is not known yet."""

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
    """What a dry run adds up to. `writes` and `reads` count calls by the full name of their operation."""

    rows: Counter[Kind] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    searches: int = 0
    undecided: int = 0
    money: _Money = field(default_factory=_Money)
    money_undecided: _Money = field(default_factory=_Money)

    def begin(self, event: RunStarted) -> None:
        """Count what is read before the first row."""
        self.reads.update(event.lookups)

    def add(self, kind: Kind, planned: Sequence[PlannedCall]) -> None:
        """Count a row; of a row that is set aside no calls, for none are sent."""
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
    """Writes a dry run to `out` as it happens. `show_all` draws every row instead of one of each shape."""

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

    @property
    def to_send(self) -> int:
        """Rows with something to send."""
        return self.totals.rows["to send"]

    @property
    def done_before(self) -> int:
        """Rows whose writes earlier runs have done or found."""
        return self.totals.rows["done before"]

    @property
    def invalid(self) -> int:
        """Rows that are not sent because something is wrong with them."""
        return self.totals.rows["with problems"]

    @property
    def changed(self) -> int:
        """Rows set aside because what was sent for them has changed since."""
        return self.totals.rows["changed"]

    @property
    def unknown(self) -> int:
        """Rows that wait for a call to be settled."""
        return self.totals.rows["unknown"]

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
        self._write(
            f"DRY RUN  {printable(event.recipe)} -> {printable(event.target)}   nothing is sent"
        )
        if event.reads is not None:
            self._write(
                f"         rows: {printable(event.search)}   GET {printable(event.reads.url)}"
            )
            self._write("         they are read when it runs; one row stands here for each of them")
        elif event.lines:
            self._write(f"         {input_size(event)}")
        if event.previous:
            self._write(f"         run.previous: {event.previous}")
        if event.writes_before:
            finished = f"earlier runs finished {plural(event.writes_before, 'call')}"
            self._write(
                f"         {finished}; none is sent again{printable(exceptions(event.again))}"
            )

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
    """The last lines of a plan. `rows` is how many the input has, which may be more than were planned.

    `each`: the one row that was planned stands for all that a search will find.
    """
    seen = totals.rows.total()
    of = f" of {rows:,}" if rows > seen else ""
    kinds = [f"{totals.rows['to send']:,} to send"]
    kinds += [f"{totals.rows[kind]:,} {kind}" for kind in OTHERS if totals.rows[kind]]
    noun = "row" if (rows if of else seen) == 1 else "rows"
    lines = [f"Plan: {seen:,}{of} {noun}: {', '.join(kinds)}; {_counted(totals.writes, 'call')}"]
    if each:
        lines = [f"Plan: for each row found: {_counted(totals.writes, 'call')}"]
    if totals.undecided:
        lines.append(
            f"      {totals.undecided:,} of the calls only if the run finds that their condition holds"
        )
    reads = totals.reads.total() + totals.searches
    if reads:
        searches = (
            plural(totals.searches, "search before a call", "searches before a call")
            if totals.searches
            else ""
        )
        names = ", ".join(filter(None, (_names(totals.reads), searches)))
        lines.append(f"Reads: {reads:,} at least ({names}); a list of several pages takes more")
    return [*lines, money_line(totals)]


def money_line(totals: Totals) -> str:
    """What is paid, in one line."""
    parts = []
    if totals.money.count:
        parts.append(f"{plural(totals.money.count, 'payment')}, {money(totals.money.total)}")
    if totals.money_undecided.count:
        conditional = totals.money_undecided
        parts.append(
            f"{conditional.count:,} of them ({money(conditional.total)}) only if their condition holds"
        )
    if totals.money.open:
        parts.append(
            f"{plural(totals.money.open, 'payment')} whose amount is only known after the run"
        )
    return f"Money: {'; '.join(parts) or 'none'}"


def _counted(calls: Counter[str], noun: str) -> str:
    return plural(calls.total(), noun) + (f" ({_names(calls)})" if calls else "")


def _names(calls: Counter[str]) -> str:
    """Counts by operation in the order of the steps, short names where they tell the operations apart."""
    short = {name: name.rpartition(".")[2] for name in calls}
    clear = len(set(short.values())) == len(short)
    return ", ".join(f"{count:,} {short[name] if clear else name}" for name, count in calls.items())


def kind_of(result: RowResult) -> Kind:
    """Where a dry run leaves a row."""
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
    """Why a row is not sent; empty where nothing is said."""
    return result.reason or next(
        (f"{call.step}: {call.reason}" for call in result.planned if call.reason), ""
    )


def _outputs(outputs: Mapping[str, Any]) -> str:
    shown = [f"{name} {literal(value)}" for name, value in outputs.items() if value is not None]
    return f": {', '.join(shown)}" if shown else ""
