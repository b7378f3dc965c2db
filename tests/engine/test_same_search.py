"""Check-then-create in many rows at once: what one row creates is what the next one with the same search finds."""

from __future__ import annotations

import json

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


TWO_STEPS = STEPS.replace(
    "  - id: order\n",
    STEPS.removeprefix("steps:\n")
    .partition("  - id: order")[0]
    .replace("id: customer", "id: payer")
    + "  - id: order\n",
)


@pytest.mark.parametrize("workers", [1, 8])
def test_two_steps_with_one_search_are_one_customer(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    """The list never shows what was created."""
    server.on("GET", "/customers", actions.answer(200, EMPTY))
    ran = bench.run(TWO_STEPS, SIX, head=HEAD, workers=workers)
    assert ran.buckets == {"done": 6}
    assert len(server.deliveries("POST", "/customers")) == 1


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


NAMED = """\
let: {who: row}
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.customer }}", notes: "{{ row.ref }}"}
    unless_found: {use: shop.search_customers, where: item.name == who.customer}
"""
GROUPS = """\
steps:
  - id: customers
    use: shop.create_customer
    for_each: {in: row.lines | groupby('customer'), as: group}
    item_key: group.grouper
    with: {name: "{{ group.grouper }}", notes: "{{ (group.list | first).price | text }}"}
    unless_found: {use: shop.search_customers, where: item.name == group.grouper}
"""


@pytest.mark.parametrize("workers", [1, 8])
def test_what_where_reads_of_a_named_value_tells_searches_apart(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    server.on("GET", "/customers", actions.answer(200, EMPTY))
    rows = [(f"R{n}", f"C{n % 3}") for n in range(6)]
    ran = bench.run(NAMED, table("ref,customer", *rows), head=HEAD, workers=workers)
    assert ran.buckets == {"done": 3, "found": 3}
    made = [one["name"] for one in server.shop.objects["/customers"]]
    assert sorted(made) == ["C0", "C1", "C2"]
    names = {one["id"]: one["name"] for one in server.shop.objects["/customers"]}
    for number in range(6):
        call = bench.calls()[f"R{number}", "customer", ""]
        assert names[json.loads(call.answer)["id"]] == f"C{number % 3}"


def test_a_named_value_that_cannot_be_computed_rejects_its_row(
    server: FaultServer, bench: Bench
) -> None:
    there = {"customers": [{"id": 1, "name": "C2"}], "total_results": 1}
    server.on("GET", "/customers", actions.answer(200, there))
    steps = NAMED.replace("who: row", "who: \"{'customer': 10 / (row.ref | length - 2)}\"")
    ran = bench.run(steps, table("ref,customer", ("R1", "C1")), head=HEAD)
    assert ran.buckets == {"rejected": 1}
    assert server.deliveries("POST", "/customers") == []


def test_what_where_reads_of_a_group_tells_searches_apart(
    server: FaultServer, bench: Bench
) -> None:
    """Decimals inside a group are no identity by themselves, and leave it a group."""
    head = columns(customer="string", price="decimal") + "  group_by: ref\n"
    lines = [("R1", "C1", "8.40"), ("R1", "C2", "1.10"), ("R1", "C1", "8.40")]
    ran = bench.run(GROUPS, table("ref,customer,price", *lines), head=head)
    assert ran.buckets == {"done": 1}
    assert [one["name"] for one in server.shop.objects["/customers"]] == ["C1", "C2"]
