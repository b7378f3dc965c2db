"""Rows that a run does not reach are reported as the journal knows them, whatever kept the run from them."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, Ran, columns, table
from faults.server import FaultServer

from runner.engine.run import Selection

HEAD = columns(total="decimal")
STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}"}
outputs: {number: "{{ order.id }}"}
"""
SHEET = table("ref,total", ("A", "1"), ("B", "2"), ("C", "3"), ("D", "4"))
LONGER = SHEET + "E,5\n"


def first(server: FaultServer, bench: Bench) -> Ran:
    """Done, rejected with an order, unknown with an order, done."""
    server.on("POST", "/orders/.*/payments", actions.answer(422), nth=2)
    server.on("POST", "/orders/.*/payments", actions.close(), nth=3)
    ran = bench.run(STEPS, SHEET, head=HEAD)
    buckets = [ran.rows[key].bucket for key in "ABC"]
    assert buckets == ["done", "rejected", "unknown"]
    return ran


@pytest.mark.parametrize("what", ["the API is down", "--only", "--limit"])
def test_they_keep_bucket_ids_and_outputs(server: FaultServer, bench: Bench, what: str) -> None:
    before = first(server, bench)
    selection = {"--only": Selection(only=("E",)), "--limit": Selection(limit=1)}.get(
        what, Selection()
    )
    sheet = LONGER
    if what == "the API is down":
        server.on("POST", "/orders", actions.answer(401))
        sheet = "ref,total\nE,5\n" + SHEET.partition("\n")[2]
    ran = bench.run(STEPS, sheet, head=HEAD, selection=selection)
    for key in "ABC":
        assert ran.rows[key].bucket == before.rows[key].bucket
        assert ran.rows[key].ids == before.rows[key].ids != ""
        assert ran.rows[key].outputs == before.rows[key].outputs
    assert ran.rows["A"].reason == "done in run 1"
    assert ran.rows["A"].money == before.rows["A"].money
    assert ran.rows["C"].reason == "payment: its outcome in run 1 is not known: runner settle 1"
    if what != "the API is down":
        assert ran.rows["B"].reason.startswith("in run 1: payment: 422")
    assert sum(ran.ended.buckets.values()) == 5
    assert ran.ended.exit_code in (5, 7)


def test_what_was_settled_meanwhile_is_no_longer_unknown(server: FaultServer, bench: Bench) -> None:
    before = first(server, bench)
    bench.settle("C", "payment", state="absent")
    ran = bench.run(STEPS, LONGER, head=HEAD, selection=Selection(only=("E",)))
    assert ran.rows["C"].bucket == "not started"
    assert "what was unknown of it is settled" in ran.rows["C"].reason
    assert ran.rows["C"].ids == before.rows["C"].ids


def test_a_resume_looks_at_rows_that_were_not_reached(server: FaultServer, bench: Bench) -> None:
    """What is on record of them is no reason to trust them: the sheet may say something else by now."""
    bench.run(STEPS, SHEET, head=HEAD)
    changed = SHEET.replace("D,4", "D,44")
    ran = bench.run(STEPS, changed, head=HEAD, selection=Selection(limit=1))
    assert ran.rows["D"].bucket == "done"
    assert bench.run(STEPS, changed, head=HEAD, resume=ran.number).rows["D"].bucket == "changed"


def test_a_row_of_another_recipe_or_account_is_not_known(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    bench.account = "another"
    ran = bench.run(STEPS, SHEET, head=HEAD, selection=Selection(limit=1))
    assert ran.buckets == {"done": 1, "not started": 3}


def test_it_is_told_again_in_the_run_after_that(server: FaultServer, bench: Bench) -> None:
    first(server, bench)
    only = Selection(only=("E",))
    bench.run(STEPS, LONGER, head=HEAD, selection=only)
    again = bench.run(STEPS, LONGER, head=HEAD, selection=only)
    assert again.rows["A"].reason == "done in run 1"
    assert again.rows["B"].reason.startswith("in run 1: payment: 422")
