"""A payment that a search finds is the row's own only with the row's amount, and where no other row has made it."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, Ran, columns
from faults.server import FaultServer

PAYMENTS = "/orders/7/payments"
PAY = """\
steps:
  - id: payment
    use: shop.create_payment
    with: {order_id: 7, amount: "{{ row.amount }}", reference: INV}
    unless_found:
      use: shop.list_payments
      with: {order_id: 7}
      where: item.reference == 'INV'
outputs: {payment: "{{ payment.id }}"}
"""
ALLOWED = PAY.replace("    unless_found", "    amount: {found: allow}\n    unless_found")


HEAD_OF_TWO = columns(amount="decimal")


def run(bench: Bench, steps: str, rows: str, *, workers: int = 1) -> Ran:
    return bench.run(steps, f"ref,amount\n{rows}", head=HEAD_OF_TWO, workers=workers)


def there(server: FaultServer, amount: object) -> int:
    found: int = server.shop.create(PAYMENTS, {"amount": amount, "reference": "INV"})["id"]
    return found


def test_another_amount_is_another_payment(server: FaultServer, bench: Bench) -> None:
    number = there(server, 30)
    ran = run(bench, PAY, "A,100\n")
    assert (ran.row.bucket, server.writes()) == ("rejected", [])
    wanted = f"unless_found: {number} has amount 30, and this payment is one of 100"
    assert wanted in ran.row.reason
    assert "amount: {found: allow}" in ran.row.reason
    ran = run(bench, PAY, "A,30.00\n")
    assert (ran.row.bucket, server.writes()) == ("found", [])


@pytest.mark.parametrize("amount", [100, 100.0, "100.00"])
def test_the_same_amount_however_it_is_written(
    server: FaultServer, bench: Bench, amount: object
) -> None:
    there(server, amount)
    assert run(bench, PAY, "A,100\n").row.bucket == "found"


def test_an_amount_that_is_not_listed_tells_nothing(server: FaultServer, bench: Bench) -> None:
    server.shop.create(PAYMENTS, {"reference": "INV"})
    assert run(bench, PAY, "A,100\n").row.bucket == "found"


def test_the_step_allows_it(server: FaultServer, bench: Bench) -> None:
    there(server, 30)
    assert run(bench, ALLOWED, "A,100\n").row.bucket == "found"


@pytest.mark.parametrize("workers", [1, 4])
def test_what_another_row_of_the_run_has_paid(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    ran = run(bench, PAY, "A,30\nB,30\n", workers=workers)
    assert {row.bucket for row in ran.rows.values()} == {"done", "rejected"}
    assert len(server.writes()) == 1
    (reason,) = (row.reason for row in ran.rows.values() if row.bucket == "rejected")
    assert "has created (payment of " in reason
    assert "run 1)" in reason


def test_what_another_row_of_an_earlier_run_has_paid(server: FaultServer, bench: Bench) -> None:
    assert run(bench, PAY, "A,30\n").row.bucket == "done"
    ran = run(bench, PAY, "B,30\n")
    assert (ran.row.bucket, len(server.writes())) == ("rejected", 1)
    assert run(bench, ALLOWED, "B,30\n").row.bucket == "found"
    assert run(bench, PAY, "A,30\n").row.bucket == "done"


def test_its_own_payment_is_that_of_the_row(server: FaultServer, bench: Bench) -> None:
    """Its answer was lost, and a search shows it."""
    server.on("POST", PAYMENTS, actions.committed(actions.close()), nth=1)
    assert run(bench, PAY, "A,30\n").row.bucket == "unknown"
    assert run(bench, PAY, "A,30\n").row.bucket == "done"
    assert len(server.writes()) == 1


def test_what_another_recipe_has_paid_is_found(server: FaultServer, bench: Bench) -> None:
    run(bench, PAY, "A,30\n")
    ran = bench.run(
        PAY,
        "ref,amount\nB,30\n",
        head=HEAD_OF_TWO.replace("shop-import", "other"),
        new_identity=True,
    )
    assert (ran.row.bucket, len(server.writes())) == ("found", 1)
