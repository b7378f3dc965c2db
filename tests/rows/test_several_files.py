"""Several files as one input: each with its own header, the columns in any order; what is left fits under the first."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from runner.problems import LINES_A_FILE, InvalidError
from runner.recipe.model import Column, Rows
from runner.report.files.workbook import write_sheet
from runner.rows import Input, open_input
from runner.template import compile_template

REF, QTY = Column("ref", "Ref"), Column("qty", "Qty", type="integer")
SECOND = LINES_A_FILE


def opened(first: Path, *more: Path, **rows: Any) -> Input:
    declared = Rows(key=compile_template("{{ row.ref }}"), columns=(REF, QTY), **rows)
    return open_input(first, declared, scope={}, name=str(first), more=more)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def left(found: Input, numbers: Sequence[int]) -> bytes:
    file = io.BytesIO()
    found.write_some(file, numbers)
    return file.getvalue()


def book(path: Path, *rows: Sequence[Any]) -> Path:
    with xlsxwriter.Workbook(path) as made:
        sheet = made.add_worksheet("Orders")
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return path


def test_columns_in_another_order(tmp_path: Path) -> None:
    north = written(tmp_path / "north.csv", b"\xef\xbb\xbfRef,Qty,Note\r\nA,1,x\r\n")
    south = written(
        tmp_path / "south.csv", b'Title\nNote , Qty,Ref\n"two\nlines, ""q""",2,B\n"\rz",3,C'
    )
    found = opened(north, south, header=0)
    assert [(row.key, row.values["qty"], row.lines) for row in found] == [
        ("A", 1, (2,)), ("B", 2, (SECOND + 3,)), ("C", 3, (SECOND + 5,)),
    ]  # fmt: skip
    assert left(found, [2, SECOND + 3, SECOND + 5]) == (
        b'\xef\xbb\xbfRef,Qty,Note\r\nA,1,x\r\nB,2,"two\nlines, ""q"""\nC,3,"\rz"'
    )
    again = opened(written(tmp_path / "retry.csv", left(found, [SECOND + 5])))
    assert [(row.key, row.values) for row in again] == [("C", {"ref": "C", "qty": 3})]


def test_columns_of_workbooks_in_another_order(tmp_path: Path) -> None:
    north = book(tmp_path / "north.xlsx", ["Ref", "", "Qty"], ["A", "x", 1])
    south = book(tmp_path / "south.xlsx", ["", "Qty", "Ref"], ["y", 2, "B", "", "beyond"])
    found = opened(north, south)
    assert [(row.key, row.values["qty"]) for row in found] == [("A", 1), ("B", 2)]
    file = io.BytesIO()
    write_sheet(file, found.sheet, found.sheet_cells([SECOND + 2]))
    (row,) = opened(written(tmp_path / "retry.xlsx", file.getvalue()))
    assert row.values == {"ref": "B", "qty": 2}
    assert list(found.sheet_cells([2, SECOND + 2]))[1:] == [
        ["A", "x", 1],
        ["B", "y", 2, "", "beyond"],
    ]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Ref,Quantity", "there is no column 'Qty' for qty"),
        ("Ref,Qty,Note", "has not the columns of north.csv: 'Note' only here"),
        ("Ref,Qty,Note,", "has not the columns of north.csv: 'Note', '' only here"),
    ],
)
def test_a_file_with_other_columns_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: str, said: str
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    north = written(Path("north.csv"), b"Qty,Ref\n1,A\n")
    south = written(Path("south.csv"), f"{header}\nB,2{',x' * (header.count(',') - 1)}\n".encode())
    with pytest.raises(InvalidError) as error:
        opened(north, south)
    problem = error.value.problems[0]
    assert (problem.file, problem.message) == ("south.csv", said)
    assert problem.remedy
