"""An API that ignores a filter shows everything: what contradicts the text that was searched for is not the row's."""

from __future__ import annotations

import json

import pytest
from faults import actions
from faults.bench import Bench, table
from faults.server import FaultServer

SEARCH = 'use: shop.search_orders, with: {reference: "{{ row.ref }}"}'
PAY = """\
  - {id: pay, use: shop.create_payment, with: {order_id: "{{ order.id }}", amount: 9, reference: "{{ row.ref }}"}}
"""
ADOPTED = f"""\
steps:
  - id: order
    use: shop.create_order
    with: {{reference: "{{{{ row.ref }}}}"}}
    unless_found: {{{SEARCH}}}
{PAY}"""
READ = f"steps:\n  - {{id: order, {SEARCH}, expect: one}}\n{PAY}"


def shows(server: FaultServer, reference: object) -> None:
    found = {"orders": [{"id": 101, "reference": reference}], "total_results": 1}
    server.on("GET", "/orders", actions.answer(200, json.loads(json.dumps(found))))


@pytest.mark.parametrize("steps", [ADOPTED, READ])
def test_what_contradicts_the_search_is_not_adopted(
    server: FaultServer, bench: Bench, steps: str
) -> None:
    shows(server, "A")
    row = bench.run(steps, table("ref", "B")).row
    assert (row.bucket, server.writes()) == ("rejected", [])
    assert 'the search for reference "B" has found an object with reference "A"' in row.reason


@pytest.mark.parametrize(
    ("reference", "key"),
    [("PO-1", "po 1"), ("dana@x.example", "DANA@x.example"), ("Acme Inc.", "ACME"), ("(555) 123-4567", "5551234567"),
     ("Café Ondine", "Cafe Ondine"), ("Cafe\u0301 Ondine", "CAFE ONDINE"), ("Smith, Bob", "Bob Smith"),
     ("Smith", "S*th"), ("Smith", "Smi%h"), (7, "B"), (None, "B"), ("2026-01-02T00:00:00Z", "2026-01-02")],
)  # fmt: skip
def test_what_is_written_in_another_way_is(
    server: FaultServer, bench: Bench, reference: object, key: str
) -> None:
    shows(server, reference)
    assert bench.run(READ, table("ref", key)).row.bucket == "done"


@pytest.mark.parametrize(
    ("reference", "key"), [("Cafe Onda", "Café Ondine"), ("Smith, Rob", "Bob Smith")]
)
def test_what_has_other_words_is_not(
    server: FaultServer, bench: Bench, reference: str, key: str
) -> None:
    shows(server, reference)
    assert bench.run(READ, table("ref", key)).row.bucket == "rejected"


def test_where_says_that_it_is_meant(server: FaultServer, bench: Bench) -> None:
    shows(server, "A")
    steps = READ.replace("expect: one", "expect: one, where: row.ref == 'B' and item.id == 101")
    assert bench.run(steps, table("ref", "B")).row.bucket == "done"
