"""A resume takes what the run has finished as it is, tells of it like any other row, and looks where it has to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from faults import actions
from faults.bench import Bench, QuickStop, columns, table
from faults.server import FaultServer

from runner.engine.past import finished
from runner.engine.run import Selection
from runner.journal import History

HEAD = columns(total="decimal")
STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}"}
outputs: {order: "{{ order.id }}", total: "{{ row.total }}"}
"""
SHEET = table("ref,total", *((f"R{n}", f"{n}.10") for n in range(1, 8)))


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The keys of the rows whose calls were looked at."""
    keys: set[str] = set()
    real = History.calls_of

    def calls_of(self: History, account: str, recipe: str, *, key: str, **more: Any) -> Any:
        keys.add(key)
        return real(self, account, recipe, key=key, **more)

    monkeypatch.setattr(History, "calls_of", calls_of)
    return keys


@pytest.mark.parametrize("workers", [1, 3])
def test_they_are_told_of_as_they_were(
    server: FaultServer,
    bench: Bench,
    looked_at: set[str],
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
) -> None:
    monkeypatch.setattr(finished, "PAGE", 2)
    first = bench.run(STEPS, SHEET, head=HEAD, selection=Selection(limit=5))
    looked_at.clear()
    ran = bench.run(STEPS, SHEET, head=HEAD, resume=1, workers=workers)
    assert looked_at == {"R6", "R7"}
    assert (ran.buckets, ran.ended.exit_code) == ({"done": 7}, 0)
    assert {key: row for key, row in ran.rows.items() if key in first.rows} == first.rows
    assert (
        sum(row.money for row in ran.rows.values())
        == sum(n for n in range(1, 8)) + 7 * first.rows["R1"].money - 7
    )
    assert server.repeated() == []
    assert len(server.writes()) == 14


def test_another_run_looks_at_all_of_them(
    server: FaultServer, bench: Bench, looked_at: set[str]
) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    looked_at.clear()
    bench.run(STEPS, SHEET, head=HEAD)
    assert len(looked_at) == 7


def test_rows_that_are_not_finished_go_on(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(422), nth=2)
    server.on("POST", "/orders/1003/payments", actions.close())
    bench.run(STEPS, SHEET, head=HEAD)
    ran = bench.run(STEPS, SHEET, head=HEAD, resume=1)
    assert ran.buckets == {"done": 6, "unknown": 1}
    assert server.repeated() == [("/orders", '{"reference":"R2"}')]


def test_a_stop_still_tells_of_those_that_were_seen(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD, selection=Selection(limit=5))
    stop = QuickStop()
    server.on_receipt = lambda delivery: stop.ask("enough", exit_code=8)
    ran = bench.run(STEPS, SHEET, head=HEAD, resume=1, stop=stop)
    assert ran.buckets == {"done": 5, "not started": 2}


def test_a_row_that_another_run_sent_again_is_looked_at(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    server.on("POST", "/orders/1015/payments", actions.close(), nth=1)
    bench.run(STEPS, SHEET, head=HEAD, again=["R4"])
    ran = bench.run(STEPS, SHEET, head=HEAD, resume=1)
    assert (ran.rows["R4"].bucket, ran.ended.exit_code) == ("unknown", 5)
    assert ran.buckets == {"done": 6, "unknown": 1}
    bench.settle("R4", "payment", state="absent")
    ran = bench.run(STEPS, SHEET, head=HEAD, resume=1)
    assert (ran.buckets, len(server.deliveries("POST", "/orders/1015/payments"))) == (
        {"done": 7},
        2,
    )


def test_a_row_that_was_made_of_other_lines_is_looked_at(
    server: FaultServer, bench: Bench, looked_at: set[str]
) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    with closing(sqlite3.connect(bench.folder / "journal.sqlite")) as connection:
        connection.execute("UPDATE rows SET lines = '[4,5]' WHERE number = 3")
        connection.commit()
    looked_at.clear()
    assert bench.run(STEPS, SHEET, head=HEAD, resume=1).buckets == {"done": 7}
    assert looked_at == {"R3"}


def test_rows_of_an_earlier_version_are_looked_at(
    server: FaultServer, bench: Bench, looked_at: set[str]
) -> None:
    first = bench.run(STEPS, SHEET, head=HEAD)
    with closing(sqlite3.connect(bench.folder / "journal.sqlite")) as connection:
        connection.execute("UPDATE rows SET money = '' WHERE number > 2")
        connection.commit()
    looked_at.clear()
    ran = bench.run(STEPS, SHEET, head=HEAD, resume=1)
    assert looked_at == {f"R{n}" for n in range(3, 8)}
    assert {key: row._replace(earlier_run=0) for key, row in ran.rows.items()} == first.rows
