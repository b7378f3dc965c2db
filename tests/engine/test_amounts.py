"""Money that has no sense is not moved: nothing, less than nothing, and fractions that no currency has."""

from __future__ import annotations

import pytest
from faults.bench import Bench, columns, table
from faults.server import FaultServer

HEAD = columns(amount="decimal")
AMOUNT = '    with: {order_id: 1, amount: "{{ row.amount }}", reference: "{{ row.ref }}"}\n'
PAY = f"""\
steps:
  - id: order
    use: shop.create_order
    with: {{reference: "{{{{ row.ref }}}}"}}
  - id: payment
    use: shop.create_payment
{AMOUNT}"""
REFUSED = {
    "617.275": "617.275 has 3 decimals, and an amount has 2",
    "33.3333333333333": "33.3333333333333 has 13 decimals, and an amount has 2",
    "0.001": "0.001 has 3 decimals, and an amount has 2",
    "0": "0 moves no money",
    "0.00": "0 moves no money",
    "-0.00": "0 moves no money",
    "-50.00": "-50.00 is negative",
    "-0.001": "-0.001 is negative",
    "": "amount has no value",
}


@pytest.mark.parametrize("amount", REFUSED)
def test_it_is_refused_in_plan_and_run(server: FaultServer, bench: Bench, amount: str) -> None:
    """No call of the row is sent, whichever step comes before."""
    sheet = table("ref,amount", ("A", amount))
    planned = bench.plan(PAY, sheet, head=HEAD).row
    assert planned.bucket == "rejected"
    said = f"amount: {REFUSED[amount]};" if amount else f"{REFUSED[amount]}: "
    assert planned.reason.startswith(f"payment: {said}")
    bench.run(PAY, sheet, head=HEAD)
    assert server.deliveries() == []


@pytest.mark.parametrize("amount", ["0.01", "12.10", "12.100", "1234", "999999999999999.99"])
def test_what_a_currency_has_is_sent(server: FaultServer, bench: Bench, amount: str) -> None:
    assert bench.run(PAY, table("ref,amount", ("A", amount)), head=HEAD).row.bucket == "done"
    assert server.deliveries("POST")[-1].body.startswith(f'{{"amount":{amount},')


@pytest.mark.parametrize(
    ("rules", "amount", "sent"),
    [
        ("zero: allow", "0", True),
        ("zero: allow", "-1", False),
        ("negative: allow", "-1.50", True),
        ("negative: allow", "0", False),
        ("negative: allow", "-0.001", False),
        ("decimals: 4", "617.2755", True),
        ("decimals: 4", "617.27555", False),
        ("decimals: 0", "1234.5", False),
        ("decimals: 0", "1234.0", True),
        ("decimals: 3, negative: allow, zero: allow", "-0.001", True),
    ],
)
def test_a_step_says_what_it_means(
    server: FaultServer, bench: Bench, rules: str, amount: str, *, sent: bool
) -> None:
    steps = PAY + f"    amount: {{{rules}}}\n"
    sheet = table("ref,amount", ("A", amount))
    assert (bench.plan(steps, sheet, head=HEAD).row.bucket == "not started") is sent
    bench.run(steps, sheet, head=HEAD)
    assert bool(server.deliveries()) is sent


def test_a_step_that_is_skipped_moves_nothing(server: FaultServer, bench: Bench) -> None:
    steps = PAY + "    when: row.amount > 0\n"
    assert bench.run(steps, table("ref,amount", ("A", 0)), head=HEAD).row.bucket == "done"
    assert [one.path for one in server.deliveries()] == ["/orders"]


def test_an_amount_that_was_posted_before_stays_done(server: FaultServer, bench: Bench) -> None:
    """A rule that came later does not turn it into something to do."""
    sheet = table("ref,amount", ("A", 0))
    bench.run(PAY + "    amount: {zero: allow}\n", sheet, head=HEAD)
    sent = len(server.deliveries())
    ran = bench.run(PAY, sheet, head=HEAD)
    assert (ran.row.bucket, ran.row.reason) == ("done", "done in run 1")
    assert len(server.deliveries()) == sent
