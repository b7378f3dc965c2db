"""An id that the answer of a create shares with what a row has written to before: it was there already."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import CATALOGUE, HEAD, Bench, columns, table
from faults.server import Exchange, FaultServer, Hold, behave, respond

from runner.engine.calls.settlement import used_before
from runner.journal import History

HEAD_ID = columns(id="integer")
PAYMENT = """\
  - id: payment
    use: shop.create_payment
    with: {order_id: "%s", amount: 9, reference: "{{ row.ref }}"}
"""
PAID = "steps:\n" + PAYMENT % "{{ row.id }}"
CHANGED = """\
steps:
  - {id: change, use: shop.update_order, with: {order_id: "{{ row.id }}", notes: "x"}}
"""
LOOKED_UP = 'lookups:\n  orders: {use: shop.search_orders, by: reference}\n' + "steps:\n" + PAYMENT % (
    "{{ orders[row.ref].id }}"
)  # fmt: skip
LISTED = (
    """\
steps:
  - {id: there, use: shop.search_orders, with: {reference: "{{ row.ref }}"}}
"""
    + PAYMENT % "{{ (there | one).id }}"
)
MADE = (
    """\
steps:
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}"}}
"""
    + PAYMENT % "{{ order.id }}"
)
OTHER = HEAD.replace("shop-import", "another")
USES = {"paid": PAID, "changed": CHANGED, "looked up": LOOKED_UP, "listed": LISTED}


def there(server: FaultServer) -> int:
    """The id of an order that is there before anything is sent."""
    found: int = server.shop.create("/orders", {"reference": "A"})["id"]
    server.on("PUT", f"/orders/{found}", actions.answer(200, {"id": found}))
    return found


def paid(server: FaultServer) -> list[str]:
    """The rows whose payments have arrived."""
    return [each.json()["reference"] for each in server.writes() if each.path.endswith("/payments")]


@pytest.mark.parametrize("use", USES)
def test_what_a_row_of_an_earlier_run_has_written_to(
    server: FaultServer, bench: Bench, use: str
) -> None:
    number = there(server)
    ran = bench.run(USES[use], table("ref,id", ("A", number)), head=HEAD_ID)
    assert ran.row.bucket == "done"
    server.on("POST", "/orders", actions.answer(201, {"id": number}))
    ran = bench.run(MADE, "ref\nB\n", head=OTHER)
    assert (ran.row.bucket, ran.ended.exit_code) == ("unknown", 5)
    step = "change" if use == "changed" else "payment"
    assert f"201, but {number} is what call " in ran.row.reason
    assert f" has written to before ({step} of 'A', run 1)" in ran.row.reason
    assert "B" not in paid(server)


BOTH = (
    """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    when: not row.id
"""
    + PAYMENT % "{{ row.id or order.id }}"
)


def test_what_another_row_of_the_run_has_paid_into(server: FaultServer, bench: Bench) -> None:
    number = there(server)
    server.on("POST", "/orders", actions.answer(201, {"id": number}))
    ran = bench.run(BOTH, table("ref,id", ("A", number), ("B", "")), head=HEAD_ID)
    assert {key: row.bucket for key, row in ran.rows.items()} == {"A": "done", "B": "unknown"}
    assert paid(server) == ["A"]


def test_what_another_row_pays_into_while_the_answer_is_on_its_way(
    server: FaultServer, bench: Bench
) -> None:
    number = there(server)
    created, used = Hold(), Hold()

    def create(exchange: Exchange) -> bool:
        created.released.set()
        assert used.released.wait(60)
        return respond(exchange, 201, {"id": number})

    def pay(exchange: Exchange) -> bool:
        used.released.set()
        return behave(exchange)

    server.on("POST", "/orders", create)
    server.on("POST", "/customers", actions.hang(created))
    server.on("POST", f"/orders/{number}/payments", pay, nth=1)
    late = "  - {id: late, use: shop.create_customer, with: {name: x}, when: row.id}\n"
    steps = BOTH.replace("steps:\n", f"steps:\n{late}")
    sheet = table("ref,id", ("B", ""), ("A", number))
    ran = bench.run(steps, sheet, head=HEAD_ID, workers=2)
    assert {key: row.bucket for key, row in ran.rows.items()} == {"A": "done", "B": "unknown"}
    assert paid(server) == ["A"]


def test_what_is_done_in_what_was_created(server: FaultServer, bench: Bench) -> None:
    """What follows from a create is no use of what was there before it."""
    steps = (
        MADE
        + """\
  - {id: change, use: shop.update_order, with: {order_id: "{{ order.id }}", notes: "x"}}
"""
    )
    server.on("PUT", "/orders/.*", actions.answer(200, {}))
    assert bench.run(steps, table("ref", *"ABC"), workers=3).buckets == {"done": 3}


def test_a_payment_that_was_refused_shows_no_order(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/101/payments", actions.answer(404, {}), nth=1)
    bench.run(PAID, table("ref,id", ("A", 101)), head=HEAD_ID)
    server.on("POST", "/orders", actions.answer(201, {"id": 101}))
    assert bench.run(MADE, "ref\nB\n", head=OTHER).row.bucket == "done"


def test_a_search_does_not_settle_a_create_with_what_was_written_to(
    server: FaultServer, bench: Bench
) -> None:
    number = there(server)
    bench.run(CHANGED, table("ref,id", ("A", number)), head=HEAD_ID)
    steps = MADE.partition("  - id: payment")[0].replace(
        '}}"}}',
        '}}"}, unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}}}',
    )
    server.on("POST", "/orders", actions.close(), nth=1)
    bench.run(steps, "ref\nB\n", head=OTHER)
    server.on("GET", "/orders", actions.answer(200, {"orders": [{"id": number}]}))
    ran = bench.run(steps, "ref\nB\n", head=OTHER)
    assert ran.row.bucket == "unknown"
    assert f"which cannot be it: {number} is what call 1 has written to before" in ran.row.reason


def test_a_person_does_not_settle_a_create_with_it_either(
    server: FaultServer, bench: Bench
) -> None:
    number = there(server)
    bench.run(CHANGED, table("ref,id", ("A", number)), head=HEAD_ID)
    server.on("POST", "/orders", actions.close(), nth=1)
    bench.run(MADE, "ref\nB\n", head=OTHER)
    call = bench.calls()["B", "order", ""]
    operation = CATALOGUE.operation(call.operation)
    history = History(bench.folder)
    used = used_before(history, CATALOGUE, call, operation, number)
    assert used is not None
    assert used.identity.step == "change"
    assert used_before(history, CATALOGUE, call, operation, number + 1) is None
    history.close()


NAMED = {
    "an id": '{reference: "%s", customer_id: "{{ row.id }}"}',
    "an object": '{reference: "%s", customer: {id: "{{ row.id }}"}}',
    "in a list": '{reference: "%s", parts: [{customer_id: "{{ row.id }}"}]}',
}
NAMING = """\
steps:
  - {id: order, use: shop.create_order, with: %s}
"""
CUSTOMER = """\
steps:
  - {id: customer, use: shop.create_customer, with: {name: "{{ row.ref }}"}}
"""


def naming(how: str, *, ref: str = "{{ row.ref }}") -> str:
    return NAMING % (NAMED[how] % ref)


@pytest.mark.parametrize("how", NAMED)
def test_what_the_body_of_a_write_has_named(server: FaultServer, bench: Bench, how: str) -> None:
    ran = bench.run(naming(how), table("ref,id", ("A", 77)), head=HEAD_ID)
    assert ran.row.bucket == "done"
    server.on("POST", "/customers", actions.answer(201, {"id": 77}), nth=1)
    ran = bench.run(CUSTOMER, table("ref", "B", "C"), head=OTHER)
    assert {key: row.bucket for key, row in ran.rows.items()} == {"B": "unknown", "C": "done"}
    assert (
        "201, but 77 is what call 1 has named before (order of 'A', run 1)" in ran.rows["B"].reason
    )
    history = History(bench.folder)
    call = bench.calls()["B", "customer", ""]
    operation = CATALOGUE.operation(call.operation)
    assert used_before(history, CATALOGUE, call, operation, 77) is not None
    assert used_before(history, CATALOGUE, call, operation, 78) is None
    history.close()


def test_an_id_of_another_collection_is_another_one(server: FaultServer, bench: Bench) -> None:
    """Order 77 is not customer 77, and neither is a number that is no id at all."""
    bench.run(naming("an id"), table("ref,id", ("A", 77)), head=HEAD_ID)
    quantity = naming("an id").replace("customer_id", "number")
    bench.run(quantity, table("ref,id", ("Q", 79)), head=OTHER + "    id: {type: integer}\n")
    server.on("POST", "/orders", actions.answer(201, {"id": 77}), nth=1)
    ran = bench.run(MADE, "ref\nB\n", head=OTHER.replace("another", "third"))
    assert ran.row.bucket == "done"
    server.on("POST", "/customers", actions.answer(201, {"id": 79}), nth=1)
    ran = bench.run(CUSTOMER, "ref\nC\n", head=OTHER.replace("another", "fourth"))
    assert ran.row.bucket == "done"


def test_what_another_row_of_the_run_has_named(server: FaultServer, bench: Bench) -> None:
    steps = """\
steps:
  - {id: customer, use: shop.create_customer, with: {name: "{{ row.ref }}"}, when: not row.id}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ row.id or customer.id }}"}
"""
    server.on("POST", "/customers", actions.answer(201, {"id": 77}), nth=2)
    sheet = table("ref,id", ("A", ""), ("B", 77), ("C", ""), ("D", ""))
    ran = bench.run(steps, sheet, head=HEAD_ID)
    assert {key: row.bucket for key, row in ran.rows.items()} == {
        "A": "done", "B": "done", "C": "unknown", "D": "done"
    }  # fmt: skip


def test_a_write_that_was_refused_names_nothing(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(404, {}), nth=1)
    bench.run(naming("an id"), table("ref,id", ("A", 77)), head=HEAD_ID)
    server.on("POST", "/customers", actions.answer(201, {"id": 77}), nth=1)
    assert bench.run(CUSTOMER, "ref\nB\n", head=OTHER).row.bucket == "done"
