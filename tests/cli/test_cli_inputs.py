"""Inputs as people have them, through the whole command: piped in, as a workbook, packed; run, resumed and fed back."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import xlsxwriter

from .command import RECIPE, ROWS, Command


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
        (b'[{"Ref": "A-1", "Name": "Ace Awards", "Qty": 1}, {"Ref": "A-2", "Name": "Blue Banners"}]', "", "stdin.json"),
        (b'{"Ref": "A-1", "Name": "Ace Awards"}\n{"Ref": "A-2", "Name": "Blue Banners"}\n', "", "stdin.jsonl"),
    ],
)
def test_what_is_piped_in_is_kept_with_its_run(contacts: Command, content: bytes, form: str, name: str) -> None:
    if ".json" in name:
        contacts.write("contacts.yaml", RECIPE.split("    qty:")[0] + "steps:\n" + RECIPE.split("steps:\n")[1])
    said = ["--rows-format", form] if form else []
    told = contacts("validate", "contacts.yaml", "--rows", "-", *said, stdin=content).out
    assert "-: ok, 2 rows, 2 lines" in told
    assert "2 rows from 2 lines" in contacts("plan", "contacts.yaml", "--rows", "-", *said, stdin=content).out
    contacts("run", "contacts.yaml", "--rows", "-", *said, "--limit", "1", stdin=content)
    assert (contacts.runs / "1" / name).read_bytes() == content
    contacts("resume")
    assert len(contacts.delivered()) == 2


def test_what_is_wrong_with_what_is_piped_in(contacts: Command) -> None:
    told = contacts("validate", "contacts.yaml", "--rows", "-", stdin=b"Ref,Name\n1,x\n", code=3).err
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
    assert [one["body"]["business_name"] for one in contacts.delivered()] == ["Ace Awards", "Blue Banners"]
