"""What messages tell people to do, done to the letter: nothing is created or paid twice by it."""

from __future__ import annotations

import re

import pytest
from faults import actions
from faults.bench import Bench, Ran, columns, grouped, table
from faults.server import FaultServer

from runner.problems import InvalidError, StoppedError

HEADER = "ref,client,total"
KEYED = columns(client="string", total="decimal") + "steps:\n"
LINES = grouped("ref", {"client": "string", "sku": "string"}) + "steps:\n"
ORDER = """\
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", notes: "{{ row.client }}"}
"""
GUARDED = (
    ORDER
    + """\
    unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}, where: item.reference == row.ref}
"""
)
PAYMENT = """\
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}"}
"""
EACH_LINE = """\
  - id: lines
    use: shop.create_line
    for_each: row.lines
    with: {order_id: "{{ order.id }}", sku: "{{ item.sku }}"}
"""
SHEET = table(HEADER, ("W-1", "acme", 150), ("W-2", "beta", 20))
ITEMS = table("ref,client,sku", ("W-1", "acme", "shirt"), ("W-1", "acme", "cap"))


def renamed(head: str) -> str:
    return head.replace("name: shop-import", "name: another")


def stopped(ran: Ran) -> str:
    """Why a run has ended before its first row, and what to do."""
    assert not ran.rows
    return f"{ran.ended.stopped}; {ran.ended.remedy}"


@pytest.mark.parametrize("grouped_only", [0, 1])
def test_add_key_was(server: FaultServer, bench: Bench, grouped_only: int) -> None:
    """The key that a group has where the recipe names none is a key, too."""
    bench.key_texts = True
    key = '  key: "{{ row.ref }}"\n'
    bench.run(ORDER + EACH_LINE, ITEMS, head=LINES.replace(key, "") if grouped_only else LINES)
    better = LINES.replace("{{ row.ref }}", "{{ row.client }}-{{ row.ref }}")
    steps = ORDER.replace("row.client }}", "run.id }}") + EACH_LINE  # its content is another one
    told = stopped(bench.run(steps, ITEMS, head=better))
    was = re.search(r"add key_was: ['\"](\{\{.*?\}\})['\"] beside key", told)
    assert was is not None, told
    named = better.replace("  columns", f'  key_was: "{was[1]}"\n  columns')
    assert bench.run(steps, ITEMS, head=named).buckets == {"changed": 1}
    assert bench.run(ORDER + EACH_LINE, ITEMS, head=named).buckets == {"done": 1}
    assert len(server.writes()) == 3


def test_put_the_key_back(server: FaultServer, bench: Bench) -> None:
    bench.key_texts = True
    bench.run(ORDER + PAYMENT, SHEET, head=KEYED)
    better = KEYED.replace("{{ row.ref }}", "x-{{ row.ref }}")
    assert "or put the key back" in stopped(bench.run(ORDER + PAYMENT, SHEET, head=better))
    assert bench.run(ORDER + PAYMENT, SHEET, head=KEYED).buckets == {"done": 2}
    assert len(server.writes()) == 4


def test_say_under_found_add(server: FaultServer, bench: Bench) -> None:
    """What another name has added to the order is on record, and is not added again by saying so."""
    bench.run(GUARDED + EACH_LINE, ITEMS, head=LINES)
    steps, head = GUARDED + EACH_LINE, renamed(LINES)
    added = bench.run(steps + "    under_found: add\n", ITEMS, head=head, check_names=False)
    assert added.buckets == {"changed": 1}
    assert (
        "the same request was sent as lines[1] of 'W-1' in run 1 by shop-import" in added.row.reason
    )
    assert len(server.writes()) == 3


@pytest.mark.parametrize("key", ["w-1", "W\u20131"])
def test_write_both_the_same(server: FaultServer, bench: Bench, key: str) -> None:
    bench.run(ORDER + PAYMENT, SHEET, head=KEYED)
    with pytest.raises(InvalidError) as told:
        bench.run(ORDER + PAYMENT, table(HEADER, (key, "acme", 150)), head=KEYED)
    assert "write both the same" in told.value.problems[0].remedy
    assert bench.run(ORDER + PAYMENT, SHEET, head=KEYED).buckets == {"done": 2}
    assert len(server.writes()) == 4


def test_say_keys_exact(server: FaultServer, bench: Bench) -> None:
    """Two orders that look alike are two, under one name and under another; the one that was sent stays sent."""
    bench.run(ORDER + PAYMENT, SHEET, head=KEYED)
    exact = KEYED.replace("  key:", "  keys: exact\n  key:")
    sheet = table(HEADER, ("w-1", "gamma", 7), ("W-1", "acme", 150))
    for _ in range(2):
        assert bench.run(ORDER + PAYMENT, sheet, head=exact).buckets == {"done": 2}
    assert len(server.writes()) == 6
    apart = table(HEADER, ("W-2 B", "delta", 9), ("w-2", "epsilon", 8))
    assert bench.run(ORDER + PAYMENT, apart, head=renamed(exact)).buckets == {"done": 2}
    with pytest.raises(StoppedError, match="'W-1' was done as shop-import"):
        bench.run(ORDER + PAYMENT, SHEET, head=renamed(exact))


@pytest.mark.parametrize("heir", ["balance", "gift"])
def test_write_was_in_the_step_that_took_its_place(
    server: FaultServer, bench: Bench, heir: str
) -> None:
    """Of two steps, the one that is named is compared with what was sent; nothing is paid twice."""
    bench.run(ORDER + PAYMENT, SHEET, head=KEYED)
    balance = PAYMENT.replace("id: payment", "id: balance")
    gift = PAYMENT.replace("id: payment", "id: gift").replace("row.total }}", "row.total + 1 }}")
    told = bench.run(ORDER + balance, SHEET, head=KEYED)
    assert "write 'was: payment' in the step that took its place" in told.rows["W-1"].reason
    was = {"balance": balance, "gift": gift}[heir] + "    was: payment\n"
    ran = bench.run(ORDER + was, SHEET, head=KEYED)
    assert ran.buckets == ({"done": 2} if heir == "balance" else {"changed": 2})
    assert len(server.writes()) == 4


def test_send_it_again_by_its_key(server: FaultServer, bench: Bench) -> None:
    """Once more and no more, whatever stops it, and each order with its own payment."""
    bench.run(ORDER + PAYMENT, SHEET, head=KEYED)
    changed = table(HEADER, ("W-1", "acme", 151), ("W-2", "beta", 20))
    told = bench.run(ORDER + PAYMENT, changed, head=KEYED).rows["W-1"].reason
    assert "or send the row again: --again 'W-1'" in told
    server.on("POST", "/orders/[^/]+/payments", actions.answer(422), nth=1)
    ran = bench.run(ORDER + PAYMENT, changed, head=KEYED, again=["W-1"])
    for _ in range(2):
        bench.run(ORDER + PAYMENT, changed, head=KEYED, resume=ran.number)
        assert bench.run(ORDER + PAYMENT, changed, head=KEYED).buckets == {"done": 2}
    paid = [each.json()["amount"] for each in server.deliveries("POST", r"/orders/\d+/payments")]
    assert paid == [150, 20, 151, 151], "one of them was refused"
