"""JUnit XML, for CI systems: a test case for each validated recipe, or for each row.

    <testsuite name="import-orders -> sandbox" tests="3" failures="1" errors="1" skipped="0">
      <testcase classname="import-orders" name="PO-1042"/>
      <testcase classname="import-orders" name="PO-1080" file="orders.csv" line="70">
        <failure message="rejected">job: 422 country is over the max length of 2 characters
    on record: contact 1043</failure></testcase>

A rejected or changed row is a failure, an unknown one an error, and one that was not reached is skipped. Each has
its calls on record. Control characters, which are not allowed in XML, are written as escapes.
"""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, TextIO
from xml.sax.saxutils import escape, quoteattr

from runner.engine.events import Event, RowFinished, RowResult, RunEnded, RunStarted
from runner.problems import Problem, draw, printable
from runner.report.plan.text import kind_of, reason_of
from runner.report.text import money
from runner.rows import Input

_OUTCOMES = {
    "rejected": "failure",
    "with problems": "failure",
    "changed": "failure",
    "unknown": "error",
    "not started": "skipped",
}
"""The element of each outcome of a row; a successful row has none."""

_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def validation(
    files: Sequence[str], problems: Sequence[Problem], *, notes: Sequence[Problem] = ()
) -> str:
    """Return a test case for each file, which fails if the file has errors.

    The failure has all problems of the file. `notes` are the output of its test case.
    """
    names = dict.fromkeys([*files, *(each.file for each in problems)])
    cases, counts = [], Counter({"tests": len(names)})
    for file in names:
        own = [each for each in problems if each.file == file]
        errors = [each for each in own if each.severity == "error"]
        counts["failures"] += bool(errors)
        inner = ""
        if errors:
            message = errors[0].message if len(errors) == 1 else f"{len(errors)} problems"
            inner = _element("failure", message, "\n\n".join(map(draw, own)))
        output = "\n".join(draw(each) for each in notes if each.file == file)
        if output:
            inner += f"<system-out>{_text(output)}</system-out>"
        cases.append(_case("validate", file, inner))
    return _HEAD + _suite("runner validate", counts) + "".join(cases) + _TAIL


class JUnit:
    """Writer of a test case for each row to `out`, in the order of the input, at the end of the run.

    Until then the cases are in an anonymous temporary file, in the order in which the rows finish.
    """

    def __init__(self, out: TextIO, input_: Input | None = None) -> None:
        self._out, self._input = out, input_
        self._spool: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - see _end
        self._counts: Counter[str] = Counter()
        # Place and size in the file by the row's number: 16 bytes per row instead of its case.
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
        name = result.key or f"row {result.number}"
        case = self._case(name, result.lines, state=state, reason=reason).encode()
        self._places[result.number], self._sizes[result.number] = self._size, len(case)
        self._size += self._spool.write(case)

    def _case(self, key: str, lines: Sequence[int], *, state: str, reason: str) -> str:
        element = _OUTCOMES.get(state, "")
        self._counts.update(filter(None, ("tests", _COUNTED.get(element))))
        recipe = self._started.recipe if self._started is not None else ""
        place = {}
        if self._input is not None and lines:
            file, line = self._input.place(lines[0])
            place = {"file": file, "line": str(line)}
        return _case(recipe, key, _element(element, state, reason) if element else "", place)

    def _end(self, started: RunStarted) -> None:
        """Write the cases in order; rows that were not reached are read from the input again."""
        input_is_known = self._input is not None and not started.dry_run
        left = self._sizes[1:].count(0) if input_is_known else 0
        counts = self._counts + Counter(tests=left, skipped=left)
        self._out.write(_HEAD + _suite(f"{started.recipe} -> {started.target}", counts))
        rows = self._input.every_row() if self._input is not None and left else iter(())
        with self._spool as spool:
            for number, size in enumerate(self._sizes):
                if size:
                    spool.seek(self._places[number])
                    self._out.write(spool.read(size).decode())
                # There is no row 0.
                elif number and left:
                    row = next(row for row in rows if row.number == number)
                    case = self._case(row.key, row.lines, state="not started", reason="not reached")
                    self._out.write(case)
        self._out.write(_TAIL)


def with_sent(result: RowResult) -> str:
    """Return the reason of a row and its calls on record.

    A row that fails may have calls that succeeded.
    """
    facts = [result.ids] if result.ids else []
    if result.money:
        facts.append(f"posted {money(result.money)}")
    if result.unsettled:
        facts.append(f"may have been posted: {money(result.unsettled)}")
    lines = [result.reason] if result.reason else []
    if facts:
        lines.append(f"on record: {'; '.join(facts)}")
    return "\n".join(lines)


_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n'
_TAIL = "  </testsuite>\n</testsuites>\n"


def _suite(name: str, counts: Mapping[str, int]) -> str:
    numbers = (
        f"{each}={quoteattr(str(counts.get(each, 0)))}"
        for each in ("tests", "failures", "errors", "skipped")
    )
    return f"  <testsuite name={_attribute(name)} {' '.join(numbers)}>\n"


def _case(classname: str, name: str, inner: str, place: Mapping[str, str] | None = None) -> str:
    attributes = {"classname": classname, "name": name, **(place or {})}
    texts = " ".join(f"{key}={_attribute(value)}" for key, value in attributes.items())
    head = f"    <testcase {texts}"
    return f"{head}>\n      {inner}\n    </testcase>\n" if inner else f"{head}/>\n"


def _element(name: str, message: str, text: str) -> str:
    return f"<{name} message={_attribute(message)}>{_text(text)}</{name}>"


def _text(text: str) -> str:
    return "\n".join(escape(printable(line)) for line in text.split("\n"))


def _attribute(text: str) -> str:
    return quoteattr(printable(text))
