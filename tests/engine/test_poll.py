"""`poll`: a read is made again until something is true of it, and given up with what was last seen."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, QuickStop, table
from faults.server import Delivery, FaultServer

STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
  - id: approved
    use: shop.get_customer
    with: {customer_id: 7}
    poll: {until: result.status == 'Approved', every: 10s, within: 1m}
outputs: {status: "{{ approved.status }}"}
"""
LIST = """\
steps:
  - id: orders
    use: shop.search_orders
    with: {reference: "{{ row.ref }}"}
    poll: {until: result | length > 1}
    expect: any
outputs: {count: "{{ orders | length }}"}
"""


def statuses(server: FaultServer, *seen: str) -> None:
    for nth, status in enumerate(seen, start=1):
        server.on("GET", "/customers/7", actions.answer(200, {"id": 7, "status": status}), nth=nth)


def test_it_reads_until_it_holds(server: FaultServer, bench: Bench) -> None:
    statuses(server, "Open", "Open", "Approved", "Closed")
    ran = bench.run(STEPS)
    assert (ran.row.bucket, ran.row.outputs) == ("done", {"status": "Approved"})
    assert ran.stop.waits == [10, 10]
    assert [wait.reason for wait in ran.waits] == ["until result.status == 'Approved'"] * 2
    assert len(server.deliveries("GET")) == 3


def test_it_gives_up_with_what_was_last_seen(server: FaultServer, bench: Bench) -> None:
    server.shop.create("/customers", {"id": 7, "status": "Open"})
    ran = bench.run(STEPS)
    assert (ran.row.bucket, ran.ended.exit_code) == ("rejected", 4)
    told = "approved: shop.get_customer: not result.status == 'Approved' within 1m; last seen: result.status \"Open\""
    assert ran.row.reason == told
    assert ran.stop.waits == [10] * 6
    statuses(server, "Open", "Approved")
    assert bench.run(STEPS).row.bucket == "done"
    assert len(server.writes()) == 1


def test_what_is_not_there_yet_is_not_true_yet(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/customers/7", actions.answer(200, {"id": 7}), nth=1)
    server.on("GET", "/customers/7", actions.answer(200, {"id": 7, "status": "Approved"}), nth=2)
    assert bench.run(STEPS).row.bucket == "done"


@pytest.mark.parametrize(("status", "bucket"), [(404, "rejected"), (500, "not started")])
def test_a_read_that_fails_ends_it(
    server: FaultServer, bench: Bench, status: int, bucket: str
) -> None:
    statuses(server, "Open")
    server.on("GET", "/customers/7", actions.answer(status))
    assert bench.run(STEPS).row.bucket == bucket


def test_a_stop_ends_the_wait_and_a_resume_polls_again(server: FaultServer, bench: Bench) -> None:
    statuses(server, "Open", "Approved")
    stop = QuickStop()

    def ask(delivery: Delivery) -> None:
        if delivery.method == "GET":
            stop.ask("enough", exit_code=130)

    server.on_receipt = ask
    assert bench.run(STEPS, stop=stop).buckets == {"not started": 1}
    server.on_receipt = None
    assert bench.run(STEPS, resume=1).row.bucket == "done"
    assert (len(server.writes()), len(server.deliveries("GET"))) == (1, 2)


def test_a_list_is_read_whole_each_time(server: FaultServer, bench: Bench) -> None:
    many = {"orders": [{"reference": "A"}, {"reference": "A"}]}
    server.on("GET", "/orders", actions.answer(200, {"orders": [{"reference": "A"}]}), nth=1)
    server.on("GET", "/orders", actions.answer(200, many), nth=2)
    ran = bench.run(LIST)
    assert (ran.row.bucket, ran.row.outputs, ran.stop.waits) == ("done", {"count": 2}, [5])


def test_the_rows_of_a_run_wait_side_by_side(server: FaultServer, bench: Bench) -> None:
    statuses(server, *["Open"] * 4)
    server.on("GET", "/customers/7", actions.answer(200, {"id": 7, "status": "Approved"}))
    assert bench.run(STEPS, table("ref", *"ABC"), workers=3).buckets == {"done": 3}


def test_the_plan_says_how_long_it_reads(bench: Bench) -> None:
    call = bench.plan(STEPS).row.planned[1]
    assert (call.state, call.reason) == (
        "to read",
        "until result.status == 'Approved', every 10s, within 1m",
    )
