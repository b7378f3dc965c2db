"""A name that its lookup has lost: a row that is done stays done, and what is still to be sent is refused."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import FaultServer

HEAD = columns(term="string")
STEPS = """\
let: {chosen: "terms[row.term]"}
lookups:
  terms: {use: shop.list_terms, by: name}
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}", terms: "{{ chosen.id }}"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}", total: "{{ terms[row.term].id }}"}
"""
SHEET = table("ref,term", ("A", "Net 30"), ("B", "Net 30"))
LEFT = [{"id": 2, "name": "Prepaid"}]


@pytest.fixture(autouse=True)
def _terms(server: FaultServer) -> None:
    for number, name in ((30, "Net 30"), (2, "Prepaid")):
        server.shop.create("/terms", {"id": number, "name": name})


def test_a_done_row_stays_done(server: FaultServer, bench: Bench) -> None:
    first = bench.run(STEPS, SHEET, head=HEAD)
    assert first.buckets == {"done": 2}
    before = len(server.writes())
    server.on("GET", "/terms", actions.answer(200, LEFT))
    ran = bench.run(STEPS, SHEET, head=HEAD)
    assert (ran.buckets, ran.ended.exit_code) == ({"done": 2}, 0)
    assert ran.rows["A"].reason.startswith("done in run 1; customer was not compared with what ")
    assert "'Net 30'" in ran.rows["A"].reason
    assert ran.rows["A"].ids == first.rows["A"].ids
    assert len(server.writes()) == before


def test_what_differs_beside_it_is_still_seen(server: FaultServer, bench: Bench) -> None:
    """A request is compared as soon as it can be built."""
    bench.run(STEPS, SHEET, head=HEAD)
    ran = bench.run(STEPS, SHEET.replace("A,Net 30", "A,Prepaid"), head=HEAD)
    assert (ran.rows["A"].bucket, ran.rows["B"].bucket) == ("changed", "done")


def test_what_is_still_to_be_sent_is_refused(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(422), nth=2)
    assert bench.run(STEPS, SHEET, head=HEAD).buckets == {"done": 1, "rejected": 1}
    server.on("GET", "/terms", actions.answer(200, LEFT))
    ran = bench.run(STEPS, SHEET, head=HEAD)
    assert (ran.rows["A"].bucket, ran.rows["B"].bucket) == ("done", "rejected")
    assert ran.rows["B"].reason.startswith("order: ")
    new = bench.run(STEPS, SHEET + "C,Net 30\n", head=HEAD)
    assert new.rows["C"].bucket == "rejected"
