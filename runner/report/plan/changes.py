"""A dry run against a plan of before: what changed for people, and the check that nothing did before a run sends.

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
"""Changed rows that are shown before the rest is only counted."""

DETAILS_SHOWN = 20
"""Differences of one row that are shown."""

_AGAIN = "plan it again, review it, and run the new plan"


class PlanCheck:
    """Raises PlanError at the first difference between what would be sent and a plan of before."""

    def __init__(self, plan: PlanFile, header: Header) -> None:
        self._plan, self._header = plan, header
        self._rows = plan.rows()
        self.difference = ""
        """The first difference, empty while there is none."""
        for text in header_differences(plan.header, header, besides=("run_date",)):
            raise self._differs(text)

    def __call__(self, event: Event) -> None:
        if isinstance(event, RowFinished):
            self._row(event.result)
        elif isinstance(event, RunEnded) and not self.difference and not event.stopped:
            for _, line in self._rows:
                raise self._differs(
                    f"row {_name(self._plan.parsed(line)['key'])} is no longer there"
                )

    def _row(self, result: RowResult) -> None:
        now = row_line(result, self._header.searches).encode()
        _, before = next(self._rows, (0, b""))
        if before == now:
            return
        if not before:
            raise self._differs(f"row {_name(result.key)} is not in it")
        old, new = self._plan.parsed(before), self._plan.parsed(now)
        if old.get("key") != new["key"]:
            raise self._differs(
                f"row {_name(new['key'])} stands where row {_name(old.get('key', ''))} stood"
            )
        first = next(row_differences(old, new), "another number or other notes")
        raise self._differs(f"row {_name(result.key)}: {first}")

    def _differs(self, text: str) -> PlanError:
        self.difference = text
        day = self._plan.header.get("run_date")
        also = (
            f"; the plan is of {day}, and run.date is {self._header.date} now"
            if day != self._header.date
            else ""
        )
        return PlanError(f"not what {self._plan.path} says: {text}{also}", remedy=_AGAIN)


@dataclass(frozen=True)
class Change:
    """A row that is not as it was: `+` added, `~` changed, `-` gone."""

    sign: str
    name: str
    lines: str
    details: tuple[str, ...]


class Against:
    """Compares rows with a plan of before, whatever their order. Keeps a place for each row of that plan."""

    def __init__(self, plan: PlanFile, header: Header) -> None:
        self._plan, self._header = plan, header
        self._places = {plan.parsed(line)["key"]: place for place, line in plan.rows()}
        self.added = self.changed = self.same = self.gone = 0
        self.name = plan.path.name
        self.notes = tuple(header_differences(plan.header, header))

    @property
    def any(self) -> bool:
        """Whether a row changed, came or went."""
        return bool(self.added or self.changed or self.gone)

    def compare(self, result: RowResult) -> Change | None:
        """What is new about a row; None when it is as it was."""
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
        """The rows of before that did not come."""
        for key, place in self._places.items():
            self.gone += 1
            state = self._plan.parsed(self._plan.row(place)).get("state", "")
            yield Change("-", printable(key), "", (f"no longer there: was {state}",))

    def summary(self) -> str:
        """How many rows changed, in one line."""
        parts = [
            f"{count:,} {what}"
            for count, what in ((self.added, "added"), (self.gone, "gone"))
            if count
        ]
        return ", ".join(
            [f"{plural(self.changed, 'row')} changed", *parts, f"{self.same:,} as they were"]
        )


class PlanChanges:
    """Writes what changed to `out` as it is found. `show_all` shows every changed row."""

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
            self._write(
                f"... and {plural(self._shown - ROWS_SHOWN, 'more row')} (--all shows each)"
            )
        if self._shown:
            self._write("")
        self._write(f"Changes: {self._against.summary()}", *summary(self._totals, rows=self._rows))
        if event.stopped:
            self._write(f"Stopped: {printable(event.stopped)}")
        self._write("DRY RUN  nothing was sent")


def details_of(change: Change) -> list[str]:
    """The differences of a row, the first of them."""
    rest = len(change.details) - DETAILS_SHOWN
    shown = [printable(text) for text in change.details[:DETAILS_SHOWN]]
    return [*shown, f"... and {plural(rest, 'more difference')}"] if rest > 0 else shown


def _name(key: str) -> str:
    return repr(key)
