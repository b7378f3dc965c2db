"""An id that the answer of a create shares with what another create has made: it cannot be both."""

from __future__ import annotations

import json
import sqlite3
import threading

import pytest
from faults import actions
from faults.bench import HEAD, Bench, grouped, table
from faults.server import PATIENCE, Action, Delivery, FaultServer

from runner.journal import Journal

ORDER = """\
steps:
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}"}}
"""
PAID = f"""\
{ORDER}
  - id: payment
    use: shop.create_payment
    with: {{order_id: "{{{{ order.id }}}}", amount: 9, reference: "{{{{ row.ref }}}}"}}
"""
SAME = actions.answer(201, {"id": 101})


def payments(server: FaultServer) -> list[str]:
    return [each.path for each in server.writes() if each.path.endswith("/payments")]


@pytest.mark.parametrize("workers", [1, 4])
def test_one_id_for_three_orders(server: FaultServer, bench: Bench, workers: int) -> None:
    server.on("POST", "/orders", SAME)
    ran = bench.run(PAID, table("ref", *"ABC"), workers=workers)
    assert (ran.buckets, ran.ended.exit_code) == ({"done": 1, "unknown": 2}, 5)
    assert payments(server) == ["/orders/101/payments"]
    (first,) = (key for key, row in ran.rows.items() if row.bucket == "done")
    call = bench.calls()[first, "order", ""]
    wanted = f"201, but 101 is what call {call.id} has created (order of {first!r}, run 1)"
    assert all(wanted in row.reason for key, row in ran.rows.items() if key != first)
    states = {key: each.state for (key, step, _), each in bench.calls().items() if step == "order"}
    assert sorted(states.values()) == ["done", "unknown", "unknown"]


def test_two_answers_at_one_moment(server: FaultServer, bench: Bench) -> None:
    both = threading.Barrier(2, timeout=PATIENCE)

    def wait(_: Delivery) -> None:
        both.wait()

    server.on_receipt = wait
    server.on("POST", "/orders", SAME)
    ran = bench.run(ORDER, table("ref", *"AB"), workers=2)
    assert ran.buckets == {"done": 1, "unknown": 1}


def test_an_id_of_an_earlier_run(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", SAME)
    bench.run(ORDER)
    ran = bench.run(PAID, "ref\nB\n")
    assert ran.row.bucket == "unknown"
    assert "101 is what call 1 has created (order of 'A', run 1)" in ran.row.reason
    assert payments(server) == []
    bench.run(PAID, "ref\nB\n")
    assert len(server.writes()) == 2


def test_an_id_of_another_recipe(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", SAME)
    bench.run(ORDER)
    ran = bench.run(PAID, "ref\nB\n", head=HEAD.replace("shop-import", "shop-again"))
    assert ran.row.bucket == "unknown"
    bench.account = "other"
    assert bench.run(PAID, "ref\nB\n").row.bucket == "done"


def test_an_id_that_a_journal_of_an_earlier_version_has(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", SAME)
    bench.run(ORDER)
    connection = sqlite3.connect(bench.folder / "journal.sqlite")
    with connection:
        for (index,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%made%'"
        ).fetchall():
            connection.execute(f"DROP INDEX {index}")
        connection.execute("ALTER TABLE calls DROP COLUMN made")
    connection.close()
    assert bench.run(PAID, "ref\nB\n").row.bucket == "unknown"
    assert payments(server) == []


SHARED = """\
steps:
  - {id: customer, use: shop.create_customer, once_per: row.name, with: {name: "{{ row.name }}"}}
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}}
"""
NAMED = grouped("ref", {"name": "string"})


def test_rows_that_share_a_value_share_its_id(server: FaultServer, bench: Bench) -> None:
    sheet = table("ref,name", ("A", "Ace"), ("B", "Ace"), ("C", "Blue"))
    assert bench.run(SHARED, sheet, head=NAMED).buckets == {"done": 3}
    assert bench.run(SHARED, sheet + "D,Ace\n", head=NAMED).buckets == {"done": 4}


def test_one_id_for_two_values_that_rows_share(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/customers", actions.answer(201, {"id": 7}))
    ran = bench.run(SHARED, table("ref,name", ("A", "Ace"), ("B", "Blue")), head=NAMED)
    assert {key: row.bucket for key, row in ran.rows.items()} == {"A": "done", "B": "unknown"}
    assert len(server.deliveries("POST", "/orders")) == 1


LINES = f"""\
{ORDER}
  - id: lines
    use: shop.create_line
    for_each: row.lines
    with: {{order_id: "{{{{ order.id }}}}", sku: "{{{{ item.sku }}}}"}}
"""


def numbered() -> Action:
    """Line numbers that count from 1 in each order."""
    counts: dict[str, int] = {}

    def act(exchange: object) -> bool:
        path = exchange.request.path  # type: ignore[attr-defined]
        counts[path] = counts.get(path, 0) + 1
        return actions.answer(201, {"id": counts[path]})(exchange)  # type: ignore[arg-type]

    return act


def test_ids_that_count_in_each_order(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/.*/lines", numbered())
    sheet = table("ref,sku", ("A", "x"), ("A", "y"), ("B", "x"), ("B", "y"))
    assert bench.run(LINES, sheet, head=grouped("ref", {"sku": "string"})).buckets == {"done": 2}


def test_one_id_for_two_lines_of_an_order(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/.*/lines", actions.answer(201, {"id": 1}))
    sheet = table("ref,sku", ("A", "x"), ("A", "y"))
    ran = bench.run(LINES, sheet, head=grouped("ref", {"sku": "string"}))
    assert ran.row.bucket == "unknown"
    assert (
        "item 2: 201, but 1 is what call 2 has created (lines[1] of 'A', run 1)" in ran.row.reason
    )


def test_a_row_that_is_sent_again_needs_an_id_of_its_own(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", SAME)
    bench.run(ORDER)
    ran = bench.run(ORDER, again=["A"])
    assert ran.row.bucket == "unknown"
    assert "101 is what call 1 has created (order of 'A', run 1)" in ran.row.reason


def test_an_id_that_was_settled(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.close(), nth=1)
    server.on("POST", "/orders", SAME)
    bench.run(ORDER)
    call = bench.calls()["A", "order", ""]
    with Journal(bench.folder) as journal:
        journal.note(
            call._replace(state="done", answer=json.dumps({"id": 101}), made="/orders/101")
        )
    ran = bench.run(PAID, "ref\nB\n")
    assert (ran.row.bucket, payments(server)) == ("unknown", [])


SEARCHED = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    unless_found: {use: shop.search_orders, with: {reference: "{{ row.find }}"}}
"""
FINDING = grouped("ref", {"find": "string"})


def test_what_a_search_finds_may_be_what_a_create_has_made(
    server: FaultServer, bench: Bench
) -> None:
    """Both rows look for A: the second one finds what the first has created."""
    ran = bench.run(SEARCHED, table("ref,find", ("A", "A"), ("B", "A")), head=FINDING)
    assert ran.buckets == {"done": 1, "found": 1}


def test_a_search_does_not_settle_a_create_with_what_another_has_made(
    server: FaultServer, bench: Bench
) -> None:
    """The row whose answer is lost looks for A too, and that is the order of row A."""
    sheet = table("ref,find", ("A", "A"))
    bench.run(SEARCHED, sheet, head=FINDING)
    server.on("GET", "/orders", actions.answer(200, {"orders": []}), nth=1)
    server.on("POST", "/orders", actions.close(), nth=1)
    bench.run(SEARCHED, table("ref,find", ("B", "A")), head=FINDING)
    ran = bench.run(SEARCHED, table("ref,find", ("B", "A")), head=FINDING)
    assert ran.row.bucket == "unknown"
    assert 'which cannot be it: reference is "A", sent was "B"' in ran.row.reason


PAY = """\
steps:
  - id: payment
    use: shop.create_payment
    with: {order_id: 7, amount: 9, reference: "{{ row.ref }}"}
    unless_found:
      use: shop.list_payments
      with: {order_id: 7}
      where: item.reference == row.ref
"""


def test_the_id_of_what_was_there_before(server: FaultServer, bench: Bench) -> None:
    server.on(
        "GET",
        "/orders/7/payments",
        actions.answer(200, [{"id": 55, "amount": 9, "reference": "x"}]),
    )
    server.on("POST", "/orders/7/payments", actions.answer(201, {"id": 55}))
    ran = bench.run(PAY)
    assert ran.row.bucket == "unknown"
    assert "201, but 55 was there before it was sent" in ran.row.reason


def test_answers_without_an_id(server: FaultServer, bench: Bench) -> None:
    server.on("PUT", "/orders/7", actions.answer(200, {"id": 7}))
    steps = "steps:\n  - {id: change, use: shop.update_order, with: {order_id: 7, notes: '{{ row.ref }}'}}\n"
    assert bench.run(steps, table("ref", *"AB")).buckets == {"done": 2}
