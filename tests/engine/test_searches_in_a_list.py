"""Searches of `unless_found` in a list that is read once per run, however many rows there are."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import HEAD, Bench
from faults.server import FaultServer

LIST = "lookups:\n  orders: {use: shop.search_orders}\n"
STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    unless_found: {in: orders, where: item.reference == row.ref}
outputs: {order: "{{ order.id }}"}
"""


def reads(server: FaultServer) -> int:
    return len(server.deliveries("GET", "/orders"))


@pytest.mark.parametrize("rows", [1, 40])
def test_the_list_is_read_once_for_all_rows(server: FaultServer, bench: Bench, rows: int) -> None:
    there = server.shop.create("/orders", {"reference": "R-0"})["id"]
    sheet = "ref\n" + "".join(f"R-{n}\n" for n in range(rows))
    ran = bench.run(LIST + STEPS, sheet, workers=4)
    assert reads(server) == 1
    assert len(server.writes()) == rows - 1
    assert (ran.rows["R-0"].bucket, ran.rows["R-0"].outputs["order"]) == ("found", there)
    bench.run(LIST + STEPS, sheet, head=HEAD.replace("shop-import", "other"))
    assert reads(server) == 2
    assert len(server.writes()) == rows - 1


def test_two_that_fit_are_refused(server: FaultServer, bench: Bench) -> None:
    for _ in range(2):
        server.shop.create("/orders", {"reference": "A"})
    ran = bench.run(LIST + STEPS)
    assert server.writes() == []
    assert ran.row.reason == "order: unless_found: orders has more than one; none was chosen"


def test_what_another_row_has_created_is_found(server: FaultServer, bench: Bench) -> None:
    """As it was sent: what the API answers has nothing but the id."""
    shared = STEPS.replace("row.ref\n", "'shared'\n").replace("== row.ref", "== 'shared'")
    shared = shared.replace("{{ row.ref }}", "shared")
    ran = bench.run(LIST + shared, "ref\nA\nB\n")
    assert len(server.writes()) == 1
    assert ran.buckets == {"done": 1, "found": 1}
    assert ran.rows["A"].outputs == ran.rows["B"].outputs


def test_what_is_unknown_is_settled_by_the_list_of_the_next_run(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.committed(actions.reset()), nth=1)
    assert bench.run(LIST + STEPS).row.bucket == "unknown"
    ran = bench.run(LIST + STEPS)
    assert ran.row.bucket == "done"
    assert len(server.shop.objects["/orders"]) == 1


def test_nothing_is_sent_without_the_list(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/orders", actions.answer(500))
    ran = bench.run(LIST + STEPS)
    assert server.writes() == []
    assert ran.ended.exit_code == 8


def test_expressions_see_the_list(server: FaultServer, bench: Bench) -> None:
    server.shop.create("/orders", {"reference": "B", "total": 5})
    steps = """\
steps:
  - id: line
    use: shop.create_line
    with: {order_id: "{{ (orders | where('item.reference == row.ref') | first).id }}", sku: "1"}
"""
    ran = bench.run(LIST + steps, "ref\nA\nB\n", aside=True)
    assert {key: row.bucket for key, row in ran.rows.items()} == {"A": "rejected", "B": "done"}
