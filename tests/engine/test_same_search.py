"""Check-then-create in many rows at once: what one row creates is what the next one with the same search finds."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import Exchange, FaultServer

STEPS = """\
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.customer }}", notes: "{{ row.ref }}"}
    unless_found: {use: shop.search_customers, with: {name: "{{ row.customer }}"}}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
"""
HEAD = columns(customer="string")
WHERE = STEPS.replace(
    '{use: shop.search_customers, with: {name: "{{ row.customer }}"}}',
    "{use: shop.search_customers, where: item.name == row.customer}",
)
SIX = table("ref,customer", *((f"R{n}", "dana@x.example") for n in range(6)))
EMPTY = {"customers": [], "total_results": 0}


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("steps", [STEPS, WHERE], ids=["arguments", "where"])
def test_six_rows_with_one_address_are_one_customer(
    server: FaultServer, bench: Bench, steps: str, workers: int
) -> None:
    ran = bench.run(steps, SIX, head=HEAD, workers=workers)
    assert ran.buckets == {"done": 6}
    assert len(server.deliveries("POST", "/customers")) == 1
    (customer,) = server.shop.objects["/customers"]
    orders = server.shop.objects["/orders"]
    assert {order["customer_id"] for order in orders} == {customer["id"]}
    assert len(orders) == 6


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("steps", [STEPS, WHERE], ids=["arguments", "where"])
def test_a_list_that_lags_behind(
    server: FaultServer, bench: Bench, steps: str, workers: int
) -> None:
    """It never shows what was created: the run knows it."""
    server.on("GET", "/customers", actions.answer(200, EMPTY))
    ran = bench.run(steps, SIX, head=HEAD, workers=workers)
    assert ran.buckets == {"done": 6}
    assert len(server.deliveries("POST", "/customers")) == 1
    states = sorted(
        call.state for (_, step, _), call in bench.calls().items() if step == "customer"
    )
    assert states == ["done", *["found"] * 5]


@pytest.mark.parametrize("workers", [1, 8])
def test_nothing_more_is_created_while_the_first_one_is_unknown(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    server.on("GET", "/customers", actions.answer(200, EMPTY))
    server.on("POST", "/customers", actions.close())
    ran = bench.run(STEPS, SIX, head=HEAD, workers=workers)
    assert len(server.deliveries("POST", "/customers")) == 1
    assert ran.buckets == {"unknown": 1, "not started": 5}
    assert ran.ended.exit_code == 5


def test_what_was_refused_is_tried_by_the_next_row(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/customers", actions.answer(422), nth=1)
    ran = bench.run(STEPS, SIX, head=HEAD, workers=8)
    assert ran.buckets == {"rejected": 1, "done": 5}
    assert len(server.shop.objects["/customers"]) == 1


def test_other_searches_do_not_wait_for_each_other(server: FaultServer, bench: Bench) -> None:
    """One list is searched for all of them, and what `where` reads of the row tells the searches apart."""
    server.on("GET", "/customers", actions.answer(200, EMPTY))
    rows = [(f"R{n}", f"C{n}") for n in range(20)]
    ran = bench.run(WHERE, table("ref,customer", *rows), head=HEAD, workers=8)
    assert ran.buckets == {"done": 20}
    assert len(server.deliveries("POST", "/customers")) == 20


def test_what_was_created_and_is_not_what_is_looked_for(server: FaultServer, bench: Bench) -> None:
    """The object as it was sent and answered is not found by the search: each row creates its own."""
    server.on("GET", "/customers", actions.answer(200, EMPTY))
    steps = WHERE.replace("item.name == row.customer", "item.notes == 'x ' ~ row.customer")
    ran = bench.run(steps, SIX, head=HEAD, workers=4)
    assert ran.buckets == {"done": 6}
    assert len(server.deliveries("POST", "/customers")) == 6


def test_addresses_in_two_cases_are_searched_one_after_the_other(
    server: FaultServer, bench: Bench
) -> None:
    """An API that finds by address whatever its case: the second search sees what the first row has created."""

    def found(exchange: Exchange) -> bool:
        made = server.shop.objects.get("/customers", [])
        page = {"customers": made, "total_results": len(made)}
        return actions.answer(200, page)(exchange)

    server.on("GET", "/customers", found)
    rows = [(f"R{n}", "Dana@x.example" if n % 2 else "dana@x.example") for n in range(6)]
    ran = bench.run(STEPS, table("ref,customer", *rows), head=HEAD, workers=8)
    assert ran.buckets == {"done": 6}
    assert len(server.deliveries("POST", "/customers")) == 1
