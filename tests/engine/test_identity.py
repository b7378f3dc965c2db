"""One identity for one row, one shared value and one item, however their spaces and accents are written."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import FaultServer

from runner.journal.store import NAME

STEPS = """\
steps:
  - id: customer
    use: shop.create_customer
    once_per: row.customer
    with: {name: "{{ row.customer }}"}
  - id: order
    use: shop.create_order
    with: {reference: fixed, customer_id: "{{ customer.id }}"}
"""
HEAD = columns(customer="string")

SPELLINGS = {
    "a space": ("A-1 ", "Acme "),
    "a no-break space": ("\u00a0A-1", "Acme\u00a0"),
    "no width": ("A-\u200b1", "Ac\ufeffme"),
}


@pytest.mark.parametrize(("ref", "customer"), SPELLINGS.values(), ids=SPELLINGS.keys())
def test_the_same_row_is_sent_once(
    server: FaultServer, bench: Bench, ref: str, customer: str
) -> None:
    bench.run(STEPS, table("ref,customer", ("A-1", "Acme")), head=HEAD)
    ran = bench.run(STEPS, table("ref,customer", (ref, customer)), head=HEAD)
    assert ran.rows["A-1"].reason == "done in run 1"
    assert len(server.deliveries()) == 2


@pytest.mark.parametrize("workers", [1, 4])
def test_rows_that_share_a_value_share_it(server: FaultServer, bench: Bench, workers: int) -> None:
    rows = [("A", "Acme"), ("B", "Acme "), ("C", "Ac\u200bme"), ("D", "\tAcme")]
    ran = bench.run(STEPS, table("ref,customer", *rows), head=HEAD, workers=workers)
    assert ran.buckets == {"done": 4}
    assert len(server.deliveries("POST", "/customers")) == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_an_address_is_one_in_either_case(server: FaultServer, bench: Bench, workers: int) -> None:
    rows = [("A", "Dana@X.example"), ("B", "dana@x.example"), ("C", "DANA@x.EXAMPLE")]
    bench.run(STEPS, table("ref,customer", *rows), head=HEAD, workers=workers)
    bench.run(STEPS, table("ref,customer", ("D", "dana@X.example")), head=HEAD, workers=workers)
    assert len(server.deliveries("POST", "/customers")) == 1


ITEMS = """\
steps:
  - id: lines
    for_each: row.lines
    item_key: item.sku
    use: shop.create_order
    with: {reference: "{{ item.sku }}", customer_id: 1}
"""
GROUPED = """\
  group_by: ref
"""


def test_items_that_are_one(server: FaultServer, bench: Bench) -> None:
    head = columns(sku="string").replace("rows:\n", "rows:\n" + GROUPED)
    bench.run(ITEMS, table("ref,sku", ("A", "00618"), ("A ", "00619")), head=head)
    assert len(server.deliveries()) == 2
    ran = bench.run(ITEMS, table("ref,sku", ("A", "00618 "), ("A", "00619")), head=head)
    assert len(server.deliveries()) == 2
    ran = bench.run(ITEMS, table("ref,sku", ("B", "00618 "), ("B", "00618")), head=head)
    assert "two items have the item_key '00618'" in ran.rows["B"].reason
    assert len(server.deliveries()) == 2


def test_what_is_invisible_identifies_nothing(server: FaultServer, bench: Bench) -> None:
    sheet = table("ref,customer", ("A", "\u200b"), ("B", "Acme"))
    ran = bench.run(STEPS, sheet, head=HEAD, aside=True)
    assert ran.rows["A"].reason == "customer: row.customer is empty, and identifies nothing"
    assert [each.json()["name"] for each in server.deliveries("POST", "/customers")] == ["Acme"]


def test_two_keys_that_are_one_now_and_were_both_sent(server: FaultServer, bench: Bench) -> None:
    """As earlier versions sent them: neither counts for the other, and the row waits for a person."""
    steps = '  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}"}}\n'
    steps = f"steps:\n{steps}"
    bench.run(steps, table("ref", ("A-1",), ("B-1",)))
    with closing(sqlite3.connect(bench.folder / NAME)) as connection:
        connection.execute("UPDATE calls SET key = 'A-1 ' WHERE key = 'B-1'")
        connection.execute("DELETE FROM migrations")
        connection.commit()
    for _ in range(2):
        ran = bench.run(steps, table("ref", ("A-1",), ("C-1",)))
        assert ran.rows["A-1"].reason.startswith(
            "'A-1' was also sent as 'A-1 ', which is the same key: see what is there twice"
        )
        assert ran.rows["C-1"].bucket == "done"
    assert len(server.deliveries()) == 3
    ran = bench.run(steps, table("ref", ("A-1",)), again=["A-1"])
    assert ran.buckets == {"done": 1}


DECIMALS = columns(amount="decimal").replace("{{ row.ref }}", "{{ row.ref }}-{{ row.amount }}")
PAID = """\
steps:
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}"}}
  - {id: pay, use: shop.create_payment, with: {order_id: "{{ order.id }}", amount: "{{ row.amount }}"}}
"""


def test_a_number_in_a_key_has_one_form(server: FaultServer, bench: Bench) -> None:
    bench.run(PAID, table("ref,amount", ("A", "8.40")), head=DECIMALS)
    ran = bench.run(PAID, table("ref,amount", ("A", "8.4")), head=DECIMALS)
    assert ran.rows["A-8.4"].reason == "done in run 1"
    assert len(server.deliveries()) == 2


def test_a_key_with_a_number_as_earlier_versions_made_it(server: FaultServer, bench: Bench) -> None:
    """What was begun under it goes on under it."""
    steps = PAID
    server.on("POST", "/orders/1001/payments", actions.answer(422), nth=1)
    sheet = table("ref,amount", ("A", "8.40"))
    assert bench.run(steps, sheet, head=DECIMALS).buckets == {"rejected": 1}
    with closing(sqlite3.connect(bench.folder / NAME)) as connection:
        connection.execute("UPDATE calls SET key = 'A-8.40'")
        connection.commit()
    assert bench.run(steps, sheet, head=DECIMALS).buckets == {"done": 1}
    assert bench.run(steps, sheet, head=DECIMALS).rows["A-8.4"].reason == "done in run 2"
    assert len(server.deliveries("POST", "/orders")) == 1
    assert {key for key, _, _ in bench.calls()} == {"A-8.40"}


def test_a_new_group_like_one_that_is_done(server: FaultServer, bench: Bench) -> None:
    """Its requests are those of another group of the sheet: that one asks for what is on record."""
    head = HEAD.replace("rows:\n", "rows:\n  group_by: ref\n")
    steps = "  - {id: order, use: shop.create_order, with: {reference: same}}\n"
    bench.run(f"steps:\n{steps}", table("ref,customer", ("A", "x")), head=head)
    ran = bench.run(f"steps:\n{steps}", table("ref,customer", ("A", "x"), ("B", "x")), head=head)
    assert ran.buckets == {"done": 2}
    assert len(server.deliveries()) == 2
