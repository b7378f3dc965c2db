"""Exports whose lines are no rows: a line for each item of a list, groups of lines, and exact totals over them."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path

import pytest
from python_calamine import load_workbook

from cli.command import Command

HEAD = """\
recipe: 1
name: payments
rows: {file: orders.jsonl}
"""
LINES = (
    HEAD
    + """\
export: {lines: "row.payments | default([])"}
outputs:
  order: "{{ row.number }}"
  type: "{{ item.type }}"
  amount: "{{ item.amount }}"
"""
)
TOTALS = (
    HEAD
    + """\
export:
  lines: {in: "row.payments | default([])", as: payment}
  group_by: type
  totals: {payments: count, amount: sum, largest: {max: amount}, first: {min: day}}
outputs:
  type: "{{ payment.type }}"
  amount: "{{ payment.amount }}"
  day: "{{ payment.day | default(none) }}"
"""
)
READ = """\
recipe: 1
name: paid
rows:
  use: syncore.search_sales_orders
  with: {date_from: "{{ run.date | days(-7) }}"}
lookups:
  types: {use: syncore.list_payment_types, by: id}
steps:
  - id: payments
    use: syncore.list_sales_order_payments
    with: {job_id: "{{ row.job_number }}", salesorder_id: "{{ row.id }}"}
export: {lines: payments, group_by: type, totals: {payments: count, amount: sum}}
outputs:
  type: "{{ types[item.payment_type.id].name }}"
  amount: "{{ item.amount }}"
"""
ORDERS = """\
{"number": 1, "payments": [{"type": "Card", "amount": 0.10, "day": "2026-03-02"}, {"type": "Check", "amount": 12.50}]}
{"number": 2}
{"number": 3, "payments": []}
{"number": 4, "payments": [{"type": "Card", "amount": 0.20, "day": "2026-03-01"}, {"type": null, "amount": null}]}
"""


@pytest.fixture
def runner(tmp_path: Path) -> Command:
    runner = Command(tmp_path)
    runner.write("lines.yaml", LINES)
    runner.write("totals.yaml", TOTALS)
    runner.write("orders.jsonl", ORDERS)
    return runner


def exported(runner: Command, recipe: str, name: str = "out.csv", *more: str, code: int = 0) -> str:
    runner("run", recipe, "--export", name, *more, code=code)
    return (runner.folder / name).read_text(encoding="utf-8-sig")


def test_each_item_is_a_line(runner: Command) -> None:
    assert exported(runner, "lines.yaml") == (
        "order,type,amount\n1,Card,0.10\n1,Check,12.50\n4,Card,0.20\n4,,\n"
    )
    assert exported(runner, "lines.yaml", "out.jsonl").splitlines()[0] == (
        '{"order":1,"type":"Card","amount":0.10}'
    )


def test_groups_have_exact_totals_in_the_order_of_their_values(runner: Command) -> None:
    assert exported(runner, "totals.yaml") == (
        "type,payments,amount,largest,first\n"
        "Card,2,0.30,0.20,2026-03-01\n"
        "Check,1,12.50,12.50,\n"
        ",1,,,\n"
    )
    exported_to = runner("run", "totals.yaml", "--export", "out.xlsx").out
    assert exported_to == "export   out.xlsx\n"
    table = load_workbook(runner.folder / "out.xlsx").get_sheet_by_index(0).to_python()
    assert table[1][:3] == ["Card", 2, 0.3]


def test_totals_without_groups_are_one_line(runner: Command) -> None:
    runner.write("totals.yaml", TOTALS.replace("  group_by: type\n", ""))
    assert exported(runner, "totals.yaml") == (
        "payments,amount,largest,first\n4,12.80,12.50,2026-03-01\n"
    )
    runner.write("orders.jsonl", '{"number": 2}\n')
    assert exported(runner, "totals.yaml") == "payments,amount,largest,first\n0,,,\n"


def test_groups_alone_are_the_values_that_there_are(runner: Command) -> None:
    recipe = LINES.replace("export: {", "export: {group_by: [type, order], ")
    runner.write("lines.yaml", recipe)
    assert exported(runner, "lines.yaml") == "type,order\nCard,1\nCard,4\nCheck,1\n,4\n"


def test_rows_can_be_grouped_too(runner: Command) -> None:
    runner.write("orders.csv", "type,amount\nB,1.10\nA,2.05\nB,3\n")
    recipe = HEAD.replace(
        "{file: orders.jsonl}", "{file: orders.csv, columns: {type: {}, amount: {type: decimal}}}"
    )
    grouped = 'outputs: {type: "{{ row.type }}", amount: "{{ row.amount }}"}\n'
    grouped += "export: {group_by: type, totals: {amount: sum}}\n"
    runner.write("rows.yaml", recipe + grouped)
    assert exported(runner, "rows.yaml") == "type,amount\nA,2.05\nB,4.10\n"


def test_no_total_is_without_a_row(runner: Command) -> None:
    """A sum that lacks what could not be read looks like any other."""
    runner.write(
        "orders.jsonl", ORDERS + '{"number": 5, "payments": [{"type": "Card", "amount": "x"}]}\n'
    )
    refused = runner("run", "totals.yaml", "--export", "out.csv", code=4).err
    assert "output amount: item 1: a sum needs numbers, not a text" in refused
    assert "out.csv is not written: its totals would be without 1 row that was rejected" in refused
    assert not (runner.folder / "out.csv").exists()
    assert len(exported(runner, "lines.yaml").splitlines()) == 6


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("row.number", "output lines: row.number: a list is needed"),
        ("row.paid", "output lines: row.paid: there is no 'paid'"),
    ],
)
def test_lines_that_are_no_list_reject_their_row(
    runner: Command, changed: str, message: str
) -> None:
    runner.write("lines.yaml", LINES.replace("row.payments | default([])", changed))
    assert message in runner("run", "lines.yaml", code=4).err


def test_kinds_that_cannot_be_compared(runner: Command) -> None:
    runner.write("totals.yaml", TOTALS.replace("amount: sum, largest: {max: amount}, ", ""))
    runner.write(
        "orders.jsonl", ORDERS + '{"payments": [{"type": "Card", "amount": 1, "day": 7}]}\n'
    )
    refused = runner("run", "totals.yaml", code=8).err
    assert "the total 'first' compares '2026-03-01' with '7', which are of two kinds" in refused
    runner.write("totals.yaml", TOTALS.replace("payment.type", "payment"))
    assert (
        "lines are grouped by texts, numbers or dates" in runner("run", "totals.yaml", code=4).err
    )


def test_a_plan_shows_the_lines(runner: Command) -> None:
    plan = runner("plan", "lines.yaml", "--all").out
    assert '  type    ["Card", "Check"]\n  amount  [0.10, 12.50]\n' in plan
    runner.write("jobs.yaml", READ)
    plan = runner("plan", "jobs.yaml").out
    assert "list_sales_order_payments" in plan
    assert "Plan: for each row found: 0 calls" in plan


def test_what_is_read_for_each_row_can_be_exported(runner: Command) -> None:
    """The payments of all orders: a search, and a read for each of what it finds."""
    runner("run", "import-orders")
    sent = [
        Decimal(str(one["body"]["amount"]))
        for one in runner.delivered()
        if one["operation"] == "create_sales_order_payment"
    ]
    runner.write("paid.yaml", READ)
    assert sent
    text = exported(runner, "paid.yaml", "out.csv", "--workers", "4")
    assert text.splitlines()[0] == "type,payments,amount"
    counts = [line.split(",") for line in text.splitlines()[1:]]
    assert sum(int(count) for _, count, _ in counts) == len(sent)
    assert sum(Decimal(amount) for _, _, amount in counts) == sum(sent)


def test_a_report_makes_the_same_again(runner: Command) -> None:
    runner("run", "totals.yaml")
    runner("run", "lines.yaml")
    for run in (1, 2):
        path = runner.runs / str(run) / "export.csv"
        before = path.read_bytes()
        path.unlink()
        assert "export   " in runner("report", str(run)).out
        assert path.read_bytes() == before


def test_what_is_added_up_is_what_there_is(runner: Command) -> None:
    """Ten thousand lines of 300 groups, against sums of whole cents."""
    draw = random.Random(5)
    cents: dict[str, list[int]] = {}
    with (runner.folder / "orders.jsonl").open("w", encoding="utf-8") as file:
        for number in range(1000):
            payments = []
            for _ in range(10):
                name, amount = f"T{draw.randrange(300):03}", draw.randrange(-(10**9), 10**9)
                cents.setdefault(name, []).append(amount)
                payments.append(f'{{"type": "{name}", "amount": {Decimal(amount) / 100}}}')
            file.write(f'{{"number": {number}, "payments": [{", ".join(payments)}]}}\n')
    text = exported(runner, "totals.yaml", "out.jsonl")
    found = {
        line["type"]: (line["payments"], line["amount"], line["largest"])
        for line in (json.loads(line, parse_float=Decimal) for line in text.splitlines())
    }
    assert found == {
        name: (len(all_), Decimal(sum(all_)) / 100, Decimal(max(all_)) / 100)
        for name, all_ in cents.items()
    }
