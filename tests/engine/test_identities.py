"""Identities made of the answer of an earlier step: planned as not known yet, and settled by the run."""

from __future__ import annotations

from faults.bench import Bench, columns, table
from faults.server import FaultServer

ITEMS = """\
steps:
  - id: customers
    use: shop.search_customers
  - id: notes
    for_each: customers
    item_key: item.id
    use: shop.update_customer
    with: {customer_id: "{{ item.id }}", notes: "{{ row.ref }}"}
"""
ONCE = """\
steps:
  - id: seen
    use: shop.get_customer
    with: {customer_id: "{{ row.customer }}"}
  - id: order
    use: shop.create_order
    once_per: seen.name
    with: {reference: "{{ seen.name }}"}
outputs: {order: "{{ order.id }}"}
"""
HEAD = columns(customer="integer")


def seed(server: FaultServer, *names: str) -> list[int]:
    ids = [501 + at for at in range(len(names))]
    made = [{"id": id_, "name": name} for id_, name in zip(ids, names, strict=True)]
    server.shop.objects.setdefault("/customers", []).extend(made)
    return ids


def test_items_of_a_result_are_planned_and_told_apart_by_the_run(
    server: FaultServer, bench: Bench
) -> None:
    seed(server, "Ada", "Bob")
    plan = bench.plan(ITEMS)
    assert plan.buckets == {"not started": 1}
    assert [(call.step, call.state) for call in plan.row.planned] == [
        ("customers", "to read"),
        ("notes", "to send"),
    ]
    assert bench.run(ITEMS).buckets == {"done": 1}
    assert {item for _, step, item in bench.calls() if step == "notes"} == {"501", "502"}
    before = len(server.deliveries())
    assert bench.run(ITEMS).buckets == {"done": 1}
    assert len(server.deliveries()) == before


def test_a_plan_of_items_that_may_be_sent_already_says_what_decides(
    server: FaultServer, bench: Bench
) -> None:
    seed(server, "Ada")
    bench.run(ITEMS)
    (call,) = [call for call in bench.plan(ITEMS).row.planned if call.step == "notes"]
    assert (call.state, call.reason) == ("undecided", "item.id was not sent before")


def test_a_value_that_only_the_run_knows_is_shared_by_the_run(
    server: FaultServer, bench: Bench
) -> None:
    ids = seed(server, "Ada", "Ada", "Bob")
    sheet = table("ref,customer", *((f"R{id_}", id_) for id_ in ids))
    plan = bench.plan(ONCE, sheet, head=HEAD)
    assert plan.buckets == {"not started": 3}
    states = [(call.state, call.reason) for row in plan.rows.values() for call in row.planned[1:]]
    assert states == [("undecided", "seen.name is new")] * 3
    ran = bench.run(ONCE, sheet, head=HEAD)
    assert ran.buckets == {"done": 3}
    sent = [write.json()["reference"] for write in server.deliveries("POST", "/orders")]
    assert sent == ["Ada", "Bob"]
    assert ran.rows["R501"].outputs == ran.rows["R502"].outputs


SHARED = """\
steps:
  - id: customer
    use: shop.get_customer
    once_per: row.customer
    with: {customer_id: "{{ row.customer }}"}
    expect: result.notes == 'open'
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""


def test_a_read_that_rows_share_is_read_by_each_run_whichever_row_is_first(
    server: FaultServer, bench: Bench
) -> None:
    (customer,) = seed(server, "Ada")
    server.shop.objects["/customers"][-1]["notes"] = "open"
    assert bench.run(SHARED, table("ref,customer", ("A", customer)), head=HEAD).buckets == {
        "done": 1
    }
    server.shop.objects["/customers"][-1]["notes"] = "closed"
    for order in (("A", "B"), ("B", "A")):
        sheet = table("ref,customer", *((ref, customer) for ref in order))
        assert bench.run(SHARED, sheet, head=HEAD).buckets == {"rejected": 2}
