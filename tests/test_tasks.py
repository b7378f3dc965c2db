"""What an operations team does: each task as a recipe, run in the sandbox to its wanted end, and then once more.

`docs/tasks.md` lists them. The sandbox is compared with what the task is for, not with what was sent.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cli.command import RUNNER, TREE, Command
from prepared import prepare
from test_recipes import VALUES

CONTACTS, JOBS = "/crm/contacts", "/orders/jobs"
ORDERS, PURCHASES = f"{JOBS}/{{}}/salesorders", f"{JOBS}/{{}}/purchaseorders"
LINES = f"{ORDERS}/{{}}/lineitems"


class Account(NamedTuple):
    """What a sandbox holds of Syncore."""

    objects: dict[str, list[tuple[str, dict[str, Any]]]]

    def of(self, collection: str, *, inside: str = "") -> list[dict[str, Any]]:
        """The objects of a collection, of all parents or of one."""
        found = self.objects.get(collection, [])
        return [body for parent, body in found if inside in ("", parent)]

    def job(self, ref: str) -> dict[str, Any]:
        (found,) = (job for job in self.of(JOBS) if f"[{ref}]" in job["description"])
        return found

    def order(self, ref: str) -> dict[str, Any]:
        (found,) = (each for each in self.of(ORDERS) if each["customer_order_number"] == ref)
        return found

    def lines(self, ref: str) -> list[dict[str, Any]]:
        order = self.order(ref)
        return self.of(LINES, inside=f"{order['job_number']}/{order['id']}")

    def purchases(self, ref: str) -> list[dict[str, Any]]:
        return self.of(PURCHASES, inside=str(self.job(ref)["id"]))

    def payments(self, ref: str) -> list[dict[str, Any]]:
        """The payments of a sales order, and of the purchase orders of its job."""
        order, job = self.order(ref), self.job(ref)["id"]
        found = self.of(f"{ORDERS}/{{}}/payments", inside=f"{job}/{order['id']}")
        for each in self.purchases(ref):
            found += self.of(f"{PURCHASES}/{{}}/payments", inside=f"{job}/{each['id']}")
        return found


def account(runner: Command) -> Account:
    """What the sandbox holds now."""
    objects: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    with closing(sqlite3.connect(runner.runs / "sandbox" / "state.sqlite")) as database:
        query = "SELECT collection, parent, body FROM objects WHERE api = 'syncore' ORDER BY id"
        for collection, parent, body in database.execute(query):
            told = json.loads(body, parse_float=Decimal)
            objects.setdefault(collection, []).append((parent, told))
    return Account(objects)


def tree(lines: Sequence[dict[str, Any]], parent: int = 0) -> list[Any]:
    """Line items as a tree, without their ids."""
    fields = ("type", "sku", "description", "quantity", "price_value", "cost_value")
    return [
        ({name: line.get(name) for name in fields}, tree(lines, line["line_id"]))
        for line in lines
        if line["parent_id"] == parent
    ]


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def orders_copied(before: Account, after: Account) -> None:
    for old, new in (("Y-0917", "R-0917"), ("Y-0918", "R-0918"), ("Y-0919", "R-0930")):
        assert tree(after.lines(new)) == tree(after.lines(old)) != []
    assert any(len(under) == 2 for _, under in tree(after.lines("R-0917")))  # two colors
    assert after.job("R-0917")["client"]["id"] == after.job("Y-0917")["client"]["id"]
    assert after.job("R-0930")["client"]["business_name"] == "Cascade Rural Electric"
    assert (after.job("R-0917")["in_hand_date"], after.job("R-0930").get("in_hand_date")) == (
        "2027-03-12",
        None,
    )
    assert len(after.of(ORDERS)) == len(before.of(ORDERS)) + 3


def shipments_split(before: Account, after: Account) -> None:
    assert before.purchases("W-1042") == []
    shipped = {
        (order["ship_to"]["business_name"], order["ship_to"]["zip"]): [
            (line["sku"], line["quantity"])
            for line in after.of(
                f"{PURCHASES}/{{}}/lineitems", inside=f"{order['job_number']}/{order['id']}"
            )
        ]
        for ref in ("W-1042", "W-1044")
        for order in after.purchases(ref)
    }
    assert shipped == {
        ("Majors field", "02134"): [("00618", 50)],
        ("Minors field", "02135"): [("00618", 30)],
        ("Coral Way", "33145"): [("1E5", 96), ("04010", 100)],
        ("Little Havana", "33130"): [("1E5", 48)],
    }


def dates_moved(before: Account, after: Account) -> None:
    refs = [f"W-{number}" for number in range(1042, 1082)]
    assert {after.job(ref)["in_hand_date"] for ref in refs} == {"2027-03-19"}
    assert {order["in_hand_date"] for order in after.of(PURCHASES)} == {"2027-03-19"}
    assert len(after.of(PURCHASES)) == len(before.of(PURCHASES)) > 0
    assert after.job("W-1082") == before.job("W-1082")
    for ref in refs:
        assert after.job(ref)["description"] == before.job(ref)["description"]


def setups_charged(before: Account, after: Account) -> None:
    charges = {
        ref: [line for line in after.lines(ref) if line["type"] == "SetupCharge"]
        for ref in ("Y-0917", "Y-0918", "Y-0919", "Y-0920")
    }
    assert [len(each) for each in charges.values()] == [1, 0, 1, 1]  # Y-0918 is invoiced
    (made,) = charges["Y-0920"]
    assert (made["description"], made["quantity"], made["price_value"]) == ("Digitizing", 1, 55)
    assert charges["Y-0919"][0] in before.lines("Y-0919")


def invoices_paid(before: Account, after: Account) -> None:
    paid = [
        (each["reference"], each["amount"], each["date"])
        for ref in ("W-1042", "W-1044")
        for each in after.payments(ref)
        if each not in before.payments(ref)
    ]
    assert sorted(paid) == [
        ("0044718", 300, "2026-12-15"),
        ("0044718-B", 88, "2026-12-15"),
        ("HD/2026/0913", 500, "2026-12-15"),
        ("ME-2207", 248, "2026-12-15"),
    ]


def payout_recorded(before: Account, after: Account) -> None:
    made = {
        ref: [each for each in after.payments(ref) if each not in before.payments(ref)]
        for ref in ("W-1042", "W-1043", "W-1044", "W-1050")
    }
    told = {
        ref: [(each["reference"], each["amount"], each["card_type"]["name"]) for each in new]
        for ref, new in made.items()
    }
    assert told == {
        "W-1042": [("ch_1PqA2x", 690, "Visa")],
        "W-1043": [("ch_1PqB7k", Decimal("737.30"), "Mastercard")],
        "W-1044": [("ch_1PqD9m", 500, "American Express")],
        "W-1050": [],
    }
    assert made["W-1042"][0]["notes"] == "Deposit by card, $20.31 of it kept as a fee"


def shop_orders_taken(before: Account, after: Account) -> None:
    assert before.of(JOBS) == []
    found = {
        ref: [(each["description"], each["quantity"], each["price_value"]) for each in after.lines(ref)]
        for ref in ("#1041", "#1042")
    }  # fmt: skip
    assert found == {
        "#1041": [
            ("Fleece Pullover Hoodie, Safety Green / XL", 2, Decimal("24.50")),
            ("Enamel Camp Mug, 12 oz", 1, Decimal("9.75")),
            ("Shipping, UPS Ground", 1, Decimal("14.65")),
        ],
        "#1042": [
            ("Laptop Backpack", 1, Decimal("31.20")),
            ('Notebook, 5" x 8", Ruled', 3, Decimal("6.10")),
        ],
    }
    assert after.order("#1042")["ship_to"]["zip"] == "02134"
    assert after.order("#1041")["customer_instructions"] == "Leave at the dock"
    assert after.job("#1041")["store"]["id"] == 7001


def codes_set(before: Account, after: Account) -> None:
    codes = {ref: (after.job(ref).get("commission_code") or {}).get("name") for ref in SAMPLE}
    assert codes == {**dict.fromkeys(SAMPLE), "Y-0919": "House account"}
    assert all("commission_code" not in before.job(ref) for ref in SAMPLE)


def jobs_closed(before: Account, after: Account) -> None:
    statuses = {ref: after.job(ref)["status"] for ref in SAMPLE}
    assert statuses == {
        **{ref: before.job(ref)["status"] for ref in SAMPLE},
        "Y-0917": "Closed",  # Y-0918 is delivered too, and not paid
    }


def bounces_cleared(before: Account, after: Account) -> None:
    there = {each["business_name"]: each for each in after.of(CONTACTS)}
    assert there["Café Añejo"]["email"] == there["Hoboken Harbor Runners"]["email"] == ""
    assert there["Café Añejo"]["notes"] == (
        "jose@cafeanejo.example.com bounced on 2026-11-28: 550 5.1.1 no such user"
    )
    assert there["Riverside Little League"]["email"]  # a mailbox that was full
    assert len(after.of(CONTACTS)) == len(before.of(CONTACTS))


SAMPLE = ("Y-0917", "Y-0918", "Y-0919", "Y-0920", "Y-0921")
TASKS: dict[str, Callable[[Account, Account], None]] = {
    "copy-orders": orders_copied,
    "split-shipments": shipments_split,
    "move-in-hands-dates": dates_moved,
    "add-setup-charges": setups_charged,
    "pay-supplier-invoices": invoices_paid,
    "record-payouts": payout_recorded,
    "web-shop-orders": shop_orders_taken,
    "set-commission-codes": codes_set,
    "close-delivered-jobs": jobs_closed,
    "clear-bounced-addresses": bounces_cleared,
}


class Ready(NamedTuple):
    """A command beside a sandbox that is ready for a recipe, and what that holds."""

    runner: Command
    before: Account


@pytest.fixture
def ready(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ready]:
    def make(name: str) -> Ready:
        runner = Command(tmp_path)
        prepare(runner, TREE / "recipes" / f"{name}.yaml", tmp_path_factory.mktemp("first"))
        there = (runner.runs / "sandbox" / "state.sqlite").exists()
        return Ready(runner, account(runner) if there else Account({}))

    return make


@pytest.mark.parametrize("name", TASKS)
def test_a_task_comes_to_its_end_and_nothing_is_sent_twice(
    ready: Callable[[str], Ready], name: str
) -> None:
    runner, before = ready(name)
    values = [part for value in VALUES.get(name, ()) for part in ("-v", value)]
    runner("run", name, *values)
    after = account(runner)
    TASKS[name](before, after)
    writes = len(runner.delivered())
    runner("run", name, *values)
    assert account(runner) == after
    assert len(runner.delivered()) == writes


def test_places_that_do_not_come_to_what_was_ordered_get_nothing(
    ready: Callable[[str], Ready],
) -> None:
    runner, before = ready("split-shipments")
    sheet = (TREE / "recipes" / "split-shipments.csv").read_text("utf-8")
    runner.write("places.csv", sheet.replace("Tee,30,", "Tee,31,"))
    runner("run", "split-shipments", "--rows", "places.csv", code=4)
    after = account(runner)
    assert after.purchases("W-1042") == before.purchases("W-1042")
    assert len(after.purchases("W-1044")) == 2


def test_no_purchase_order_is_paid_beyond_its_total(ready: Callable[[str], Ready]) -> None:
    """Neither by one sheet, nor by two: B-0301 comes to 388.00."""
    runner, _ = ready("pay-supplier-invoices")
    sheet = (TREE / "recipes" / "pay-supplier-invoices.csv").read_text("utf-8")
    runner.write(
        "more.csv", sheet.replace("0044718-B,2026-12-09,88.00", "0044718-B,2026-12-09,88.01")
    )
    paid = ["-v", "paid=2026-12-15"]
    runner("run", "pay-supplier-invoices", "--rows", "more.csv", *paid, code=4)
    assert sum(each["amount"] for each in account(runner).payments("W-1042")) == 699 + 248
    head = sheet.splitlines()[0]
    runner("run", "pay-supplier-invoices", "--only", "B-0301 2026-12-15", *paid)
    runner.write("next.csv", f"{head}\nB-0301,W-1042,0044718-C,2026-12-20,0.01,Check\n")
    later = ["--rows", "next.csv", "-v", "paid=2026-12-22"]
    runner("run", "pay-supplier-invoices", *later, code=4)
    runner("run", "pay-supplier-invoices", *later, "-v", "over=0.01")
    assert sum(each["amount"] for each in account(runner).payments("W-1042")) == Decimal("1335.01")


def test_a_payout_that_comes_to_something_else_is_not_recorded(
    ready: Callable[[str], Ready],
) -> None:
    runner, before = ready("record-payouts")
    told = runner("run", "record-payouts", "-v", "charges=1927.31", code=3)
    assert "1,927.30" in told.err
    assert account(runner) == before


def test_an_order_of_a_shop_that_does_not_add_up_is_not_sent(tmp_path: Path) -> None:
    runner = Command(tmp_path)
    orders = json.loads((TREE / "recipes" / "web-shop-orders.json").read_text("utf-8"))
    orders[0]["total_price"] = "70.00"
    runner.write("orders.json", json.dumps(orders))
    told = runner("run", "web-shop-orders", "--rows", "orders.json", code=3)
    assert "the lines and the shipping do not come to 70.00" in told.err
    assert runner.delivered() == []


def test_a_representative_gets_the_code_back_on_another_day(
    ready: Callable[[str], Ready],
) -> None:
    """And a job that somebody has given another code meanwhile; one that has its code is left alone."""
    runner, _ = ready("set-commission-codes")
    runner("run", "set-commission-codes")
    job = account(runner).job("Y-0919")
    other = json.dumps({**job, "commission_code": {"id": 3, "name": "Split"}})
    with closing(sqlite3.connect(runner.runs / "sandbox" / "state.sqlite")) as database, database:
        database.execute(
            "UPDATE objects SET body = ? WHERE collection = ? AND id = ?", (other, JOBS, job["id"])
        )
    runner("run", "set-commission-codes")
    assert account(runner).job("Y-0919") == job


def test_jobs_without_an_order_are_listed(ready: Callable[[str], Ready]) -> None:
    runner, before = ready("jobs-without-orders")
    runner("run", "jobs-without-orders", "-v", "older_than=0")
    (line,) = rows_of(runner.runs / "1" / "export.csv")
    assert line["job_number"] == str(before.job("Y-0921")["id"])
    assert (line["client"], line["representative"]) == ("Hoboken Harbor Runners", "Otis Lindgren")


def test_the_payments_of_a_month_are_added_up_by_type(ready: Callable[[str], Ready]) -> None:
    """One of them is of another month."""
    runner, before = ready("payments-by-type")
    there = [each for _, each in before.objects[f"{ORDERS}/{{}}/payments"]]
    other = there.pop()
    with closing(sqlite3.connect(runner.runs / "sandbox" / "state.sqlite")) as database, database:
        change = "UPDATE objects SET body = json_set(body, '$.date', '2026-01-31') WHERE id = ?"
        assert database.execute(change, (other["id"],)).rowcount == 1
    runner("run", "payments-by-type", "-v", f"month={there[0]['date']}")
    amounts: dict[str, list[Decimal]] = {}
    for each in there:
        amounts.setdefault(each["payment_type"]["name"], []).append(Decimal(each["amount"]))
    found = {
        line["type"]: (int(line["payments"]), Decimal(line["amount"]), Decimal(line["largest"]))
        for line in rows_of(runner.runs / "1" / "export.csv")
    }
    assert found == {name: (len(of), sum(of), max(of)) for name, of in amounts.items()}
    assert len(found) == 3


def test_a_form_becomes_an_order_from_a_script(tmp_path: Path) -> None:
    """The one of docs/tasks.md, run twice with one form, and with one that cannot be sent."""
    page = (TREE / "docs" / "tasks.md").read_text("utf-8")
    (script,) = re.findall(r"(?ms)^```python no-run\n(.*?)^```$", page)
    runner = Command(tmp_path)
    path = runner.write("order.py", script)
    (form,) = json.loads((TREE / "recipes" / "order-from-form.json").read_text("utf-8"))
    environment = {"PATH": f"{RUNNER.parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}

    def order(**changes: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, path], input=json.dumps({**form, **changes}), env=environment,
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    told = [order().stdout, order().stdout]
    after = account(runner)
    assert told == [f"job {after.job('F-3001')['id']}\n"] * 2
    assert after.job("F-3001")["description"] == "RUSH Summer camp, Millbrook Parks [F-3001]"
    assert after.order("F-3001")["customer_instructions"].splitlines() == [
        "In hands by May 21, 2027, a rush.",
        "Screen print: full front, left sleeve.",
        "1. Tri-Blend Tee, Forest: 16 pieces",
        "2. Quilted Vest: 4 pieces",
        "Names on the back,",
        "list follows",
    ]
    lines = [(line["description"], line["quantity"]) for line in after.lines("F-3001")]
    assert lines == [("Tri-Blend Tee, Forest: S 6, M 10", 16), ("Quilted Vest: L 4", 4)]
    failed = order(form="F-3002", in_hands="soon")
    assert failed.returncode == 1
    assert "F-3002: " in failed.stderr
    assert "soon" in failed.stderr
    assert account(runner) == after


def test_a_night_carries_over_what_was_changed_since_the_last_one(tmp_path: Path) -> None:
    """Also what was raised long before, and only sent now."""
    runner = Command(tmp_path)
    runner("run", "deconetwork-to-syncore")
    first = account(runner)
    assert {order["critical_comments"] for order in first.of(PURCHASES)} == {
        "[PO 500101]",
        "[PO 500102]",
    }
    assert all(order["in_hand_date"] > order["date"] for order in first.of(PURCHASES))
    with closing(sqlite3.connect(runner.runs / "sandbox" / "state.sqlite")) as database, database:
        database.execute(
            "UPDATE objects SET body = json_set(body, '$.status_description', 'Sent Confirmed', "
            "'$.date_modified', strftime('%Y-%m-%dT%H:%M:%S')) WHERE id = 880003"
        )
    runner("run", "deconetwork-to-syncore")
    (made,) = (order for order in account(runner).of(PURCHASES) if order not in first.of(PURCHASES))
    assert made["critical_comments"] == "[PO 500103]"
    writes = len(runner.delivered())
    runner("run", "deconetwork-to-syncore")
    assert len(runner.delivered()) == writes
    searches = [
        one["query"]["conditions[1][date1]"]
        for one in runner.delivered(writes=False)
        if one["operation"] == "find_purchase_orders"
    ]
    assert searches[0] < searches[1] == searches[2]


def test_every_task_has_a_recipe_that_is_tried() -> None:
    """The table of docs/tasks.md names them; its requests are those of their comments, which are counted."""
    page = (TREE / "docs" / "tasks.md").read_text("utf-8")
    named = set(re.findall(r"\]\(\.\./recipes/([\w-]+)\.yaml\)", page))
    others = {
        "order-from-form",
        "deconetwork-to-syncore",
        "jobs-without-orders",
        "payments-by-type",
    }
    tried = {*TASKS, *others}
    assert named == tried
    for name in named:
        assert (TREE / "recipes" / f"{name}.yaml").exists()
