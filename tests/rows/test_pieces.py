"""A sheet read in pieces is the sheet: wherever it is cut, whatever its XML looks like."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter

from runner.problems import Problem
from runner.recipe.model import Column, Rows
from runner.rows.findings import Findings
from runner.rows.formats.decode import Content
from runner.rows.formats.xlsx import archive, chunks
from runner.rows.formats.xlsx.cells import unpack_cells
from runner.rows.formats.xlsx.workbook import spool_sheet

from .conftest import Refuse

SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def mess() -> bytes:
    """Texts, numbers, days, truth values, errors, gaps, merged and rich cells, below and beside nothing."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet, bold = book.add_worksheet("Orders"), book.add_format({"bold": True})
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.merge_range("B2:D2", "Spring & <more>", bold)
        for row in range(5, 60, 3):
            sheet.write_row(row, 1, [f"PO-{row}", row + 0.5, "again", "", "x\ny"])
            sheet.write_datetime(row, 7, dt.datetime(2025, 1, row % 28 + 1), day)  # noqa: DTZ001 - as a cell has it
        sheet.write_boolean(8, 3, True)  # noqa: FBT003 - how it is called
        sheet.write_rich_string(11, 2, "one ", bold, "two", " three")
        sheet.write_formula(14, 4, "=1/0", None, "#DIV/0!")
        sheet.write_formula(61, 1, "=1/0", None, "#N/A")
        sheet.merge_range("B80:C81", 7, day)
        sheet.write_string(200, 0, "far </row> away row>")
    return content.getvalue()


def with_sheet(content: bytes, change: Callable[[str], str], *, part: str = SHEET) -> bytes:
    """The same workbook with one of its parts changed."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for each in source.infolist():
            text = source.read(each)
            target.writestr(each, change(text.decode()).encode() if each.filename == part else text)
    return made.getvalue()


def read(content: bytes) -> tuple[list[list[Any]], Any]:
    """The cells of every row of the first sheet, and what is merged."""
    findings = Findings("orders.xlsx")
    kept, _, merges, _ = spool_sheet(
        Content(io.BytesIO(content), "", head=content[:8]), Rows(), findings
    )
    return [unpack_cells(line) for line in kept], merges


def prefixed(text: str) -> str:
    """As programs write it that give the elements of a sheet a prefix."""
    named = re.sub(r"<(/?)(\w)", r"<\1x:\2", text)
    return named.replace("xmlns=", "xmlns:x=")


@pytest.mark.parametrize(("chunk", "cells"), [(64, 1), (100, 30), (777, 500), (4096, 10_000)])
@pytest.mark.parametrize("form", [str, prefixed, lambda text: text.replace('"', "'")])
def test_it_is_the_same_wherever_it_is_cut(
    monkeypatch: pytest.MonkeyPatch, form: Callable[[str], str], chunk: int, cells: int
) -> None:  # fmt: skip
    whole, merges = read(mess())
    assert [whole[1][1], whole[11][2], whole[200][0]] == [
        "Spring & <more>",
        "one two three",
        "far </row> away row>",
    ]
    assert len(whole) == 201
    assert merges == (((1, 1), (1, 3)), ((79, 1), (80, 2)))
    assert whole[5][7] == dt.date(2025, 1, 6)
    content = mess()
    for part in (SHEET, STRINGS):
        content = with_sheet(
            content, lambda text: text.split("?>")[0] + "?>" + form(text.split("?>")[1]), part=part
        )
    monkeypatch.setattr(archive, "_CHUNK", chunk)
    monkeypatch.setattr(chunks, "CELLS_AT_ONCE", cells)
    assert read(content) == (whole, merges)


def test_rows_and_cells_without_numbers_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """As programs write them that leave out what can be counted."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        for at in range(30):
            sheet.write_row(at, 0, [f"PO-{at}", at])
    bare = with_sheet(content.getvalue(), lambda text: re.sub(r' (?:r|spans)="[^"]*"', "", text))
    monkeypatch.setattr(archive, "_CHUNK", 100)
    assert read(bare)[0] == [[f"PO-{at}", at] for at in range(30)]


@pytest.mark.parametrize(
    ("old", "new", "part", "said"),
    [
        ("</sheetData>", "", SHEET, "ends in the middle of a row"),
        ("<v>0</v>", "<v>9</v>", SHEET, "a cell has the text 9, and there are 1"),
        ("<v>0</v>", "<v>zero</v>", SHEET, "a cell has a text without a number"),
        ("<v>0</v>", "<v><![CDATA[0]]></v>", SHEET, "a cell has a text without a number"),
        ("</si>", "", STRINGS, "ends in the middle of a text"),
        ("<sst", "<other", STRINGS, "has no texts where they should be"),
        ("<sheetData>", "", SHEET, "there are no rows in its sheet"),
    ],
)
def test_what_no_spreadsheet_writes_is_refused(
    refused: Refuse, old: str, new: str, part: str, said: str
) -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        book.add_worksheet().write_column(0, 0, ["Order #", 5])

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    damaged = with_sheet(content.getvalue(), change, part=part)
    problem: Problem = refused(damaged, Column("a", "Order #"), ending=".xlsx").problems[0]
    assert said in problem.message
    assert problem.remedy
