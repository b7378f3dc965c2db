"""`keep`: the list of a lookup is good for later runs as long as it says, of the same account, recipe and arguments."""

from __future__ import annotations

import datetime as dt

import pytest
from faults import actions
from faults.bench import HEAD, Bench
from faults.server import FaultServer

from runner.engine.events import Noticed
from runner.problems import InvalidError

STEPS = """\
lookups:
  terms: {use: shop.list_terms, by: name, keep: 1h}
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}", terms: "{{ terms['Net 30'].id }}"}
"""


def reads(server: FaultServer) -> int:
    return len(server.deliveries("GET"))


@pytest.fixture
def terms(server: FaultServer) -> FaultServer:
    server.shop.create("/terms", {"id": 30, "name": "Net 30"})
    return server


def aged(bench: Bench, seconds: float) -> None:
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
    bench.settle("lookups", "terms", sent_at=moment.isoformat(timespec="milliseconds"))


def test_a_list_is_kept_for_later_runs_and_told_to_be(terms: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, "ref\nA\n")
    ran = bench.run(STEPS, "ref\nB\n")
    assert (ran.row.bucket, reads(terms)) == ("done", 1)
    (told,) = [event.text for event in ran.events if isinstance(event, Noticed)]
    assert told.startswith("lookup terms: 1 entry, kept from ")
    assert told.endswith("; --fresh reads it anew")
    assert [write.json() for write in terms.writes()] == [
        {"name": "A", "terms": 30},
        {"name": "B", "terms": 30},
    ]


@pytest.mark.parametrize(("seconds", "count"), [(3500, 1), (3700, 2), (-60, 2)])
def test_it_has_an_age(terms: FaultServer, bench: Bench, seconds: float, count: int) -> None:
    """One from the future, because the clock was set back, has none."""
    bench.run(STEPS)
    aged(bench, seconds)
    bench.run(STEPS)
    assert reads(terms) == count


def test_fresh_reads_it_anew_and_keeps_that(terms: FaultServer, bench: Bench) -> None:
    bench.run(STEPS)
    bench.fresh = True
    bench.run(STEPS)
    bench.fresh = False
    bench.run(STEPS)
    assert reads(terms) == 2


def test_another_account_or_no_keep_reads_for_itself(terms: FaultServer, bench: Bench) -> None:
    bench.run(STEPS)
    bench.account = "other"
    bench.run(STEPS)
    assert reads(terms) == 2
    for _ in range(2):
        bench.run(STEPS.replace(", keep: 1h", ""))
    assert reads(terms) == 4


def test_other_arguments_have_a_list_of_their_own(server: FaultServer, bench: Bench) -> None:
    server.shop.create("/customers", {"name": "Net 30"})
    for name in ("Net 30", "Net 60"):
        other = f"{{use: shop.search_customers, with: {{name: {name}}}, by: name, keep: 1d}}"
        bench.run(STEPS.replace("{use: shop.list_terms, by: name, keep: 1h}", other))
    assert reads(server) == 2


def test_a_list_that_failed_is_not_kept(terms: FaultServer, bench: Bench) -> None:
    for nth in (1, 2, 3):
        terms.on("GET", "/terms", actions.answer(500), nth=nth)
    assert bench.run(STEPS).ended.exit_code == 8
    assert bench.run(STEPS).row.bucket == "done"


def test_what_is_kept_is_of_an_api(bench: Bench) -> None:
    steps = STEPS.replace("use: shop.list_terms", "file: terms.csv")
    with pytest.raises(InvalidError) as caught:
        bench.recipe(steps, head=HEAD)
    assert "'keep' and 'file' do not go together" in caught.value.problems[0].message
