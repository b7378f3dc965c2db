"""`key_was`: what was sent for a row under a former key of the recipe still counts as sent for it."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import FaultServer

from runner.problems import InvalidError

OLD = columns(client="string", total="decimal")
NEW = OLD.replace(
    '  key: "{{ row.ref }}"\n',
    '  key: "{{ row.client }}-{{ row.ref }}"\n  key_was: "{{ row.ref }}"\n',
)
STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "KEY", notes: "{{ row.client }}"}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}"}
"""
ORDERS = STEPS.replace("KEY", "{{ row.ref }}")
HEADER = "ref,client,total"


def test_nothing_is_sent_again(server: FaultServer, bench: Bench) -> None:
    sheet = table(HEADER, ("W-1", "acme", 150), ("W-2", "beta", 20))
    bench.run(ORDERS, sheet, head=OLD)
    for _ in range(2):
        assert bench.plan(ORDERS, sheet, head=NEW).buckets == {"done": 2}
        assert bench.run(ORDERS, sheet, head=NEW).buckets == {"done": 2}
    assert len(server.writes()) == 4


def test_what_is_left_of_a_row_is_sent(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/[^/]+/payments", actions.answer(422), nth=1)
    sheet = table(HEADER, ("W-1", "acme", 150))
    assert bench.run(ORDERS, sheet, head=OLD).buckets == {"rejected": 1}
    assert bench.run(ORDERS, sheet, head=NEW).buckets == {"done": 1}
    assert bench.run(ORDERS, sheet, head=NEW).buckets == {"done": 1}
    assert len(server.deliveries("POST", "/orders")) == 1


def test_what_may_have_been_sent_is_not_sent_again(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.close(), nth=1)
    sheet = table(HEADER, ("W-1", "acme", 150))
    bench.run(ORDERS, sheet, head=OLD)
    assert bench.run(ORDERS, sheet, head=NEW).buckets == {"unknown": 1}
    assert len(server.writes()) == 1


def test_a_number_that_another_client_reuses_is_a_new_row(
    server: FaultServer, bench: Bench
) -> None:
    """Two rows had the same key: the one whose requests are on record continues, the other one is new."""
    bench.run(ORDERS, table(HEADER, ("W-1", "acme", 150)), head=OLD)
    sheet = table(HEADER, ("W-1", "beta", 7), ("W-1", "acme", 150))
    planned = bench.plan(ORDERS, sheet, head=NEW)
    assert planned.rows["acme-W-1"].bucket == "done"
    for _ in range(2):
        assert bench.run(ORDERS, sheet, head=NEW).buckets == {"done": 2}
    assert [each.json()["notes"] for each in server.deliveries("POST", "/orders")] == [
        "acme", "beta",
    ]  # fmt: skip


@pytest.mark.parametrize("sheet", [
    table(HEADER, ("W-1", "acme", 151), ("W-1", "beta", 7)),
    table(HEADER, ("W-1", "gamma", 150), ("W-1", "beta", 7)),
])  # fmt: skip
def test_where_nothing_shows_which_row_it_was_both_are_set_aside(
    server: FaultServer, bench: Bench, sheet: str
) -> None:
    bench.run(ORDERS, table(HEADER, ("W-1", "acme", 150)), head=OLD)
    for ran in (bench.plan(ORDERS, sheet, head=NEW), bench.run(ORDERS, sheet, head=NEW)):
        assert {row.bucket for row in ran.rows.values()} == {"changed"}
        assert all("'W-1' was the key of several rows" in row.reason for row in ran.rows.values())
    assert len(server.writes()) == 2


def test_a_changed_row_is_set_aside_as_ever(server: FaultServer, bench: Bench) -> None:
    bench.run(ORDERS, table(HEADER, ("W-1", "acme", 150)), head=OLD)
    ran = bench.run(ORDERS, table(HEADER, ("W-1", "acme", 151)), head=NEW)
    assert (ran.row.bucket, len(server.writes())) == ("changed", 2)
    assert "amount was 150, now 151" in ran.row.reason


def test_a_list_of_former_keys(server: FaultServer, bench: Bench) -> None:
    sheet = table(HEADER, ("W-1", "acme", 150))
    bench.run(ORDERS, sheet, head=OLD)
    both = NEW.replace('key_was: "{{ row.ref }}"', 'key_was: ["{{ row.client }}", "{{ row.ref }}"]')
    assert bench.run(ORDERS, sheet, head=both).buckets == {"done": 1}
    assert len(server.writes()) == 2


def test_a_former_key_that_looks_like_one_that_was_sent(server: FaultServer, bench: Bench) -> None:
    bench.run(ORDERS, table(HEADER, ("W-1", "acme", 150)), head=OLD)
    sheet = table(HEADER, ("w-1", "acme", 150))
    for run in (bench.plan, bench.run):
        with pytest.raises(InvalidError) as caught:
            run(ORDERS, sheet, head=NEW)
        (problem,) = caught.value.problems
        assert (problem.line, problem.kind) == (2, "look-alike")
        expected = "the former key 'w-1' looks like 'W-1', done in run 1: they differ in case"
        assert problem.message == expected
    exact = NEW.replace("rows:\n", "rows:\n  keys: exact\n")
    assert bench.plan(ORDERS, sheet, head=exact).buckets == {"not started": 1}
    assert len(server.writes()) == 2


def test_what_another_row_continues_is_not_confused(server: FaultServer, bench: Bench) -> None:
    """Two clients number their orders alike but for the case: each has its own row."""
    bench.run(ORDERS, table(HEADER, ("W-1", "acme", 150)), head=OLD)
    sheet = table(HEADER, ("W-1", "acme", 150), ("w-1", "beta", 7))
    for _ in range(2):
        assert bench.run(ORDERS, sheet, head=NEW).buckets == {"done": 2}
    assert len(server.writes()) == 4
