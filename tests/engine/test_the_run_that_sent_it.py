"""A call belongs to the run and the row that sent it, whichever runs look what became of it."""

from __future__ import annotations

from contextlib import closing

from faults import actions
from faults.bench import CATALOGUE, Bench, Ran, columns, table
from faults.server import FaultServer

from runner.engine.events import RunEnded
from runner.journal import History
from runner.report.files.created import CREATED, Created

HEAD = columns(total="decimal")
STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}, where: item.reference == row.ref}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}"}
"""
SHEET = table("ref,total", ("A", "1"), ("B", "2"))
TURNED = table("ref,total", ("B", "2"), ("A", "1"))


def test_looks_change_neither_its_run_nor_its_row(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/.*/payments", actions.close(), nth=2)
    bench.run(STEPS, SHEET, head=HEAD)
    for _ in range(3):
        ran = bench.run(STEPS, TURNED, head=HEAD)
        assert ran.rows["B"].bucket == "unknown"
        assert "may have been carried out in run 1" in ran.rows["B"].reason
        assert ran.rows["B"].reason.endswith("runner settle 1")
        call = bench.calls()["B", "payment", ""]
        assert (call.run, call.row, call.state) == (1, 2, "unknown")
    bench.settle("B", "payment", state="done", answer='{"id": 9}')
    assert bench.run(STEPS, TURNED, head=HEAD).rows["B"].reason == "done in run 1"


def adopted(server: FaultServer, bench: Bench) -> Ran:
    """An order that was created in run 1, without an answer, and that run 2 finds."""
    server.on("POST", "/orders", actions.committed(actions.close()), nth=2)
    server.on("GET", "/orders", actions.answer(500), nth=3)
    assert bench.run(STEPS, SHEET, head=HEAD).rows["B"].bucket == "unknown"
    ran = bench.run(STEPS, TURNED, head=HEAD)
    assert (ran.rows["B"].bucket, ran.ended.exit_code) == ("done", 0)
    return ran


def test_what_a_later_run_finds_was_created_by_the_first(server: FaultServer, bench: Bench) -> None:
    adopted(server, bench)
    call = bench.calls()["B", "order", ""]
    assert (call.run, call.row, call.concluded, call.state) == (1, 2, 2, "done")
    with closing(History(bench.folder)) as history:
        assert {sent.call.id for sent in history.sent(2)} >= {call.id}
        assert history.concluded_by(2) == [1]


def test_it_is_in_the_first_run_s_created_csv(server: FaultServer, bench: Bench) -> None:
    adopted(server, bench)
    for number in (1, 2):
        (bench.folder / str(number)).mkdir()
    with closing(History(bench.folder)) as history:
        created = Created(bench.folder / "2", history, CATALOGUE, run=2)
        created(RunEnded(2, {}, {}, 0, 0.0))
    lines = [
        [
            line.split(",")[4:7:2]
            for line in (bench.folder / each / CREATED).read_text().splitlines()
        ]
        for each in ("1", "2")
    ]
    assert ["B", "order"] in lines[0]
    assert lines[1][1:] == [["B", "payment"]]
