"""`once_per`: a value is done once, by the first row of the file that needs it, whatever the threads do."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import Exchange, FaultServer, Hold, behave

STEPS = """\
steps:
  - id: customer
    use: shop.create_customer
    once_per: row.customer
    with: {name: "{{ row.customer }}", notes: "{{ row.ref }}"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
outputs: {customer: "{{ customer.id }}"}
"""
HEAD = columns(customer="string")


def sheet(pairs: list[tuple[str, str]]) -> str:
    return table("ref,customer", *pairs)


def test_seven_values_are_seven_deliveries_whoever_comes_first(
    server: FaultServer, bench: Bench
) -> None:
    draw = random.Random(7)
    rows = [(f"R{n:03}", f"C{draw.randrange(7)}") for n in range(200)]
    ran = bench.run(STEPS, sheet(rows), head=HEAD, workers=16)
    customers = [write.json() for write in server.deliveries("POST", "/customers")]
    first = {customer: ref for ref, customer in reversed(rows)}
    assert {body["name"]: body["notes"] for body in customers} == first
    assert len(customers) == 7
    assert ran.buckets == {"done": 200}
    ids = {made["name"]: made["id"] for made in server.shop.objects["/customers"]}
    orders = {made["reference"]: made["customer_id"] for made in server.shop.objects["/orders"]}
    assert orders == {ref: ids[customer] for ref, customer in rows}
    assert server.repeated() == []


def test_the_same_again_sends_nothing(server: FaultServer, bench: Bench) -> None:
    rows = [(f"R{n}", f"C{n % 3}") for n in range(20)]
    bench.run(STEPS, sheet(rows), head=HEAD, workers=4)
    sent = len(server.deliveries())
    ran = bench.run(STEPS, sheet([*rows, ("new", "C1")]), head=HEAD, workers=4)
    assert [write.path for write in server.deliveries()[sent:]] == ["/orders"]
    assert ran.rows["R7"].reason == "done in run 1"
    assert ran.rows["new"].outputs == ran.rows["R1"].outputs


GATE = "  - {id: gate, use: shop.get_customer, with: {customer_id: '{{ row.gate }}'}}\n"
GATED = STEPS.replace("steps:\n", f"steps:\n{GATE}")
GATED_HEAD = columns(customer="string", gate="integer")


@pytest.mark.parametrize("workers", [1, 4])
def test_the_next_row_takes_over_when_the_owner_is_rejected_before(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    server.on("GET", "/customers/404", actions.answer(404))
    server.on("GET", "/customers/1", actions.answer(200, {"id": 1}))
    rows = [("A", "C", 404), ("B", "C", 1), ("D", "C", 1), ("E", "C", 1)]
    ran = bench.run(GATED, table("ref,customer,gate", *rows), head=GATED_HEAD, workers=workers)
    assert [write.json()["notes"] for write in server.deliveries("POST", "/customers")] == ["B"]
    assert ran.buckets == {"rejected": 1, "done": 3}
    assert ran.rows["A"].bucket == "rejected"


def test_rows_wait_for_the_owner(server: FaultServer, bench: Bench) -> None:
    """The owner is held up in an earlier step: the others do not do its part, however long it takes."""
    hold = Hold()
    server.on("GET", "/customers/2", actions.hang(hold, actions.answer(200, {"id": 2})))
    server.on("GET", "/customers/1", actions.answer(200, {"id": 1}))

    def only_afterwards(exchange: Exchange) -> bool:
        assert hold.released.is_set()
        return behave(exchange)

    def release_when_all_wait() -> None:
        server.await_deliveries(4)
        hold.released.set()

    server.on("POST", "/customers", only_afterwards)
    helper = threading.Thread(target=release_when_all_wait)
    helper.start()
    rows = [("A", "C", 2), ("B", "C", 1), ("D", "C", 1), ("E", "C", 1)]
    ran = bench.run(GATED, table("ref,customer,gate", *rows), head=GATED_HEAD, workers=4)
    helper.join(30)
    assert [write.json()["notes"] for write in server.deliveries("POST", "/customers")] == ["A"]
    assert ran.buckets == {"done": 4}


@pytest.mark.parametrize("workers", [1, 4])
def test_a_value_that_is_refused_is_tried_by_the_next_row(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    server.on("POST", "/customers", actions.answer(422), nth=1)
    ran = bench.run(STEPS, sheet([("A", "C"), ("B", "C"), ("D", "C")]), head=HEAD, workers=workers)
    assert [write.json()["notes"] for write in server.deliveries("POST", "/customers")] == [
        "A",
        "B",
    ]
    assert {key: row.bucket for key, row in ran.rows.items()} == {
        "A": "rejected",
        "B": "done",
        "D": "done",
    }
    assert bench.calls()["C", "customer", ""].state == "done"


@pytest.mark.parametrize("workers", [1, 4])
def test_a_value_whose_outcome_is_unknown_is_sent_by_nobody(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    server.on("POST", "/customers", actions.committed(actions.close()))
    rows = sheet([("A", "C"), ("B", "C"), ("D", "C"), ("E", "C")])
    ran = bench.run(STEPS, rows, head=HEAD, workers=workers)
    assert len(server.writes()) == 1
    assert ran.buckets == {"unknown": 4}
    assert ran.ended.exit_code == 5
    bench.run(STEPS, rows, head=HEAD, workers=workers)
    assert len(server.writes()) == 1


def test_what_was_sent_stays_in_the_journal_when_another_row_looks_for_it(
    server: FaultServer, bench: Bench
) -> None:
    """The rows of a value differ in what they would send; the journal keeps what was sent."""
    server.on("POST", "/customers", actions.close())
    bench.run(STEPS, sheet([("A", "C"), ("B", "C")]), head=HEAD)
    sent = bench.calls()["C", "customer", ""]
    bench.run(STEPS, sheet([("B", "C"), ("A", "C")]), head=HEAD)
    now = bench.calls()["C", "customer", ""]
    assert (now.body, now.digest, now.attempts, now.sent_at) == (
        sent.body,
        sent.digest,
        sent.attempts,
        sent.sent_at,
    )
    assert '"notes":"A"' in now.body
    assert now.state == "unknown"


def test_a_row_whose_steps_are_gone_holds_nobody_up(server: FaultServer, bench: Bench) -> None:
    """It is refused before its first step, and the value it would have done passes on."""
    bench.run(STEPS.replace("id: order", "id: sale"), sheet([("A", "C")]), head=HEAD)
    ran = bench.run(STEPS, sheet([("A", "D"), ("B", "D"), ("E", "D")]), head=HEAD, workers=3)
    assert {key: row.bucket for key, row in ran.rows.items()} == {
        "A": "changed",
        "B": "done",
        "E": "done",
    }
    assert [write.json()["notes"] for write in server.deliveries("POST", "/customers")] == [
        "A",
        "B",
    ]


def test_a_skipped_owner_holds_nobody_up(server: FaultServer, bench: Bench) -> None:
    steps = STEPS.replace("    once_per", "    when: row.ref != 'A'\n    once_per")
    steps = steps.replace("customer.id", "customer.id if customer else 1")
    ran = bench.run(steps, sheet([("A", "C"), ("B", "C"), ("D", "C")]), head=HEAD, workers=3)
    assert [write.json()["notes"] for write in server.deliveries("POST", "/customers")] == ["B"]
    assert ran.buckets == {"done": 3}


CROSSED = """\
steps:
  - {id: seen, use: shop.get_customer, with: {customer_id: "{{ row.gate }}"}}
  - id: late
    use: shop.create_customer
    once_per: seen.group
    on_error: continue
    with: {name: "late {{ row.ref }}"}
  - id: early
    use: shop.create_order
    once_per: row.customer
    with: {reference: "early {{ row.ref }}"}
"""


def test_rows_do_not_wait_for_each_other(server: FaultServer, bench: Bench) -> None:
    """B is first at a value that only an answer tells, fails there, and then needs what A, which waits for it, owns."""
    hold = Hold()
    server.on(
        "GET", "/customers/1", actions.hang(hold, actions.answer(200, {"id": 1, "group": "G"}))
    )
    server.on("GET", "/customers/2", actions.answer(200, {"id": 2, "group": "G"}))

    def refuse_and_release(exchange: Exchange) -> bool:
        hold.released.set()
        return actions.answer(422)(exchange)

    server.on("POST", "/customers", refuse_and_release)
    rows = table("ref,customer,gate", ("A", "C", 1), ("B", "C", 2))
    ran = bench.run(CROSSED, rows, head=GATED_HEAD, workers=2)
    assert ran.buckets == {"rejected": 2}
    assert Counter(write.json().get("reference") for write in server.writes()) == {
        None: 2,
        "early A": 1,
    }


def test_a_renamed_once_step_needs_was(server: FaultServer, bench: Bench) -> None:
    rows = sheet([("A", "C"), ("B", "C")])
    bench.run(STEPS, rows, head=HEAD)
    renamed = STEPS.replace("id: customer", "id: client").replace("customer.id", "client.id")
    ran = bench.run(renamed, sheet([("D", "C"), ("E", "F")]), head=HEAD)
    assert [write.json()["name"] for write in server.deliveries("POST", "/customers")] == ["C", "F"]
    assert ran.rows["D"].bucket == "changed"
    assert "'was: customer'" in ran.rows["D"].reason
    told = renamed.replace("id: client\n", "id: client\n    was: customer\n")
    ran = bench.run(told, sheet([("A", "C"), ("B", "C"), ("D", "C")]), head=HEAD)
    assert ran.buckets == {"done": 3}
    assert [write.json()["name"] for write in server.deliveries("POST", "/customers")] == ["C", "F"]


def test_a_value_that_is_null_is_refused(server: FaultServer, bench: Bench) -> None:
    rows = sheet([("A", ""), ("B", "C")])
    ran = bench.run(STEPS, rows, head=HEAD, workers=2, aside=True)
    assert ran.buckets == {"rejected": 1, "done": 1}


def test_a_stop_wakes_those_who_wait(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/customers", actions.answer(401))
    ran = bench.run(STEPS, sheet([(f"R{n}", "C") for n in range(9)]), head=HEAD, workers=4)
    assert len(server.writes()) == 1
    assert ran.ended.exit_code == 7
    assert ran.buckets == {"not started": 9}
