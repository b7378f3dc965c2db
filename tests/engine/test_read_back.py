"""An update whose answer was lost is read back, never sent again: done where all of it is there, unknown otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from faults import actions
from faults.bench import Bench
from faults.server import Action, Exchange, FaultServer

from runner.engine.calls.diff import alike, compare_with

PUT = """\
steps:
  - id: change
    use: shop.update_customer
    with: {customer_id: 7, notes: "{{ row.ref }}"}
outputs: {name: "{{ change.name }}"}
"""


def landed(exchange: Exchange) -> bool:
    """The change is made, and its answer lost."""
    exchange.server.shop.change(exchange.request.path, exchange.request.json())
    return actions.close()(exchange)


def ann(server: FaultServer) -> dict[str, Any]:
    return server.shop.create("/customers", {"id": 7, "name": "Ann", "notes": "old"})


@pytest.mark.parametrize(
    "lost", [actions.close(), actions.reset(), actions.answer(503), actions.html()]
)
def test_what_did_not_land_stays_unknown_until_it_shows(
    server: FaultServer, bench: Bench, lost: Action
) -> None:
    customer = ann(server)
    server.on("PUT", "/customers/7", lost)
    for _ in range(2):
        ran = bench.run(PUT)
        assert (ran.row.bucket, ran.ended.exit_code) == ("unknown", 5)
        assert 'read back: notes is "old", sent was "A"' in ran.row.reason
    customer["notes"] = "A"  # the API has carried it out late
    assert bench.run(PUT).row.bucket == "done"
    assert len(server.writes()) == 1
    call = bench.calls()["A", "change", ""]
    assert (call.state, call.attempts) == ("done", 1)
    assert call.reason.endswith("read back, and all that was sent is there")


def test_what_landed_is_done_at_once(server: FaultServer, bench: Bench) -> None:
    ann(server)
    server.on("PUT", "/customers/7", landed)
    for _ in range(2):
        ran = bench.run(PUT)
        assert (ran.row.bucket, ran.ended.exit_code, ran.row.outputs) == (
            "done",
            0,
            {"name": "Ann"},
        )
    assert len(server.writes()) == 1
    assert [each.method for each in server.deliveries()] == ["PUT", "GET"]


def test_a_read_back_that_fails_says_nothing(server: FaultServer, bench: Bench) -> None:
    server.on("PUT", "/customers/7", actions.close())
    ran = bench.run(PUT)
    assert ran.row.bucket == "unknown"
    assert "read back: shop.get_customer: 404 no such object" in ran.row.reason
    assert len(server.writes()) == 1


def test_what_is_not_given_back_proves_nothing(server: FaultServer, bench: Bench) -> None:
    customer = ann(server)
    customer.pop("notes")
    server.on("PUT", "/customers/7", actions.close())
    ran = bench.run(PUT)
    assert ran.row.bucket == "unknown"
    assert "read back: not given back, and so not compared: notes" in ran.row.reason


def test_a_settled_update_is_sent_again_where_a_person_says_so(
    server: FaultServer, bench: Bench
) -> None:
    ann(server)
    server.on("PUT", "/customers/7", actions.close(), nth=1)
    assert bench.run(PUT).row.bucket == "unknown"
    bench.settle("A", "change", state="absent")
    assert bench.run(PUT).row.bucket == "done"
    assert len(server.writes()) == 2


SAME: list[tuple[Any, Any, bool]] = [
    (Decimal("12.10"), Decimal("12.1"), True),
    (Decimal("12.10"), "12.1", True),
    ("12.10", Decimal("12.1"), True),
    (12, Decimal("12.00"), True),
    ("02134", 2134, False),
    ("1e3", 1000, False),
    (True, 1, False),
    ("2026-03-02", "2026-03-02T00:00:00", True),
    ("2026-03-02", "2026-03-02T00:00:00.000+00:00", True),
    ("2026-03-02", "2026-03-02T07:00:00", False),
    ("PO-1", "PO-1T00:00:00", False),
    ("", None, True),
    ("x", None, False),
    ([1, 2], [1, 2], True),
    ([1, 2], [2, 1], False),
    ([1], [1, 2], False),
    ([{"sku": "A"}], [{"sku": "A", "id": 5}], True),
    ({"id": 5}, {"id": 5, "name": "Ann"}, True),
    ({"id": 5}, 5, False),
]


@pytest.mark.parametrize(("sent", "found", "same"), SAME)
def test_values_are_compared_as_what_they_are(sent: Any, found: Any, *, same: bool) -> None:
    assert compare_with({"field": sent}, {"field": found, "other": 1}).whole is same
    if not isinstance(sent, list | dict):
        assert alike(sent, found) is same


def test_what_is_given_back_in_another_form_is_not_compared() -> None:
    sent = {"to": {"country": "US", "lines": [{"sku": "A"}]}}
    there = {"to": {"country": "United States", "lines": [{"sku": "B"}]}}
    compared = compare_with(sent, there, unlike={"to.country", "to.lines.sku"})
    assert (compared.apart, compared.different, compared.whole) == (
        ("to.country", "to.lines[0].sku"),
        (),
        False,
    )
