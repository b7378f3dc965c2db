"""JUnit XML, which every CI system reads: a test case for each recipe that is checked, or for each row.

    <testsuite name="import-orders -> sandbox" tests="3" failures="1" errors="1" skipped="0">
      <testcase classname="import-orders" name="PO-1042"/>
      <testcase classname="import-orders" name="PO-1080" file="orders.csv" line="70">
        <failure message="rejected">job: 422 country is over the max length of 2 characters
    on record: contact 1043</failure></testcase>

A rejected or changed row is a failure, an unknown one an error, one that was not reached is skipped, each with what was
sent for it. Control characters, which XML cannot carry, are written as their escapes.
"""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TextIO
from xml.sax.saxutils import escape, quoteattr

from runner.engine.events import Event, RowFinished, RowResult, RunEnded, RunStarted
from runner.problems import Problem, draw, printable
from runner.report.plan.text import kind_of, reason_of
from runner.report.text import money
from runner.rows import Input

_OUTCOMES = {
    "rejected": "failure", "with problems": "failure", "changed": "failure",
    "unknown": "error", "not started": "skipped",
}  # fmt: skip
"""The element that says what became of a row; none where all is well."""

_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def checked(
    files: Sequence[str], problems: Sequence[Problem], *, notes: Sequence[Problem] = ()
) -> str:
    """A test case for each file; one with errors fails, with all its problems in the text; `notes` go out with it."""
    named = dict.fromkeys([*files, *(each.file for each in problems)])
    found = {file: [each for each in problems if each.file == file] for file in named}
    cases, counts = [], Counter({"tests": len(found)})
    for file, own in found.items():
        wrong = [each for each in own if each.severity == "error"]
        counts["failures"] += bool(wrong)
        text = "\n\n".join(map(draw, own))
        message = (
            "".join(each.message for each in wrong[:1])
            if len(wrong) < 2
            else f"{len(wrong)} problems"
        )
        inner = _element("failure", message, text) if wrong else ""
        said = "\n".join(draw(each) for each in notes if each.file == file)
        inner += f"<system-out>{_text(said)}</system-out>" if said else ""
        cases.append(_case("validate", file, inner))
    return _HEAD + _suite("runner validate", counts) + "".join(cases) + _TAIL


class JUnit:
    """Writes a test case for each row to `out`, in the order of the input, when the run is over.

    Until then the cases wait in a nameless file, in the order in which the rows are finished.
    """

    def __init__(self, out: TextIO, input_: Input | None = None) -> None:
        self._out, self._input = out, input_
        self._spool: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - see _end
        self._counts: Counter[str] = Counter()
        self._places, self._sizes, self._size = array("Q"), array("Q"), 0
        self._started: RunStarted | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._started = event
            self._places, self._sizes = (array(code, bytes(8 * (event.rows + 1))) for code in "QQ")
        elif isinstance(event, RowFinished) and self._started is not None:
            self._row(event.result, self._started)
        elif isinstance(event, RunEnded) and self._started is not None:
            self._end(self._started)

    def _row(self, result: RowResult, started: RunStarted) -> None:
        state = kind_of(result) if started.dry_run else result.bucket
        reason = reason_of(result) if started.dry_run else with_sent(result)
        case = self._case(
            result.key or f"row {result.number}", result.lines, state=state, reason=reason
        ).encode()
        self._places[result.number], self._sizes[result.number] = self._size, len(case)
        self._size += self._spool.write(case)

    def _case(self, key: str, lines: Sequence[int], *, state: str, reason: str) -> str:
        name = _OUTCOMES.get(state, "")
        self._counts.update(filter(None, ("tests", _COUNTED.get(name))))
        recipe = self._started.recipe if self._started is not None else ""
        place = {}
        if self._input is not None and lines:
            file, line = self._input.place(lines[0])
            place = {"file": file, "line": str(line)}
        return _case(recipe, key, _element(name, state, reason) if name else "", place)

    def _end(self, started: RunStarted) -> None:
        listed = self._input is not None and not started.dry_run
        left = self._sizes[1:].count(0) if listed else 0
        counts = self._counts + Counter(tests=left, skipped=left)
        self._out.write(_HEAD + _suite(f"{started.recipe} -> {started.target}", counts))
        rows = iter(self._input) if self._input is not None and left else iter(())
        with self._spool as spool:
            for number, size in enumerate(self._sizes):
                if size:
                    spool.seek(self._places[number])
                    self._out.write(spool.read(size).decode())
                elif number and left:
                    row = next(row for row in rows if row.number == number)
                    self._out.write(
                        self._case(row.key, row.lines, state="not started", reason="not reached")
                    )
        self._out.write(_TAIL)


def with_sent(result: RowResult) -> str:
    """The reason of a row, and what is on record of it: what was sent stays sent, whatever became of the row."""
    facts = [result.ids]
    facts += [f"posted {money(result.money)}"] if result.money else []
    facts += [f"may have been posted: {money(result.unsettled)}"] if result.unsettled else []
    on_record = "; ".join(filter(None, facts))
    return "\n".join(filter(None, (result.reason, on_record and f"on record: {on_record}")))


_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n'
_TAIL = "  </testsuite>\n</testsuites>\n"


def _suite(name: str, counts: Mapping[str, int]) -> str:
    numbers = (
        f"{each}={quoteattr(str(counts.get(each, 0)))}"
        for each in ("tests", "failures", "errors", "skipped")
    )
    return f"  <testsuite name={_attribute(name)} {' '.join(numbers)}>\n"


def _case(classname: str, name: str, inner: str, place: Mapping[str, str] | None = None) -> str:
    attributes: Iterable[tuple[str, str]] = {
        "classname": classname,
        "name": name,
        **(place or {}),
    }.items()
    head = "    <testcase " + " ".join(f"{key}={_attribute(value)}" for key, value in attributes)
    return f"{head}>\n      {inner}\n    </testcase>\n" if inner else f"{head}/>\n"


def _element(name: str, message: str, text: str) -> str:
    return f"<{name} message={_attribute(message)}>{_text(text)}</{name}>"


def _text(text: str) -> str:
    return "\n".join(escape(printable(line)) for line in text.split("\n"))


def _attribute(text: str) -> str:
    return quoteattr(printable(text))
