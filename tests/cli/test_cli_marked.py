"""`--marked`: the sheet comes back with what is wrong in red, and is input again once it is mended."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font, PatternFill

from .command import HEADER, RECIPE, Command

LINES = [
    ["A-1", "Ace Awards", "1", "1.10", "01/02/2027"],
    ["A-2", "Blue Banners", "two", "2.5", "01/03/2027"],
    ["00618", "=1+1", "3", "3", "2027-01-04"],
]
CSV = HEADER + "".join(",".join(line) + "\n" for line in LINES)
RED = "FFC7CE"


def cells(path: Path) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def notes(path: Path) -> dict[str, str]:
    """The notes of red cells, by address; no other cell has one."""
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    found = {}
    for row in sheet.iter_rows():
        for cell in row:
            is_red = str(cell.fill.fgColor.rgb).endswith(RED)
            assert is_red == (cell.comment is not None), cell.coordinate
            if cell.comment is not None:
                found[cell.coordinate] = cell.comment.text
    return found


def mend(path: Path, target: Path) -> None:
    """What a person does in a spreadsheet: the red cells are filled in."""
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    sheet["C3"], sheet["E4"] = "2", "01/04/2027"
    book.save(target)


def sent(command: Command) -> Counter[str]:
    return Counter(one["body"]["first_name"] for one in command.delivered())


def test_a_sheet_is_marked_run_mended_and_run_again(contacts: Command) -> None:
    contacts.write("rows.csv", CSV)
    contacts("validate", "contacts.yaml", "--rows", "rows.csv", "--marked", "first.xlsx", code=3)
    first = contacts.folder / "first.xlsx"
    told = notes(first)
    assert sorted(told) == ["C3", "E4"]
    assert "'two' is not an integer; write a whole number in digits" in told["C3"]
    table = cells(first)
    assert [line[:5] for line in table[1:]] == LINES
    assert table[0][5:] == ["problem", "outcome"]
    assert table[2][5] == told["C3"]
    assert table[1][5:] == [None, None]

    # As it is, it is the same input, with the same problems.
    contacts("run", "contacts.yaml", "--rows", "first.xlsx", code=3)
    contacts("run", "contacts.yaml", "--rows", "first.xlsx", "--bad-rows", "aside", code=4)
    assert sent(contacts) == Counter(["A-1"])
    contacts("report", "1", "--marked", "second.xlsx")
    second = contacts.folder / "second.xlsx"
    table = cells(second)
    assert [line[6] for line in table] == ["outcome", "done", "rejected", "rejected"]
    assert sorted(notes(second)) == ["C3", "E4"]

    mend(second, contacts.folder / "mended.xlsx")
    contacts("run", "contacts.yaml", "--rows", "mended.xlsx")
    assert sent(contacts) == Counter(["A-1", "A-2", "00618"])


def workbook(path: Path) -> None:
    """Lines under a title, in colours, with a number, a date and another sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Orders"
    sheet["A1"] = "Orders of March"
    sheet["A1"].font = Font(bold=True, size=20)
    sheet.column_dimensions["B"].width = 44
    for row, line in enumerate([HEADER.strip().split(","), *LINES], start=2):
        for at, text in enumerate(line, start=1):
            sheet.cell(row, at).value = text
            sheet.cell(row, at).data_type = "s"
    sheet["D3"] = 1.1
    sheet["D3"].number_format = "0.00"
    sheet["B3"].fill = PatternFill("solid", fgColor="00FF00")
    sheet.merge_cells("A1:C1")
    book.create_sheet("Notes")["A1"] = "keep me"
    book.save(path)


def test_the_look_of_a_workbook_is_kept(contacts: Command) -> None:
    workbook(contacts.folder / "in.xlsx")
    contacts("validate", "contacts.yaml", "--rows", "in.xlsx", "--marked", "out.xlsx", code=3)
    book = openpyxl.load_workbook(contacts.folder / "out.xlsx")
    sheet = book["Orders"]
    assert book["Notes"]["A1"].value == "keep me"
    assert (sheet["A1"].value, sheet["A1"].font.b, sheet["A1"].font.sz) == (
        "Orders of March",
        True,
        20,
    )
    assert sheet.column_dimensions["B"].width == 44
    assert sheet["B3"].fill.fgColor.rgb == "0000FF00"
    assert (sheet["D3"].value, sheet["D3"].number_format) == (1.1, "0.00")
    assert [sheet["F2"].value, sheet["G2"].value] == ["problem", "outcome"]
    assert str(sheet["C4"].fill.fgColor.rgb).endswith(RED)
    assert "Orders!C4: qty" in sheet["C4"].comment.text
    assert "Orders!E5: day" in sheet["F5"].value
    assert sheet["B5"].data_type == "s"
    # Marked once more, the columns are the same two.
    contacts("validate", "contacts.yaml", "--rows", "out.xlsx", "--marked", "more.xlsx", code=3)
    sheet = openpyxl.load_workbook(contacts.folder / "more.xlsx")["Orders"]
    assert [cell.value for cell in sheet[2]][5:] == ["problem", "outcome"]


def test_merged_cells_mended_ones_and_columns_of_one_s_own(contacts: Command) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in [
        [*HEADER.strip().split(","), "Problem?", "problem"],
        *([*each, "", "mine"] for each in LINES),
    ]:
        sheet.append(line)
    sheet.merge_cells("C3:D3")
    sheet.merge_cells(
        "B2:B3"
    )  # the name of the second line is that of the first, and it has none itself
    book.save(contacts.folder / "in.xlsx")
    contacts("validate", "contacts.yaml", "--rows", "in.xlsx", "--marked", "out.xlsx", code=3)
    table = cells(contacts.folder / "out.xlsx")
    assert table[0][5:] == ["Problem?", "problem", "problem (runner)", "outcome (runner)"]
    assert [line[6] for line in table[1:]] == ["mine"] * 3
    assert {"C3", "E4", "B2"} <= notes(contacts.folder / "out.xlsx").keys()
    book = openpyxl.load_workbook(contacts.folder / "out.xlsx")
    sheet = book.active
    assert sheet is not None
    sheet["C3"] = "2"
    book.save(contacts.folder / "half.xlsx")
    contacts("validate", "contacts.yaml", "--rows", "half.xlsx", "--marked", "more.xlsx", code=3)
    again = contacts.folder / "more.xlsx"
    assert "C3" not in notes(again) and "E4" in notes(again)
    assert len(cells(again)[0]) == 9


def test_without_openpyxl_the_values_are_written(contacts: Command) -> None:
    workbook(contacts.folder / "in.xlsx")
    (contacts.folder / "none").mkdir()
    contacts.write("none/openpyxl.py", "raise ImportError\n")
    env = {"PYTHONPATH": str(contacts.folder / "none")}
    contacts(
        "validate", "contacts.yaml", "--rows", "in.xlsx", "--marked", "out.xlsx", code=3, env=env
    )
    sheet = openpyxl.load_workbook(contacts.folder / "out.xlsx").active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]] == [*HEADER.strip().split(","), "problem", "outcome"]
    assert (sheet["D3"].value, sheet["A5"].value) == (1.1, "00618")
    assert sheet["C4"].comment is not None
    contacts("validate", "contacts.yaml", "--rows", "out.xlsx", code=3)


def test_problems_of_more_than_a_row_are_marked_too(contacts: Command) -> None:
    """A line without a group, one that is broken, and a key that is there twice: no line is lost."""
    grouped = RECIPE.replace("  key:", "  group_by: name\n  key:")
    contacts.write("contacts.yaml", grouped)
    lines = [
        "A-1,Ace,1,1,01/02/2027", "A-2,,1,1,01/02/2027", "A-3,Cup,1,1", "A-1,Bee,1,1,01/02/2027",
    ]  # fmt: skip
    contacts.write("rows.csv", HEADER + "\n".join(lines) + "\n")
    contacts("validate", "contacts.yaml", "--rows", "rows.csv", "--marked", "m.xlsx", code=3)
    table = cells(contacts.folder / "m.xlsx")
    assert [line[0] for line in table] == ["Ref", "A-1", "A-2", "A-3", "A-1"]
    assert "is empty" in table[2][5]
    assert "has 4 cells where the header has 5" in table[3][5]


def test_a_row_that_is_sure_to_fail_is_marked(contacts: Command) -> None:
    require = '  require: [{that: row.price > 2, message: "{{ row.price }} is too little"}]\n  key:'
    contacts.write("contacts.yaml", RECIPE.replace("  key:", require))
    contacts("validate", "contacts.yaml", "--rows", "rows.csv", "--marked", "m.xlsx", code=3)
    assert notes(contacts.folder / "m.xlsx") == {"D2": "1.10 is too little"}


def test_a_column_of_that_name_is_the_recipe_s_own(contacts: Command) -> None:
    contacts.write("contacts.yaml", RECIPE.replace("name: {from: Name", "name: {from: Problem"))
    contacts.write("rows.csv", CSV.replace("Name", "Problem").replace("Problem", "problem"))
    contacts.write("contacts.yaml", RECIPE.replace("name: {from: Name", "name: {from: problem"))
    contacts("validate", "contacts.yaml", "--rows", "rows.csv", "--marked", "m.xlsx", code=3)
    assert cells(contacts.folder / "m.xlsx")[0][5:] == ["problem (runner)", "outcome (runner)"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rows.csv", "--marked rows.csv does not end in .xlsx"),
        ("there.xlsx", "--marked there.xlsx is there already"),
        ("runs/marked.xlsx", "where the journal and the files of runs are"),
        ("nowhere/marked.xlsx", "nowhere"),
    ],
)
def test_places_that_are_refused(contacts: Command, name: str, said: str) -> None:
    contacts.write("there.xlsx", "mended by hand")
    contacts("run", "contacts.yaml")
    ended = contacts(
        "validate",
        "contacts.yaml",
        "--rows",
        "rows.csv",
        "--marked",
        name,
        code=8 if "nowhere" in name else 2,
    )
    assert said in ended.err
    assert (contacts.folder / "there.xlsx").read_text() == "mended by hand"


def test_inputs_that_no_workbook_takes(contacts: Command) -> None:
    contacts.write("rows.csv", HEADER + f"A-1,{'x' * 40_000},1,1,01/02/2027\n")
    ended = contacts(
        "validate", "contacts.yaml", "--rows", "rows.csv", "--marked", "m.xlsx", code=2
    )
    assert "no workbook takes a cell of more than 32,767 characters" in ended.err
    contacts.write(
        "rows.jsonl", '{"Ref": "A-1", "Name": "x", "Qty": 1, "Price": 1, "Day": "01/02/2027"}\n'
    )
    ended = contacts(
        "validate", "contacts.yaml", "--rows", "rows.jsonl", "--marked", "m.xlsx", code=2
    )
    assert "--marked is for sheets, and rows.jsonl is JSON" in ended.err
    assert not (contacts.folder / "m.xlsx").exists()
