"""Lists that a step makes from others: one call with all the lines of an order."""

from __future__ import annotations

from faults.bench import Bench, grouped
from faults.server import FaultServer

HEAD = grouped("ref", {"sku": "string", "qty": "integer"})
STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with:
      reference: "{{ row.ref }}"
      lines:
        for_each: row.lines
        value: {sku: "{{ item.sku }}", qty: "{{ item.qty }}", of: "{{ row.ref }}"}
"""
SHEET = "ref,sku,qty\nA,00618,2\nA,M-1,3\nB,M-2,1\n"


def test_a_list_has_an_element_for_each_item(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    first, second = server.writes()
    assert first.json()["lines"] == [
        {"sku": "00618", "qty": 2, "of": "A"},
        {"sku": "M-1", "qty": 3, "of": "A"},
    ]
    assert [line["sku"] for line in second.json()["lines"]] == ["M-2"]


def test_of_a_list_that_only_the_run_knows_the_plan_shows_one_element(bench: Bench) -> None:
    steps = """\
steps:
  - {id: all, use: shop.search_customers, expect: any}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", lines: {for_each: all, value: {customer: "{{ item.id }}"}}}
"""
    (call,) = [call for call in bench.plan(steps).row.planned if call.step == "order"]
    assert call.request is not None
    assert str(call.request.body["lines"][0]["customer"]) == "(known after run: each of all.id)"


def test_what_turns_out_to_be_no_list(server: FaultServer, bench: Bench) -> None:
    server.shop.create("/customers", {"name": "A"})
    steps = """\
steps:
  - {id: one, use: shop.search_customers, expect: first}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", lines: {for_each: one.name, value: {customer: "{{ item }}"}}}
"""
    assert bench.run(steps).row.reason == "order: one.name: for_each needs a list, not a text"
    assert server.writes() == []
