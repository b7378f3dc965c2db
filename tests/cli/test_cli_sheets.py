"""Sheets as they come, through the real command: what is cleaned, left out, made into lines, and what stops it."""

from __future__ import annotations

import csv
import datetime as dt
import getpass
import json
import re
import shutil
from pathlib import Path
from typing import Any

import xlsxwriter

from .command import TREE, Command

SHEETS = Path(__file__).resolve().parents[1] / "sheets"


def brought(runner: Command, name: str) -> None:
    for ending in (".yaml", ".csv"):
        shutil.copy(SHEETS / f"{name}{ending}", runner.folder)


def planned(runner: Command, name: str) -> list[dict[str, Any]]:
    """The bodies that a plan would send."""
    plan = json.loads(runner("plan", f"{name}.yaml", "--format", "json").out)
    return [call["body"] for row in plan["rows"] for call in row["calls"]]


def results(runner: Command) -> list[dict[str, str]]:
    with (runner.runs / "1" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_bank_export(runner: Command) -> None:
    brought(runner, "bank-export")
    names = [(body["business_name"], body["last_name"]) for body in planned(runner, "bank-export")]
    assert names == [
        ("Riverside Little League", "2027-03-03 1250.00 125000"),
        ("Café Ondine", "2027-03-04 -87.50 -8750"),
        ("Northside Apparel", "2027-03-05 18440.05 1844005"),
    ]
    plan = runner("plan", "bank-export.yaml", "-v", "total=19602.55").out
    assert "3 rows from 3 lines, 1 line left out; as announced: 3 lines, amount 19,602.55" in plan
    size = "3 rows from 3 lines, 1 line left out; as announced: 3 lines, amount 19,602.55"
    assert (
        size
        in runner("plan", "bank-export.yaml", "-v", "total=19602.55", "--format", "markdown").out
    )
    valid = runner("validate", "bank-export.yaml", "--rows", "bank-export.csv").out
    assert "3 rows, 3 lines, 1 line left out; as announced: 3 lines" in valid
    ended = runner("run", "bank-export.yaml", "-v", "total=19602.55")
    assert (
        "4 read = 3 done + 0 found + 0 changed + 0 rejected + 0 unknown + 0 not started + 1 left out"
        in ended.err
    )
    found = results(runner)
    assert [(line["line"], line["bucket"], line["amount"]) for line in found] == [
        ("2", "done", "1250.00"), ("3", "done", "-87.50"), ("4", "done", "18440.05"), ("5", "left out", "")
    ]  # fmt: skip
    assert not (runner.runs / "1" / "retry.csv").exists()
    shown = runner("show").out
    assert "3 rows from 3 lines, 1 line left out: 3 done" in shown
    assert re.search(rf"^  started   .*Z by {getpass.getuser()}$", shown, re.MULTILINE)


def test_a_bank_export_that_is_not_what_was_announced(runner: Command) -> None:
    brought(runner, "bank-export")
    ended = runner("run", "bank-export.yaml", "-v", "total=19602.54", code=3)
    assert "the sum of amount is 19,602.55, not 19,602.54 as announced: 0.01 more" in ended.err
    assert not (runner.runs / "1").exists()


def test_a_catalogue_with_sizes_in_columns(runner: Command) -> None:
    brought(runner, "size-catalogue")
    bodies = planned(runner, "size-catalogue")
    assert [(body["first_name"], body["last_name"]) for body in bodies] == [
        ("G500-S", "12 x 1008.40 Navy"), ("G500-M", "24 x 1008.40 Navy"), ("G185-M", "6 x 19.95 Black"),
        ("G185-L", "6 x 19.95 Black"),
    ]  # fmt: skip
    assert bodies[0]["business_name"] == "Heavy Cotton Tee Navy/Black"
    runner("run", "size-catalogue.yaml")
    assert [(line["key"], line["bucket"], line["sizes"]) for line in results(runner)] == [
        ("G500-NVY", "done", "S M"), ("G185-BLK", "done", "M L"), ("", "left out", "")
    ]  # fmt: skip
    again = runner("run", "size-catalogue.yaml")
    assert "0 done" not in again.err
    assert "calls        0 in" in again.err


def promo_orders(path: Path) -> None:
    """An order sheet as people make them: a title over merged cells, numbers and texts mixed, subtotals between."""
    with xlsxwriter.Workbook(path) as book:
        sheet, day = book.add_worksheet("Orders"), book.add_format({"num_format": "m/d/yyyy"})
        sheet.merge_range("A1:G1", "Riverside Promo - Spring orders")
        sheet.merge_range("A2:C2", "as of March")
        lines: list[list[Any]] = [
            ["PO #", "Company", "SKU", "Color", "Qty", "Unit\nPrice", "In-Hands"],
            ["po-1042 ", "Riverside Little League", "00618", "navy", 14, 8.4, dt.date(2027, 4, 1)],
            [
                "PO-1042",
                " Riverside Little League",
                619,
                "BLACK ",
                "1,200",
                "$2.15",
                dt.date(2027, 4, 1),
            ],
            ["Subtotal", None, None, None, 1214, 2697.6, None],
            [1077, "Café Ondine", "07731", None, 200, 1.15, "TBD"],
            [1077, "Café Ondine", "07732", "Black", 100, "$1.60", "TBD"],
        ]
        for at, cells in enumerate(lines, start=3):
            for column, cell in enumerate(cells):
                if isinstance(cell, dt.date):
                    sheet.write_datetime(at, column, cell, day)
                elif cell is not None:
                    sheet.write(at, column, cell)


def test_a_promo_order_sheet(runner: Command) -> None:
    shutil.copy(SHEETS / "promo-orders.yaml", runner.folder)
    promo_orders(runner.folder / "promo-orders.xlsx")
    bodies = planned(runner, "promo-orders")
    assert [
        (body["business_name"], body["first_name"], body["last_name"], body["notes"])
        for body in bodies
    ] == [
        ("Riverside Little League", "PO-1042", "00618 619 NVY BLK", "2697.60 by 2027-04-01"),
        ("Café Ondine", "1077", "07731 07732 WHT BLK", "390.00 by any day"),
    ]
    runner("run", "promo-orders.yaml")
    found = [(line["line"], line["key"], line["bucket"]) for line in results(runner)]
    assert found == [
        ("5", "PO-1042", "done"), ("6", "PO-1042", "done"), ("7", "", "left out"), ("8", "1077", "done"),
        ("9", "1077", "done"),
    ]  # fmt: skip


def test_what_the_readme_says_of_columns_can_be_written(runner: Command) -> None:
    section = (
        (TREE / "README.md").read_text(encoding="utf-8").partition("## From a sheet as it comes")[2]
    )
    written = re.findall(
        r"^\| .* \| `([a-z_]+: .*?)`(?:, and so on)? \|$",
        section.partition("\n## ")[0],
        re.MULTILINE,
    )
    named = dict(text.partition(": ")[::2] for text in written)
    beside = {name: named.pop(name) for name in ("where", "unpivot", "expect_total")}
    assert len(named) == 9
    made = {"order": "{}", "size": "{}", "quantity": "{type: integer}", "amount": "{type: decimal}"}
    for columns, rows in (({"quantity": "{type: integer}", **named}, {}), (made, beside)):
        lines = ["recipe: 1", "name: written", "rows:", "  file: x.csv", "  key: '{{ row.order }}'"]
        lines += [f"  {name}: {given}" for name, given in rows.items()]
        lines += ["  columns:", *(f"    {name}: {given}" for name, given in columns.items())]
        runner.write("written.yaml", "\n".join([*lines, "outputs: {order: '{{ row.order }}'}", ""]))
        runner("validate", "written.yaml")
