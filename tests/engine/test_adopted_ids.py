"""An id that the answer of a create shares with what a search has found: it was there already."""

from __future__ import annotations

import sqlite3

import pytest
from faults import actions
from faults.bench import HEAD, Bench, columns, table
from faults.server import Action, Exchange, FaultServer, Hold, behave, respond

ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}}
"""
PAYMENT = """\
  - id: payment
    use: shop.create_payment
    under_found: add
    with: {order_id: "{{ order.id }}", amount: 9, reference: "{{ row.ref }}"}
"""
PAID = ORDER + PAYMENT


def there(server: FaultServer, reference: str = "A") -> int:
    """The id of an order that is there before anything is sent."""
    found: int = server.shop.create("/orders", {"reference": reference})["id"]
    return found


def payments(server: FaultServer) -> list[tuple[str, str]]:
    """The order and the row of each payment."""
    return [
        (each.path.split("/")[2], each.json()["reference"])
        for each in server.writes()
        if each.path.endswith("/payments")
    ]


@pytest.mark.parametrize("workers", [1, 4])
def test_what_another_row_has_found(server: FaultServer, bench: Bench, workers: int) -> None:
    number = there(server)
    hold = Hold()
    server.on("POST", "/orders", actions.hang(hold, actions.answer(201, {"id": number})))
    server.on("POST", f"/orders/{number}/payments", released_by(hold))
    if workers == 1:
        hold.released.set()
    ran = bench.run(PAID, table("ref", *"AB"), workers=workers)
    assert {key: row.bucket for key, row in ran.rows.items()} == {"A": "done", "B": "unknown"}
    assert payments(server) == [(str(number), "A")]
    call = bench.calls()["A", "order", ""]
    wanted = f"201, but {number} is what call {call.id} has found (order of 'A', run 1)"
    assert wanted in ran.rows["B"].reason
    assert ran.ended.exit_code == 5


def released_by(hold: Hold) -> Action:
    """A good answer, and from then on the other one, too."""

    def act(exchange: Exchange) -> bool:
        stays = behave(exchange)
        hold.released.set()
        return stays

    return act


def test_what_a_row_of_an_earlier_run_has_found(server: FaultServer, bench: Bench) -> None:
    number = there(server)
    bench.run(ORDER)
    server.on("POST", "/orders", actions.answer(201, {"id": number}))
    ran = bench.run(PAID, "ref\nB\n")
    assert (ran.row.bucket, payments(server)) == ("unknown", [])
    assert f"{number} is what call 2 has found (order of 'A', run 1)" in ran.row.reason
    assert bench.run(PAID, "ref\nB\n").row.bucket == "unknown"
    assert len(server.writes()) == 1


def test_what_another_recipe_has_found(server: FaultServer, bench: Bench) -> None:
    number = there(server)
    bench.run(ORDER)
    server.on("POST", "/orders", actions.answer(201, {"id": number}))
    other = HEAD.replace("shop-import", "another")
    assert bench.run(PAID, "ref\nB\n", head=other).row.bucket == "unknown"
    bench.account = "elsewhere"
    assert bench.run(PAID, "ref\nB\n").row.bucket == "done"


def test_what_a_journal_of_an_earlier_version_has_as_found(
    server: FaultServer, bench: Bench
) -> None:
    number = there(server)
    bench.run(ORDER)
    connection = sqlite3.connect(bench.folder / "journal.sqlite")
    with connection:
        connection.execute("UPDATE calls SET made = ''")
        connection.execute("DELETE FROM migrations WHERE name = 'found'")
    connection.close()
    server.on("POST", "/orders", actions.answer(201, {"id": number}))
    ran = bench.run(PAID, "ref\nB\n")
    assert (ran.row.bucket, payments(server)) == ("unknown", [])


READ = """\
steps:
  - id: there
    use: shop.search_orders
    with: {reference: "{{ row.ref }}"}
    expect: first
    when: row.ref == 'A'
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    when: row.ref != 'A'
"""


def test_what_a_read_of_another_row_has_given(server: FaultServer, bench: Bench) -> None:
    number = there(server)
    server.on("POST", "/orders", actions.answer(201, {"id": number}))
    ran = bench.run(
        READ + PAYMENT.replace("    under_found: add\n", "    when: row.ref != 'A'\n"),
        table("ref", *"AB"),
    )
    assert {key: row.bucket for key, row in ran.rows.items()} == {"A": "done", "B": "unknown"}
    assert f"{number} is what call 1 has found (there of 'A', run 1)" in ran.rows["B"].reason
    assert payments(server) == []


LISTED = ORDER.replace('with: {reference: "{{ row.ref }}"}}', "where: item.reference == row.ref}")


def test_what_its_own_search_has_listed(server: FaultServer, bench: Bench) -> None:
    """It is not what was looked for, but it was there."""
    number = there(server, "X")
    server.on("POST", "/orders", actions.answer(201, {"id": number}))
    ran = bench.run(LISTED + PAYMENT)
    assert (ran.row.bucket, payments(server)) == ("unknown", [])
    assert f"201, but {number} was there before it was sent" in ran.row.reason


LOOKUP = """\
lookups:
  orders: {use: shop.search_orders}
"""


def test_what_a_list_has_that_was_read_before(server: FaultServer, bench: Bench) -> None:
    number = there(server, "X")
    server.on("POST", "/orders", actions.answer(201, {"id": number}))
    steps = LISTED.replace("use: shop.search_orders, ", "in: orders, ")
    ran = bench.run(LOOKUP + steps + PAYMENT)
    assert (ran.row.bucket, payments(server)) == ("unknown", [])
    assert f"201, but {number} was there before it was sent" in ran.row.reason


NAMED = columns(name="string")
CUSTOMER = """\
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.name }}"}
    unless_found: {use: shop.search_customers, with: {name: "{{ row.name }}"}}
"""


@pytest.mark.parametrize("workers", [1, 4])
def test_rows_may_share_what_one_of_them_has_created(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    sheet = table("ref,name", ("A", "Ace"), ("B", "Ace"), ("C", "Ace"))
    ran = bench.run(CUSTOMER, sheet, head=NAMED, workers=workers)
    assert ran.buckets == {"done": 1, "found": 2}


def test_an_unknown_create_may_have_made_what_another_row_has_found_since(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/customers", actions.committed(actions.close()), nth=1)
    assert bench.run(CUSTOMER, table("ref,name", ("B", "Ace")), head=NAMED).row.bucket == "unknown"
    bench.run(CUSTOMER, table("ref,name", ("A", "Ace")), head=NAMED)
    assert bench.calls()["A", "customer", ""].state == "found"
    assert bench.run(CUSTOMER, table("ref,name", ("B", "Ace")), head=NAMED).row.bucket == "done"


def test_an_unknown_create_has_not_made_what_another_row_had_found(
    server: FaultServer, bench: Bench
) -> None:
    number = there(server)
    bench.run(ORDER)
    server.on("POST", "/orders", actions.close(), nth=1)
    bench.run(ORDER, "ref\nB\n")
    server.on("GET", "/orders", actions.answer(200, {"orders": [{"id": number}]}))
    ran = bench.run(ORDER, "ref\nB\n")
    assert ran.row.bucket == "unknown"
    assert f"which cannot be it: {number} is what call 2 has found" in ran.row.reason


KEPT = CUSTOMER.replace(
    'unless_found: {use: shop.search_customers, with: {name: "{{ row.name }}"}}',
    """unless_found:
      use: shop.search_customers
      with: {name: "{{ row.name }}"}
      update: {use: shop.update_customer, with: {customer_id: "{{ found.id }}", notes: "{{ row.ref }}"}}""",
)


def test_what_is_kept_in_step(server: FaultServer, bench: Bench) -> None:
    number = server.shop.create("/customers", {"name": "Ace", "notes": "old"})["id"]
    bench.run(KEPT, table("ref,name", ("A", "Ace")), head=NAMED)
    server.on("POST", "/customers", actions.close(), nth=1)
    bench.run(KEPT, table("ref,name", ("B", "Blue")), head=NAMED)  # unknown
    bench.run(KEPT, table("ref,name", ("A", "Ace")), head=NAMED)  # found once more
    answer = {"customers": [{"id": number, "name": "Blue"}], "total_results": 1, "links": {}}
    server.on("GET", "/customers", actions.answer(200, answer))
    ran = bench.run(KEPT, table("ref,name", ("B", "Blue")), head=NAMED)
    assert ran.row.bucket == "unknown"
    call = bench.calls()["A", "customer", ""]
    assert f"{number} is what call {call.id} has found" in ran.row.reason


def test_what_the_search_finds_was_created_as_something_else(
    server: FaultServer, bench: Bench
) -> None:
    """The create of B was answered with an order that carries the reference of A."""
    number = there(server)
    server.on("POST", "/orders", actions.answer(201, {"id": number}))
    ran = bench.run(PAID, table("ref", *"BA"))
    assert {key: row.bucket for key, row in ran.rows.items()} == {"B": "done", "A": "rejected"}
    assert payments(server) == [(str(number), "B")]
    assert ran.rows["A"].reason == (
        f"order: unless_found: {number} is what call 2 has created (order of 'B', run 1) with reference \"B\", and it "
        'is found with "A": see which of the two it is, and correct it there; nothing of this row was added to it'
    )


def test_found_while_a_create_is_in_flight(server: FaultServer, bench: Bench) -> None:
    """A's search is answered after B's create has left, and before it is answered."""
    number = there(server)
    created, searched = Hold(), Hold()

    def create(exchange: Exchange) -> bool:
        created.arrived.set()
        searched.released.set()
        assert created.released.wait(60)
        return respond(exchange, 201, {"id": number})

    def search(exchange: Exchange) -> bool:
        if exchange.request.query["reference"] == "A":
            assert searched.released.wait(60)
        return behave(exchange)

    def pay(exchange: Exchange) -> bool:
        stays = behave(exchange)
        created.released.set()
        return stays

    server.on("POST", "/orders", create)
    server.on("GET", "/orders", search)
    server.on("POST", "/orders/.*/payments", pay, nth=1)
    ran = bench.run(PAID, table("ref", *"AB"), workers=2)
    assert {key: row.bucket for key, row in ran.rows.items()} == {"A": "done", "B": "unknown"}
    assert payments(server) == [(str(number), "A")]


def doubted(server: FaultServer, bench: Bench, steps: str = PAID) -> int:
    """The id of an order of A, as which the create of B was answered, and which A's search has found then."""
    number = there(server)
    server.on("POST", "/orders", actions.answer(201, {"id": number}), nth=1)
    ran = bench.run(steps, table("ref", *"BA"))
    assert {key: row.bucket for key, row in ran.rows.items()} == {"B": "done", "A": "rejected"}
    return number


@pytest.mark.parametrize("name", ["shop-import", "another"])
def test_a_doubt_holds_in_later_runs(server: FaultServer, bench: Bench, name: str) -> None:
    number = doubted(server, bench)
    head = HEAD.replace("shop-import", name)
    for _ in range(2):
        ran = bench.run(PAID, "ref\nA\n", head=head)
        assert (ran.row.bucket, ran.ended.exit_code) == ("rejected", 4)
        assert f"{number} is what call 2 has created (order of 'B', run 1)" in ran.row.reason
    assert payments(server) == [(str(number), "B")]


def test_a_doubt_of_what_is_kept_in_step(server: FaultServer, bench: Bench) -> None:
    steps = PAID.replace(
        '{reference: "{{ row.ref }}"}}\n',
        '{reference: "{{ row.ref }}"}, update: {use: shop.update_order, '
        'with: {order_id: "{{ found.id }}", notes: "{{ row.ref }}"}}}\n',
    )
    doubted(server, bench, steps)
    ran = bench.run(steps, "ref\nA\n")
    assert ran.row.bucket == "rejected"
    assert "is what call 2 has created" in ran.row.reason


def test_a_doubt_ends_with_what_is_corrected_there(server: FaultServer, bench: Bench) -> None:
    number = doubted(server, bench)
    server.shop.change(f"/orders/{number}", {"reference": "B"})
    assert bench.run(PAID, table("ref", *"BA")).buckets == {"done": 2}
    (of_b, paid_b), (of_a, paid_a) = payments(server)
    assert (of_b, paid_b, paid_a) == (str(number), "B", "A")
    assert of_a != of_b


@pytest.mark.parametrize("again", "AB")
def test_a_doubt_ends_when_a_person_sends_one_of_them_again(
    server: FaultServer, bench: Bench, again: str
) -> None:
    """The row that it is of after all, or the one that was answered with what is not its own."""
    number = doubted(server, bench)
    bench.run(PAID, table("ref", again), again=[again])
    assert bench.run(PAID, "ref\nA\n").row.bucket == "done"
    assert (str(number), "A") in payments(server)
