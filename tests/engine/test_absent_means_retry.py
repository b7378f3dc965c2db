"""`absent_means: retry`: what no search finds is sent again, once it has had the time to show; a payment never is."""

from __future__ import annotations

import datetime as dt

import pytest
from faults import actions
from faults.bench import CATALOGUE, Bench, QuickStop
from faults.server import FaultServer

from runner.problems import InvalidError
from runner.recipe.load import load_text

GUARDED = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    unless_found:
      use: shop.search_orders
      with: {reference: "{{ row.ref }}"}
      where: item.reference == row.ref
      absent_means: retry
      settling: 10m
outputs: {order: "{{ order.id }}"}
"""


def sent(bench: Bench, *, seconds_ago: float) -> None:
    """The journal says that the call was sent then."""
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds_ago)
    bench.settle("A", "order", sent_at=moment.isoformat(timespec="milliseconds"))


@pytest.mark.parametrize(
    ("seconds_ago", "writes"), [(0, 1), (590, 1), (601, 2), (10**7, 2), (-5, 1), (-(10**7), 1)]
)
def test_it_is_sent_again_when_the_settling_time_has_passed(
    server: FaultServer, bench: Bench, seconds_ago: float, writes: int
) -> None:
    """A clock that was set back since puts the sending into the future: then no time has passed."""
    server.on("POST", "/orders", actions.close(), nth=1)
    assert bench.run(GUARDED).row.bucket == "unknown"
    sent(bench, seconds_ago=seconds_ago)
    ran = bench.run(GUARDED)
    assert len(server.writes()) == writes
    call = bench.calls()["A", "order", ""]
    if writes == 2:
        assert (ran.row.bucket, ran.row.reason, ran.row.outputs["order"]) == ("done", "", 1001)
        assert (call.state, call.run) == ("done", 2)
    else:
        assert (ran.row.bucket, ran.ended.exit_code, call.state) == ("unknown", 5, "unknown")
        due = dt.datetime.fromisoformat(call.sent_at) + dt.timedelta(minutes=10, seconds=1)
        assert (
            f"it is sent again from {due:%Y-%m-%d %H:%M:%S}Z on, if a search finds none then"
            in ran.row.reason
        )
    bench.run(GUARDED)
    assert len(server.writes()) == writes


def test_what_is_found_is_not_sent_again(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.committed(actions.close()))
    bench.run(GUARDED)
    sent(bench, seconds_ago=10**6)
    assert bench.run(GUARDED).row.bucket == "done"
    assert len(server.writes()) == 1


def test_a_search_that_fails_is_no_search_that_finds_none(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.close())
    bench.run(GUARDED)
    sent(bench, seconds_ago=10**6)
    server.on("GET", "/orders", actions.answer(500))
    assert bench.run(GUARDED).row.bucket == "unknown"
    assert len(server.writes()) == 1


def test_a_second_attempt_that_is_unknown_settles_anew(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.close())
    bench.run(GUARDED)
    sent(bench, seconds_ago=10**6)
    for _ in range(2):
        assert bench.run(GUARDED).row.bucket == "unknown"
        assert len(server.writes()) == 2
    server.shop.create("/orders", {"reference": "A"})
    assert bench.run(GUARDED).row.bucket == "done"
    assert len(server.writes()) == 2


def test_a_second_attempt_that_is_refused_is_rejected(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.close(), nth=1)
    server.on("POST", "/orders", actions.answer(422), nth=2)
    bench.run(GUARDED)
    sent(bench, seconds_ago=10**6)
    assert bench.run(GUARDED).row.bucket == "rejected"
    assert bench.run(GUARDED).row.bucket == "done"


def test_a_run_that_is_stopped_before_the_second_attempt_leaves_it_unknown(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.close())
    bench.run(GUARDED)
    sent(bench, seconds_ago=10**6)
    stop = QuickStop()
    server.on_receipt = lambda delivery: stop.ask("enough", exit_code=8)
    ran = bench.run(GUARDED, stop=stop)
    assert (ran.row.bucket, ran.ended.exit_code) == ("unknown", 5)
    assert bench.calls()["A", "order", ""].state == "unknown"
    assert len(server.writes()) == 1


def test_a_renamed_step_is_sent_again_under_the_name_that_is_open(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.close(), nth=1)
    bench.run(GUARDED)
    sent(bench, seconds_ago=10**6)
    renamed = GUARDED.replace("id: order\n", "id: sale\n    was: order\n").replace(
        "order.id", "sale.id"
    )
    for _ in range(2):
        assert bench.run(renamed).row.bucket == "done"
    assert len(server.writes()) == 2
    assert {call.state for call in bench.calls().values() if call.effect == "create"} == {"done"}


def test_it_is_left_unknown_where_the_recipe_does_not_ask_for_more(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.close())
    plain = GUARDED.replace("absent_means: retry", "absent_means: unknown").replace(
        "      settling: 10m\n", ""
    )
    bench.run(plain)
    sent(bench, seconds_ago=10**6)
    assert bench.run(plain).row.bucket == "unknown"
    assert len(server.writes()) == 1


PAYMENT = """\
recipe: 1
name: pay
steps:
  - id: payment
    use: shop.create_payment
    with: {order_id: 7, amount: 12.10}
    unless_found: {use: shop.list_payments, with: {order_id: 7}, absent_means: retry}
"""


def test_a_payment_is_never_sent_again_because_of_a_search() -> None:
    with pytest.raises(InvalidError) as raised:
        load_text(PAYMENT, file="pay.yaml", catalogue=CATALOGUE)
    (problem,) = raised.value.problems
    assert (problem.line, problem.column, problem.kind) == (7, 80, "absent-means")
    assert "shop.create_payment moves money" in problem.message


def test_the_settling_time_is_a_quarter_of_an_hour_unless_the_recipe_says_otherwise() -> None:
    texts = {
        "": 900,
        "      settling: 90s\n": 90,
        "      settling: 10m\n": 600,
        "      settling: 2h\n": 7200,
    }
    for line, seconds in texts.items():
        text = "recipe: 1\nname: x\nkey: x\n" + GUARDED.replace(
            "      settling: 10m\n", line
        ).replace("row.ref", "'A'")
        (step,) = load_text(text, file="x.yaml", catalogue=CATALOGUE).recipe.steps
        assert step.unless_found is not None
        assert (step.unless_found.absent_means, step.unless_found.settling) == ("retry", seconds)
