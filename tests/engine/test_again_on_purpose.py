"""`--again`: a row that is done is sent once more because somebody says so, and at most once each time they say so."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from faults import actions
from faults.bench import Bench, QuickStop, columns, table
from faults.server import FaultServer

HEAD = columns(total="decimal", customer="string")
STEPS = """\
steps:
  - id: contact
    use: shop.create_customer
    once_per: row.customer
    with: {name: "{{ row.customer }}"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ contact.id }}"}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}"}
outputs: {order: "{{ order.id }}"}
"""
SHEET = table("ref,total,customer", ("A", "12.10", "c"), ("B", "7", "c"))


def orders(server: FaultServer) -> list[str]:
    return [write.json()["reference"] for write in server.deliveries("POST", "/orders")]


def payments(server: FaultServer) -> list[str]:
    return [write.path for write in server.deliveries("POST", "/orders/.*/payments")]


def test_the_row_is_sent_again_and_no_other(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    ran = bench.run(STEPS, SHEET, head=HEAD, again=["A"])
    assert orders(server) == ["A", "B", "A"]
    assert payments(server) == [
        "/orders/1002/payments",
        "/orders/1004/payments",
        "/orders/1006/payments",
    ]
    assert len(server.deliveries("POST", "/customers")) == 1, (
        "what is once for many rows is not the row's own"
    )
    assert ran.rows["A"].outputs == {"order": 1006}
    assert (ran.rows["A"].reason, ran.rows["B"].reason) == ("", "done in run 1")


def test_later_runs_see_the_newest_as_done(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    bench.run(STEPS, SHEET, head=HEAD, again=["A"])
    ran = bench.run(STEPS, SHEET, head=HEAD)
    assert (ran.rows["A"].reason, ran.rows["A"].outputs) == ("done in run 2", {"order": 1006})
    bench.run(STEPS, SHEET, head=HEAD, again=["A"])
    assert orders(server) == ["A", "B", "A", "A"]
    ran = bench.run(STEPS, table("ref,total,customer", ("A", "12.11", "c")), head=HEAD)
    assert "amount was " in ran.rows["A"].reason


def test_both_stay_in_the_journal_with_the_reason(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    bench.run(STEPS, SHEET, head=HEAD, again=["A"])
    with closing(sqlite3.connect(bench.folder / "journal.sqlite")) as connection:
        found = connection.execute(
            "SELECT generation, state, run FROM calls WHERE key = 'A' AND step = 'order'"
        )
        assert sorted(found) == [(0, "done", 1), (1, "done", 2)]
        asked = connection.execute(
            "SELECT run, key, generation, why, who, at FROM again"
        ).fetchall()
        assert asked == [(2, "A", 1, "it is gone", "me", "now")]


@pytest.mark.parametrize("nth", [3, 4])
def test_a_resume_sends_the_second_time_only_once(
    server: FaultServer, bench: Bench, nth: int
) -> None:
    """Stopped after its order, or after all of it: the wish is that run's, and it has been granted once."""
    bench.run(STEPS, SHEET, head=HEAD)
    stop, before = QuickStop(), len(server.writes())
    server.on_receipt = lambda _: (
        stop.ask("enough", exit_code=8) if len(server.writes()) == before + nth - 2 else None
    )
    bench.run(STEPS, SHEET, head=HEAD, again=["A"], stop=stop)
    server.on_receipt = None
    for _ in range(2):
        assert bench.run(STEPS, SHEET, head=HEAD, resume=2).buckets == {"done": 2}
    assert bench.run(STEPS, SHEET, head=HEAD).buckets == {"done": 2}
    assert orders(server) == ["A", "B", "A"]
    assert len(payments(server)) == 3


def test_a_wish_that_a_crash_cut_short_is_taken_over_by_resume(
    server: FaultServer, bench: Bench
) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    stop = QuickStop()
    stop.ask("at once", exit_code=8)
    bench.run(STEPS, SHEET, head=HEAD, again=["A"], stop=stop)
    assert orders(server) == ["A", "B"]
    bench.run(STEPS, SHEET, head=HEAD)
    assert orders(server) == ["A", "B"], "the wish was that of run 2"
    bench.run(STEPS, SHEET, head=HEAD, resume=2)
    assert orders(server) == ["A", "B", "A"]


def test_what_the_second_time_left_unknown_is_not_sent_a_third_time(
    server: FaultServer, bench: Bench
) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    server.on("POST", "/orders", actions.committed(actions.close()), nth=1)
    ran = bench.run(STEPS, SHEET, head=HEAD, again=["A"])
    assert ran.rows["A"].bucket == "unknown"
    for resume in (2, 0, 2):
        ran = bench.run(STEPS, SHEET, head=HEAD, resume=resume)
        assert (ran.rows["A"].bucket, ran.ended.exit_code) == ("unknown", 5)
    assert orders(server) == ["A", "B", "A"]


def test_what_is_unknown_is_not_overridden(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/1002/payments", actions.close())
    bench.run(STEPS, SHEET, head=HEAD)
    for ran in (
        bench.plan(STEPS, SHEET, head=HEAD, again=["A"]),
        bench.run(STEPS, SHEET, head=HEAD, again=["A"]),
    ):
        assert ran.rows["A"].bucket == "unknown"
        assert (
            "runner settle 1; and the row is not sent again before that is settled"
            in ran.rows["A"].reason
        )
    assert orders(server) == ["A", "B"]
    bench.settle("A", "payment", state="done", answer='{"id":5}')
    bench.run(STEPS, SHEET, head=HEAD, again=["A"])
    assert orders(server) == ["A", "B", "A"]
    assert payments(server)[-1] == "/orders/1005/payments"


def test_a_second_time_that_was_refused_goes_on_as_the_second_time(
    server: FaultServer, bench: Bench
) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    server.on("POST", "/orders/1006/payments", actions.answer(422), nth=1)
    assert bench.run(STEPS, SHEET, head=HEAD, again=["A"]).rows["A"].bucket == "rejected"
    mended = SHEET.replace("12.10", "2.10")
    assert bench.run(STEPS, mended, head=HEAD).rows["A"].bucket == "done"
    assert orders(server) == ["A", "B", "A"]
    assert [
        write.json()["amount"] for write in server.deliveries("POST", "/orders/1006/payments")
    ] == [12.1, 2.1]


def test_a_row_that_was_never_sent_is_sent_once(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD, again=["A", "B", "A"])
    bench.run(STEPS, SHEET, head=HEAD, resume=1)
    assert orders(server) == ["A", "B"]


def test_a_plan_shows_what_is_sent_again(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    plan = bench.plan(STEPS, SHEET, head=HEAD, again=["A"])
    states = {
        key: [(call.state, call.reason) for call in row.planned] for key, row in plan.rows.items()
    }
    assert states["A"] == [
        ("done", ""),
        ("to send", "sent again: it is gone"),
        ("to send", "sent again: it is gone"),
    ]
    assert [state for state, _ in states["B"]] == ["skipped", "done", "done"]
    assert bench.plan(STEPS, SHEET, head=HEAD).rows["A"].bucket == "done"


def test_a_row_of_a_step_that_is_gone_is_sent_anew(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    renamed = STEPS.replace("id: payment", "id: deposit")
    ran = bench.run(renamed, SHEET, head=HEAD, again=["A"])
    assert (ran.rows["A"].bucket, ran.rows["B"].bucket) == ("done", "changed")
    assert "or send the row again: --again 'B' --why ..." in ran.rows["B"].reason
    assert orders(server) == ["A", "B", "A"]
    assert len(payments(server)) == 3


GUARDED = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}, where: item.reference == row.ref}
outputs: {order: "{{ order.id }}"}
"""


def test_what_was_made_before_is_not_found_instead(server: FaultServer, bench: Bench) -> None:
    bench.run(GUARDED)
    ran = bench.run(GUARDED, again=["A"])
    assert (ran.row.bucket, ran.row.outputs) == ("done", {"order": 1002})
    server.shop.create("/orders", {"reference": "A"})
    ran = bench.run(GUARDED, again=["A"])
    assert (ran.row.bucket, ran.row.outputs) == ("found", {"order": 1003}), "that one is nobody's"
    assert len(server.writes()) == 2


def test_an_unknown_second_time_is_not_the_first(server: FaultServer, bench: Bench) -> None:
    bench.run(GUARDED)
    server.on("POST", "/orders", actions.close())
    bench.run(GUARDED, again=["A"])
    assert bench.run(GUARDED).row.bucket == "unknown"
    server.shop.create("/orders", {"reference": "A"})
    ran = bench.run(GUARDED)
    assert (ran.row.bucket, ran.row.outputs) == ("done", {"order": 1002})
    assert len(server.writes()) == 2


def test_a_refusal_keeps_the_ids_of_before(server: FaultServer, bench: Bench) -> None:
    first = bench.run(STEPS, SHEET, head=HEAD).rows["A"].ids
    assert first == "contact 1001; order 1002; payment 1003"
    server.on("POST", "/orders", actions.answer(422), nth=1)
    ran = bench.run(STEPS, SHEET, head=HEAD, again=["A"])
    assert (ran.rows["A"].bucket, ran.rows["A"].ids) == ("rejected", first)
    assert bench.run(STEPS, SHEET, head=HEAD).rows["A"].ids == first
    ran = bench.run(STEPS, SHEET, head=HEAD, again=["A"])
    assert ran.rows["A"].ids == "contact 1001; order 1006, 1002; payment 1007, 1003"


def test_a_row_that_is_set_aside_keeps_its_ids(server: FaultServer, bench: Bench) -> None:
    first = bench.run(STEPS, SHEET, head=HEAD).rows["A"].ids
    ran = bench.run(STEPS, SHEET.replace("12.10", "13"), head=HEAD)
    assert (ran.rows["A"].bucket, ran.rows["A"].ids) == ("changed", first)
