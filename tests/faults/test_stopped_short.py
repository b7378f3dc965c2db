"""A run that does not get to a row: what is known of the row is not lost, and no key or clock stands in the way."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from faults import actions
from faults.bench import Bench, table
from faults.commands import Project
from faults.forks import Forks
from faults.points import small_shape
from faults.server import Exchange, FaultServer, behave
from faults.shapes import ENVIRONMENT
from runner.engine.run import Selection

SHAPE = small_shape(workers=1, searched=False)
ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""


@pytest.mark.parametrize("what", ["the key is refused", "a lookup fails", "only the first row"])
def test_a_row_that_is_not_reached_is_as_unknown_as_it_was(
    server: FaultServer, bench: Bench, what: str
) -> None:
    terms = "lookups: {terms: {use: shop.list_terms, by: name}}\n" + ORDER
    server.on("GET", "/terms", actions.answer(200, []), nth=1)
    server.on("POST", "/orders", actions.close(), nth=2)
    assert bench.run(terms, table("ref", *"ABC")).buckets == {"done": 2, "unknown": 1}
    if what == "a lookup fails":
        server.on("GET", "/terms", actions.answer(403))
    selection = Selection(limit=1) if what == "only the first row" else Selection()
    server.on("POST", "/orders", actions.answer(401))
    server.on("GET", "/terms", actions.answer(200, []))
    again = bench.run(terms, table("ref", "N", *"ABC"), selection=selection)
    assert again.rows["B"].bucket == "unknown"
    assert again.rows["B"].reason == "order: its outcome in run 1 is not known: runner settle 1"
    assert again.ended.exit_code == 5
    assert sum(again.ended.buckets.values()) == 4


def test_a_key_that_is_revoked_in_the_middle_of_a_run(
    server: FaultServer, project: Project
) -> None:
    refused: set[int] = set()
    valid = [9]

    def act(exchange: Exchange) -> bool:
        if len(server.writes()) <= valid[0]:
            return behave(exchange)
        refused.add(exchange.request.number)
        return actions.answer(401)(exchange)

    server.on("POST", ".*", act)
    done = project.run("--workers", "3")
    assert done.code == 7
    assert "the API refused the credentials: 401" in done.err
    assert 1 <= len(refused) <= 3, "more than what was in flight"
    assert project.unknown() == []
    assert set(project.buckets()) <= {"done", "not started"}
    valid[0] = 1000
    assert project.call("resume").code == 0
    assert project.buckets() == {"done": 6}
    taken = [(write.path, write.body) for write in server.writes() if write.number not in refused]
    assert len(taken) == len(set(taken)) == 3 + 6 * 3


PUT = """\
steps:
  - id: before
    use: shop.get_customer
    with: {customer_id: 7}
  - id: change
    use: shop.update_customer
    with: {customer_id: 7, notes: "{{ before.notes }} {{ row.ref }}"}
"""


@dataclass
class Customer:
    """A customer that the API and a person write to, the person with `edits` after each read and `after` each write."""

    fields: dict[str, Any] = field(default_factory=lambda: {"id": 7, "name": "Ann", "notes": "old"})
    edits: list[dict[str, str]] = field(default_factory=list)
    after: dict[str, str] = field(default_factory=dict)
    lost: int = 0

    def read(self, exchange: Exchange) -> bool:
        shown = dict(self.fields)
        self.fields |= self.edits.pop(0) if self.edits else {}
        return actions.answer(200, shown)(exchange)

    def write(self, exchange: Exchange) -> bool:
        self.fields |= exchange.request.json() | self.after
        self.lost -= 1
        return (actions.close() if self.lost >= 0 else actions.answer(200, self.fields))(exchange)


def test_what_a_person_edits_between_a_read_and_a_write_is_left_alone(
    server: FaultServer, bench: Bench
) -> None:
    """Only what the recipe names is written; an edit of that very field is lost, since the API knows no conditions."""
    customer = Customer(edits=[{"name": "Anna"}])
    server.on("GET", "/customers/7", customer.read)
    server.on("PUT", "/customers/7", customer.write)
    assert bench.run(PUT).row.bucket == "done"
    assert [write.json() for write in server.writes()] == [{"notes": "old A"}]
    assert customer.fields == {"id": 7, "name": "Anna", "notes": "old A"}


def test_what_a_person_edits_after_a_write_that_may_have_landed_is_left_alone(
    server: FaultServer, bench: Bench
) -> None:
    customer = Customer(lost=1, after={"notes": "by hand"})
    server.on("GET", "/customers/7", customer.read)
    server.on("PUT", "/customers/7", customer.write)
    assert bench.run(PUT).row.bucket == "unknown"
    sent = len(server.writes())
    again = bench.run(PUT)
    assert (again.row.bucket, again.ended.exit_code) == ("unknown", 5)
    assert len(server.writes()) == sent
    assert customer.fields["notes"] == "by hand"


@pytest.mark.parametrize("days", [-400, 400])
@pytest.mark.parametrize("nth", range(1, 10))
def test_a_clock_that_jumps_during_a_run_changes_nothing(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch, days: int, nth: int
) -> None:
    """Deadlines, pace and pauses are on a clock that does not jump, at whichever look at it the other one does.

    Between an intent and its first byte a jump forward looks like a machine that was paused: it has another intent.
    """
    clock, looks = time.time, itertools.count(1)
    monkeypatch.setattr(time, "time", lambda: clock() + days * 86400 * (next(looks) >= nth))
    server.on("POST", "/orders", actions.throttle("7"), nth=2)
    ran = bench.run(ORDER, table("ref", *"ABC"), pace=None)
    assert ran.buckets == {"done": 3}
    assert ran.stop.waits == [7.0]
    assert len(server.writes()) == 4
    assert {call.state for call in ran.calls} <= {"done", "throttled", "not sent"}


DATED = SHAPE.recipe().replace("customer_id:", 'notes: "{{ run.date }}", customer_id:')


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps_between_a_crash_and_going_on_changes_no_body(
    server: FaultServer, tmp_path: Path, days: int
) -> None:
    """The day of a run is the day on which it began."""
    folder = tmp_path / "project"
    SHAPE.write(folder, server.url)
    (folder / "torture.yaml").write_text(DATED, encoding="utf-8")
    begin = ["run", "torture.yaml", "--target", "test", "--first-run", "--workers", "1"]
    with Forks() as forks:
        assert (
            forks.start(folder, begin, environment=ENVIRONMENT, fault="before intent", nth=3).wait()
            == -9
        )
        resumed = forks.start(folder, ["resume"], environment=ENVIRONMENT, fault="clock", nth=days)
        assert resumed.wait() == 5, resumed.said("err")
    days_sent = {order.json()["notes"] for order in server.deliveries("POST", "/orders")}
    assert (
        len(server.deliveries("POST", "/orders")) == 3
    )  # one before the crash, unknown since then, and two after
    assert len(days_sent) == 1
