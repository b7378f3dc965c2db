"""Comparison of a dry run with an earlier plan: the changes for people, and the check before a run sends.

DRY RUN  import-orders -> sandbox   against plan.json
         the recipe changed: recipe.sha256 was "5f0c...", is "77aa..."

~ PO-1042  lines 2-4
    job: body.description was "Spring jerseys", is "Spring jerseys [PO-1042]"
+ PO-1081  line 71   to send, 5 calls
- PO-1077            no longer there: was to send

Changes: 1 row changed, 1 added, 1 gone, 37 as they were
Plan: 39 rows: 39 to send; 312 calls (39 create_job, ...)
Money: 31 payments, 18,442.50
DRY RUN  nothing was sent
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from runner.engine.events import Event, RowFinished, RowResult, RunEnded, RunStarted
from runner.problems import PlanError, printable
from runner.report.plan.file import PlanFile, header_differences, row_differences
from runner.report.plan.json import Header, row_line
from runner.report.plan.text import Totals, kind_of, summary
from runner.report.text import line_numbers, plural

ROWS_SHOWN = 50
"""Changed rows that are shown; the rest is counted."""

DETAILS_SHOWN = 20
"""Differences of one row that are shown."""

_AGAIN = "plan it again, review it, and run the new plan"


class PlanCheck:
    """Check of a run against a plan. It raises PlanError at the first difference in what would be sent."""

    def __init__(self, plan: PlanFile, header: Header) -> None:
        self._plan, self._header = plan, header
        self._rows = plan.rows()
        self.difference = ""
        """The first difference; empty if there is none yet."""
        for text in header_differences(plan.header, header, besides=("run_date",)):
            raise self._differs(text)

    def __call__(self, event: Event) -> None:
        if isinstance(event, RowFinished):
            self._row(event.result)
        elif isinstance(event, RunEnded) and not self.difference and not event.stopped:
            for _, line in self._rows:
                name = _name(self._plan.parsed(line)["key"])
                raise self._differs(f"row {name} is no longer there")

    def _row(self, result: RowResult) -> None:
        now = row_line(result, self._header.searches).encode()
        _, before = next(self._rows, (0, b""))
        # Equal text is the usual case, and needs no parsing.
        if before == now:
            return
        if not before:
            raise self._differs(f"row {_name(result.key)} is not in it")
        old, new = self._plan.parsed(before), self._plan.parsed(now)
        if old.get("key") != new["key"]:
            name, planned = _name(new["key"]), _name(old.get("key", ""))
            raise self._differs(f"row {name} stands where row {planned} stood")
        first = next(row_differences(old, new), "another number or other notes")
        raise self._differs(f"row {_name(result.key)}: {first}")

    def _differs(self, text: str) -> PlanError:
        self.difference = text
        day = self._plan.header.get("run_date")
        message = f"not what {self._plan.path} says: {text}"
        # Another day alone is no difference, but often the cause of one.
        if day != self._header.date:
            message += f"; the plan is of {day}, and run.date is {self._header.date} now"
        return PlanError(message, remedy=_AGAIN)


@dataclass(frozen=True)
class Change:
    """A row that differs from the plan. The sign is `+` for added, `~` for changed, `-` for gone."""

    sign: str
    name: str
    lines: str
    details: tuple[str, ...]


class Against:
    """Comparison of rows with an earlier plan, in any order. It stores a file offset per row of that plan."""

    def __init__(self, plan: PlanFile, header: Header) -> None:
        self._plan, self._header = plan, header
        self._places = {plan.parsed(line)["key"]: place for place, line in plan.rows()}
        self.added = self.changed = self.same = self.gone = 0
        self.name = plan.path.name
        self.notes = tuple(header_differences(plan.header, header))

    @property
    def any(self) -> bool:
        """True if a row was changed, added or gone."""
        return bool(self.added or self.changed or self.gone)

    def compare(self, result: RowResult) -> Change | None:
        """Return the change of a row; None if there is none."""
        place = self._places.pop(result.key, None)
        lines, name = line_numbers(result.lines), printable(result.key) or f"row {result.number}"
        if place is None:
            self.added += 1
            calls = sum(call.state != "skipped" for call in result.planned)
            return Change("+", name, lines, (f"{kind_of(result)}, {plural(calls, 'call')}",))
        before, now = self._plan.row(place), row_line(result, self._header.searches).encode()
        if before != now:
            details = tuple(row_differences(self._plan.parsed(before), self._plan.parsed(now)))
            if details:
                self.changed += 1
                return Change("~", name, lines, details)
        self.same += 1
        return None

    def left(self) -> Iterator[Change]:
        """Yield the rows of the plan that are gone, and count them."""
        for key, place in self._places.items():
            self.gone += 1
            state = self._plan.parsed(self._plan.row(place)).get("state", "")
            yield Change("-", printable(key), "", (f"no longer there: was {state}",))

    def summary(self) -> str:
        """Return the numbers of changed, added, gone and equal rows, in one line."""
        parts = [
            f"{count:,} {what}"
            for count, what in ((self.added, "added"), (self.gone, "gone"))
            if count
        ]
        return ", ".join(
            [f"{plural(self.changed, 'row')} changed", *parts, f"{self.same:,} as they were"]
        )


class PlanChanges:
    """Writer of the changes to `out`, row by row. `show_all` shows every changed row."""

    def __init__(self, out: TextIO, against: Against, *, show_all: bool = False) -> None:
        self._out, self._against, self._show_all = out, against, show_all
        self._shown = self._rows = 0
        self._totals = Totals()

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._rows = event.rows
            self._totals.begin(event)
            head = f"DRY RUN  {printable(event.recipe)} -> {printable(event.target)}"
            self._write(f"{head}   against {printable(self._against.name)}")
            self._write(*(f"         {printable(note)}" for note in self._against.notes))
            self._write("")
        elif isinstance(event, RowFinished):
            self._totals.add(kind_of(event.result), event.result.planned)
            change = self._against.compare(event.result)
            if change is not None:
                self._draw(change)
        elif isinstance(event, RunEnded):
            self._end(event)

    def _write(self, *lines: str) -> None:
        self._out.writelines(f"{line}\n" for line in lines)

    def _draw(self, change: Change) -> None:
        self._shown += 1
        if self._shown > ROWS_SHOWN and not self._show_all:
            return
        head = "  ".join(filter(None, (f"{change.sign} {change.name}", change.lines)))
        if change.sign != "~":
            self._write(f"{head}   {printable(change.details[0])}")
            return
        self._write(head, *(f"    {text}" for text in details_of(change)))

    def _end(self, event: RunEnded) -> None:
        if not event.stopped:
            for change in self._against.left():
                self._draw(change)
        if self._shown > ROWS_SHOWN and not self._show_all:
            more = plural(self._shown - ROWS_SHOWN, "more row")
            self._write(f"... and {more} (--all shows each)")
        if self._shown:
            self._write("")
        self._write(f"Changes: {self._against.summary()}", *summary(self._totals, rows=self._rows))
        if event.stopped:
            self._write(f"Stopped: {printable(event.stopped)}")
        self._write("DRY RUN  nothing was sent")


def details_of(change: Change) -> list[str]:
    """Return the first differences of a row, and the number of the others."""
    rest = len(change.details) - DETAILS_SHOWN
    shown = [printable(text) for text in change.details[:DETAILS_SHOWN]]
    return [*shown, f"... and {plural(rest, 'more difference')}"] if rest > 0 else shown


def _name(key: str) -> str:
    return repr(key)
