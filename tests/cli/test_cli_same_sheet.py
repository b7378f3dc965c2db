"""One sheet saved in two formats: what was sent from the one is done when the other is run."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import xlsxwriter

from .command import Command

RECIPE = """\
recipe: 1
name: orders
rows:
  file: orders.csv
  group_by: ref
  key: "{{ row.ref }} {{ row.total }}"
  columns:
    ref: {from: Ref, required: true}
    name: {from: Name, required: true}
    qty: {from: Qty, type: integer}
    price: {from: Price, type: decimal}
    total: {from: Total, type: decimal}
    rush: {from: Rush, type: boolean}
    day: {from: Day, type: date}
steps:
  - id: contact
    use: syncore.create_contact
    once_per: row.name
    with: {business_name: "{{ row.name }}", email: "a@example.com"}
  - id: job
    use: syncore.create_job
    with:
      client: {id: "{{ contact.id }}"}
      description: "{{ row.ref }} {{ row.day }} {{ row.rush }}"
  - id: order
    use: syncore.create_sales_order
    with: {job_id: "{{ job.id }}", customer_order_number: "{{ row.ref }}"}
  - id: lines
    for_each: row.lines
    item_key: item.qty ~ ' at ' ~ item.price
    use: syncore.create_sales_order_line_item
    with:
      job_id: "{{ job.id }}"
      salesorder_id: "{{ order.id }}"
      sku: "00618"
      quantity: "{{ item.qty }}"
      price_value: "{{ item.price }}"
"""
HEADER = ["Ref", "Name", "Qty", "Price", "Total", "Rush", "Day"]
LINES: list[list[Any]] = [
    ["PO-1", "Ace Awards", 1, 8.40, 28.40, True, dt.date(2027, 1, 2)],
    ["PO-1", "Ace Awards", 2, 10.00, 28.40, True, dt.date(2027, 1, 2)],
    ["PO-2", "Blue Banners", 14, 1234.5, 17283.00, False, dt.date(2027, 3, 1)],
]


def csv_text() -> str:
    """As a spreadsheet saves it whose prices are shown with two places."""
    lines = [",".join(HEADER)]
    for ref, name, qty, price, total, rush, day in LINES:
        lines.append(
            f"{ref},{name},{qty},{price:.2f},{total:.2f},{str(rush).upper()},{day.isoformat()}"
        )
    return "\n".join([*lines, ""])


def write_workbook(path: Path) -> None:
    book = xlsxwriter.Workbook(str(path))
    sheet, day_format = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, HEADER)
    for number, (*cells, day) in enumerate(LINES, start=1):
        sheet.write_row(number, 0, cells)
        sheet.write_datetime(number, 6, dt.datetime.combine(day, dt.time()), day_format)
    book.close()


def test_a_sheet_as_csv_and_then_as_a_workbook(runner: Command) -> None:
    runner.write("orders.yaml", RECIPE)
    runner.write("orders.csv", csv_text())
    write_workbook(runner.folder / "orders.xlsx")
    runner("run", "orders.yaml")
    sent = len(runner.delivered())
    assert sent == 9
    for arguments in (["run"], ["run", "--dry-run"]):
        ended = runner(*arguments, "orders.yaml", "--rows", "orders.xlsx")
        assert "changed since" not in ended.out + ended.err
        assert "0 changed" in ended.err if arguments == ["run"] else "changed" not in ended.out
    assert len(runner.delivered()) == sent
    results = (runner.runs / "2" / "results.csv").read_text(encoding="utf-8-sig").splitlines()
    assert ["done in run 1" in line for line in results[1:]] == [True] * 3


def test_a_workbook_and_then_a_csv(runner: Command) -> None:
    runner.write("orders.yaml", RECIPE)
    runner.write("orders.csv", csv_text())
    write_workbook(runner.folder / "orders.xlsx")
    runner("run", "orders.yaml", "--rows", "orders.xlsx")
    sent = len(runner.delivered())
    runner("run", "orders.yaml")
    assert len(runner.delivered()) == sent


TEXTS = """\
recipe: 1
name: texts
rows: {file: a.csv, key: "{{ row.ref }}", columns: {ref: {from: Ref, required: true}, sku: {from: SKU}}}
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.ref }}", email: "a@example.com", notes: "{{ row.sku }}"}
"""


def write_numbers(path: Path) -> None:
    """What the sheet shows as 124.50 and 00618 is the number 124.5 and the number 618."""
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["Ref", "SKU"])
        money, zeros = (book.add_format({"num_format": code}) for code in ("0.00", "00000"))
        for row, (ref, sku) in enumerate([(124.5, 618), (12.1, 7)], start=1):
            page.write_number(row, 0, ref, money)
            page.write_number(row, 1, sku, zeros)


def test_numbers_in_columns_of_text(runner: Command) -> None:
    runner.write("texts.yaml", TEXTS)
    runner.write("a.csv", 'Ref,SKU\n124.50,00618\n12.10,="00007"\n')
    write_numbers(runner.folder / "a.xlsx")
    runner("run", "texts.yaml")
    bodies = [each["body"] for each in runner.delivered()]
    assert {(body["business_name"], body["notes"]) for body in bodies} == {
        ("124.50", "00618"),
        ("12.10", "00007"),
    }
    ended = runner("run", "texts.yaml", "--rows", "a.xlsx")
    assert "0 changed" in ended.err
    assert len(runner.delivered()) == 2
