"""A search of a row whose filter has no value: without it anybody's object would be found and taken for the row's."""

from __future__ import annotations

import pytest
from faults.bench import Bench, columns, table
from faults.server import FaultServer

HEAD = columns(customer="string")
SEARCH = 'use: shop.search_customers, with: {name: "{{ row.customer }}"}'
ORDER = """\
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
"""
ADOPTED = f"""\
steps:
  - id: customer
    use: shop.create_customer
    with: {{name: "{{{{ row.ref }}}}"}}
    unless_found: {{{SEARCH}}}
{ORDER}"""
READ = f"""\
steps:
  - {{id: customer, {SEARCH}, expect: one}}
{ORDER}"""


@pytest.mark.parametrize("steps", [ADOPTED, READ, READ.replace("expect: one", "expect: first")])
def test_nothing_is_taken_for_an_object_of_the_row(
    server: FaultServer, bench: Bench, steps: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "somebody"}]
    sheet = table("ref,customer", ("A", ""))
    for way in (bench.plan, bench.run):
        row = way(steps, sheet, head=HEAD).row
        assert row.bucket == "rejected"
        assert "name has no value, and without it the search finds" in row.reason
    assert server.deliveries() == []


def test_a_list_for_its_own_sake_may_be_read_without_a_filter(bench: Bench) -> None:
    steps = f"steps:\n  - {{id: customers, {SEARCH}}}\n"
    assert bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).buckets == {"done": 1}


@pytest.mark.parametrize("customer", ["{{ row.customer | default('') }}", "{{ ' ' }}"])
def test_a_blank_filter_is_none(server: FaultServer, bench: Bench, customer: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": ""}]
    steps = ADOPTED.replace("{{ row.customer }}", customer)
    row = bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).row
    assert (row.bucket, server.deliveries()) == ("rejected", [])
    assert "name has no value" in row.reason


WHERE = (
    "use: shop.search_customers, where: \"item.name | default('') == row.customer | default('')\""
)


@pytest.mark.parametrize("steps", [ADOPTED, READ])
def test_a_where_that_compares_with_nothing(server: FaultServer, bench: Bench, steps: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": None}]
    sheet = table("ref,customer", ("A", ""))
    for way in (bench.plan, bench.run):
        row = way(steps.replace(SEARCH, WHERE), sheet, head=HEAD).row
        assert row.bucket == "rejected"
        assert "compares with has no value" in row.reason
    assert server.deliveries() == []
