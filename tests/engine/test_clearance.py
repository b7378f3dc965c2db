"""Nothing is sent by a sender that was held up between its intent and its first byte."""

from __future__ import annotations

import itertools
import sqlite3
import time
from decimal import Decimal
from pathlib import Path

import pytest
from faults.bench import Bench, QuickStop, table
from faults.server import FaultServer

from runner.engine.limits import Pace
from runner.engine.sending.clearance import FIRST_BYTE_SECONDS, Clearance, Clocks, read_clocks
from runner.engine.stop import Stop
from runner.journal import CallRecord, Journal

ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""


class Machine:
    """Two clocks: one that counts suspensions, and one on the wall."""

    def __init__(self) -> None:
        self.since_boot, self.wall = 500.0, 1e9

    def __call__(self) -> tuple[float, float]:
        return self.since_boot, self.wall

    def sleep(self, seconds: float) -> None:
        self.since_boot += seconds
        self.wall += seconds


def clearance(clocks: Clocks, commit: object = None, *, pace: Pace | None = None) -> Clearance:
    return Clearance(
        commit if callable(commit) else lambda: None, pace=pace, stop=Stop(), clocks=clocks
    )


def test_the_clocks_of_this_machine_go_forward() -> None:
    first, later = read_clocks(), read_clocks()
    assert all(now >= then for then, now in zip(first, later, strict=True))


def test_who_was_not_held_up_may_send() -> None:
    machine = Machine()
    leave = clearance(machine, lambda: machine.sleep(FIRST_BYTE_SECONDS))
    assert (leave(), leave.expired) == ("", False)


@pytest.mark.parametrize("clock", ["since_boot", "wall"])
def test_who_slept_after_the_commit_may_not(clock: str) -> None:
    """A suspended laptop shows on both clocks, a paused virtual machine on the wall alone."""
    machine = Machine()
    leave = clearance(machine, lambda: setattr(machine, clock, getattr(machine, clock) + 5.1))
    assert leave() == "nothing of it was sent within 5 s of its intent"
    assert leave.expired


def test_a_wall_clock_that_is_put_back_hides_nothing() -> None:
    machine = Machine()

    def commit() -> None:
        machine.sleep(6)
        machine.wall -= 3600

    assert clearance(machine, commit)() != ""


def test_a_turn_that_comes_too_late_is_not_waited_for() -> None:
    now = 100.0
    pace = Pace(rate=Decimal("0.1"), burst=1, clock=lambda: now)
    assert clearance(Machine(), pace=pace)() == ""
    leave = clearance(Machine(), pace=pace)
    assert leave() == "its turn did not come within 5 s of its intent"
    assert leave.expired


class Sleepy(Journal):
    """The machine sleeps after the commit of its nth intents."""

    slept: Machine
    nth: frozenset[int] = frozenset()
    passes = itertools.count(1)

    def intend(self, call: CallRecord) -> None:
        super().intend(call)
        if next(self.passes) in self.nth:
            self.slept.sleep(3600)


def sleepy(monkeypatch: pytest.MonkeyPatch, *nth: int) -> type[Journal]:
    slept, wall = Machine(), time.time
    slept.wall = 0
    monkeypatch.setattr(time, "time", lambda: wall() + slept.wall)
    members = {"slept": slept, "nth": frozenset(nth), "passes": itertools.count(1)}
    return type("SleepyNow", (Sleepy,), members)


def attempts(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "journal.sqlite") as connection:
        found = [str(state) for (state,) in connection.execute("SELECT state FROM attempts")]
    connection.close()
    return found


@pytest.mark.parametrize("workers", [1, 3])
def test_a_laptop_that_slept_sends_nothing_with_its_old_intent(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """It is recorded as not sent, and sent once with a new intent, within the retries of the run."""
    bench.journal_class = sleepy(monkeypatch, 1, 3)
    ran = bench.run(ORDER, table("ref", "A", "B", "D"), workers=workers)
    assert ran.buckets == {"done": 3}
    assert sorted(write.json()["reference"] for write in server.writes()) == ["A", "B", "D"]
    states = attempts(bench.folder)
    assert states.count("done") == 3
    assert states.count("not sent") >= 2  # who waited for the same commit slept as well
    assert set(states) == {"done", "not sent"}
    assert ran.stop.waits == []  # it says nothing about the API


def test_one_that_is_always_held_up_gives_up(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.journal_class = sleepy(monkeypatch, *range(1, 100))
    ran = bench.run(ORDER)
    assert (ran.buckets, ran.ended.exit_code) == ({"not started": 1}, 8)
    assert bench.calls()["A", "order", ""].state == "not sent"
    assert server.deliveries() == []


def test_a_stop_while_it_waits_for_its_turn_sends_nothing(
    server: FaultServer, bench: Bench
) -> None:
    now = 100.0
    pace = Pace(rate=Decimal(1), burst=1, clock=lambda: now)
    assert pace.use() == 0

    class Stopped(QuickStop):
        def wait(self, seconds: float) -> None:
            super().wait(seconds)
            self.ask("enough", exit_code=8)

    ran = bench.run(ORDER, pace=pace, stop=Stopped())
    assert ran.buckets == {"not started": 1}
    assert bench.calls()["A", "order", ""].state == "not sent"
    assert server.deliveries() == []
