"""`once: run`: a read that is made once a run, whose answer every row has; and what each row takes of it."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, QuickStop, table
from faults.server import FaultServer

from runner.engine.events import Event
from runner.engine.run import Selection

STEPS = """\
steps:
  - id: customer
    use: shop.search_customers
    once: run
    where: item.name == row.ref
    expect: one
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
outputs: {customer: "{{ customer.id }}"}
"""
ROWS = table("ref", "A", "B", "C", "D")


@pytest.fixture
def customers(server: FaultServer) -> FaultServer:
    for at, name in enumerate("ABCD", start=1):
        server.shop.seed("/customers", {"id": at, "name": name})
    return server


def reads(server: FaultServer, path: str = "/customers") -> int:
    return len(server.deliveries("GET", path))


@pytest.mark.parametrize("workers", [1, 8])
def test_it_is_read_once_whatever_the_workers_do(
    customers: FaultServer, bench: Bench, workers: int
) -> None:
    ran = bench.run(STEPS, ROWS, workers=workers)
    assert (ran.buckets, reads(customers)) == ({"done": 4}, 1)
    assert {key: row.outputs["customer"] for key, row in ran.rows.items()} == {
        "A": 1,
        "B": 2,
        "C": 3,
        "D": 4,
    }


def test_a_later_run_reads_it_anew(customers: FaultServer, bench: Bench) -> None:
    """Also for rows that are done: their answer of then is not remembered."""
    bench.run(STEPS, ROWS)
    customers.shop.seed("/customers", {"id": 5, "name": "E"})
    ran = bench.run(STEPS, ROWS + "E\n")
    assert (ran.buckets, reads(customers)) == ({"done": 5}, 2)
    assert ran.rows["E"].outputs["customer"] == 5


def test_a_resume_uses_the_answer_of_its_run(customers: FaultServer, bench: Bench) -> None:
    stop = QuickStop()

    def halt(_: Event) -> None:
        if len(customers.writes()) == 2:
            stop.ask("enough", exit_code=8)

    first = bench.run(STEPS, ROWS, stop=stop, more=halt)
    assert first.buckets == {"done": 2, "not started": 2}
    customers.shop.objects["/customers"][3]["name"] = "X"
    ran = bench.run(STEPS, ROWS, resume=first.number)
    assert (ran.buckets, reads(customers)) == ({"done": 4}, 1)
    assert ran.rows["D"].outputs["customer"] == 4


def test_a_row_that_it_has_nothing_for_is_rejected_alone(
    customers: FaultServer, bench: Bench
) -> None:
    ran = bench.run(STEPS, ROWS + "E\n", aside=True)
    assert ran.buckets == {"done": 4, "rejected": 1}
    assert ran.rows["E"].reason == (
        "customer: expected exactly one, found none where item.name == row.ref"
    )


def test_rows_for_which_there_are_several_say_which(customers: FaultServer, bench: Bench) -> None:
    for at in range(10, 15):
        customers.shop.seed("/customers", {"id": at, "email": f"{at}@x", "name": "A"})
    ran = bench.run(STEPS, ROWS)
    assert ran.buckets == {"done": 3, "rejected": 1}
    assert ran.rows["A"].reason == (
        "customer: expected exactly one, found 6 where item.name == row.ref: "
        "id 1 name A; id 10 name A email 10@x; id 11 name A email 11@x"
    )


def test_a_refusal_is_shared(customers: FaultServer, bench: Bench) -> None:
    customers.on("GET", "/customers", actions.answer(422, {"message": "gone"}))
    ran = bench.run(STEPS, ROWS)
    assert (ran.buckets, reads(customers)) == ({"rejected": 4}, 1)
    assert {row.reason for row in ran.rows.values()} == {
        "customer: shop.search_customers: 422 gone"
    }


@pytest.mark.parametrize("workers", [1, 4])
def test_what_the_api_did_not_answer_is_tried_by_the_next_row(
    customers: FaultServer, bench: Bench, workers: int
) -> None:
    for nth in (1, 2, 3):
        customers.on("GET", "/customers", actions.answer(503, {}), nth=nth)
    ran = bench.run(STEPS, ROWS, workers=workers)
    assert ran.rows["A"].bucket == "not started"
    assert ran.buckets == {"done": 3, "not started": 1}


def test_a_row_that_skips_it_does_not_keep_it_from_the_others(
    customers: FaultServer, bench: Bench
) -> None:
    steps = STEPS.replace("    once: run\n", "    once: run\n    when: row.ref != 'A'\n")
    steps = steps.replace("customer.id }}", "customer.id if customer else 9 }}")
    ran = bench.run(steps, ROWS, workers=4)
    assert (ran.buckets, reads(customers)) == ({"done": 4}, 1)
    assert ran.rows["A"].outputs["customer"] == 9


def test_one_read_may_use_another(customers: FaultServer, bench: Bench) -> None:
    steps = """\
steps:
  - id: first
    use: shop.search_customers
    once: run
    where: item.name == 'B'
    expect: one
  - id: order
    use: shop.get_customer
    once: run
    with: {customer_id: "{{ first.id }}"}
    expect: result.id == 2
outputs: {name: "{{ order.name }}"}
"""
    ran = bench.run(steps, ROWS, workers=4)
    assert ran.buckets == {"done": 4}
    assert {row.outputs["name"] for row in ran.rows.values()} == {"B"}
    assert (reads(customers), reads(customers, "/customers/2")) == (1, 1)


def test_a_plan_says_so(bench: Bench) -> None:
    ran = bench.plan(STEPS, ROWS)
    planned = {key: row.planned for key, row in ran.rows.items()}
    assert [call.state for call in planned["A"]] == ["to read", "to send"]
    assert [(call.state, call.reason) for call in planned["B"]] == [
        ("skipped", "once a run: together with A"),
        ("to send", ""),
    ]
    assert ran.buckets == {"not started": 4}


def test_only_some_rows(customers: FaultServer, bench: Bench) -> None:
    ran = bench.run(STEPS, ROWS, selection=Selection(only=("C",)))
    assert (ran.rows["C"].outputs, reads(customers)) == ({"customer": 3}, 1)
