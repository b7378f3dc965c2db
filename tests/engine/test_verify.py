"""`verify`: what was written is read back. A success that changed nothing is told as one, and never sent again."""

from __future__ import annotations

from typing import Any

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import FaultServer

from runner.engine.events import Noticed

CHANGE = """\
steps:
  - id: change
    use: shop.update_customer
    with: {{customer_id: 7, name: "{{{{ row.ref }}}}", notes: new}}
    verify: {verify}
"""
WHOLE = CHANGE.format(verify="true")
MADE = """\
steps:
  - id: made
    use: shop.create_customer
    with: {name: "{{ row.ref }}", terms: 30}
    verify: true
"""


def ann(server: FaultServer) -> dict[str, Any]:
    return server.shop.create("/customers", {"id": 7, "name": "Ann", "notes": "old"})


def reads(server: FaultServer) -> int:
    return len(server.deliveries("GET"))


def test_what_is_there_is_done_and_read_back_once(server: FaultServer, bench: Bench) -> None:
    ann(server)
    assert bench.run(WHOLE).row.bucket == "done"
    assert bench.run(WHOLE).row.bucket == "done"
    assert [each.method for each in server.deliveries()] == ["PUT", "GET"]
    call = bench.calls()["A", "change/read-back", ""]
    assert (call.operation, call.effect, call.state) == ("shop.get_customer", "read", "done")


def test_a_success_that_changed_nothing_is_rejected_and_not_sent_again(
    server: FaultServer, bench: Bench
) -> None:
    customer = ann(server)
    server.on("PUT", "/customers/7", actions.answer(200, {"id": 7}))
    for _ in range(2):
        ran = bench.run(WHOLE)
        assert (ran.row.bucket, ran.ended.exit_code) == ("rejected", 4)
        told = 'change: answered 200 and changed nothing: name is "Ann", sent was "A"; notes is "old", sent was "new"'
        assert ran.row.reason.startswith(told)
    customer |= {"name": "A", "notes": "new"}  # a person has done it by hand
    assert bench.run(WHOLE).row.bucket == "done"
    assert len(server.writes()) == 1
    assert bench.calls()["A", "change", ""].state == "done"


def test_a_success_that_changed_a_part_says_which(server: FaultServer, bench: Bench) -> None:
    ann(server)["notes"] = "new"
    server.on("PUT", "/customers/7", actions.answer(200, {"id": 7}))
    assert "answered 200 and not all of it is there: name is" in bench.run(WHOLE).row.reason


def test_what_is_not_given_back_is_noticed_once(server: FaultServer, bench: Bench) -> None:
    del ann(server)["notes"]
    server.on("PUT", "/customers/7", actions.answer(200, {"id": 7}))
    steps = WHOLE.replace("{{ row.ref }}", "Ann")
    ran = bench.run(steps, table("ref", *"ABC"))
    assert ran.buckets == {"done": 3}
    noticed = [event.text for event in ran.events if isinstance(event, Noticed)]
    assert noticed == [
        "change is verified but for what is not given back, and so not compared: notes"
    ]


def test_where_nothing_is_given_back_nothing_is_verified(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/customers/7", actions.answer(200, {"id": 7}))
    assert "nothing that it sent is given back: say what to look at" in bench.run(WHOLE).row.reason


@pytest.mark.parametrize(
    ("status", "bucket"), [(404, "rejected"), (500, "not started"), (401, "not started")]
)
def test_what_cannot_be_read_back_is_not_verified_yet(
    server: FaultServer, bench: Bench, status: int, bucket: str
) -> None:
    ann(server)
    for nth in (1, 2, 3):
        server.on("GET", "/customers/7", actions.answer(status), nth=nth)
    ran = bench.run(WHOLE)
    assert ran.row.bucket == bucket
    assert (
        f"answered 200, and it could not be read back: shop.get_customer: {status}"
        in ran.row.reason
    )
    assert bench.calls()["A", "change", ""].state == "done"
    while bench.run(WHOLE).row.bucket != "done":
        pass
    assert len(server.writes()) == 1


def test_an_expression_sees_what_was_read_back_and_the_row(
    server: FaultServer, bench: Bench
) -> None:
    ann(server)
    steps = CHANGE.format(verify="result.name == row.ref")
    ran = bench.run(steps, table("ref,x", ("A", 1)), head=columns(x="integer"))
    assert ran.row.bucket == "done"
    other = CHANGE.format(verify="result.notes == 'other'")
    ran = bench.run(
        other, table("ref,x", ("A", 1)), head=columns(x="integer")
    )  # what was read back then is not enough
    told = "change: answered 200, and read back it is not so: expected result.notes == 'other'"
    assert ran.row.reason.startswith(told)
    assert (reads(server), len(server.writes())) == (2, 1)


def test_a_create_is_read_back_by_the_id_that_it_was_answered_with(
    server: FaultServer, bench: Bench
) -> None:
    assert bench.run(MADE).row.bucket == "done"
    assert server.deliveries("GET")[0].path == "/customers/1001"
    server.shop.objects["/customers"].clear()
    server.on("POST", "/customers", actions.answer(201, {"id": 5}))
    server.on("GET", "/customers/5", actions.answer(200, {"id": 5, "name": "B", "terms": 14}))
    ran = bench.run(MADE, "ref\nB\n")
    assert "answered 201 and not all of it is there: terms is 14, sent was 30" in ran.row.reason


def test_what_was_found_is_not_verified(server: FaultServer, bench: Bench) -> None:
    server.shop.create("/customers", {"name": "A", "terms": 14})
    found = MADE + "    unless_found: {use: shop.search_customers, with: {name: '{{ row.ref }}'}}\n"
    assert bench.run(found).row.bucket == "found"
    assert [each.path for each in server.deliveries()] == ["/customers"]


def test_the_plan_shows_what_is_read_back(bench: Bench) -> None:
    (call,) = bench.plan(MADE).row.planned
    assert call.read_back is not None
    assert call.read_back.path == "/customers/(known after run: made.id)"
