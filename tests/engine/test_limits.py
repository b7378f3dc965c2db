"""What ends a run early: too many rejected rows, a day's requests used up, an API that fails again and again."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from faults import actions
from faults.bench import Bench, Ran, table
from faults.server import Exchange, FaultServer, behave

from runner.engine.limits import Hits
from runner.journal import History, Journal

ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""
TEN = table("ref", *range(10))


@pytest.mark.parametrize(
    ("most", "buckets"), [(1, {"rejected": 1, "not started": 9}), (3, {"done": 2, "rejected": 3})]
)
def test_so_many_rejected_rows_end_the_run(
    server: FaultServer, bench: Bench, most: int, buckets: dict[str, int]
) -> None:
    for nth in (1, 3, 5):
        server.on("POST", "/orders", actions.answer(422), nth=nth)
    ran = bench.run(ORDER, TEN, max_failures=most)
    assert ran.buckets.items() >= buckets.items()
    assert (ran.ended.exit_code, len(server.deliveries())) == (8, 2 * most - 1)
    assert (
        ran.ended.stopped
        == f"{most} row{'s' * (most > 1)} rejected, as many as --max-failures allows"
    )


def test_fewer_do_not(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(422), nth=1)
    ran = bench.run(ORDER, TEN, max_failures=2)
    assert (ran.buckets, ran.ended.exit_code) == ({"rejected": 1, "done": 9}, 4)


ORPHANS = """\
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""
MANY = table("ref", *range(40))


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_ten_rows_rejected_alike_end_the_run(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    """Each of them leaves a customer without an order."""
    server.on("POST", "/orders", actions.answer(422))
    ran = bench.run(ORPHANS, MANY, workers=workers)
    assert ran.ended.exit_code == 8
    said = "the first 10 rows were all rejected by step 'order' with status 422"
    assert ran.ended.stopped == said
    assert ran.ended.remedy.endswith("runner resume 1 --max-failures N")
    assert ran.ended.buckets["rejected"] in range(10, 10 + 2 * workers)
    assert len(server.deliveries("POST", "/customers")) in range(10, 10 + 2 * workers)


def test_max_failures_overrides_that(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(422))
    ran = bench.run(ORDER, MANY, max_failures=100)
    assert (ran.buckets, ran.ended.exit_code) == ({"rejected": 40}, 4)


@pytest.mark.parametrize("answer", [actions.answer(201, {"id": 1}), actions.answer(409)])
@pytest.mark.parametrize("nth", [1, 10])
def test_one_of_the_first_ten_that_ends_otherwise_lets_it_go_on(
    server: FaultServer, bench: Bench, nth: int, answer: Callable[[Exchange], bool]
) -> None:
    server.on("POST", "/orders", answer, nth=nth)
    server.on("POST", "/orders", actions.answer(422))
    ran = bench.run(ORDER, MANY)
    assert ran.ended.exit_code == 4
    assert len(server.deliveries("POST", "/orders")) == 40


def test_a_search_that_finds_nothing_is_no_refusal(server: FaultServer, bench: Bench) -> None:
    steps = "steps:\n  - {id: known, use: shop.search_customers, expect: one}\n"
    ran = bench.run(steps, MANY)
    assert (ran.buckets, ran.ended.exit_code) == ({"rejected": 40}, 4)
    assert len(server.deliveries()) == 40


SEEN = """\
steps:
  - id: seen
    use: shop.get_customer
    with: {customer_id: 1}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""


def hits(bench: Bench) -> list[tuple[str, str, int]]:
    with closing(sqlite3.connect(bench.folder / "journal.sqlite")) as connection:
        return connection.execute("SELECT account, api, count FROM hits").fetchall()


def test_every_request_is_a_hit(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/customers/1", actions.answer(500), nth=1)
    server.on("GET", "/customers/1", actions.answer(200, {"id": 1}))
    server.on("POST", "/orders", actions.throttle("1"), nth=2)
    bench.run(SEEN, table("ref", *range(3)))
    assert len(server.deliveries()) == 8
    assert hits(bench) == [("acme", "shop", 8)]
    bench.account = "another"
    bench.run(ORDER, "ref\nA\n")
    assert hits(bench) == [("acme", "shop", 8), ("another", "shop", 1)]


def test_a_run_stops_before_the_request_that_would_be_too_many(
    server: FaultServer, bench: Bench
) -> None:
    ran = bench.run(ORDER, TEN, hits_per_day=4)
    assert len(server.deliveries()) == 4
    assert (ran.buckets, ran.ended.exit_code) == ({"done": 4, "not started": 6}, 8)
    assert ran.ended.stopped == "4 requests to shop today, and its 4 a day are used up"
    assert ran.ended.remedy.startswith("go on after ")
    assert ran.ended.remedy.endswith(" 00:00 UTC: runner resume 1")
    ran = bench.run(ORDER, TEN, hits_per_day=4, resume=1)
    assert (len(server.deliveries()), ran.ended.exit_code) == (4, 8)
    ran = bench.run(ORDER, TEN, hits_per_day=6, workers=4)
    assert (len(server.deliveries()), ran.buckets) == (6, {"done": 6, "not started": 4})
    assert bench.run(ORDER, TEN).buckets == {"done": 10}
    assert server.repeated() == []


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "runs") as journal:
        yield journal


def test_each_day_has_its_own(journal: Journal) -> None:
    moment = dt.datetime(2026, 3, 1, 23, 59, 59, tzinfo=dt.UTC)

    def now() -> dt.datetime:
        return moment

    history = History(journal.folder)
    counted = Hits("acme", journal, history, limits={"shop": 2}, now=now)
    assert [counted.take("shop") for _ in range(2)] == [("", ""), ("", "")]
    assert counted.take("other") == ("", "")
    why = "2 requests to shop today, and its 2 a day are used up"
    used_up = why, "go on after 2026-03-02 00:00 UTC"
    assert counted.take("shop") == used_up
    journal.flush()
    assert Hits("acme", journal, history, limits={"shop": 2}, now=now).take("shop") == used_up
    assert Hits("acme", journal, history, limits={"shop": 3}, now=now).take("shop") == ("", "")
    moment += dt.timedelta(seconds=1)
    assert counted.take("shop") == ("", "")
    history.close()


def test_a_hit_is_on_the_disk_before_the_request(server: FaultServer, bench: Bench) -> None:
    seen: list[int] = []
    server.on_receipt = lambda delivery: seen.append(hits(bench)[0][2])
    bench.run(ORDER, TEN)
    assert seen == list(range(1, 11))


def failing(server: FaultServer, *, first: int = 2, last: int = 4) -> None:
    for nth in range(first, last + 1):
        server.on("POST", "/orders", actions.answer(503), nth=nth)


def what_came(server: FaultServer) -> str:
    return "".join("r" if delivery.method == "GET" else "w" for delivery in server.deliveries())


def test_after_three_failures_one_read_decides_to_go_on(server: FaultServer, bench: Bench) -> None:
    failing(server)
    ran = bench.run(ORDER, TEN)
    assert what_came(server) == "wwww" + "r" + "wwwwww"
    assert (ran.buckets, ran.ended.exit_code) == ({"done": 7, "unknown": 3}, 5)
    (wait,) = ran.waits
    failures = "3 requests in a row failed, the last one: 503 scripted 503"
    assert wait.reason == f"{failures}; then one read shows whether shop answers"
    assert wait.seconds in ran.stop.waits


def stopped(ran: Ran) -> tuple[str, int]:
    return ran.ended.stopped, ran.ended.exit_code


def test_a_read_that_fails_too_ends_the_run(server: FaultServer, bench: Bench) -> None:
    failing(server)
    server.on("GET", "/customers", actions.answer(502))
    ran = bench.run(ORDER, TEN)
    assert what_came(server) == "wwww" + "r"
    assert ran.buckets == {"done": 1, "unknown": 3, "not started": 6}
    assert (
        "in a row failed, the last one: 503 scripted 503; a read failed too: 502"
        in ran.ended.stopped
    )
    assert "runner resume" in ran.ended.remedy


def test_a_read_that_is_refused_for_its_credentials_ends_the_run_for_them(
    server: FaultServer, bench: Bench
) -> None:
    failing(server)
    server.on("GET", "/customers", actions.answer(401))
    ran = bench.run(ORDER, TEN)
    assert "the API refused the credentials" in ran.ended.stopped
    assert what_came(server) == "wwww" + "r"


def test_one_read_buys_one_more_chance(server: FaultServer, bench: Bench) -> None:
    """Reads that work say little of an API whose every write fails: not all rows become unknown for it."""
    failing(server, last=100)
    ran = bench.run(ORDER, TEN)
    assert what_came(server) == "wwww" + "r" + "www"
    assert ran.buckets == {"done": 1, "unknown": 6, "not started": 3}
    assert ran.ended.stopped.endswith("; a read was answered in between")


def test_a_success_in_between_makes_for_another_read(server: FaultServer, bench: Bench) -> None:
    failing(server)
    failing(server, first=6, last=8)
    bench.run(ORDER, TEN)
    assert what_came(server) == "wwww" + "r" + "wwww" + "r" + "ww"


def test_the_read_is_the_last_one_that_was_answered(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/terms", actions.answer(200, [{"id": 1, "name": "x"}]))
    failing(server)
    bench.run(f"lookups: {{terms: {{use: shop.list_terms, by: name}}}}\n{ORDER}", TEN)
    assert what_came(server) == "r" + "wwww" + "r" + "wwwwww"
    assert {get.path for get in server.deliveries("GET")} == {"/terms"}


@pytest.mark.parametrize("workers", [4, 16])
def test_all_workers_are_held_while_the_read_is_on_its_way(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    """What was in flight when the third failed may still fail; nothing new leaves before the read is answered."""

    def until_a_read(exchange: Exchange) -> bool:
        answer = behave if server.deliveries("GET") else actions.answer(503)
        return answer(exchange)

    server.on("POST", "/orders", until_a_read)
    ran = bench.run(ORDER, table("ref", *range(60)), workers=workers)
    came = what_came(server)
    assert came.count("r") == 1
    assert came.index("r") < 3 + workers
    assert came.count("w") == 60
    assert ran.ended.exit_code == 5
    assert not ran.ended.stopped
    assert ran.buckets["unknown"] <= 3 + workers


def test_no_connection_is_a_failure_too(server: FaultServer, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with FaultServer(folder) as gone:
        pass
    bench = Bench(folder, gone.url)
    ran = bench.run(ORDER, TEN)
    assert stopped(ran) == (
        "3 requests in a row failed, the last one: connection refused; a read failed too: connection refused", 8
    )  # fmt: skip
    assert ran.buckets == {"not started": 10}
    bench.close()
