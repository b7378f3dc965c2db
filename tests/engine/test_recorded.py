"""Rows whose calls were answered, where the disk is full before that is recorded: what a run reports of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
from faults.bench import HEAD, Bench, columns, table
from faults.server import FaultServer

from runner.engine import recorded
from runner.engine.events import CallFinished, Event, RowFinished, RunEnded
from runner.journal import CallRecord, History, Journal
from runner.problems import StoppedError

STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}", reference: "{{ row.ref }}"}
"""
SHEET = table("ref,total", ("A", "1"), ("B", "2"), ("C", "3"))
ROWS = columns(total="decimal")
SHARED = """\
steps:
  - {id: contact, use: shop.create_customer, once_per: row.company, with: {name: "{{ row.company }}"}}
"""


def full_after(answers: int) -> type[Journal]:
    """A journal whose disk is full when so many answers to writes have come, and before the last of them is there."""

    class Full(Journal):
        count = 0

        def record(self, call: CallRecord, *, at: str, seconds: float = 0.0) -> None:
            Full.count += 1
            if Full.count == answers:
                self._connection.execute("PRAGMA max_page_count = 1")
                self._put_call(call._replace(operation="x" * 4_000_000))
            super().record(call, at=at, seconds=seconds)

    return Full


def run(bench: Bench, steps: str, sheet: str, **options: Any) -> list[Event]:
    """What a run reports that cannot record its own end."""
    events: list[Event] = []
    with pytest.raises(StoppedError, match="cannot be written"):
        bench.run(steps, sheet, more=events.append, **options)
    return events


def rows(events: list[Event]) -> Mapping[str, tuple[str, str]]:
    finished = (event.result for event in events if isinstance(event, RowFinished))
    return {result.key: (result.bucket, result.reason) for result in finished}


def posted(events: list[Event]) -> Decimal:
    calls = (event for event in events if isinstance(event, CallFinished) and event.state == "done")
    return sum((call.amount or Decimal(0) for call in calls), Decimal(0))


def ended(events: list[Event]) -> RunEnded:
    (end,) = (event for event in events if isinstance(event, RunEnded))
    return end


def on_record(bench: Bench) -> list[tuple[str, str]]:
    """The writes that the journal knows: the key and the state of each."""
    with closing(History(bench.folder)) as history:
        return [(call.identity.key, call.state) for call in history.calls_of_run(1)]


@pytest.mark.parametrize("delay", [0.001, 60.0], ids=["behind the rows", "at the end"])
def test_a_row_whose_last_answer_is_not_recorded_is_unknown(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch, delay: float
) -> None:
    """Whichever thread meets the full disk: the one that commits now and then, or the one that ends the run."""
    monkeypatch.setattr(recorded, "DELAY", delay)
    bench.journal_class = full_after(4)
    events = run(bench, STEPS, SHEET, head=ROWS)
    assert len(server.writes()) == 4
    told = rows(events)
    assert told["A"] == ("done", "")
    bucket, reason = told["B"]
    assert bucket == "unknown"
    assert re.fullmatch(
        r"payment: answered 201 with id \d+, which could not be recorded: runner settle 1", reason
    )
    assert "C" not in told
    (result,) = (e.result for e in events if isinstance(e, RowFinished) and e.result.key == "B")
    assert (result.money, result.unsettled) == (Decimal(0), Decimal(2))
    assert ended(events).exit_code == 5
    assert ended(events).buckets["unknown"] == 1
    assert posted(events) == 1
    assert on_record(bench)[-1] == ("B", "intent")


@pytest.mark.parametrize("workers", [1, 4])
def test_it_reports_what_the_next_run_finds(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    bench.journal_class = full_after(8)
    sheet = table("ref,total", *((f"R{number}", "1") for number in range(20)))
    events = run(bench, STEPS, sheet, head=ROWS, workers=workers)
    bench.journal_class = Journal
    states = on_record(bench)
    unknown = {key for key, state in states if state == "intent"}
    assert {key for key, (bucket, _) in rows(events).items() if bucket == "unknown"} == unknown
    assert unknown
    assert posted(events) == ended(events).buckets["done"]


def test_what_rows_share_is_unknown_for_the_one_that_did_it(
    server: FaultServer, bench: Bench
) -> None:
    bench.journal_class = full_after(1)
    sheet = table("ref,company", ("A", "Ace"), ("B", "Ace"))
    events = run(bench, SHARED, sheet, head=columns(company="string"))
    assert [rows(events)[key][0] for key in "AB"] == ["unknown", "not started"]
    assert ended(events).exit_code == 5


def test_a_recipe_without_rows(server: FaultServer, bench: Bench) -> None:
    bench.journal_class = full_after(1)
    head = HEAD.partition("rows:")[0]
    steps = 'steps:\n  - {id: order, use: shop.create_order, with: {reference: "A"}}\n'
    events: list[Event] = []
    with pytest.raises(StoppedError, match="cannot be written"):
        bench.run(steps, None, head=head, more=events.append)
    assert [bucket for bucket, _ in rows(events).values()] == ["unknown"]
    assert ended(events).exit_code == 5
