"""results.xlsx: what was asked and what it came to, every line with its bucket, and what was made; for people.

summary   recipe, target, input; rows and lines by bucket; calls and money by operation; the control total
results   as results.csv, the buckets in colour, filtered
created   as created.csv
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.durable import WholeFile, stopping
from runner.engine.events import BUCKETS, RunEnded
from runner.exact import exact_sum
from runner.journal import RunRecord
from runner.report.files.created import COLUMNS, Created
from runner.report.files.results import LEFT_OUT, Line, how_to_rebuild
from runner.report.files.workbook import Sheet, open_book
from runner.report.text import moment

BOOK = "results.xlsx"

_COLOURS: Mapping[str, Mapping[str, str]] = {
    "done": {"bg_color": "#D9F2D9", "font_color": "#0B4F0B"},
    "found": {"bg_color": "#DDEBF7", "font_color": "#123A5C"},
    "changed": {"bg_color": "#E6DDF5", "font_color": "#3D2369"},
    "rejected": {"bg_color": "#FFE9B8", "font_color": "#5C3A00"},
    "unknown": {"bg_color": "#F8CBCB", "font_color": "#6B0000"},
    "not started": {"bg_color": "#EDEDED", "font_color": "#333333"},
    LEFT_OUT: {"bg_color": "#FFFFFF", "font_color": "#333333"},
}
"""Backgrounds and letters that can be told apart in grey too; the bucket is written out besides."""

_ID = COLUMNS.index("id")


class ResultsBook:
    """Writes results.xlsx to `folder`, for the run as the journal has it and for what `created` knows of it.

    Raises StoppedError when the file cannot be written.
    """

    def __init__(self, folder: Path, run: RunRecord, created: Created) -> None:
        self.path, self._run, self._created = folder / BOOK, run, created
        self._left_out = 0

    def __call__(self, columns: Sequence[str], lines: Iterable[Line], ended: RunEnded) -> Path:
        """Write it; returns where it is."""
        if not self._created.whole:
            self._created.write()
        with (
            stopping(self.path, remedy=how_to_rebuild(self._run.id)),
            WholeFile(self.path) as file,
            open_book(file) as book,
        ):
            summary = book.sheet("summary", ("summary", "", "", ""), cut=True)
            self._results(book.sheet("results", columns, cut=True), columns, lines)
            created = book.sheet("created", COLUMNS, cut=True)
            for cells in self._created.rows():
                created.row(cells, text=(_ID,))
            created.end()
            self._summarise(summary, ended)
        return self.path

    def _results(self, sheet: Sheet, columns: Sequence[str], lines: Iterable[Line]) -> None:
        self._left_out = 0
        bucket = columns.index("bucket")
        ids = {at for at, name in enumerate(columns) if name in ("file", "key") or _names_id(name)}
        for line in lines:
            self._left_out += line[bucket] == LEFT_OUT
            sheet.row(line, text=ids, styles={bucket: _COLOURS.get(line[bucket], {})})
        sheet.end()

    def _summarise(self, sheet: Sheet, ended: RunEnded) -> None:
        run, bold = self._run, {"bold": True}
        facts = {
            "recipe": run.recipe, "run": f"{run.id}", "target": run.target, "account": run.account,
            "input": ", ".join(run.input_files), "values": "" if run.vars == "{}" else run.vars, "day": run.date,
            "started": moment(run.started_at), "exit code": str(ended.exit_code), "stopped": ended.stopped,
        }  # fmt: skip
        for name, value in facts.items():
            if value:
                sheet.row([name, value], styles={0: bold})
        sheet.row([])
        sheet.row(["bucket", "rows", "lines"], style=bold)
        for bucket in BUCKETS:
            counts = (ended.buckets.get(bucket, 0), ended.line_buckets.get(bucket, 0))
            sheet.row([bucket, *counts], styles={0: _COLOURS[bucket]})
        if self._left_out:
            sheet.row([LEFT_OUT, None, self._left_out], styles={0: _COLOURS[LEFT_OUT]})
        lines = sum(ended.line_buckets.values()) + self._left_out
        sheet.row(["all", sum(ended.buckets.values()), lines], style=bold)
        read = self._run.line_count + self._left_out
        right = lines == read
        verdict = (
            "every line read is in one bucket"
            if right
            else "CHECK: the buckets do not add up to the lines read"
        )
        sheet.row(["lines read", None, read, verdict], style={} if right else bold)
        self._operations(sheet, bold)
        sheet.end(filtered=False)

    def _operations(self, sheet: Sheet, bold: Mapping[str, Any]) -> None:
        made = self._created.made
        sheet.row([])
        sheet.row(["operation", "calls", "", "money"], style=bold)
        for (effect, operation), count in sorted(made.counts.items()):
            sheet.row([f"{operation} ({effect})", count, None, made.money.get((effect, operation))])
        total = exact_sum(made.money.values())
        sheet.row(["all", made.counts.total(), None, total if made.money else None], style=bold)


def _names_id(name: str) -> bool:
    """Whether a column holds what things are called, and no amount."""
    words = name.lower().replace("-", "_").split("_")
    return bool({"id", "ids", "number", "no", "ref", "key"} & set(words)) or name.endswith(
        ("Id", "ID")
    )
