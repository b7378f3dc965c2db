"""Inputs as people have them, through the whole command: piped in, as a workbook, packed; run, resumed and fed back."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
import xlsxwriter

from .command import HEADER, RECIPE, ROWS, Command


@pytest.fixture
def contacts(runner: Command) -> Command:
    runner.write("contacts.yaml", RECIPE)
    return runner


def workbook(path: Path) -> Path:
    with xlsxwriter.Workbook(path) as made:
        sheet = made.add_worksheet("Spring")
        sheet.merge_range("A1:E1", "Contacts of spring", made.add_format())
        for at, line in enumerate(ROWS.splitlines(), start=2):
            for column, cell in enumerate(line.split(",")):
                sheet.write(at, column, float(cell) if cell.replace(".", "").isdigit() else cell)
    return path


@pytest.mark.parametrize(
    ("content", "form", "name"),
    [
        (ROWS.encode(), "", "stdin.csv"),
        (ROWS.replace(",", ";").encode("utf-16"), "", "stdin.csv"),
        (gzip.compress(ROWS.replace(",", "\t").encode()), "tsv", "stdin.tsv"),
        (
            b'[{"Ref": "A-1", "Name": "Ace Awards", "Qty": 1}, {"Ref": "A-2", "Name": "Blue Banners"}]',
            "",
            "stdin.json",
        ),
        (
            b'{"Ref": "A-1", "Name": "Ace Awards"}\n{"Ref": "A-2", "Name": "Blue Banners"}\n',
            "",
            "stdin.jsonl",
        ),
    ],
)
def test_what_is_piped_in_is_kept_with_its_run(
    contacts: Command, content: bytes, form: str, name: str
) -> None:
    if ".json" in name:
        contacts.write(
            "contacts.yaml", RECIPE.split("    qty:")[0] + "steps:\n" + RECIPE.split("steps:\n")[1]
        )
    said = ["--rows-format", form] if form else []
    told = contacts("validate", "contacts.yaml", "--rows", "-", *said, stdin=content).out
    assert "-: ok, 2 rows, 2 lines" in told
    assert (
        "2 rows from 2 lines"
        in contacts("plan", "contacts.yaml", "--rows", "-", *said, stdin=content).out
    )
    contacts("run", "contacts.yaml", "--rows", "-", *said, "--limit", "1", stdin=content)
    assert (contacts.runs / "1" / name).read_bytes() == content
    contacts("resume")
    assert len(contacts.delivered()) == 2


def test_what_is_wrong_with_what_is_piped_in(contacts: Command) -> None:
    told = contacts(
        "validate", "contacts.yaml", "--rows", "-", stdin=b"Ref,Name\n1,x\n", code=3
    ).err
    assert "<stdin>:1:1: error: there is no column 'Qty' for qty" in told
    told = contacts("run", "contacts.yaml", "--rows-format", "csv", code=2).err
    assert "--rows-format is for --rows -" in told
    assert "is empty" in contacts("run", "contacts.yaml", "--rows", "-", code=3).err


def test_a_recipe_may_name_what_is_piped_in(contacts: Command) -> None:
    contacts.write("contacts.yaml", RECIPE.replace("rows.csv", '"-"'))
    contacts("run", "contacts.yaml", stdin=ROWS.encode())
    assert len(contacts.delivered()) == 2


def test_a_workbook_is_run_and_what_is_left_of_it_is_a_workbook(contacts: Command) -> None:
    book = workbook(contacts.folder / "rows.xlsx")
    told = contacts("validate", "contacts.yaml", "--rows", book).out
    assert "ok, 2 rows, 2 lines (sheet 'Spring', header on line 3)" in told
    contacts("run", "contacts.yaml", "--rows", book, "--limit", "1")
    again = contacts("run", "contacts.yaml", "--rows", contacts.runs / "1" / "retry.xlsx")
    assert "1 row (1 line)" in again.err
    assert [one["body"]["business_name"] for one in contacts.delivered()] == [
        "Ace Awards",
        "Blue Banners",
    ]


@pytest.fixture
def shops(contacts: Command) -> Command:
    """A recipe whose input is every sheet in a folder: the last line of the first one has no line end."""
    contacts.write("contacts.yaml", RECIPE.replace("rows.csv", '"orders/*.csv"'))
    (contacts.folder / "orders").mkdir()
    contacts.write("orders/north.csv", ROWS.rstrip("\n"))
    contacts.write(
        "orders/south.csv", HEADER + "B-1,City Crests,3,3.10,01/04/2027\nB-2,,4,4,01/05/2027\n"
    )
    return contacts


def test_the_files_of_a_pattern_are_one_input(shops: Command) -> None:
    told = shops("run", "contacts.yaml", code=3).err
    assert f"{Path('orders', 'south.csv')}:3:" in told
    assert "name (column 'Name') is empty" in told
    shops.write(
        "orders/south.csv",
        HEADER + "B-1,City Crests,3,3.10,01/04/2027\nB-2,Delta Dye,4,4,01/05/2027\n",
    )
    assert "B-2  line 3 of file 2" in shops("plan", "contacts.yaml", "--all").out
    shops("run", "contacts.yaml", "--limit", "1")
    with (shops.runs / "1" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = [
            (line["file"].rpartition("/")[2], line["line"], line["key"])
            for line in csv.DictReader(file)
        ]
    assert lines[1:3] == [("north.csv", "3", "A-2"), ("south.csv", "2", "B-1")]
    before = (shops.runs / "1" / "results.csv").read_bytes()
    shops("report")
    assert (shops.runs / "1" / "results.csv").read_bytes() == before
    retry = shops.runs / "1" / "retry.csv"
    north, south = (shops.folder / "orders" / f"{name}.csv" for name in ("north", "south"))
    left = [ROWS.splitlines()[2], *south.read_text().splitlines()[1:]]
    assert retry.read_text().splitlines() == [HEADER.strip(), *left]

    shops.write("orders/west.csv", HEADER + "C-1,Elm Emblems,1,1,01/06/2027\n")
    assert "has changed since run 1 began" in shops("resume", code=2).err
    (shops.folder / "orders" / "west.csv").unlink()
    north.write_text(north.read_text().replace("Ace", "Age"))
    assert "has changed since run 1 began" in shops("resume", code=2).err
    north.write_text(north.read_text().replace("Age", "Ace"))
    shops("resume")
    assert len(shops.delivered()) == 4


def test_files_that_are_named_one_by_one(shops: Command) -> None:
    shops.write("orders/south.csv", HEADER + "A-1,Ace Awards,1,1.10,01/02/2027\n")
    several = ("--rows", "orders/south.csv", "--rows", "orders/north.csv")
    told = shops("validate", "contacts.yaml", *several, code=3).err
    assert (
        "orders/north.csv:2:1: error: the key 'A-1' is repeated: line 2 of orders/south.csv has it too"
        in told
    )
    shops.write("orders/south.csv", HEADER + "B-1,City Crests,3,3.10,01/04/2027\n")
    shops("run", "contacts.yaml", *several, "--limit", "1")
    assert [one["body"]["business_name"] for one in shops.delivered()] == ["City Crests"]
    assert "orders/south.csv, " in shops("show").out
    shops("resume")
    assert len(shops.delivered()) == 3


@pytest.mark.parametrize(
    ("files", "code", "message"),
    [
        (["orders/*.jsonl"], 2, "no file is called orders/*.jsonl"),
        (["orders/*.csv", "./orders/north.csv"], 2, "orders/north.csv is named twice as an input"),
        (["orders/north.csv", "-"], 2, "what is piped in does not go together with files"),
        (["orders/north.csv", "orders/sooth.csv"], 3, "did you mean 'south.csv'?"),
        (
            ["orders/north.csv", "orders/more.csv"],
            3,
            "has not the columns of orders/north.csv: 'Note' only here",
        ),
        (["orders/north.csv", "orders/less.tsv"], 3, "is not in the format of orders/north.csv"),
    ],
)
def test_files_that_are_no_one_input(
    shops: Command, files: list[str], code: int, message: str
) -> None:
    shops.write("orders/south.csv", HEADER + "B-1,City Crests,3,3.10,01/04/2027\n")
    if "orders/*.csv" not in files:
        shops.write("orders/more.csv", f"Note,{HEADER}x,B-1,City Crests,3,3.10,01/04/2027\n")
        shops.write(
            "orders/less.tsv", (HEADER + "B-1,City Crests,3,3.10,01/04/2027\n").replace(",", "\t")
        )
    shops.write("contacts.yaml", RECIPE.replace("rows.csv", json.dumps(files)))
    assert message in shops("run", "contacts.yaml", code=code).err
