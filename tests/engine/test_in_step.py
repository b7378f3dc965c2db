"""`unless_found` with `update`: what is found is kept in step with the sheet, and updated only where it differs."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faults import actions
from faults.bench import CATALOGUE, Bench, columns
from faults.server import FaultServer

from runner.engine.calls.diff import compare_with
from runner.engine.calls.upsert import _sent
from runner.engine.context import Use

STEPS = """\
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}", notes: "{{ row.notes }}", terms: "{{ row.terms }}"}
    unless_found:
      use: shop.search_customers
      with: {name: "{{ row.ref }}"}
      update:
        use: shop.update_customer
        with: {customer_id: "{{ found.id }}", name: "{{ row.ref }}", notes: "{{ row.notes }}"}
outputs: {id: "{{ customer.id }}", notes: "{{ customer.notes }}"}
"""
HEAD = columns(notes="string", terms="integer")
OLD, NEW = "ref,notes,terms\nA,old,30\n", "ref,notes,terms\nA,new,30\n"


def bodies(server: FaultServer) -> list[tuple[str, Any]]:
    return [(write.method, write.json()) for write in server.writes()]


def test_made_then_left_then_updated_then_left(server: FaultServer, bench: Bench) -> None:
    first = bench.run(STEPS, OLD, head=HEAD).row
    assert (first.bucket, first.outputs) == ("done", {"id": 1001, "notes": "old"})
    same = bench.run(STEPS, OLD, head=HEAD).row
    assert (same.bucket, same.reason, same.outputs["notes"]) == ("done", "done in run 1", "old")
    assert len(server.writes()) == 1
    changed = bench.run(STEPS, NEW, head=HEAD).row
    assert (changed.bucket, changed.reason, changed.outputs) == (
        "done",
        "",
        {"id": 1001, "notes": "new"},
    )
    assert bench.run(STEPS, NEW, head=HEAD).row.bucket == "done"
    assert bodies(server)[1:] == [("PUT", {"name": "A", "notes": "new"})]
    by_hand = server.shop.objects["/customers"][0]
    by_hand["notes"] = "by hand"
    assert bench.run(STEPS, NEW, head=HEAD).row.bucket == "done"
    assert by_hand["notes"] == "new"
    assert len(server.writes()) == 3
    calls = {step: call for (_, step, _), call in bench.calls().items() if "update" in step}
    told = [(step, call.operation, call.state, call.run, call.body) for step, call in calls.items()]
    assert told == [(step, "shop.update_customer", "done", run, calls["customer/update"].body)
                    for step, run in (("customer/update", 3), ("customer/update/5", 5))]  # fmt: skip


def test_what_was_there_is_found_or_updated(server: FaultServer, bench: Bench) -> None:
    server.shop.create("/customers", {"name": "A", "notes": "old"})
    found = bench.run(STEPS, OLD, head=HEAD)
    assert found.buckets == {"found": 1}
    assert bench.calls()["A", "customer", ""].reason == "found, and nothing differs"
    assert bench.run(STEPS, NEW, head=HEAD).buckets == {"done": 1}
    assert bench.calls()["A", "customer", ""].reason == "found, and updated"
    assert len(server.writes()) == 1


def test_what_the_search_does_not_show_is_read_by_id(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/customers", actions.answer(200, {"customers": [{"id": 7, "name": "A"}]}))
    customer = server.shop.create("/customers", {"id": 7, "name": "A", "notes": "old"})
    assert bench.run(STEPS, OLD, head=HEAD).row.bucket == "found"
    assert [each.path for each in server.deliveries()] == ["/customers", "/customers/7"]
    assert bench.run(STEPS, NEW, head=HEAD).row.bucket == "done"
    assert customer["notes"] == "new"
    server.on("GET", "/customers/7", actions.answer(422))
    refused = bench.run(STEPS, OLD, head=HEAD).row
    assert (refused.bucket, len(server.writes())) == ("rejected", 1)
    assert refused.reason.startswith("customer: update: shop.get_customer: 422")


def test_an_update_is_sent_once_in_a_run_whatever_comes_of_it(
    server: FaultServer, bench: Bench
) -> None:
    """The API takes it and changes nothing: a resume does not send it again, the next run does."""
    server.shop.create("/customers", {"name": "A", "notes": "old"})
    server.on("PUT", "/customers/1001", actions.answer(200, {"id": 1001}))
    assert bench.run(STEPS, NEW, head=HEAD).row.bucket == "done"
    bench.settle("A", "customer", state="rejected")  # as if it was killed before this was recorded
    assert bench.run(STEPS, NEW, head=HEAD, resume=1).row.bucket == "done"
    assert len(server.writes()) == 1
    bench.run(STEPS, NEW, head=HEAD)
    assert len(server.writes()) == 2


def test_an_update_whose_answer_was_lost_is_read_back(server: FaultServer, bench: Bench) -> None:
    customer = server.shop.create("/customers", {"name": "A", "notes": "old"})
    server.on("PUT", "/customers/1001", actions.close(), nth=1)
    for _ in range(2):
        ran = bench.run(STEPS, NEW, head=HEAD)
        assert (ran.row.bucket, ran.ended.exit_code) == ("unknown", 5)
        assert 'read back: notes is "old", sent was "new"' in ran.row.reason
    customer["notes"] = "new"
    assert bench.run(STEPS, NEW, head=HEAD).row.bucket == "done"
    assert len(server.writes()) == 1


def test_a_read_that_lags_behind_the_read_back_sends_nothing_more(
    server: FaultServer, bench: Bench
) -> None:
    customer = server.shop.create("/customers", {"name": "A", "notes": "old"})
    server.on("PUT", "/customers/1001", actions.close(), nth=1)
    assert bench.run(STEPS, NEW, head=HEAD).row.bucket == "unknown"
    old = dict(customer)
    customer["notes"] = "new"
    server.on("GET", "/customers/1001", actions.answer(200, old), nth=2)  # behind the read-back
    assert bench.run(STEPS, NEW, head=HEAD).row.bucket == "done"
    assert len(server.writes()) == 1


def test_a_refused_update_is_rejected_and_tried_by_the_next_run(
    server: FaultServer, bench: Bench
) -> None:
    server.shop.create("/customers", {"name": "A", "notes": "old"})
    server.on("PUT", "/customers/1001", actions.answer(422, {"message": "no"}), nth=1)
    assert bench.run(STEPS, NEW, head=HEAD).row.reason == "customer: update: 422 no"
    assert bench.run(STEPS, NEW, head=HEAD).row.bucket == "done"


def test_what_was_made_and_is_not_found_is_not_made_again(
    server: FaultServer, bench: Bench
) -> None:
    bench.run(STEPS, OLD, head=HEAD)
    server.shop.objects["/customers"].clear()
    gone = bench.run(STEPS, NEW, head=HEAD).row
    assert (gone.bucket, len(server.writes())) == ("rejected", 1)
    assert (
        "it was made in run 1, and the search does not find it now; it is not made again"
        in gone.reason
    )
    server.shop.create("/customers", {"name": "A", "notes": "somebody else's"})
    other = bench.run(STEPS, NEW, head=HEAD).row
    assert (
        "the search finds 1002, and not 1001, which it made before; nothing is changed"
        in other.reason
    )
    assert len(server.writes()) == 1


def test_verify_reads_the_update_back(server: FaultServer, bench: Bench) -> None:
    server.shop.create("/customers", {"name": "A", "notes": "old"})
    server.on("PUT", "/customers/1001", actions.answer(200, {"id": 1001}))
    steps = STEPS.replace("    unless_found:", "    verify: true\n    unless_found:")
    told = 'update: answered 200 and not all of it is there: notes is "old", sent was "new"'
    assert told in bench.run(steps, NEW, head=HEAD).row.reason


def test_the_plan_says_what_depends_on_what_is_found(server: FaultServer, bench: Bench) -> None:
    planned = bench.plan(STEPS, NEW, head=HEAD).row.planned
    assert [(call.step, call.state) for call in planned] == [
        ("customer", "to send"),
        ("customer/update", "undecided"),
    ]
    assert planned[1].request is not None
    assert planned[1].request.path == "/customers/(known after run: customer.id)"
    bench.run(STEPS, OLD, head=HEAD)
    planned = bench.plan(STEPS, NEW, head=HEAD).row.planned
    assert [(call.step, call.state) for call in planned] == [
        ("customer", "done"),
        ("customer/update", "undecided"),
    ]
    assert planned[1].request is not None
    assert planned[1].request.path == "/customers/1001"


@pytest.mark.parametrize("row", ["A,,30", "A,old,30"])
def test_an_empty_cell_changes_nothing(server: FaultServer, bench: Bench, row: str) -> None:
    server.shop.create("/customers", {"name": "A", "notes": "old"})
    assert bench.run(STEPS, f"ref,notes,terms\n{row}\n", head=HEAD).row.bucket == "found"
    assert server.writes() == []


KEPT = {"customer_id": 7, "notes": "new"}
WHOLE = {"customer_id": 7, "name": "A", "notes": "new"}


@pytest.mark.parametrize(
    ("unsent", "sent"), [("kept", KEPT), ("", WHOLE), ("lost", {**WHOLE, "terms": 30})]
)
def test_what_is_sent_goes_by_what_becomes_of_the_rest(unsent: str, sent: dict[str, Any]) -> None:
    operation = replace(CATALOGUE.operation("shop.update_customer"), unsent=unsent)
    body = {"type": "object", "properties": {"name": {}, "notes": {}, "terms": {}}}
    operation = replace(
        operation, body=body, version=("etag", "If-Match") if unsent == "lost" else None
    )
    there = {"id": 7, "name": "A", "notes": "old", "terms": 30, "etag": "v1"}
    use = cast(Use, SimpleNamespace(operation=operation, arguments=WHOLE))
    given = _sent(use, compare_with({"name": "A", "notes": "new"}, there), there)
    assert given == (sent | {"If-Match": "v1"} if unsent == "lost" else sent)
