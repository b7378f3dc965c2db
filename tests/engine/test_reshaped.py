"""once_per, for_each and item_key come and go: what was sent under one identity is not sent again under another."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, columns, grouped, table
from faults.server import FaultServer

from runner.engine.run import Selection

HEAD = columns(customer="string")
SHEET = table("ref,customer", ("A", "c"), ("B", "c"), ("D", "d"))
ALONE = """\
steps:
  - id: contact
    use: shop.create_customer
    with: {name: "{{ row.customer }}"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""
SHARED = ALONE.replace(
    "    use: shop.create_customer", "    once_per: row.customer\n    use: shop.create_customer"
)
ONLY_SHARED = SHARED[: SHARED.index("  - id: order")]


@pytest.mark.parametrize("steps", [SHARED, ONLY_SHARED], ids=["with calls of their own", "without"])
def test_once_per_is_taken_away(server: FaultServer, bench: Bench, steps: str) -> None:
    bench.run(steps, SHEET, head=HEAD)
    before = len(server.writes())
    alone = steps.replace("    once_per: row.customer\n", "")
    plan = bench.plan(alone, SHEET, head=HEAD)
    assert {call.state for row in plan.rows.values() for call in row.planned} == {"changed"}
    ran = bench.run(alone, SHEET, head=HEAD)
    assert ran.buckets == {"changed": 3}
    assert (
        "it was done once for rows that share a value, and once_per is gone; put back"
        in ran.rows["A"].reason
    )
    assert "--again 'A' --why" in ran.rows["A"].reason
    assert len(server.writes()) == before
    ran = bench.run(alone, SHEET + "E,c\n", head=HEAD)
    assert ran.rows["E"].bucket == "done", "a row that is new knows nothing else"
    assert bench.run(alone, SHEET + "E,c\n", head=HEAD).rows["E"].bucket == "done"
    assert bench.run(steps, SHEET, head=HEAD).buckets == {"done": 3}, "put back as it was"
    assert bench.run(alone, SHEET, head=HEAD, again=["A"]).rows["A"].bucket == "done"


def test_a_row_that_is_refused_after_the_change_may_be_mended(
    server: FaultServer, bench: Bench
) -> None:
    bench.run(SHARED, table("ref,customer", ("A", "c")), head=HEAD)
    server.on("POST", "/customers", actions.answer(422), nth=1)
    bench.run(ALONE, table("ref,customer", ("E", "c")), head=HEAD)
    more = ALONE + "outputs: {order: '{{ order.id }}'}\n"
    assert bench.run(more, table("ref,customer", ("E", "c")), head=HEAD).rows["E"].bucket == "done"


def test_once_per_is_added(server: FaultServer, bench: Bench) -> None:
    bench.run(ALONE, SHEET, head=HEAD, selection=Selection(only=("A", "D")))
    before = len(server.writes())
    ran = bench.run(SHARED, SHEET, head=HEAD)
    assert {key: row.bucket for key, row in ran.rows.items()} == {
        "A": "changed",
        "B": "done",
        "D": "changed",
    }
    assert (
        "it was done for this row alone in run 1, and once_per is there now" in ran.rows["A"].reason
    )
    assert [write.path for write in server.writes()[before:]] == ["/customers", "/orders"]
    ran = bench.run(SHARED, SHEET, head=HEAD)
    assert ran.rows["A"].bucket == "done", "the value is done by now, and nothing is sent for it"
    assert ran.rows["D"].bucket == "changed"
    assert len(server.writes()) == before + 2


LINES = """\
steps:
  - id: line
    use: shop.create_line
    for_each: row.lines
    item_key: item.sku
    with: {order_id: 5, sku: "{{ item.sku }}"}
"""
BY_POSITION = LINES.replace("    item_key: item.sku\n", "")
SINGLE = BY_POSITION.replace("    for_each: row.lines\n", "").replace("item.sku", "row.ref")
GROUPED = grouped("ref", {"sku": "string"})
ORDER = table("ref,sku", ("A", "x"), ("A", "y"))


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        (SINGLE, BY_POSITION, "it was done once for this row in run 1, and for_each is there now"),
        (SINGLE, LINES, "it was done once for this row in run 1, and for_each is there now"),
        (BY_POSITION, SINGLE, "it was done for 2 items in run 1, and for_each is gone"),
        (LINES, SINGLE, "it was done for 2 items in run 1, and for_each is gone"),
        (
            BY_POSITION,
            LINES,
            "for items told apart by position in run 1, and item_key is there now",
        ),
        (LINES, BY_POSITION, "for items told apart by item_key in run 1, and item_key is gone"),
    ],
    ids=["item", "item_key", "no item", "no items of item_key", "keys", "positions"],
)
def test_items_come_and_go(
    server: FaultServer, bench: Bench, first: str, then: str, reason: str
) -> None:
    bench.run(first, ORDER, head=GROUPED)
    before = len(server.writes())
    assert [call.state for call in bench.plan(then, ORDER, head=GROUPED).row.planned] == ["changed"]
    ran = bench.run(then, ORDER, head=GROUPED)
    assert (ran.row.bucket, len(server.writes())) == ("changed", before)
    assert reason in ran.row.reason
    assert bench.run(first, ORDER, head=GROUPED).row.bucket == "done"
    assert bench.run(then, ORDER, head=GROUPED, again=["A"]).row.bucket == "done"


@pytest.mark.parametrize("skus", [("11", "72"), ("1", "2"), ("2", "1")])
@pytest.mark.parametrize(
    ("first", "then"), [(LINES, BY_POSITION), (BY_POSITION, LINES)], ids=["gone", "there"]
)
def test_keys_that_are_numbers_are_no_positions(
    server: FaultServer, bench: Bench, first: str, then: str, skus: tuple[str, str]
) -> None:
    sheet = table("ref,sku", *(("A", sku) for sku in skus))
    bench.run(first, sheet, head=GROUPED)
    ran = bench.run(then, sheet, head=GROUPED)
    assert (ran.row.bucket, len(server.writes())) == ("changed", 2)
    assert "it was done for items told apart by" in ran.row.reason
    assert bench.run(first, sheet, head=GROUPED).row.bucket == "done"


@pytest.mark.parametrize("steps", [LINES, BY_POSITION])
@pytest.mark.parametrize("lines", [["x", "y", "z"], ["x"]])
def test_items_that_are_added_are_sent_and_one_that_is_gone_sets_its_row_aside(
    server: FaultServer, bench: Bench, steps: str, lines: list[str]
) -> None:
    bench.run(steps, ORDER, head=GROUPED)
    ran = bench.run(steps, table("ref,sku", *(("A", sku) for sku in lines)), head=GROUPED)
    assert ran.row.bucket == ("done" if len(lines) == 3 else "changed")
    assert len(server.writes()) == max(2, len(lines))


def test_what_was_refused_may_be_sent_in_another_shape(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/5/lines", actions.answer(422), nth=1)
    bench.run(SINGLE, ORDER, head=GROUPED)
    assert bench.run(LINES, ORDER, head=GROUPED).row.bucket == "done"


def test_what_is_unknown_stays_unknown_in_another_shape(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/5/lines", actions.close())
    bench.run(SINGLE, ORDER, head=GROUPED)
    ran = bench.run(LINES, ORDER, head=GROUPED)
    assert (ran.row.bucket, ran.ended.exit_code) == ("unknown", 5)
    assert len(server.writes()) == 1
