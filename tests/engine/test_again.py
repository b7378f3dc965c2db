"""The same recipe again: what is done or unknown is never sent again, what is left is, with the sheet as it is now."""

from __future__ import annotations

from decimal import Decimal

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import FaultServer

from runner.engine.calls.identity_changes import choices
from runner.engine.run import Selection

HEAD = columns(total="decimal", notes="string", terms="integer")
STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", notes: "{{ row.notes }}"}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}"}
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}", terms: "{{ row.terms }}"}
outputs: {order: "{{ order.id }}"}
"""


def sheet(*rows: tuple[str, str, str, str]) -> str:
    return table("ref,total,notes,terms", *rows)


BEFORE = sheet(("A", "12.10", "x", "1"), ("B", "7", "y", "2"))


def test_the_same_again_sends_nothing(server: FaultServer, bench: Bench) -> None:
    first = bench.run(STEPS, BEFORE, head=HEAD)
    assert first.buckets == {"done": 2}
    assert len(server.deliveries()) == 6
    ran = bench.run(STEPS, BEFORE, head=HEAD, workers=3)
    assert len(server.deliveries()) == 6
    assert ran.buckets == {"done": 2}
    assert ran.rows["A"].reason == "done in run 1"
    assert ran.rows["A"].outputs == first.rows["A"].outputs == {"order": 1001}
    assert sum(row.money for row in ran.rows.values()) == Decimal("19.10")
    assert ran.ended.exit_code == 0


def test_another_account_knows_nothing_of_it(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, BEFORE, head=HEAD)
    bench.account = "another"
    bench.run(STEPS, BEFORE, head=HEAD)
    assert len(server.writes()) == 12


def test_the_outputs_of_a_changed_row_are_those_on_record(
    server: FaultServer, bench: Bench
) -> None:
    """Not what its plan leads to: nothing of that is sent."""
    steps = STEPS.replace("outputs: {", 'outputs: {notes: "{{ row.notes }}", ')
    bench.run(steps, sheet(("A", "12.10", "x", "1")), head=HEAD)
    ran = bench.run(steps, sheet(("A", "12.10", "new", "1"), ("B", "7", "y", "2")), head=HEAD)
    assert ran.rows["A"].bucket == "changed"
    assert ran.rows["A"].outputs == {"notes": "x", "order": 1001}


def test_a_changed_cell_of_a_done_call_sets_the_row_aside(
    server: FaultServer, bench: Bench
) -> None:
    bench.run(STEPS, BEFORE, head=HEAD)
    changed = sheet(("A", "12.11", "x", "1"), ("B", "7", "y", "2"))
    ran = bench.run(STEPS, changed, head=HEAD)
    assert len(server.writes()) == 6
    assert ran.rows["A"].bucket == "changed"
    reason = "changed since it was done in run 1, and not sent again: amount was 12.10, now 12.11"
    assert reason in ran.rows["A"].reason
    assert ran.rows["A"].reason.endswith(choices("A"))
    assert ran.rows["B"].bucket == "done"
    assert ran.ended.exit_code == 4
    assert bench.plan(STEPS, changed, head=HEAD).ended.exit_code == 3
    (planned,) = [
        call
        for call in bench.plan(STEPS, changed, head=HEAD).rows["A"].planned
        if call.state == "changed"
    ]
    assert planned.step == "payment"


def test_a_changed_cell_of_a_call_to_come_is_taken(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/customers", actions.answer(422), nth=1)
    bench.run(STEPS, BEFORE, head=HEAD)
    ran = bench.run(STEPS, sheet(("A", "12.10", "x", "9"), ("B", "7", "y", "2")), head=HEAD)
    assert [write.json()["terms"] for write in server.deliveries("POST", "/customers")] == [1, 2, 9]
    assert len(server.deliveries("POST", "/orders.*")) == 4
    assert ran.buckets == {"done": 2}


def test_a_rejected_row_goes_on_from_the_step_that_failed(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders/1001/payments", actions.answer(422, {"message": "too much"}), nth=1)
    ran = bench.run(STEPS, BEFORE, head=HEAD)
    assert ran.rows["A"].reason == "payment: 422 too much"
    assert ran.ended.exit_code == 4
    ran = bench.run(STEPS, sheet(("A", "2.10", "x", "1"), ("B", "7", "y", "2")), head=HEAD)
    assert [
        write.json()["amount"] for write in server.deliveries("POST", "/orders/1001/payments")
    ] == [12.1, 2.1]
    assert len(server.deliveries("POST", "/orders")) == 2
    assert ran.rows["A"].reason == ""
    assert ran.rows["A"].money == Decimal("2.10")


def test_an_unknown_call_is_not_sent_again_and_neither_with_another_body(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders/1001/payments", actions.committed(actions.close()))
    ran = bench.run(STEPS, BEFORE, head=HEAD)
    assert ran.buckets == {"unknown": 1, "not started": 1}
    assert ran.ended.exit_code == 5
    assert "runner settle 1" in ran.rows["A"].reason
    for total in ("12.10", "12.11"):
        ran = bench.run(STEPS, sheet(("A", total, "x", "1"), ("B", "7", "y", "2")), head=HEAD)
        assert ran.rows["A"].bucket == "unknown"
        assert ran.ended.exit_code == 5
    assert "amount was" in ran.rows["A"].reason
    assert len(server.deliveries("POST", "/orders/1001/payments")) == 1
    assert bench.calls()["A", "payment", ""].state == "unknown"


def test_after_an_unknown_payment_a_run_sends_no_other_and_the_next_run_goes_on(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders/1001/payments", actions.committed(actions.close()))
    ran = bench.run(STEPS, BEFORE, head=HEAD)
    assert len(server.deliveries("POST", "/orders")) == 2
    assert len(server.deliveries("POST", "/orders/.*/payments")) == 1
    assert ran.rows["B"].reason == "payment: held back: the outcome of the payment of A is unknown"
    assert (ran.ended.stopped, ran.ended.remedy) == (
        "1 row held back: the outcome of the payment of A is unknown",
        "settle it: runner settle 1; then: runner resume 1",
    )
    ran = bench.run(STEPS, BEFORE, head=HEAD)
    assert ran.buckets == {"unknown": 1, "done": 1}
    assert len(server.deliveries("POST", "/orders/.*/payments")) == 2


def test_a_renamed_step_needs_was(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, BEFORE, head=HEAD)
    renamed = STEPS.replace("id: payment", "id: deposit")
    ran = bench.run(renamed, BEFORE, head=HEAD)
    assert ran.buckets == {"changed": 2}
    assert "'was: payment'" in ran.rows["A"].reason
    ran = bench.run(
        renamed.replace("id: deposit\n", "id: deposit\n    was: payment\n"), BEFORE, head=HEAD
    )
    assert ran.buckets == {"done": 2}
    assert len(server.writes()) == 6


def test_a_step_that_was_never_done_may_go(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(422), nth=1)
    bench.run(STEPS, BEFORE, head=HEAD)
    steps = "steps:\n" + STEPS[STEPS.index("  - id: customer") :].replace("{{ order.id }}", "x")
    ran = bench.run(steps, BEFORE, head=HEAD)
    assert (ran.rows["A"].bucket, ran.rows["B"].bucket) == ("done", "changed")


GUARDED = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    unless_found:
      use: shop.search_orders
      with: {reference: "{{ row.ref }}"}
outputs: {order: "{{ order.id }}"}
"""


@pytest.mark.parametrize(
    ("landed", "bucket", "order"), [(1, "done", 1001), (0, "unknown", None), (2, "unknown", None)]
)
def test_an_unknown_is_looked_for(
    server: FaultServer, bench: Bench, landed: int, bucket: str, order: int | None
) -> None:
    server.on("POST", "/orders", actions.close())
    assert bench.run(GUARDED).row.bucket == "unknown"
    for _ in range(landed):
        server.shop.create("/orders", {"reference": "A"})
    ran = bench.run(GUARDED)
    assert len(server.writes()) == 1
    assert ran.row.bucket == bucket
    assert ran.row.outputs["order"] == order
    assert ran.ended.exit_code == (0 if order else 5)
    assert {1: "", 0: "a search finds none", 2: "finds more than one"}[landed] in ran.row.reason
    call = bench.calls()["A", "order", ""]
    assert (call.state, call.attempts) == ("done" if order else "unknown", 1)
    if order:
        assert call.reason == "its outcome in run 1 was unknown; found by search"


def test_a_late_commit_is_adopted_when_it_shows(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.close())
    bench.run(GUARDED)
    assert bench.run(GUARDED).row.bucket == "unknown"
    server.shop.create("/orders", {"reference": "A"})
    assert bench.run(GUARDED).row.bucket == "done"
    assert len(server.writes()) == 1


def test_a_search_that_fails_settles_nothing(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.committed(actions.close()))
    bench.run(GUARDED)
    server.on("GET", "/orders", actions.answer(500))
    ran = bench.run(GUARDED)
    assert ran.row.bucket == "unknown"
    assert ran.ended.exit_code == 5
    assert len(server.writes()) == 1


def test_what_a_person_found_counts(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.close())
    bench.run(STEPS, BEFORE, head=HEAD)
    bench.settle("A", "order", state="done", answer='{"id":77}')
    bench.settle("B", "order", state="absent")
    ran = bench.run(STEPS, BEFORE, head=HEAD)
    assert [write.json()["reference"] for write in server.deliveries("POST", "/orders")] == [
        "A",
        "B",
        "B",
    ]
    assert ran.rows["A"].outputs == {"order": 77}
    assert ran.buckets == {"done": 1, "unknown": 1}
    assert server.deliveries("POST", "/orders/77/payments")


def test_the_first_rows_and_then_the_others(server: FaultServer, bench: Bench) -> None:
    rows = sheet(*((f"R{n}", "1", "", "1") for n in range(7)))
    ran = bench.run(STEPS, rows, head=HEAD, selection=Selection(limit=3), workers=2)
    assert ran.buckets == {"done": 3, "not started": 4}
    ran = bench.run(STEPS, rows, head=HEAD, resume=1)
    assert ran.buckets == {"done": 7}
    assert len(server.writes()) == 21
    assert server.repeated() == []


def test_only_some_rows(server: FaultServer, bench: Bench) -> None:
    rows = sheet(*((f"R{n}", "1", "", "1") for n in range(7)))
    ran = bench.run(STEPS, rows, head=HEAD, selection=Selection(only=("R5", "R2")))
    assert [write.json()["reference"] for write in server.deliveries("POST", "/orders")] == [
        "R2",
        "R5",
    ]
    assert ran.buckets == {"done": 2, "not started": 5}


READS = """\
steps:
  - id: seen
    use: shop.search_orders
    with: {reference: "{{ row.ref }}"}
    expect: EXPECT
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", notes: "SEEN"}
  - id: line
    use: shop.create_line
    with: {order_id: "{{ order.id }}", sku: "SEEN"}
"""


def reads(expect: str) -> str:
    """The steps, with what they do with the search when it is expected to find `expect`."""
    seen = "{{ seen | default('new') }}" if expect == "none" else "{{ seen.id }}"
    return READS.replace("EXPECT", expect).replace("SEEN", seen)


@pytest.mark.parametrize("expect", ["none", "first"])
def test_what_a_row_has_read_before_its_writes_stays_as_it_was(
    server: FaultServer, bench: Bench, expect: str
) -> None:
    """Read again, the search would find the order that this very row has created."""
    if expect == "first":
        server.shop.create("/orders", {"reference": "A", "id": 5})
    server.on("POST", "/orders/[0-9]+/lines", actions.answer(422), nth=1)
    assert bench.run(reads(expect)).row.bucket == "rejected"
    server.shop.objects["/orders"].insert(0, {"reference": "A", "id": 6})
    ran = bench.run(reads(expect))
    assert (ran.row.bucket, ran.row.reason) == ("done", "")
    assert len(server.deliveries("POST", "/orders")) == 1
    assert len(server.deliveries("GET")) == 1


def test_what_a_row_has_read_before_any_write_is_read_again(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.answer(422), nth=1)
    bench.run(reads("none"))
    assert bench.run(reads("none")).row.bucket == "done"
    assert len(server.deliveries("GET")) == 2


def test_a_plan_after_a_run_says_what_is_done(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/1002/payments", actions.close())
    bench.run(STEPS, sheet(("A", "1", "", "1")), head=HEAD)
    server.on("POST", "/orders", actions.answer(201, {"id": 1002}))
    bench.run(STEPS, sheet(("B", "1", "", "1")), head=HEAD)
    before = len(server.deliveries())
    plan = bench.plan(
        STEPS, sheet(("A", "1", "", "1"), ("B", "1", "", "1"), ("D", "1", "", "1")), head=HEAD
    )
    states = {key: [call.state for call in row.planned] for key, row in plan.rows.items()}
    assert states == {"A": ["done"] * 3, "B": ["done", "unknown"], "D": ["to send"] * 3}
    assert [row.bucket for row in plan.rows.values()] == ["done", "unknown", "not started"]
    assert len(server.deliveries()) == before


@pytest.mark.parametrize(
    "change", ["a cell of a call before it", "its condition", "its step", "a later step"]
)
def test_an_unknown_call_is_never_dropped(server: FaultServer, bench: Bench, change: str) -> None:
    """Whatever keeps the row from getting to it: the row stays unknown, and so does the exit code."""
    steps = STEPS.replace("  - id: payment\n", "  - id: payment\n    when: row.total > 0\n")
    server.on("POST", "/orders/1001/payments", actions.close())
    one = sheet(("A", "12.10", "x", "1"))
    assert bench.run(steps, one, head=HEAD).ended.exit_code == 5
    if change == "a cell of a call before it":
        one = sheet(("A", "12.10", "y", "1"))
    elif change == "its condition":
        one = sheet(("A", "0", "x", "1"))
    elif change == "its step":
        steps = steps.replace("id: payment", "id: deposit")
    else:
        steps = steps.replace("{{ row.terms }}", "{{ row.terms // (row.terms - 1) }}")
    for ran in (bench.plan(steps, one, head=HEAD), bench.run(steps, one, head=HEAD)):
        assert ran.row.bucket == "unknown"
        assert "runner settle " in ran.row.reason
    assert ran.ended.exit_code == 5
    assert len(server.deliveries("POST", "/orders/.*")) == 1
