"""A write on record that nothing asks for any more sets its row aside, before anything else of it is sent."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from faults import actions
from faults.bench import Bench, columns, grouped, table
from faults.server import FaultServer

from runner.engine.calls.identity_changes import choices

HEAD = columns(deposit="decimal", notes="string, required: true")
DEPOSIT = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
  - id: deposit
    use: shop.create_payment
    when: row.deposit is not none
    with: {order_id: "{{ order.id }}", amount: "{{ row.deposit }}"}
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}", notes: "{{ row.notes }}"}
"""
LINES = """\
steps:
  - id: lines
    use: shop.create_line
    for_each: row.lines
    item_key: item.sku
    with: {order_id: 5, sku: "{{ item.sku }}"}
"""
BY_POSITION = LINES.replace("    item_key: item.sku\n", "")
GROUPED = grouped("ref", {"sku": "string, required: true"})


def sheet(*rows: tuple[str, str, str]) -> str:
    return table("ref,deposit,notes", *rows)


def lines(*skus: str) -> str:
    return table("ref,sku", *(("A", sku) for sku in skus))


def test_an_emptied_cell(server: FaultServer, bench: Bench) -> None:
    bench.run(DEPOSIT, sheet(("A", "250", "x"), ("B", "10", "y")), head=HEAD)
    before = len(server.writes())
    emptied = sheet(("A", "", "x"), ("B", "10", "y"))
    planned = bench.plan(DEPOSIT, emptied, head=HEAD)
    ran = bench.run(DEPOSIT, emptied, head=HEAD)
    for each in (planned, ran):
        assert each.rows["A"].bucket == "changed"
        assert "deposit of 250.00 was sent in run 1 and the sheet no longer asks for it" in (
            each.rows["A"].reason
        )
        assert "row.deposit is not none is false" in each.rows["A"].reason
        assert each.rows["A"].reason.endswith(choices("A"))
    assert (ran.rows["B"].bucket, ran.ended.exit_code) == ("done", 4)
    assert len(server.writes()) == before
    assert bench.run(DEPOSIT, sheet(("A", "250", "x")), head=HEAD).row.bucket == "done"


def test_nothing_else_of_the_row_is_sent(server: FaultServer, bench: Bench) -> None:
    """The customer, which comes after the deposit, was refused; it is not tried again in such a row."""
    server.on("POST", "/customers", actions.answer(422), nth=1)
    bench.run(DEPOSIT, sheet(("A", "250", "x")), head=HEAD)
    ran = bench.run(DEPOSIT, sheet(("A", "", "z")), head=HEAD)
    assert ran.row.bucket == "changed"
    assert len(server.deliveries("POST", "/customers")) == 1


def test_an_unknown_call_that_is_no_longer_asked_for(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/1001/payments", actions.close(), nth=1)
    bench.run(DEPOSIT, sheet(("A", "250", "x")), head=HEAD)
    ran = bench.run(DEPOSIT, sheet(("A", "", "x")), head=HEAD)
    assert (ran.row.bucket, ran.ended.exit_code) == ("unknown", 5)
    assert "deposit of 250.00 may have been sent in run 1" in ran.row.reason
    assert "runner settle 1" in ran.row.reason
    bench.settle("A", "deposit", state="absent")
    assert bench.run(DEPOSIT, sheet(("A", "", "x")), head=HEAD).row.bucket == "done"


def test_what_was_never_sent_may_go(server: FaultServer, bench: Bench) -> None:
    bench.run(DEPOSIT, sheet(("A", "", "x")), head=HEAD)
    server.on("POST", "/orders/1001/payments", actions.answer(422), nth=1)
    assert bench.run(DEPOSIT, sheet(("A", "7", "x")), head=HEAD).row.bucket == "rejected"
    assert bench.run(DEPOSIT, sheet(("A", "", "x")), head=HEAD).row.bucket == "done"


@pytest.mark.parametrize("steps", [LINES, BY_POSITION], ids=["item_key", "position"])
def test_a_deleted_line(server: FaultServer, bench: Bench, steps: str) -> None:
    bench.run(steps, lines("x", "y", "z"), head=GROUPED)
    ran = bench.run(steps, lines("x", "y"), head=GROUPED)
    assert (ran.row.bucket, len(server.writes())) == ("changed", 3)
    name = "lines[z]" if steps == LINES else "lines[3]"
    assert f"{name} was sent in run 1 and the sheet no longer asks for it" in ran.row.reason
    assert bench.plan(steps, lines("x", "y"), head=GROUPED).row.bucket == "changed"


def test_a_line_that_became_another(server: FaultServer, bench: Bench) -> None:
    """Its new line is not sent while the old one is still there."""
    bench.run(LINES, lines("x", "y"), head=GROUPED)
    ran = bench.run(LINES, lines("x", "w"), head=GROUPED)
    assert (ran.row.bucket, len(server.writes())) == ("changed", 2)
    assert "lines[y] was sent in run 1" in ran.row.reason


def test_the_last_line_is_deleted(server: FaultServer, bench: Bench) -> None:
    head = HEAD.replace("deposit: {type: decimal}", "skus: {split: '+'}")
    steps = LINES.replace("row.lines", "row.skus").replace("item.sku", "item")
    bench.run(steps, table("ref,skus,notes", ("A", "x+y", "n")), head=head)
    ran = bench.run(steps, table("ref,skus,notes", ("A", "", "n")), head=head)
    assert (ran.row.bucket, len(server.writes())) == ("changed", 2)
    assert "lines[x] and lines[y] were sent in run 1" in ran.row.reason


def test_the_way_on_is_a_way_on(server: FaultServer, bench: Bench) -> None:
    bench.run(DEPOSIT, sheet(("A", "250", "x")), head=HEAD)
    emptied = sheet(("A", "", "x"))
    assert bench.run(DEPOSIT, emptied, head=HEAD).row.bucket == "changed"
    assert bench.run(DEPOSIT, emptied, head=HEAD, again=["A"]).row.bucket == "done"
    assert len(server.deliveries("POST", "/orders/.*/payments")) == 1
    assert bench.run(DEPOSIT, emptied, head=HEAD).row.bucket == "done"


RENAMES: Mapping[str, str] = {
    "when": "when: row.notes == 'y'",
    "never": "when: false",
}


@pytest.mark.parametrize("when", RENAMES.values(), ids=RENAMES)
def test_a_condition_of_the_recipe_that_turned_false(
    server: FaultServer, bench: Bench, when: str
) -> None:
    bench.run(DEPOSIT, sheet(("A", "250", "x")), head=HEAD)
    ran = bench.run(
        DEPOSIT.replace("when: row.deposit is not none", when), sheet(("A", "250", "x")), head=HEAD
    )
    assert (ran.row.bucket, len(server.writes())) == ("changed", 3)


def test_a_step_that_only_reads_now(server: FaultServer, bench: Bench) -> None:
    steps = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""
    bench.run(steps, table("ref", "A"))
    reads = "steps: [{id: order, use: shop.list_terms, expect: any}]\n"
    ran = bench.run(reads, table("ref", "A"))
    assert ran.row.bucket == "changed"
    assert "order was sent in run 1 and the sheet no longer asks for it" in ran.row.reason


NAMED_ITEMS = """\
steps:
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}"}}
  - id: lines
    use: shop.create_line
    for_each: row.lines
    item_key: item.sku
    with: {order_id: "{{ order.id }}", sku: "{{ item.sku }}"}
"""


@pytest.mark.parametrize("codes", [(1, 2), (11, 22)])
def test_items_that_are_told_apart_by_another_column(
    server: FaultServer, bench: Bench, codes: tuple[int, int]
) -> None:
    sheet = "ref,sku,code\nA,X-1,1\nA,X-2,2\n"
    head = grouped("ref", {"sku": "string"})
    assert bench.run(NAMED_ITEMS, sheet, head=head).row.bucket == "done"
    other = head.replace("sku: {type: string}", "sku: {type: string, from: code}")
    changed = f"ref,sku,code\nA,X-1,{codes[0]}\nA,X-2,{codes[1]}\n"
    row = bench.run(NAMED_ITEMS, changed, head=other).row
    assert (row.bucket, len(server.writes())) == ("changed", 3)
    assert "lines[X-1] and lines[X-2] were sent in run 1" in row.reason
