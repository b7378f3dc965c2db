"""A search that settles an unknown call adopts nothing that contradicts what was sent: it is compared as by hand."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import FaultServer

HEAD = columns(customer="string")
ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", notes: "{{ row.customer }}"}
    unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}, where: item.id > 0}
  - {id: payment, use: shop.create_payment, with: {order_id: "{{ order.id }}", amount: 9, reference: "{{ row.ref }}"}}
"""
PAYMENT = """\
steps:
  - id: payment
    use: shop.create_payment
    with: {order_id: 7, amount: 20, reference: "{{ row.ref }}"}
    unless_found: {use: shop.list_payments, with: {order_id: 7}, where: "item.reference == row.ref"}
"""
SHEET = table("ref,customer", ("A", "C"))


@pytest.mark.parametrize("field", ["reference", "notes"])
def test_an_object_with_another_field_is_not_adopted(
    server: FaultServer, bench: Bench, field: str
) -> None:
    server.on("POST", "/orders", actions.close())
    server.on("GET", "/orders", actions.answer(200, {"orders": [], "total_results": 0}), nth=1)
    other = {"id": 101, "reference": "A", "notes": "C"} | {field: "whatever"}
    server.on("GET", "/orders", actions.answer(200, {"orders": [other], "total_results": 1}))
    assert bench.run(ORDER, SHEET, head=HEAD).row.bucket == "unknown"
    ran = bench.run(ORDER, SHEET, head=HEAD)
    assert ran.row.bucket == "unknown"
    assert f'{field} is "whatever", sent was' in ran.row.reason
    assert len(server.writes()) == 1


def test_a_payment_of_another_amount_is_not_adopted(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/7/payments", actions.close())
    assert bench.run(PAYMENT, SHEET, head=HEAD).row.bucket == "unknown"
    server.shop.create("/orders/7/payments", {"amount": 35, "reference": "A"})
    ran = bench.run(PAYMENT, SHEET, head=HEAD)
    assert ran.row.bucket == "unknown"
    assert "amount is 35, sent was 20" in ran.row.reason
