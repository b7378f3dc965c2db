"""Workbooks as people have them: titles above, merged cells, numbers for text, dates, errors; and traps."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from runner.problems import InvalidError, Problem
from runner.recipe.model import Column, Rows
from runner.report.files.workbook import write_sheet
from runner.rows import Input, open_input
from runner.rows.formats.xlsx import archive
from runner.template import compile_template

from .conftest import Open, Refuse

Fill = Callable[[Any, Any], None]

REF, QTY = Column("a", "Order #"), Column("qty", "Qty", type="integer")
DAY = Column("day", "Day", type="date", format=("%m/%d/%Y",))
PRICE = Column("price", "Price", type="decimal")


def book(fill: Fill, *, names: tuple[str, ...] = ("Orders",)) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        sheets = [made.add_worksheet(name) for name in names]
        fill(sheets[0], made)
    return content.getvalue()


def table(*rows: list[Any], top: int = 0) -> bytes:
    def fill(sheet: Any, made: Any) -> None:
        day = made.add_format({"num_format": "dd/mm/yyyy"})
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, dt.date):
                    sheet.write_datetime(top + at, column, cell, day)
                else:
                    sheet.write(top + at, column, cell)

    return book(fill)


@pytest.fixture
def workbook(opened: Open) -> Open:
    def open_it(content: bytes, *columns: Column, **rows: Any) -> Input:
        return opened(content, *columns, ending=".xlsx", **rows)

    return open_it


@pytest.fixture
def refusal(refused: Refuse) -> Callable[..., Problem]:
    def refuse(content: bytes, *columns: Column, **rows: Any) -> Problem:
        (problem,) = refused(content, *columns, ending=".xlsx", **rows).problems
        return problem

    return refuse


def test_cells_become_what_the_columns_say(workbook: Open) -> None:
    name, odd = Column("name", "Name"), Column("paid", "Paid", type="boolean")
    found = workbook(
        table(
            ["Order #", "Qty", "Day", "Price", "Name", "Paid"],
            [12345, 3, dt.date(2025, 1, 2), 12.1, "00618", True],
            ["x y", "4", "02/09/2024", 0.1 + 0.2, 7.5, "no"],
            [1.5, 5.0, dt.date(2023, 3, 15), 1e15 / 7, "=no formula"[1:], False],
        ),
        REF, QTY, DAY, PRICE, name, odd,
    )  # fmt: skip
    assert [tuple(row.values.values()) for row in found] == [
        ("12345", 3, dt.date(2025, 1, 2), Decimal("12.1"), "00618", True),
        ("x y", 4, dt.date(2024, 2, 9), Decimal("0.3"), "7.5", False),
        ("1.5", 5, dt.date(2023, 3, 15), Decimal(142857142857143), "no formula", False),
    ]
    assert [row.lines for row in found] == [(2,), (3,), (4,)]


def test_the_header_is_found_beneath_titles_and_merged_cells(workbook: Open) -> None:
    def fill(sheet: Any, made: Any) -> None:
        sheet.merge_range("B2:D2", "Spring order 2025", made.add_format({"bold": True}))
        sheet.write("B3", "as of")
        sheet.write_row("B5", ["Order #", "Qty", "Note"])
        sheet.write_row("B6", ["A", 1, ""])
        sheet.write_row("B9", ["B", 2, "x"])

    found = workbook(book(fill), REF, QTY)
    assert [(row.key, row.values["qty"], row.lines) for row in found] == [
        ("A", 1, (6,)),
        ("B", 2, (9,)),
    ]
    assert found.layout == "sheet 'Orders', header on line 5"
    assert found.header == ("", "Order #", "Qty", "Note")


def test_a_header_that_lacks_a_column_is_told_with_its_address(
    refusal: Callable[..., Problem],
) -> None:
    problem = refusal(table(["Spring"], [], ["Order #", "Quantity"], ["A", 1]), REF, QTY)
    assert (problem.line, problem.column) == (3, 1)
    assert problem.message == "Orders!A3: there is no column 'Qty' for qty"


def test_a_sheet_by_name_by_number_and_the_first_that_is_not_hidden(
    workbook: Open, refused: Refuse
) -> None:
    def fill(first: Any, made: Any) -> None:
        first.write_column("A1", ["Order #", "A"])
        first.hide()
        for name in ("Two & more", "Three"):
            made.get_worksheet_by_name(name).write_column("A1", ["Order #", name])
        made.get_worksheet_by_name("Three").activate()

    content = book(fill, names=("Orders", "Two & more", "Three"))
    assert [row.key for row in workbook(content, REF)] == ["Two & more"]
    assert [row.key for row in workbook(content, REF, sheet="Three")] == ["Three"]
    assert [row.key for row in workbook(content, REF, sheet=1)] == ["A"]
    (problem,) = refused(content, REF, sheet="three", ending=".xlsx").problems
    assert (problem.message, problem.remedy) == (
        "there is no sheet 'three'",
        "did you mean 'Three'?",
    )
    (problem,) = refused(content, REF, sheet=4, ending=".xlsx").problems
    assert problem.remedy == "known sheets: Orders, Three, Two & more"


def test_an_id_of_more_digits_than_a_spreadsheet_keeps(refusal: Callable[..., Problem]) -> None:
    problem = refusal(
        table(["Qty", "x", "Order #"], [1, 2, "A"], [1, 1e17, 1234567890123456789.0]), REF
    )
    assert (problem.line, problem.column) == (3, 3)
    assert problem.message.startswith(
        "Orders!C3: a (column 'Order #') is the number 1.23456789012346e+18: "
    )
    assert "a spreadsheet keeps 15 digits" in problem.message


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?"])
def test_an_error_in_a_cell(refusal: Callable[..., Problem], workbook: Open, error: str) -> None:
    def fill(sheet: Any, made: Any) -> None:
        sheet.write_row("A1", ["Order #", "Price", "Other"])
        sheet.write_row("A2", ["A", 1, 2])
        sheet.write("A3", "B")
        sheet.write_formula("B3", "=1/0", None, error)
        sheet.write_formula("C3", "=1/0", None, error)

    problem = refusal(book(fill), REF, PRICE)
    assert problem.message == f"Orders!B3: price (column 'Price') holds the error {error}"
    assert [row.key for row in workbook(book(fill), REF)] == ["A", "B"]


def test_formulas_have_the_value_that_was_computed_for_them(
    workbook: Open, refusal: Callable[..., Problem]
) -> None:
    def fill(sheet: Any, made: Any) -> None:
        sheet.write_row("A1", ["Order #", "Price", "Name"])
        sheet.write("A2", "A")
        sheet.write_formula("B2", "=1+1", None, 2)
        sheet.write_formula("C2", '=IF(1,"","")', None, "x")

    content = book(fill)
    (row,) = workbook(content, REF, PRICE)
    assert row.values["price"] == 2
    for old, new in (
        (b"<v>2</v>", b""),
        (b"<v>2</v>", b"<v></v>"),
        (b"<v>2</v>", b"<v/>"),
        (b"<v>2</v>", b"\n "),
    ):
        problem = refusal(changed(content, old, new), REF, PRICE)
        assert (
            problem.message
            == "Orders!B2: price (column 'Price') is a formula that nobody has computed"
        )
    name = Column("name", "Name")
    (row,) = workbook(changed(content, b"<v>x</v>", b"<v></v>"), REF, name)
    assert row.values["name"] is None
    assert (
        workbook(changed(content, b"<f>1+1</f>", b'<f t="shared" si="0"/>'), REF, PRICE).line_count
        == 1
    )


def changed(
    content: bytes, old: bytes, new: bytes, *, part: str = "xl/worksheets/sheet1.xml"
) -> bytes:
    """The same workbook with something else in one of its parts."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for each in source.infolist():
            text = source.read(each)
            if each.filename == part:
                assert old in text
                text = text.replace(old, new)
            target.writestr(each, text)
    return made.getvalue()


def test_a_merged_key_says_what_it_is_merged_with(refusal: Callable[..., Problem]) -> None:
    def fill(sheet: Any, made: Any) -> None:
        sheet.write_row("A1", ["Order #", "Qty"])
        sheet.merge_range("A2:A3", "PO-1", made.add_format())
        sheet.write_column("B2", [1, 2])

    problem = refusal(book(fill), REF, QTY, group_by="a")
    assert (
        problem.message == "Orders!A3: a (column 'Order #') is empty, and lines are grouped by it"
    )
    assert problem.remedy == "it is merged with A2: take the cells apart, fill in each"


def test_the_widest_sheet_and_a_very_long_cell(
    workbook: Open, refusal: Callable[..., Problem]
) -> None:
    wide = table(["a", *(f"c{n}" for n in range(16_383))], ["A", *range(16_383)])
    (row,) = workbook(wide)
    assert len(row.values) == 16_384
    content = changed(table(["Order #"], [1]), b"<v>1</v></c>", LONG)
    assert [row.key for row in workbook(content, REF)] == ["1"]


def test_a_retry_workbook_is_read_as_the_first_one_was(workbook: Open) -> None:
    day = dt.datetime(2025, 1, 2)  # noqa: DTZ001 - a cell has no time zone
    content = table(
        ["Title"], [], ["Order #", "Qty", "Day", "x"],
        ["007", 1, day, 1.15], [8, "2", "1/2/2025", True], ["C", 3, day.replace(hour=10), "y"],
    )  # fmt: skip
    found = workbook(content, REF, QTY)
    file = io.BytesIO()
    write_sheet(file, found.sheet, found.sheet_cells([4, 6]))
    again = workbook(file.getvalue(), REF, QTY)
    assert [row.values for row in again] == [{"a": "007", "qty": 1}, {"a": "C", "qty": 3}]
    assert list(again.sheet_cells([4, 5])) == list(found.sheet_cells([4, 6]))
    assert list(again.sheet_cells([4]))[-1] == ["007", 1, day.date(), 1.15]
    assert (again.layout, again.retry_ending) == (found.layout, ".xlsx")


def test_groups_whose_rows_are_not_adjacent(workbook: Open) -> None:
    found = workbook(
        table(["Order #", "Qty"], ["A", 1], ["B", 2], ["A", 3]), REF, QTY, group_by="a"
    )
    assert [(row.key, row.lines) for row in found] == [("A", (2, 4)), ("B", (3,))]


def test_keys_are_checked(refusal: Callable[..., Problem]) -> None:
    problem = refusal(table(["Order #"], ["A"], [5], ["A"]), REF)
    assert problem.message == "Orders!A4: the key 'A' is repeated: line 2 has it too"


@pytest.mark.parametrize("rows", [(), (["Order #"],)])
def test_a_sheet_without_rows(refusal: Callable[..., Problem], rows: tuple[list[Any], ...]) -> None:
    assert refusal(table(*rows), REF).kind == "empty-file"


LONG = b'<v>1</v></c><c r="B2" t="inlineStr"><is><t>' + b"x" * 10_000_000 + b"</t></is></c>"


def parts(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04" + bytes(100), "is a damaged workbook: file is not a zip file"),
        (parts(**{"content.xml": b""}), "is an OpenDocument file, not an .xlsx workbook"),
        (parts(**{"xl/workbook.bin": b""}), "is a binary workbook (.xlsb), not an .xlsx workbook"),
        (parts(readme=b""), "is an archive without a workbook in it, not an .xlsx workbook"),
        (
            parts(**{"xl/workbook.xml": b""}),
            "is a damaged workbook: there is no xl/_rels/workbook.xml.rels in it",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
            "is a workbook of Excel 97 to 2003 (.xls)",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
            + bytes(600)
            + "EncryptedPackage".encode("utf-16-le"),
            "is an encrypted workbook: it opens with a password only",
        ),
        (b"Order #\nA\n", "is no workbook, whatever its name says"),
    ],
)
def test_what_is_no_workbook_is_called_what_it_is(
    refusal: Callable[..., Problem], content: bytes, said: str
) -> None:
    problem = refusal(content, REF)
    assert problem.message == said
    assert problem.remedy


def lying(content: bytes) -> bytes:
    """The archive with a directory that says that its sheet is small."""
    name = b"xl/worksheets/sheet1.xml"
    at = content.rindex(name) - 46
    assert content[at : at + 4] == b"PK\x01\x02"
    return content[: at + 24] + struct.pack("<I", 100) + content[at + 28 :]


SMALL = table(["Order #"], ["A"])
SHEET = "xl/worksheets/sheet1.xml"
FAR = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'


def grown(part: str, size: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(SMALL)) as source:
        text = source.read(part)
    return changed(SMALL, text, text + b" " * size, part=part)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (grown(SHEET, 40 * 1024**2), "times its size"),
        (grown("xl/sharedStrings.xml", 40 * 1024**2), "times its size"),
        (changed(SMALL, b"</sheetData>", FAR), "has a sheet of 1,048,576 rows and 16,384 columns"),
        (lying(grown(SHEET, 4 * 1024**2)), "is a damaged workbook: "),
        (changed(SMALL, b"<workbook", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><workbook', part="xl/workbook.xml"),
         "defines entities"),
        (grown("xl/workbook.xml", 9 * 1024**2), "has a part xl/workbook.xml of more than 8 MiB"),
        (parts(**{"xl/workbook.xml": b"", **{f"f{n}": b"" for n in range(10_001)}}), "has 10,002 files in it"),
    ],
)  # fmt: skip
def test_bombs_are_refused_before_they_are_unpacked(
    refusal: Callable[..., Problem], content: bytes, said: str
) -> None:  # fmt: skip
    assert said in refusal(content, REF).message


def test_an_archive_that_says_it_unpacks_to_too_much(
    refusal: Callable[..., Problem], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    assert refusal(SMALL, REF).message.startswith("unpacks to more than ")


def test_a_workbook_that_changes_between_the_check_and_the_run(
    workbook: Open, tmp_path: Path
) -> None:
    found = workbook(SMALL, REF)
    (tmp_path / "orders.xlsx").write_bytes(b"")
    assert [row.key for row in found] == ["A"]


@pytest.mark.parametrize("cut", [30, 200, 1000])
def test_a_workbook_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "orders.xlsx"
    path.write_bytes(SMALL[:-cut])
    with pytest.raises(InvalidError):
        open_input(path, Rows(key=compile_template("{{ row.a }}"), columns=(REF,)), scope={})
