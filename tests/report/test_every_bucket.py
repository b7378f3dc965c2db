"""Every line of an input is in exactly one bucket or left out, whatever its format, its files and its rows."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.engine.events import BUCKETS, RowFinished, RowResult, RunEnded, RunStarted
from runner.keys import canonical
from runner.recipe.model import Column, Rows, Unpivot
from runner.report.files.results import LEFT_OUT, Files
from runner.rows import Input, open_input
from runner.template import compile_expression, compile_template

HEADER = ("Ref", "Note", "S", "M")
COLUMNS = (
    Column("ref", "Ref"), Column("note", "Note"), Column("size", "size"),
    Column("quantity", "quantity", type="integer", empty=("", "0")),
)  # fmt: skip
SIZES = Unpivot(("S", "M"), "size", "quantity")

Line = tuple[int, str, int, int]
# Behind a semicolon a key in the results may have an apostrophe that its row has not.
NOTE = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters=";"),
    max_size=4,
) | st.sampled_from(["=1+1", "x\ny", 'a "b"', ",", "007"])
LINES = st.lists(
    st.tuples(st.integers(0, 4), NOTE, st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=6
)
"""A reference, a note and two quantities; a line that has none of anything is no row."""


def write(path: Path, lines: Sequence[Line], order: Sequence[int]) -> list[int]:
    """A file whose columns stand in this order; returns the number of each line in it."""
    cells = [[str(line[at]) for at in order] for line in lines]
    header = [HEADER[at] for at in order]
    if path.suffix == ".csv":
        text, numbers = io.StringIO(newline=""), []
        for record in [header, *cells]:
            numbers.append(text.getvalue().count("\n") + 1)
            csv.writer(text, lineterminator="\n").writerow(record)
        path.write_text(text.getvalue(), newline="")
        return numbers[1:]
    if path.suffix == ".xlsx":
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for at, record in enumerate([header, *cells]):
                for column, cell in enumerate(record):
                    sheet.write_string(at, column, cell)
        return list(range(2, len(lines) + 2))
    objects = [json.dumps(dict(zip(header, record, strict=True))) for record in cells]
    path.write_text(f"[{','.join(objects)}]" if path.suffix == ".json" else "\n".join(objects))
    return list(range(1, len(lines) + 1))


def opened(paths: Sequence[Path], *, grouped: bool) -> Input:
    """Groups whose sizes are lines, or a row for each line, without those whose reference is 0."""
    rows = Rows(
        key=compile_template("{{ row.ref }}" if grouped else "{{ row.note }}"),
        columns=COLUMNS if grouped else COLUMNS[:2], group_by="ref" if grouped else "",
        unpivot=SIZES if grouped else None, where=compile_expression("row.ref != '0'"),
    )  # fmt: skip
    return open_input(paths[0], rows, scope={}, name=str(paths[0]), more=paths[1:])


def key_of(line: Line, *, grouped: bool) -> str:
    """The key of the row that a line belongs to; none where it is left out."""
    if line[0] == 0:
        return ""
    return str(line[0]) if grouped else canonical(line[1])


@settings(max_examples=60)
@given(
    st.lists(LINES, min_size=1, max_size=3),
    st.sampled_from(["csv", "jsonl", "json", "xlsx"]),
    st.booleans(),
    st.data(),
)
def test_every_line_is_in_one_bucket_or_left_out(
    files: list[list[Line]], ending: str, grouped: bool, data: st.DataObject  # noqa: FBT001 - drawn by hypothesis
) -> None:  # fmt: skip
    files = [[*lines, (9, f"last {at}", 1, 1)] for at, lines in enumerate(files)]
    if not grouped:  # each note is a key, and so stands once
        files = [[(line[0], f"{at} {n} {line[1]}", *line[2:]) for n, line in enumerate(lines)]
                 for at, lines in enumerate(files)]  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [folder / f"{at}.{ending}" for at in range(len(files))]
        expected: dict[tuple[str, int], Line] = {}
        for path, lines in zip(paths, files, strict=True):
            order = data.draw(st.permutations(range(4)))
            numbers = write(path, lines, order)
            expected |= {
                (str(path), number): line for number, line in zip(numbers, lines, strict=True)
            }
        input_ = opened(paths, grouped=grouped)
        rows = data.draw(st.permutations(list(input_)))
        ended = rows[: data.draw(st.integers(0, len(rows)))]
        finished = {row.key: data.draw(st.sampled_from(BUCKETS)) for row in ended}
        report = Files(folder / "run", input_, outputs=())
        report(RunStarted(1, "orders", "sandbox", 0, 0, dry_run=False))
        for row in rows:
            if row.key in finished:
                report(RowFinished(RowResult(row.number, row.key, row.lines, finished[row.key])))
        report(RunEnded(1, {}, {}, 0, 0.0))
        assert report.results_path is not None
        with report.results_path.open(encoding="utf-8-sig", newline="") as file:
            told = list(csv.DictReader(file))
        _check(told, expected, finished, grouped=grouped, several=len(files) > 1)
        _check_left(report.retry_path, expected, finished, grouped=grouped)


def _check(
    told: list[dict[str, str]], expected: dict[tuple[str, int], Line], finished: dict[str, Any], *, grouped: bool,
    several: bool,
) -> None:  # fmt: skip
    """Each line is there once, under its number and key, with the bucket of its row."""
    first = next(iter(expected))[0]
    places = [(line["file"] if several else first, int(line["line"])) for line in told]
    assert places == list(expected)
    for line, place in zip(told, places, strict=True):
        key = key_of(expected[place], grouped=grouped)
        assert line["key"].removeprefix("'") == key
        assert line["bucket"] == (finished.get(key, "not started") if key else LEFT_OUT)


def _check_left(
    retry: Path | None, expected: dict[tuple[str, int], Line], finished: dict[str, Any], *, grouped: bool
) -> None:  # fmt: skip
    """What is left to do is in the retry file, all of it and nothing else, with the cells as they were."""
    left: dict[str, list[str]] = {}
    for line in expected.values():
        key = key_of(line, grouped=grouped)
        if key and finished.get(key, "not started") in ("rejected", "not started"):
            sizes = [str(count) for count in line[2:] if count]
            left.setdefault(key, []).extend(
                [f"{line[1]} {size}" for size in sizes] if grouped else [line[1]]
            )
    assert (retry is None) == (not left)
    if retry is not None:
        again = opened([retry], grouped=grouped)
        found = {
            row.key: [f"{each['note'] or ''} {each['quantity']}" for each in row.values["lines"]] if grouped
            else [row.values["note"]] for row in again
        }  # fmt: skip
        assert found == left
