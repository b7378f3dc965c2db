"""What a spreadsheet does to cells: the same sheet as .csv and as .xlsx gives the same rows, or is refused."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from runner.recipe.model import Column
from runner.report.files.workbook import write_sheet
from runner.rows.formats.xlsx.number_formats import as_shown
from runner.rows.leftovers import escape_formula, plain_cells
from runner.template import compile_expression

from .conftest import Open, Refuse

REF, NOTE = Column("a", "Order #"), Column("note", "Note")
HEADER = "Order #,Note\n"


def sheet(*cells: Callable[[Any, Any, int], None], start: int = 1, **options: Any) -> bytes:
    """A workbook with the header and a row for each cell, which is in the column Note."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, options) as made:
        page = made.add_worksheet("S")
        page.write_row(0, 0, ["Order #", "Note"])
        for row, write in enumerate(cells, start=start):
            page.write_string(row, 0, f"PO-{row}")
            write(page, made, row)
    return content.getvalue()


def number(value: float, code: str = "General") -> Callable[[Any, Any, int], None]:
    return lambda page, made, row: page.write_number(
        row, 1, value, made.add_format({"num_format": code})
    )


def moment(value: dt.datetime, code: str) -> Callable[[Any, Any, int], None]:
    return lambda page, made, row: page.write_datetime(
        row, 1, value, made.add_format({"num_format": code})
    )


def text(value: str) -> Callable[[Any, Any, int], None]:
    return lambda page, made, row: page.write_string(row, 1, value)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('="00618"', "00618"),
        ('"=""00618"""', "00618"),
        ('"=""6"""" pipe"""', '6" pipe'),
        ('=""', None),
        ("'+1 617 555 0100", "+1 617 555 0100"),
        ("''=x", "'=x"),
        ("'tis Gifts", "'tis Gifts"),
        ("=1+1", "=1+1"),
        ('="a"&"b"', '="a"&"b"'),
    ],
)
def test_a_text_is_what_it_stands_for(opened: Open, cell: str, expected: str | None) -> None:
    (row,) = opened(f"{HEADER}PO-1,{cell}\n", REF, NOTE)
    assert row.values["note"] == expected


@pytest.mark.parametrize(
    "value", ["+1617", "=x", "@home", "-10% off", "'+1", "''=", "'tis", "x", ""]
)
def test_what_an_export_writes_is_read_as_it_was(value: str) -> None:
    assert plain_cells([escape_formula(value)]) == [value]


LOST = ["#REF!", "#N/A", "#########", "1.23457E+11", "1,5E+10", "NULL", "N/A", "n/a", "Err:502"]


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
@pytest.mark.parametrize("cell", LOST)
def test_what_stands_in_place_of_a_value_is_refused(
    refused: Refuse, cell: str, ending: str
) -> None:
    content = f'{HEADER}PO-1,"{cell}"\n' if ending == ".csv" else sheet(text(cell))
    (problem,) = refused(content, REF, NOTE, ending=ending).problems
    assert f"note (column 'Note') {cell!r} " in problem.message
    assert (problem.line, problem.kind) == (2, "bad-value")
    assert problem.remedy


@pytest.mark.parametrize(
    "column",
    [
        Column("note", "Note", empty=("", *LOST)),
        Column("note", "Note", pattern="."),
        Column(
            "note",
            "Note",
            replace=(("#", ""), ("/", ""), ("E", ""), ("N", ""), ("E", ""), (":", "")),
        ),
    ],
)
@pytest.mark.parametrize("cell", ["#REF!", "N/A", "1.23457E+11"])
def test_a_column_says_that_it_wants_them(opened: Open, column: Column, cell: str) -> None:
    assert len(list(opened(f"{HEADER}PO-1,{cell}\n", REF, column))) == 1


@pytest.mark.parametrize("cell", ["3E10", "5E06", "none", "Null", "NA", "#1", "# N/A", "1.5e+10"])
def test_what_only_looks_like_it_is_a_text(opened: Open, cell: str) -> None:
    (row,) = opened(f"{HEADER}PO-1,{cell}\n", REF, NOTE)
    assert row.values["note"] == cell


def test_a_line_that_the_recipe_leaves_out_may_hold_anything(opened: Open) -> None:
    where = compile_expression("row.a != 'Total'")
    found = opened(f"{HEADER}PO-1,x\nTotal,#REF!\n", REF, NOTE, where=where)
    assert [row.key for row in found] == ["PO-1"]


@pytest.mark.parametrize(
    "content",
    [
        "Order #,Note\nPO-1,x\nOrder #,Note\nPO-2,y\n",
        "\ufeffOrder #,Note\nPO-1,x\n\ufeffOrder #,Note\nPO-2,y\n",
    ],
)
def test_a_header_in_the_middle_is_two_files_in_one(refused: Refuse, content: str) -> None:
    (problem,) = refused(content, REF, NOTE).problems
    assert (problem.line, problem.message) == (3, "is the header once more: two files in one")


def test_a_header_in_the_middle_of_a_workbook(refused: Refuse) -> None:
    def again(page: Any, made: Any, row: int) -> None:
        page.write_row(row, 0, ["Order #", "Note"])

    (problem,) = refused(sheet(text("x"), again), REF, NOTE, ending=".xlsx").problems
    assert problem.message == "S!A3: is the header once more: two files in one"


@pytest.mark.parametrize(
    "content",
    [
        "Order #,Note\nPO-1,x,\nPO-2,y,,\n",
        "Order #,Note,,\nPO-1,x,,\nPO-2,y\n",
        "Order #,Note\r\nPO-1,x\r\nPO-2,y\r\n\x1a",
        "Order #,Note\nPO-1,x\nPO-2,y\x1a",
        "Order #,Note\nPO-1,x\nPO-2,y\x1a\r\n",
    ],
)
def test_delimiters_and_marks_at_the_ends_are_no_cells(opened: Open, content: str) -> None:
    found = opened(content, REF, NOTE)
    assert [row.values["note"] for row in found] == ["x", "y"]
    assert [row.values["note"] for row in found] == ["x", "y"]


def test_a_cell_beyond_the_header_is_refused(refused: Refuse) -> None:
    (problem,) = refused("Order #,Note\nPO-1,x,more\n", REF, NOTE).problems
    assert problem.kind == "ragged-line"


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (618, "00000", "00618"),
        (124.5, "0.00", "124.50"),
        (12.1, "0.00", "12.10"),
        (1234.5, "#,##0.00", "1,234.50"),
        (-5, "0.0", "-5.0"),
        (42, "[Red]0", "42"),
        (5, "0.00_);(0.00)", "5.00"),
        (124.5, "General", "124.5"),
        (124.5, "@", "124.5"),
    ],
)
def test_a_number_in_a_column_of_text_is_as_the_sheet_shows_it(
    opened: Open, value: float, code: str, expected: str
) -> None:
    (row,) = opened(sheet(number(value, code)), REF, NOTE, ending=".xlsx")
    assert row.values["note"] == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (6175551234, "(000) 000-0000"),
        (0.075, "0.0%"),
        (1234.5, "$#,##0.00"),
        (0.5, "# ?/?"),
        (150000000000, "0.00E+00"),
        (42, '0" days"'),
        (124.457, "0.00"),
        (-5, "0.00_);(0.00)"),
    ],
)
def test_a_number_that_is_shown_in_another_way_is_refused(
    refused: Refuse, value: float, code: str
) -> None:
    (problem,) = refused(sheet(number(value, code)), REF, NOTE, ending=".xlsx").problems
    assert problem.message.startswith("S!B2: note (column 'Note') is the number ")


def test_the_format_of_a_number_in_a_column_of_numbers_does_not_matter(opened: Open) -> None:
    price = Column("note", "Note", type="decimal")
    content = sheet(number(124.5, "0.00"), number(1234.5, "$#,##0.00"), number(0.075, "0.0%"))
    found = [row.values["note"] for row in opened(content, REF, price, ending=".xlsx")]
    assert found == [Decimal("124.5"), Decimal("1234.5"), Decimal("0.075")]


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (moment(dt.datetime(2026, 3, 1), "d-mmm"), "a date of it"),  # noqa: DTZ001 - as a cell has it
        (number(0.5, "h:mm"), "a time of it"),
        (number(1.25, "[h]:mm"), "a time of it"),
        (lambda page, _, row: page.write_boolean(row, 1, True), "a truth value of it"),  # noqa: FBT003
    ],
)
def test_what_a_spreadsheet_has_made_of_a_text_is_refused(
    refused: Refuse, write: Callable[[Any, Any, int], None], said: str
) -> None:
    (problem,) = refused(sheet(write), REF, NOTE, ending=".xlsx").problems
    assert problem.message.startswith("S!B2: note (column 'Note') is ")
    assert problem.message.endswith(said)


DAY = Column("note", "Note", type="date")


@pytest.mark.parametrize("value", [2027, 331, 32027, 45000.5])
def test_a_number_is_no_date(refused: Refuse, value: float) -> None:
    (problem,) = refused(sheet(number(value)), REF, DAY, ending=".xlsx").problems
    assert problem.message.endswith(", and not formatted as a date")


@pytest.mark.parametrize(("options", "day"), [({}, 46477), ({"date_1904": True}, 45015)])
def test_days_as_numbers_where_the_column_says_so(
    opened: Open, options: dict[str, Any], day: int
) -> None:
    content = sheet(number(day), moment(dt.datetime(2027, 3, 31), "yyyy-mm-dd"), **options)  # noqa: DTZ001
    found = opened(content, REF, DAY._replace(serial=True), ending=".xlsx")
    assert [row.values["note"] for row in found] == [dt.date(2027, 3, 31)] * 2


TIMED = dt.datetime(2027, 3, 31, 14, 30)  # noqa: DTZ001 - as a cell has it


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_a_time_beside_the_date(opened: Open, refused: Refuse, ending: str) -> None:
    content = (
        f"{HEADER}PO-1,2027-03-31 14:30\n"
        if ending == ".csv"
        else sheet(moment(TIMED, "m/d/yy h:mm"))
    )
    (problem,) = refused(content, REF, DAY, ending=ending).problems
    assert "`time: drop`" in problem.remedy
    (row,) = opened(content, REF, DAY._replace(drop_time=True), ending=ending)
    assert row.values["note"] == dt.date(2027, 3, 31)


@pytest.mark.parametrize(
    "cell", ["2027-03-31T14:30:00Z", "2027-03-31 2:30 PM", "2027-03-31 14:30:00.123+02:00"]
)
def test_the_forms_of_a_time_that_is_dropped(opened: Open, cell: str) -> None:
    (row,) = opened(f"{HEADER}PO-1,{cell}\n", REF, DAY._replace(drop_time=True))
    assert row.values["note"] == dt.date(2027, 3, 31)


def test_a_retry_workbook_shows_a_number_as_it_was(opened: Open, tmp_path: Path) -> None:
    source = opened(sheet(number(618, "00000")), REF, NOTE, ending=".xlsx")
    path = tmp_path / "retry.xlsx"
    with path.open("wb") as file:
        write_sheet(file, "S", source.sheet_cells([2]))
    (row,) = opened(path.read_bytes(), REF, NOTE, ending=".xlsx")
    assert row.values["note"] == "00618"


def test_a_format_of_digits_shows_all_that_there_is() -> None:
    assert as_shown(Decimal("0.1"), "0.00") == "0.10"
    assert as_shown(10, "#,##0") == "10"
    assert as_shown(Decimal("0.125"), "0.00") is None
