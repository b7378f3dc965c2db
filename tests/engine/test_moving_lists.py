"""Lists that do not hold still while their pages are read, that repeat themselves, or that lie about their size."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from faults import actions
from faults.bench import CATALOGUE, Bench
from faults.server import FaultServer

from runner.catalogue import Page
from runner.engine.events import Noticed
from runner.engine.sending.pages import PageWatch

CUSTOMERS = "/customers"
STEPS = """\
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}"}
    unless_found:
      use: shop.search_customers
      where: item.name == row.ref
"""
READ = """\
steps:
  - {id: all, use: shop.search_customers, expect: any}
"""


def answers(server: FaultServer, *pages: tuple[Sequence[str], int]) -> None:
    """The pages that are given one after the other: names, and the total that each claims."""
    for nth, (names, total) in enumerate(pages, start=1):
        found = [{"id": 10 * nth + at, "name": name} for at, name in enumerate(names)]
        server.on(
            "GET",
            CUSTOMERS,
            actions.answer(200, {"customers": found, "total_results": total}),
            nth=nth,
        )


def test_a_list_that_became_shorter_is_read_again(server: FaultServer, bench: Bench) -> None:
    """What moved from the second page to the first while the second was asked for was on neither."""
    answers(server, (["B"], 3), (["D"], 2), (["A"], 2), (["D"], 2))
    ran = bench.run(STEPS)
    assert ran.row.bucket == "found"
    assert server.writes() == []
    (notice,) = [event for event in ran.events if isinstance(event, Noticed)]
    assert (
        notice.text
        == "the list of shop.search_customers became shorter while it was read, 3 and then 2"
    )


def test_a_list_that_never_holds_still_proves_nothing(server: FaultServer, bench: Bench) -> None:
    answers(server, (["B"], 3), (["D"], 2), (["B"], 3), (["E"], 2))
    ran = bench.run(STEPS)
    assert (ran.row.bucket, ran.ended.exit_code) == ("not started", 8)
    assert "became shorter" in ran.row.reason
    assert ran.row.reason.endswith("what it does not show may be there")
    assert server.writes() == []


LOOKUP = """\
lookups:
  all: {use: shop.search_customers}
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}"}
    unless_found: {in: all, where: item.name == row.ref}
"""


def test_a_list_that_is_read_once_is_read_again_too(server: FaultServer, bench: Bench) -> None:
    answers(server, (["B"], 3), (["D"], 2), (["A"], 2), (["D"], 2))
    assert bench.run(LOOKUP).row.bucket == "found"
    assert server.writes() == []


def test_a_list_that_is_read_once_has_to_be_complete(server: FaultServer, bench: Bench) -> None:
    answers(server, (["B"], 3), (["D"], 2), (["B"], 3), (["E"], 2))
    ran = bench.run(LOOKUP)
    assert (ran.rows, ran.ended.exit_code) == ({}, 8)
    assert "became shorter" in ran.stop.reason
    assert server.writes() == []


def test_a_total_that_lies_proves_nothing(server: FaultServer, bench: Bench) -> None:
    answers(server, (["B"], 3), ([], 3), (["B"], 3), ([], 3))
    ran = bench.run(STEPS)
    assert ran.row.bucket == "not started"
    assert "says that it has 3, and gave 1" in ran.row.reason
    assert server.writes() == []


def test_more_than_the_total_is_told_and_no_doubt() -> None:
    watch = PageWatch(CATALOGUE["shop"].operations["search_customers"])
    assert watch.see(Page([{"id": 1}, {"id": 2}], total=1))
    watch.end(2)
    assert watch.notices == ["the list of shop.search_customers says that it has 1, and gave 2"]
    assert watch.doubt == ""


@pytest.mark.parametrize("total", ["-1", "null"])
def test_a_full_page_without_a_total_that_can_be_is_not_the_end(
    server: FaultServer, bench: Bench, total: str
) -> None:
    """What is looked for is on the second page; taken for missing, it would be created once more."""
    size = CATALOGUE["shop"].operations["search_customers"].pagination
    assert size is not None
    full = [{"id": number, "name": f"other {number}"} for number in range(size.size)]
    for nth, found in enumerate([full, [{"id": 99, "name": "A"}]], start=1):
        content = {"customers": found, "total_results": json.loads(total), "links": {"next": None}}
        server.on("GET", CUSTOMERS, actions.answer(200, content), nth=nth)
    assert bench.run(STEPS).row.bucket == "found"
    assert server.writes() == []


@pytest.mark.parametrize("total", [1, -1])
def test_a_list_that_became_longer_has_all_that_was_there(
    server: FaultServer, bench: Bench, total: int
) -> None:
    """Other rows create what this one lists; a total below zero counts nothing."""
    answers(server, (["B"], total), (["D"], 2))
    assert bench.run(STEPS).row.bucket == "done"
    assert len(server.writes()) == 1


def test_a_page_that_comes_again_is_no_page(server: FaultServer, bench: Bench) -> None:
    page = {"customers": [{"id": 1, "name": "B"}], "links": {"next": "more"}}
    other = {"customers": [{"id": 2, "name": "C"}], "links": {"next": "more"}}
    for nth, content in enumerate([page, other, page], start=1):
        server.on("GET", CUSTOMERS, actions.answer(200, content), nth=nth)
    ran = bench.run(READ)
    assert ran.row.bucket == "rejected"
    assert ran.row.reason == (
        "all: shop.search_customers: page 3 of shop.search_customers has come before: there is no end to it"
    )
    assert len(server.deliveries("GET")) == 3


def test_pages_have_an_end(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.engine.sending.sender.Sender.pages.__kwdefaults__", {"most": 2})
    for nth in (1, 2, 3):
        page = {"customers": [{"id": nth, "name": "B"}], "links": {"next": "more"}}
        server.on("GET", CUSTOMERS, actions.answer(200, page), nth=nth)
    assert "gave more than 2 pages" in bench.run(READ).row.reason


def test_a_page_that_the_step_asks_for_is_not_the_whole_list(
    server: FaultServer, bench: Bench
) -> None:
    server.on("GET", CUSTOMERS, actions.answer(200, {"customers": [], "total_results": 30}))
    ran = bench.run(READ.replace("expect: any", "expect: any, with: {page: 4}"))
    assert ran.row.bucket == "done"
    assert not [event for event in ran.events if isinstance(event, Noticed)]
