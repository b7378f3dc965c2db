"""What a search has found and this recipe has not created gets nothing that no search guards."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import HEAD, Bench
from faults.server import FaultServer

ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    unless_found:
      use: shop.search_orders
      where: item.reference == row.ref
"""
LINE = """\
  - id: line
    use: shop.create_line
    with: {order_id: "{{ order.id }}", sku: "00618"}
"""
PAYMENT = """\
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: 5}
"""
ADD = "    under_found: add\n"
OTHER_NAME = HEAD.replace("shop-import", "other")


def order(server: FaultServer, reference: str = "A") -> int:
    made: int = server.shop.create("/orders", {"reference": reference})["id"]
    return made


def test_a_found_parent_gets_nothing(server: FaultServer, bench: Bench) -> None:
    number = order(server)
    ran = bench.run(ORDER + LINE)
    assert server.writes() == []
    assert ran.row.bucket == "rejected"
    assert ran.row.reason == (
        f"line: order {number} was found and not created by this recipe; nothing is added to it: "
        "bring back the journal (runs/) that knows it; or, where what is there is not what this step adds, say "
        "under_found: add in step 'line'"
    )
    assert bench.run(ORDER + LINE).row.reason == ran.row.reason  # in a later run no less
    assert server.writes() == []


@pytest.mark.parametrize("there", [0, 2, 1200])
def test_what_is_in_it_is_counted(server: FaultServer, bench: Bench, there: int) -> None:
    number = order(server)
    for _ in range(there):
        server.shop.create(f"/orders/{number}/payments", {"amount": 5})
    ran = bench.run(ORDER + PAYMENT)
    assert server.writes() == []
    count = {1200: "1,000 or more"}.get(there, str(there))
    assert f", with {count} payments that this recipe has not created; " in ran.row.reason


def test_a_count_that_cannot_be_read_is_left_out(server: FaultServer, bench: Bench) -> None:
    number = order(server)
    server.on("GET", f"/orders/{number}/payments", actions.answer(404))
    ran = bench.run(ORDER + PAYMENT)
    assert server.writes() == []
    assert f"order {number} was found and not created by this recipe; " in ran.row.reason


def test_what_this_run_has_created_gets_it(server: FaultServer, bench: Bench) -> None:
    ran = bench.run(ORDER + LINE)
    assert (ran.row.bucket, len(server.writes())) == ("done", 2)


def test_adding_where_the_recipe_says_so(server: FaultServer, bench: Bench) -> None:
    order(server)
    ran = bench.run(ORDER + LINE + ADD)
    assert (ran.row.bucket, len(server.writes())) == ("done", 1)


def test_a_guard_of_its_own_is_enough(server: FaultServer, bench: Bench) -> None:
    number = order(server)
    guard = (
        "    unless_found: {use: shop.list_payments, with: {order_id: '{{ order.id }}'}, "
        "where: item.amount == 5}\n"
    )
    bench.run(ORDER + PAYMENT + guard)
    assert len(server.writes()) == 1
    bench.run(ORDER + PAYMENT + guard, head=OTHER_NAME, new_identity=True)
    assert len(server.writes()) == 1
    assert len(server.shop.objects[f"/orders/{number}/payments"]) == 1


def test_rows_that_share_a_parent_of_this_recipe(server: FaultServer, bench: Bench) -> None:
    """The second row finds what the first has created, now or in an earlier run."""
    shared = ORDER.replace("item.reference == row.ref", "item.reference == 'shared'")
    shared = shared.replace("{{ row.ref }}", "shared")
    ran = bench.run(shared + LINE, "ref\nA\nB\n")
    assert ran.buckets == {"done": 2}
    ran = bench.run(shared + LINE, "ref\nA\nB\nC\n")
    assert ran.buckets == {"done": 3}
    assert len(server.writes()) == 1 + 3


def test_rows_that_share_a_found_parent_by_once_per(server: FaultServer, bench: Bench) -> None:
    order(server)
    shared = ORDER.replace("row.ref\n", "'A'\n") + "    once_per: \"'all'\"\n"
    ran = bench.run(shared + LINE, "ref\nA\nB\n")
    assert server.writes() == []
    assert ran.buckets == {"rejected": 2}


def test_another_recipe_adds_nothing_twice(server: FaultServer, bench: Bench) -> None:
    bench.run(ORDER + LINE)
    ran = bench.run(ORDER + LINE, head=OTHER_NAME, new_identity=True)
    assert len(server.writes()) == 2
    assert (ran.row.bucket, ran.ended.exit_code) == ("rejected", 4)


def test_an_adopted_parent_is_one_of_this_recipe(server: FaultServer, bench: Bench) -> None:
    """The order's answer was lost and its search settles it: it is created, not found."""
    server.on("POST", "/orders", actions.committed(actions.reset()), nth=1)
    assert bench.run(ORDER + LINE).row.bucket == "unknown"
    ran = bench.run(ORDER + LINE)
    assert ran.row.bucket == "done"
    assert len(server.shop.objects["/orders"]) == 1


def test_only_what_is_inside_counts(server: FaultServer, bench: Bench) -> None:
    """A customer that was found is a normal customer of a new order: a body refers, a path contains."""
    server.shop.create("/customers", {"name": "A"})
    steps = """\
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}"}
    unless_found: {use: shop.search_customers, with: {name: "{{ row.ref }}"}}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
"""
    assert bench.run(steps + LINE).row.bucket == "done"
    assert len(server.writes()) == 2


def test_each_of_several_parents_counts_for_itself(server: FaultServer, bench: Bench) -> None:
    """Of the orders of two items one is found: the other gets its line, and the row stops at the found one."""
    number = order(server, "A-2")
    steps = """\
steps:
  - id: orders
    for_each: "[1, 2]"
    use: shop.create_order
    with: {reference: "{{ row.ref }}-{{ item }}"}
    unless_found:
      use: shop.search_orders
      with: {reference: "{{ row.ref }}-{{ item }}"}
  - id: lines
    for_each: orders
    use: shop.create_line
    with: {order_id: "{{ item.id }}", sku: "00618"}
"""
    ran = bench.run(steps)
    assert [write.path.endswith("/lines") for write in server.writes()] == [False, True]
    assert f"lines: item 2: orders {number} was found" in ran.row.reason


READS = {
    "a read": """\
  - {id: seen, use: shop.search_orders, where: item.reference == row.ref, expect: one}
""",
    "a number": "",
}


@pytest.mark.parametrize("reads", READS)
def test_the_id_of_a_found_parent_comes_another_way(
    server: FaultServer, bench: Bench, reads: str
) -> None:
    number = order(server)
    line = LINE.replace("order.id", "seen.id" if READS[reads] else f"{number} + 0")
    ran = bench.run(ORDER + READS[reads] + line)
    assert server.writes() == []
    assert f"order {number} was found and not created by this recipe" in ran.row.reason
    assert bench.run(ORDER + READS[reads] + line + ADD).buckets == {"done": 1}
    assert len(server.writes()) == 1


def test_another_object_may_get_something(server: FaultServer, bench: Bench) -> None:
    order(server)
    other = order(server, "B")
    ran = bench.run(ORDER + LINE.replace('"{{ order.id }}"', str(other)))
    assert ran.buckets == {"done": 1}
