"""Reads: what they are expected to find, what is found instead of created, when they are tried again."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench
from faults.server import FaultServer

ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""
SEARCH = """\
steps:
  - id: customer
    use: shop.search_customers
    with: {{name: "{{{{ row.ref }}}}"}}
    expect: {expect}
  - id: order
    use: shop.create_order
    with: {{reference: "{{{{ row.ref }}}}", customer_id: "{{{{ {customer} }}}}"}}
"""


@pytest.mark.parametrize(
    ("expect", "customer", "count", "sent", "reason"),
    [
        ("one", "customer.id", 1, 1001, ""),
        ("one", "customer.id", 0, None, "customer: expected exactly one, found none"),
        (
            "one",
            "customer.id",
            2,
            None,
            "customer: expected exactly one, found 2: id 1001 name A; id 1002 name A",
        ),
        ("first", "customer.id", 2, 1001, ""),
        ("first", "customer.id", 0, None, "customer: expected at least one, found none"),
        ("any", "(customer | first).id", 2, 1001, ""),
        ("none", "none", 0, 0, ""),
        ("none", "none", 1, None, "customer: expected none, found 1: id 1001 name A"),
        ('"result[0].name == row.ref"', "customer[0].id", 2, 1001, ""),
        (
            "\"result[0].name == 'B'\"",
            "customer[0].id",
            2,
            None,
            "customer: expected result[0].name == 'B'; compared: \"A\"",
        ),
        (
            "result[0].id and result | length + 0.50 <= row.ref | length",
            "customer[0].id",
            2,
            None,
            "customer: expected result[0].id and result | length + 0.50 <= row.ref | length; compared: 2.50, 1",
        ),
        (
            "result[0].id is none or not result",
            "customer[0].id",
            2,
            None,
            "customer: expected result[0].id is none or not result",
        ),
    ],
)
def test_what_a_read_is_expected_to_find(
    server: FaultServer,
    bench: Bench,
    expect: str,
    customer: str,
    count: int,
    sent: int | None,
    reason: str,
) -> None:
    for _ in range(count):
        server.shop.create("/customers", {"name": "A"})
    ran = bench.run(SEARCH.format(expect=expect, customer=customer))
    assert [write.json().get("customer_id", 0) for write in server.writes()] == (
        [] if sent is None else [sent]
    )
    assert ran.row.reason == reason
    assert ran.row.bucket == ("done" if sent is not None else "rejected")


def test_what_a_write_is_expected_to_answer(server: FaultServer, bench: Bench) -> None:
    """The write has been carried out: when its answer is not as it should be, nobody knows what it did."""
    ran = bench.run(ORDER + "    expect: result.total == 5\n")
    assert (ran.row.bucket, ran.ended.exit_code) == ("unknown", 5)
    assert "201, but order.total" in ran.row.reason or "201, but " in ran.row.reason
    bench.run(ORDER + "    expect: result.total == 5\n")
    assert len(server.writes()) == 1


GUARDED = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
    unless_found:
      use: shop.search_orders
      with: {reference: "{{ row.ref }}"}
      where: item.reference == row.ref
outputs: {order: "{{ order.id }}"}
"""


@pytest.mark.parametrize(
    ("count", "writes", "bucket", "order"),
    [(0, 1, "done", 1001), (1, 0, "found", 1001), (2, 0, "rejected", None)],
)
def test_what_is_found_is_not_created(
    server: FaultServer, bench: Bench, count: int, writes: int, bucket: str, order: int | None
) -> None:
    for _ in range(count):
        server.shop.create("/orders", {"reference": "A"})
    ran = bench.run(GUARDED)
    assert len(server.writes()) == writes
    assert ran.row.bucket == bucket
    assert ran.row.outputs["order"] == order
    if count == 2:
        assert "finds more than one; none was chosen" in ran.row.reason
    bench.run(GUARDED)
    assert len(server.writes()) == writes


@pytest.mark.parametrize("name", [0, -1, "", None])
def test_what_is_found_without_an_id_is_not_adopted(
    server: FaultServer, bench: Bench, name: object
) -> None:
    found = {"orders": [{"id": name, "reference": "A"}]}
    server.on("GET", "/orders", actions.answer(200, found))
    ran = bench.run(GUARDED)
    assert (ran.row.bucket, server.writes()) == ("rejected", [])
    assert "shop.search_orders finds an object without an id" in ran.row.reason


def test_a_search_counts_only_what_where_keeps(server: FaultServer, bench: Bench) -> None:
    for reference in ("A", "A2", "BA"):
        server.shop.create("/orders", {"reference": reference})
    server.on("GET", "/orders", actions.answer(200, {"orders": server.shop.find("/orders", {})}))
    assert bench.run(GUARDED).buckets == {"found": 1}
    assert bench.run(GUARDED, "ref\nB\n").buckets == {"done": 1}


def test_a_write_waits_for_its_search(server: FaultServer, bench: Bench) -> None:
    """A search that gives nothing at all is no search that finds nothing."""
    server.on("GET", "/orders", actions.answer(500))
    ran = bench.run(GUARDED)
    assert server.writes() == []
    assert (ran.row.bucket, ran.ended.exit_code) == ("not started", 8)


def test_a_search_goes_over_all_pages(server: FaultServer, bench: Bench) -> None:
    steps = GUARDED.replace(
        "shop.search_orders\n      with: {reference", "shop.search_customers\n      with: {name"
    )
    for nth, (name, total) in enumerate([("B", 2), ("A", 2)], start=1):
        page = {"customers": [{"id": nth, "reference": name}], "total_results": total}
        server.on("GET", "/customers", actions.answer(200, page), nth=nth)
    ran = bench.run(steps)
    assert ran.row.bucket == "found"
    assert [get.query["page"] for get in server.deliveries("GET")[1:]] == ["2"]


@pytest.mark.parametrize(
    ("failures", "retry", "tries", "bucket"),
    [(2, 3, 3, "done"), (2, 2, 2, "not started"), (1, 1, 1, "not started")],
)
def test_reads_are_tried_as_often_as_retry_says(
    server: FaultServer, bench: Bench, failures: int, retry: int, tries: int, bucket: str
) -> None:
    for nth in range(1, failures + 1):
        server.on("GET", "/customers", actions.answer(500), nth=nth)
    server.shop.create("/customers", {"name": "A"})
    steps = SEARCH.format(expect=f"one\n    retry: {retry}", customer="customer.id")
    ran = bench.run(steps)
    assert len(server.deliveries("GET")) == tries
    assert ran.row.bucket == bucket
    assert ran.ended.exit_code == (0 if bucket == "done" else 8)


def test_a_read_whose_answer_was_cut_short_is_tried_again(
    server: FaultServer, bench: Bench
) -> None:
    server.on("GET", "/customers", actions.truncated(200), nth=1)
    server.shop.create("/customers", {"name": "A"})
    ran = bench.run(SEARCH.format(expect="one", customer="customer.id"))
    assert ran.row.bucket == "done"


def test_a_read_whose_whole_answer_is_unusable_is_not(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/customers", actions.html())
    ran = bench.run(SEARCH.format(expect="one", customer="customer.id"))
    assert len(server.deliveries()) == 1
    assert ran.ended.exit_code == 8


def test_a_lookup_turns_names_into_ids(server: FaultServer, bench: Bench) -> None:
    names = ["Net 30", "Prepaid", "Twice", "Twice"]
    terms = [{"id": number, "name": name} for number, name in enumerate(names, start=3)]
    server.on("GET", "/terms", actions.answer(200, terms))
    steps = """\
lookups: {terms: {use: shop.list_terms, by: name}}
steps:
  - {id: c, use: shop.create_customer, with: {name: "{{ row.ref }}", terms: "{{ terms[row.ref].id }}"}}
"""
    ran = bench.run(steps, "ref\nPrepaid\nTwice\nNever\nNet 30\n", workers=3, aside=True)
    assert sorted(write.json()["terms"] for write in server.writes()) == [3, 4]
    assert len(server.deliveries("GET")) == 1
    assert ran.buckets == {"done": 2, "rejected": 2}
    assert "2 entries of terms are called 'Twice'" in ran.rows["Twice"].reason
