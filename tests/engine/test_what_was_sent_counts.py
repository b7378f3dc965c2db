"""Whatever the journal knows was sent for a row is counted and shown, whichever bucket the row is in now."""

from __future__ import annotations

from decimal import Decimal

import pytest
from faults import actions
from faults.bench import Bench, columns, grouped, table
from faults.server import FaultServer

from runner.engine.run import Selection

HEAD = columns(name="string", deposit="decimal", note="string")
STEPS = """\
steps:
  - id: customer
    use: shop.create_customer
    once_per: row.name
    with: {name: "{{ row.name }}"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
  - id: deposit
    use: shop.create_payment
    when: row.deposit is not none
    with: {order_id: "{{ order.id }}", amount: "{{ row.deposit }}"}
  - id: note
    use: shop.create_customer
    with: {name: "{{ row.ref }}", notes: "{{ row.note }}"}
outputs: {number: "{{ order.id }}"}
"""
LINES = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
  - id: lines
    use: shop.create_line
    for_each: row.lines
    item_key: item.sku
    with: {order_id: "{{ order.id }}", sku: "{{ item.sku }}"}
  - id: paid
    use: shop.create_payment
    for_each: row.lines
    item_key: item.sku
    with: {order_id: "{{ order.id }}", amount: "{{ item.price }}"}
"""
GROUPED = grouped("ref", {"sku": "string, required: true", "price": "decimal"})


def sheet(*rows: tuple[str, str, str, str]) -> str:
    return table("ref,name,deposit,note", *rows)


FIRST = sheet(("A", "Ace", "100", "x"), ("B", "Best", "50", "y"))


@pytest.mark.parametrize(
    "row",
    [
        ("A", "Ace", "", "x"),  # nothing asks for the deposit any more
        ("A", "Ace", "120", "x"),  # it is another one
        ("A", "Ace", "100", "z"),  # what comes after it is another one
    ],
)
def test_a_changed_row(server: FaultServer, bench: Bench, row: tuple[str, str, str, str]) -> None:
    before = bench.run(STEPS, sheet(("A", "Ace", "100", "x")), head=HEAD).row
    ran = bench.run(STEPS, sheet(row, ("B", "Best", "50", "y")), head=HEAD)
    now = ran.rows["A"]
    assert now.bucket == "changed"
    assert now.money == Decimal(100)
    assert {*now.ids.split("; ")} == {*before.ids.split("; ")}
    assert now.outputs == before.outputs
    assert sum(each.money for each in ran.rows.values()) == 150


def test_items_that_left_the_sheet(server: FaultServer, bench: Bench) -> None:
    three = table("ref,sku,price", ("A", "x", "1"), ("A", "y", "2"), ("A", "z", "4"))
    before = bench.run(LINES, three, head=GROUPED).row
    now = bench.run(LINES, table("ref,sku,price", ("A", "y", "2")), head=GROUPED).row
    assert (now.bucket, now.money) == ("changed", Decimal(7))
    assert {*now.ids.split("; ")} == {*before.ids.split("; ")}


def test_a_row_that_is_rejected_before_its_first_call(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/customers", actions.answer(422), nth=2)
    before = bench.run(STEPS, sheet(("A", "Ace", "100", "x")), head=HEAD).row
    assert (before.bucket, before.money) == ("rejected", Decimal(100))
    steps = STEPS.replace('"{{ customer.id }}"}', '"{{ customer.ids }}"}')
    now = bench.run(steps, sheet(("A", "Ace", "100", "x")), head=HEAD).row
    assert now.bucket == "rejected"
    assert now.money == Decimal(100)
    assert {*now.ids.split("; ")} == {*before.ids.split("; ")}
    assert now.outputs == before.outputs


def test_a_step_that_is_gone(server: FaultServer, bench: Bench) -> None:
    before = bench.run(STEPS, FIRST, head=HEAD).rows["A"]
    now = bench.run(STEPS.replace("id: deposit", "id: paid"), FIRST, head=HEAD).rows["A"]
    assert (now.bucket, now.money) == ("changed", Decimal(100))
    assert {*now.ids.split("; ")} == {*before.ids.split("; ")}


def test_what_may_have_been_sent_is_counted_apart(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/.*/payments", actions.close(), nth=1)
    ran = bench.run(STEPS, sheet(("A", "Ace", "100", "x")), head=HEAD)
    assert (ran.row.money, ran.row.unsettled) == (Decimal(0), Decimal(100))
    for row in (("A", "Ace", "100", "x"), ("A", "Ace", "", "x"), ("A", "Ace", "120", "x")):
        again = bench.run(STEPS, sheet(row), head=HEAD).row
        assert (again.bucket, again.money, again.unsettled) == ("unknown", Decimal(0), Decimal(100))
    only = Selection(only=("B",))
    other = bench.run(STEPS, sheet(row, ("B", "Best", "50", "y")), head=HEAD, selection=only)
    assert (other.rows["A"].bucket, other.rows["A"].unsettled) == ("unknown", Decimal(100))


def test_both_of_a_row_that_was_sent_again(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, FIRST, head=HEAD)
    ran = bench.run(STEPS, FIRST, head=HEAD, again=["A"])
    assert ran.rows["A"].money == Decimal(200)
    assert len(server.deliveries("POST", "/orders/.*/payments")) == 3
    without = sheet(("A", "Ace", "", "x"), ("B", "Best", "50", "y"))
    changed = bench.run(STEPS, without, head=HEAD).rows["A"]
    assert (changed.bucket, changed.money) == ("changed", Decimal(200))
    gone = bench.run(STEPS, without, head=HEAD, again=["A"]).rows["A"]
    assert (gone.bucket, gone.money) == ("done", Decimal(200))
    only = bench.run(STEPS, FIRST, head=HEAD, selection=Selection(only=("B",))).rows["A"]
    assert (only.money, only.ids) == (Decimal(200), gone.ids)
