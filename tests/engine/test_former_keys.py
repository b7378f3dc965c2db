"""`key_was`: what was sent for a row under a former key of the recipe still counts as sent for it."""

from __future__ import annotations

from contextlib import closing

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import FaultServer

from runner.engine.calls.settlement import waiting_rows
from runner.engine.run import Selection
from runner.journal import History
from runner.journal.open_runs import what_is_left
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
CUSTOMER = """\
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.client }}"}
    unless_found: {use: shop.search_customers, with: {name: "{{ row.client }}"}, where: item.name == row.client}
"""
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


def test_a_row_that_is_asked_for_once_more(server: FaultServer, bench: Bench) -> None:
    sheet = table(HEADER, ("W-1", "acme", 150))
    bench.run(ORDERS, sheet, head=OLD)
    assert bench.plan(ORDERS, sheet, head=NEW, again=["acme-W-1"]).buckets == {"not started": 1}
    ran = bench.run(ORDERS, sheet, head=NEW, again=["acme-W-1"])
    assert (ran.buckets, len(server.writes())) == ({"done": 1}, 4)
    for _ in range(2):
        assert bench.run(ORDERS, sheet, head=NEW).buckets == {"done": 1}
    bench.run(ORDERS, sheet, head=NEW, resume=ran.number)
    assert len(server.writes()) == 4
    bench.run(ORDERS, sheet, head=NEW, again=["acme-W-1"])
    assert len(server.writes()) == 6


def test_once_more_waits_for_what_is_unknown_under_a_former_key(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.close(), nth=1)
    sheet = table(HEADER, ("W-1", "acme", 150))
    bench.run(ORDERS, sheet, head=OLD)
    ran = bench.run(ORDERS, sheet, head=NEW, again=["acme-W-1"])
    assert (ran.buckets, len(server.writes())) == ({"unknown": 1}, 1)


def test_a_search_does_not_find_what_is_sent_once_more(server: FaultServer, bench: Bench) -> None:
    """What was created under the former key is no reason not to create it again on purpose."""
    steps = ORDERS.replace(
        '    with: {reference: "{{ row.ref }}"',
        '    unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}}\n'
        '    with: {reference: "{{ row.ref }}"',
    )
    sheet = table(HEADER, ("W-1", "acme", 150))
    bench.run(steps, sheet, head=OLD)
    bench.run(steps, sheet, head=NEW, again=["acme-W-1"])
    assert len(server.deliveries("POST", "/orders")) == 2


def test_a_row_that_a_run_does_not_reach(server: FaultServer, bench: Bench) -> None:
    sheet = table(HEADER, ("W-1", "acme", 150), ("W-2", "beta", 20))
    first = bench.run(ORDERS, sheet, head=OLD)
    only = Selection(only=("beta-W-2",))
    ran = bench.run(ORDERS, sheet, head=NEW, selection=only)
    row = ran.rows["acme-W-1"]
    assert (row.bucket, row.reason) == ("done", f"done in run {first.number}")
    assert row.ids == first.rows["W-1"].ids != ""


def test_an_unknown_row_that_a_run_does_not_reach_is_unknown_until_it_is_settled(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.close(), nth=1)
    sheet = table(HEADER, ("W-1", "acme", 150), ("W-2", "beta", 20))
    bench.run(ORDERS, sheet, head=OLD)
    only = Selection(only=("beta-W-2",))
    assert bench.run(ORDERS, sheet, head=NEW, selection=only).rows["acme-W-1"].bucket == "unknown"
    bench.settle("W-1", "order", state="done", answer='{"id": 77}')
    row = bench.run(ORDERS, sheet, head=NEW, selection=only).rows["acme-W-1"]
    assert (row.bucket, row.reason) == (
        "not started", "what was unknown of it is settled; the next run continues from there",
    )  # fmt: skip


def test_what_a_person_settles_is_known_for_the_row(server: FaultServer, bench: Bench) -> None:
    """The call has the former key, the rows of the runs since then have the new one, reached or not."""
    server.on("POST", "/orders", actions.close(), nth=1)
    sheet = table(HEADER, ("W-1", "acme", 150), ("W-2", "beta", 20))
    bench.run(ORDERS, sheet, head=OLD)
    bench.run(ORDERS, sheet, head=NEW)
    bench.run(ORDERS, sheet, head=NEW, selection=Selection(only=("beta-W-2",)))
    with closing(History(bench.folder)) as history:
        call = history.all_open_calls()[0]
        assert [(left.run.id, left.unknown) for left in what_is_left(history)] == [
            (1, 1),
            (2, 1),
            (3, 1),
        ]
        assert [(row.run, row.key) for row in waiting_rows(history, call)] == [
            (1, "W-1"), (2, "acme-W-1"), (3, "acme-W-1"),
        ]  # fmt: skip


def test_something_on_record_under_the_new_key_hides_nothing(
    server: FaultServer, bench: Bench
) -> None:
    """The key is a column, and that was improved: nothing names a former key until somebody does."""
    uid = '  key: "{{ row.uid }}"\n'
    old = OLD.replace('  key: "{{ row.ref }}"\n', uid) + '    uid: {value: "{{ row.ref }}"}\n'
    new = old.replace('uid: {value: "', 'uid: {value: "{{ row.client }}-')
    customer = CUSTOMER + ORDERS.removeprefix("steps:\n")
    sheet = table(HEADER, ("W-1", "acme", 150))
    bench.run(customer, sheet, head=old)
    assert bench.run(customer, sheet, head=new).buckets == {"changed": 1}
    named = new.replace(uid, uid + '  key_was: "{{ row.ref }}"\n')
    for ran in (bench.plan(customer, sheet, head=named), bench.run(customer, sheet, head=named)):
        assert ran.buckets == {"done": 1}
    assert len(server.writes()) == 3


def test_a_sole_row_that_has_the_former_key_of_another_one(
    server: FaultServer, bench: Bench
) -> None:
    """January's PO 100 was of acme, June's is of beta: the row is set aside, and sent when it is called another one."""
    january, june = table(HEADER, ("100", "acme", 150)), table(HEADER, ("100", "beta", 20))
    bench.run(ORDERS, january, head=OLD)
    for ran in (bench.plan(ORDERS, june, head=NEW), bench.run(ORDERS, june, head=NEW)):
        assert ran.row.bucket == "changed"
        assert (
            "if this row is another one than the one that had the key '100' then: "
            "--again 'beta-100' --why ..." in ran.row.reason
        )
    ran = bench.run(ORDERS, june, head=NEW, again=["beta-100"])
    assert (ran.buckets, len(server.writes())) == ({"done": 1}, 4)
    both = table(HEADER, ("100", "beta", 20), ("100", "acme", 150))
    for sheet, rows in ((june, 1), (january, 1), (both, 2)):
        assert bench.plan(ORDERS, sheet, head=NEW).buckets == {"done": rows}
        assert bench.run(ORDERS, sheet, head=NEW).buckets == {"done": rows}
    assert len(server.writes()) == 4
