"""`where` and `expect` of reads and lookups: what is meant of a list, after all its pages."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench
from faults.server import FaultServer

from runner.engine.events import Noticed

CUSTOMERS = "/customers"


def steps(expect: str, where: str = "item.name == row.ref") -> str:
    return f"""\
steps:
  - id: found
    use: shop.search_customers
    where: {where}
    expect: {expect}
  - id: order
    use: shop.create_order
    with: {{reference: "{{{{ row.ref }}}}"}}
outputs: {{found: "{{{{ found }}}}"}}
"""


def seed(server: FaultServer, *names: str) -> None:
    for at, name in enumerate(names, start=1):
        server.shop.seed(CUSTOMERS, {"id": at, "name": name})


def test_a_list_is_what_is_left_of_it(server: FaultServer, bench: Bench) -> None:
    seed(server, "A", "B", "A")
    found = bench.run(steps("any")).row.outputs["found"]
    assert [each["id"] for each in found] == [1, 3]


def test_pages_are_read_before_it_is_judged(server: FaultServer, bench: Bench) -> None:
    pages = (["B", "C"], ["D", "A"], ["E"])
    for nth, names in enumerate(pages, start=1):
        listed = [{"id": 10 * nth + at, "name": name} for at, name in enumerate(names)]
        answer = actions.answer(200, {"customers": listed, "total_results": 5})
        server.on("GET", CUSTOMERS, answer, nth=nth)
    ran = bench.run(steps("one"))
    assert ran.row.outputs["found"] == {"id": 21, "name": "A"}
    assert len(server.deliveries("GET")) == 3


@pytest.mark.parametrize(
    ("expect", "names", "reason"),
    [
        ("one", "BC", "expected exactly one, found none where item.name == row.ref"),
        (
            "one",
            "AA",
            "expected exactly one, found 2 where item.name == row.ref: id 1 name A; id 2 name A",
        ),
        ("first", "B", "expected at least one, found none where item.name == row.ref"),
        ("none", "A", "expected none, found 1 where item.name == row.ref: id 1 name A"),
        (
            "none",
            "AAAAA",
            "expected none, found 5 or more where item.name == row.ref: id 1 name A; id 2 name A; id 3 name A",
        ),
    ],
)
def test_a_row_is_rejected_with_the_count_and_candidates(
    server: FaultServer, bench: Bench, expect: str, names: str, reason: str
) -> None:
    seed(server, *names)
    ran = bench.run(steps(expect))
    assert (ran.row.bucket, ran.row.reason) == ("rejected", f"found: {reason}")
    assert server.writes() == []


def test_one_that_cannot_be_computed_rejects_its_row(server: FaultServer, bench: Bench) -> None:
    seed(server, "A")
    ran = bench.run(steps("any", "item.name | int > 1"))
    assert ran.row.bucket == "rejected"
    assert ran.row.reason.startswith("found: where: item.name | int > 1: ")


@pytest.mark.parametrize("expect", ["one", "none"])
def test_a_list_that_never_holds_still_does_not_show_that_there_is_no_other(
    server: FaultServer, bench: Bench, expect: str
) -> None:
    names = (["A"], 3), (["D"], 2), (["A"], 3), (["E"], 2)
    for nth, (listed, total) in enumerate(names, start=1):
        found = [{"id": 10 * nth + at, "name": name} for at, name in enumerate(listed)]
        answer = actions.answer(200, {"customers": found, "total_results": total})
        server.on("GET", CUSTOMERS, answer, nth=nth)
    ran = bench.run(steps(expect, "item.name == 'A'" if expect == "one" else "item.name == 'X'"))
    assert (ran.row.bucket, server.writes()) == ("not started", [])
    assert ran.row.reason == (
        "found: shop.search_customers: the list of shop.search_customers became shorter while it was read, "
        "3 and then 2; what it does not show may be there"
    )


LOOKUP = """\
lookups:
  net: {use: shop.list_terms, where: "item.days == 30", expect: one}
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}", terms: "{{ net.id }}"}
"""


@pytest.fixture
def terms(server: FaultServer) -> FaultServer:
    for at, days in ((1, 30), (2, 60), (3, 90)):
        server.shop.create("/terms", {"id": at, "name": f"Net {days}", "days": days})
    return server


def test_a_lookup_of_one_is_that_entry(terms: FaultServer, bench: Bench) -> None:
    ran = bench.run(LOOKUP, "ref\nA\nB\n")
    assert ran.buckets == {"done": 2}
    assert {write.json()["terms"] for write in terms.writes()} == {1}
    assert len(terms.deliveries("GET")) == 1


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ("31", "found none where item.days == 31"),
        (
            "30 or item.days == 60",
            "found 2 where item.days == 30 or item.days == 60: id 1 days 30 name Net 30; id 2 days 60 name Net 60",
        ),
    ],
)
def test_a_lookup_of_one_that_is_not_there_sends_nothing(
    terms: FaultServer, bench: Bench, days: str, reason: str
) -> None:
    ran = bench.run(LOOKUP.replace("days == 30", f"days == {days}"))
    assert (ran.ended.exit_code, terms.writes()) == (3, [])
    assert ran.ended.stopped == f"lookup net: expected exactly one, {reason}"


def test_names_are_found_among_those_that_are_left(terms: FaultServer, bench: Bench) -> None:
    steps = LOOKUP.replace(
        'where: "item.days == 30", expect: one', 'where: "item.days > 30", by: name'
    )
    ran = bench.run(steps.replace("net.id", "net['Net 60'].id"))
    assert terms.writes()[0].json()["terms"] == 2
    ran = bench.run(steps.replace("net.id", "net['Net 30'].id"), "ref\nB\n")
    assert (ran.ended.exit_code, ran.ended.stopped) == (3, "net['Net 30']: there is no 'Net 30'")


def test_the_whole_list_is_kept_for_another_condition(terms: FaultServer, bench: Bench) -> None:
    kept = LOOKUP.replace("expect: one", "expect: one, keep: 1h")
    bench.run(kept)
    ran = bench.run(kept.replace("== 30", "== 60"), "ref\nB\n")
    assert [write.json()["terms"] for write in terms.writes()] == [1, 2]
    assert len(terms.deliveries("GET")) == 1
    assert any("kept from" in event.text for event in ran.events if isinstance(event, Noticed))
