"""Never above the pace, nothing before Retry-After; by a clock that only waiting moves."""

from __future__ import annotations

import datetime as dt
import email.utils
import heapq
import math
from decimal import Decimal
from itertools import pairwise

import pytest
from faults import actions
from faults.bench import CATALOGUE, Bench, QuickStop, Ran, table
from faults.server import Delivery, FaultServer
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.limits import RECOVERY_SECONDS, SLOWEST, Pace
from runner.engine.sending.outcome import classify
from runner.transport import Reply

ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""


class Clock:
    """Seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def pace(clock: Clock, *, rate: str = "2", burst: int = 1) -> Pace:
    return Pace(rate=Decimal(rate), burst=burst, clock=clock)


@given(
    rate=st.sampled_from(["0.5", "2", "10"]),
    burst=st.integers(1, 5),
    idle=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.7, 30.0]), min_size=1, max_size=60),
)
def test_never_above_the_pace(rate: str, burst: int, idle: list[float]) -> None:
    clock = Clock()
    held = pace(clock, rate=rate, burst=burst)
    times = []
    for seconds in idle:
        clock.wait(seconds)
        clock.wait(held.reserve())
        while (more := held.use()) > 0:
            clock.wait(more)
        times.append(clock.now)
    assert within_the_pace(times, rate=float(rate), burst=burst)


def within_the_pace(times: list[float], *, rate: float, burst: int) -> bool:
    """Whether no stretch of time has more requests than the rate allows in it, and the burst."""
    spread = sorted(times)
    return all(
        (later - first) * rate + burst >= count - 1e-3
        for index, first in enumerate(spread)
        for count, later in enumerate(spread[index:], start=1)
    )


@given(
    rate=st.sampled_from(["0.5", "2", "10"]),
    burst=st.integers(1, 5),
    stalls=st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.7]), st.sampled_from([0.0, 0.0, 0.05, 3.0, 40.0])),
        min_size=1, max_size=60,
    ),
)  # fmt: skip
def test_a_place_belongs_to_the_moment_at_which_it_is_used(
    rate: str, burst: int, stalls: list[tuple[float, float]]
) -> None:
    """Workers come, reserve a place, wait for it, are held up, and then want to send, in whatever order."""
    clock = Clock()
    held = pace(clock, rate=rate, burst=burst)
    moments: list[tuple[float, int, bool]] = []
    comes = clock.now
    for worker, (pause, _) in enumerate(stalls):
        comes += pause
        heapq.heappush(moments, (comes, worker, False))
    used = []
    while moments:
        moment, worker, reserved = heapq.heappop(moments)
        clock.now = max(clock.now, moment)
        if not reserved:
            due = clock.now + held.reserve() + stalls[worker][1]
            heapq.heappush(moments, (due, worker, True))
        elif (more := held.use()) > 0:
            heapq.heappush(moments, (clock.now + more, worker, True))
        else:
            used.append(clock.now)
    assert len(used) == len(stalls)
    assert within_the_pace(used, rate=float(rate), burst=burst)


def test_who_was_held_up_together_does_not_send_together() -> None:
    clock = Clock()
    held = pace(clock, rate="2", burst=1)
    assert [held.reserve() for _ in range(8)] == [0.5 * place for place in range(8)]
    clock.wait(60)  # a laptop that slept: all eight are due
    assert held.use() == 0
    assert held.use() == 0.5
    clock.wait(0.5)
    assert held.use() == 0
    held.slow_down(30)
    assert held.use() == 30


def test_half_the_rate_after_a_429_and_back_in_tenths() -> None:
    clock = Clock()
    held = pace(clock, rate="10")
    held.slow_down(0)
    assert held.rate == 5
    clock.wait(RECOVERY_SECONDS - 0.1)
    held.reserve()
    assert held.rate == 5
    clock.wait(0.2)
    held.reserve()
    assert held.rate == 6
    clock.wait(RECOVERY_SECONDS * 50)
    held.reserve()
    assert held.rate == 10
    for _ in range(20):
        held.slow_down(0)
    assert held.rate == 10 / SLOWEST


@given(asked=st.decimals(0, 300, places=1).map(float), taken=st.integers(0, 20))
def test_places_taken_before_a_429_lapse(asked: float, taken: int) -> None:
    clock = Clock()
    held = pace(clock, rate="2")
    waits = [held.reserve() for _ in range(taken)]
    held.slow_down(asked)
    assert held.held == (asked > 0)
    assert held.reserve() >= asked - 1e-6
    clock.wait(asked + 1e-6)
    assert not held.held
    assert waits == sorted(waits)


class PacedStop(QuickStop):
    """Waiting moves the clock of the pace."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        self._clock.wait(seconds)


def paced(
    server: FaultServer, bench: Bench, sheet: str, *, rate: str = "2", workers: int = 1
) -> tuple[Ran, list[float]]:
    """A run at a pace, and when each request arrived."""
    clock, arrived = Clock(), []

    def note(delivery: Delivery) -> None:
        arrived.append(clock.now - 1000)

    server.on_receipt = note
    ran = bench.run(
        ORDER, sheet, pace=pace(clock, rate=rate), stop=PacedStop(clock), workers=workers
    )
    return ran, arrived


def test_requests_keep_their_distance(server: FaultServer, bench: Bench) -> None:
    ran, arrived = paced(server, bench, table("ref", *range(20)), rate="4")
    assert ran.buckets == {"done": 20}
    assert [round(later - first, 6) for first, later in pairwise(arrived)] == [0.25] * 19


def test_a_place_taken_before_the_429_of_another_row_lapses(
    server: FaultServer, bench: Bench
) -> None:
    """The second request waits for its turn when somebody else is told to be silent for a minute."""
    clock = Clock()
    held = pace(clock, rate="1")

    class Overtaken(PacedStop):
        def wait(self, seconds: float) -> None:
            if not self.waits:
                held.slow_down(60)
            super().wait(seconds)

    arrived: list[float] = []
    server.on_receipt = lambda delivery: arrived.append(clock.now - 1000)
    bench.run(ORDER, "ref\nA\nB\nD\n", pace=held, stop=Overtaken(clock))
    assert arrived[0] == 0
    assert arrived[1] >= 60
    assert arrived[2] >= arrived[1] + 2


def in_seconds(seconds: float) -> str:
    return email.utils.format_datetime(
        dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), usegmt=True
    )


@pytest.mark.parametrize(
    ("retry_after", "low", "high"),
    [
        ("7", 7, 7),
        ("0", 0, 0.5),
        ("300", 300, 300),
        ("date", 50, 120),
        ("past", 0, 0.5),
        (None, 5, 5),
        ("", 5, 5),
        ("1.5", 1.5, 1.5),
        ("12.0", 12, 12),
        ("300.0", 300, 300),
        (".5", 0.5, 0.5),
        ("soon", 300, 300),
        ("-3", 300, 300),
        ("12, 12", 300, 300),
        ("1e1", 300, 300),
        ("nan", 300, 300),
    ],
)
def test_nothing_is_sent_before_retry_after(
    server: FaultServer, bench: Bench, retry_after: str | None, low: float, high: float
) -> None:
    asked = {"date": in_seconds(100), "past": in_seconds(-1000)}.get(retry_after or "", retry_after)
    server.on("POST", "/orders", actions.throttle(asked), nth=2)
    ran, arrived = paced(server, bench, "ref\nA\nB\nD\n", rate="100")
    assert ran.buckets == {"done": 3}
    assert [write.json()["reference"] for write in server.writes()] == ["A", "B", "B", "D"]
    assert low <= round(arrived[2] - arrived[1], 3) <= high + 0.1
    assert ran.ended.exit_code == 0


@pytest.mark.parametrize(
    "retry_after",
    ["301", "3600.0", "86400", "9" * 40, "9" * 40 + ".5", "Fri, 31 Dec 9999 23:59:59 GMT"],
)
def test_a_huge_retry_after_ends_the_run_resumably(
    server: FaultServer, bench: Bench, retry_after: str
) -> None:
    server.on("POST", "/orders", actions.throttle(retry_after), nth=2)
    ran, _ = paced(server, bench, "ref\nA\nB\nD\n")
    assert len(server.deliveries()) == 2
    assert ran.buckets == {"done": 1, "not started": 2}
    assert ran.ended.exit_code == 8
    assert "the API asks to wait" in ran.ended.stopped
    assert bench.run(ORDER, "ref\nA\nB\nD\n", resume=ran.number).buckets == {"done": 3}


def test_a_storm_of_429_ends_without_a_success_that_is_none(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.throttle("1"))
    ran, arrived = paced(server, bench, "ref\nA\n")
    assert len(arrived) == 8
    assert all(later - first >= 1 for first, later in pairwise(arrived))
    assert (ran.buckets, ran.ended.exit_code) == ({"not started": 1}, 8)
    assert bench.calls()["A", "order", ""].state == "throttled"


def test_the_run_says_why_it_waits(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.throttle("7"), nth=1)
    ran, _ = paced(server, bench, "ref\nA\n")
    assert [(wait.reason, wait.seconds) for wait in ran.waits] == [("429 scripted 429", 7.0)]


ZONES = st.text("+-0123456789", max_size=25)


@given(st.one_of(st.text(max_size=40), st.builds("Wed, 21 Oct 2026 07:28:00 {}".format, ZONES)))
def test_no_retry_after_breaks_a_run(text: str) -> None:
    outcome = classify(
        CATALOGUE.operation("shop.create_order"), Reply(429, {"retry-after": text}, b"", 0.0)
    )
    assert outcome.state == "throttled"
    assert outcome.retry_after is None or 0 <= outcome.retry_after <= math.inf
