"""Every line of an input is in exactly one row, under its own number and key, whatever the format and its layout."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.recipe.model import Column, Rows
from runner.rows import open_input
from runner.rows.leftovers import leftovers
from runner.template import compile_template

CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=6
) | st.sampled_from(["x\ny", "\r\n", 'a "b"', ";", ",", "007", "=1+1", "|"])
LINE = st.none() | st.tuples(
    st.integers(0, 5),
    # NaN, or what else a spreadsheet leaves behind, is refused.
    CELL.filter(lambda text: not leftovers([text], [(0, Column("cell", "Cell"))])),
)
"""A blank line, or a group and a cell."""

Written = tuple[bytes, list[int]]
"""A file, and the number of each line that has something in it."""


def as_csv(lines: Sequence[tuple[int, str] | None], encoding: str) -> Written:
    text, numbers = io.StringIO(newline=""), []
    for line in [("Group", "Cell", "Id"), *lines]:
        if line is not None:
            numbers.append(text.getvalue().count("\n") + 1)
            cells = line if len(line) == 3 else (*line, len(numbers))
            csv.writer(text, lineterminator="\r\n").writerow(cells)
        else:
            text.write("\n")
    return text.getvalue().encode(encoding), numbers[1:]


def as_objects(lines: Sequence[tuple[int, str] | None]) -> list[dict[str, object]]:
    held = [line for line in lines if line is not None]
    return [
        {"Group": group, "Cell": cell, "Id": at} for at, (group, cell) in enumerate(held, start=2)
    ]


def as_json_lines(lines: Sequence[tuple[int, str] | None]) -> Written:
    objects = iter(as_objects(lines))
    text = "".join("\n" if line is None else json.dumps(next(objects)) + "\n" for line in lines)
    return text.encode(), [at for at, line in enumerate(lines, start=1) if line is not None]


def as_json(lines: Sequence[tuple[int, str] | None]) -> Written:
    objects = as_objects(lines)
    return json.dumps({"rows": objects}, indent=1).encode(), list(range(1, len(objects) + 1))


def as_workbook(lines: Sequence[tuple[int, str] | None]) -> Written:
    content, numbers = io.BytesIO(), []
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Group", "Cell", "Id"])
        for at, line in enumerate(lines, start=1):
            if line is not None:
                numbers.append(at + 1)
                sheet.write_number(at, 0, line[0])
                sheet.write_string(at, 1, line[1])
                sheet.write_number(at, 2, len(numbers) + 1)
    return content.getvalue(), numbers


FORMATS: dict[str, Callable[[Sequence[tuple[int, str] | None]], Written]] = {
    "a.csv": lambda lines: as_csv(lines, "utf-8-sig"),
    "b.csv": lambda lines: as_csv(lines, "utf-16"),
    "c.csv.gz": lambda lines: (gzip.compress(as_csv(lines, "utf-8")[0]), as_csv(lines, "utf-8")[1]),
    "d.jsonl": as_json_lines,
    "e.json": as_json,
    "f.xlsx": as_workbook,
}


@settings(max_examples=60)
@given(st.lists(LINE, max_size=12), st.sampled_from(sorted(FORMATS)), st.booleans())
def test_every_line_is_in_one_row_under_its_own_number(
    lines: list[tuple[int, str] | None], name: str, grouped: bool  # noqa: FBT001 - drawn by hypothesis
) -> None:  # fmt: skip
    lines = [*lines, (9, "last")]
    content, numbers = FORMATS[name](lines)
    columns = Column("group", "Group"), Column("cell", "Cell"), Column("id", "Id", type="integer")
    key = compile_template("{{ row.group }}" if grouped else "{{ row.id }}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        found = open_input(
            path, Rows(key=key, columns=columns, group_by="group" if grouped else ""), scope={}
        )
        rows = list(found)
        retried = [number for number, _ in found.raw_lines(numbers)]
    held = [line for line in lines if line is not None]
    assert (
        sorted(number for row in rows for number in row.lines)
        == numbers
        == list(found.records())
        == retried
    )
    assert found.line_count == len(held)
    for at, (number, (group, cell)) in enumerate(zip(numbers, held, strict=True), start=2):
        (row,) = [row for row in rows if number in row.lines]
        assert row.key == str(group if grouped else at)
        values = row.values["lines"][row.lines.index(number)] if grouped else row.values
        assert (values["cell"] or "", values["id"]) == (cell, at)
