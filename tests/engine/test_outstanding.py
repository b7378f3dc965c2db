"""What earlier runs have left unknown is told at the end of each later one, whatever its rows are."""

from __future__ import annotations

from decimal import Decimal

from faults import actions
from faults.bench import HEAD, Bench, columns, table
from faults.server import FaultServer

from runner.engine.events import Outstanding

PAY = """\
steps:
  - {id: payment, use: shop.create_payment, with: {order_id: 7, amount: 9, reference: "{{ row.ref }}"}}
"""
ONCE = PAY.replace("with:", "once_per: row.name, with:").replace("row.ref", "row.name")
NAMED = columns(name="string")


def test_a_row_that_is_not_in_the_sheet(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/7/payments", actions.close(), nth=1)
    bench.run(PAY)
    ran = bench.run(PAY, "ref\nB\n")
    assert (ran.row.bucket, ran.ended.exit_code) == ("done", 5)
    assert ran.ended.outstanding == (Outstanding(1, "payment", "A", Decimal(9)),)
    bench.settle("A", "payment", state="absent")
    ran = bench.run(PAY, "ref\nB\n")
    assert (ran.ended.outstanding, ran.ended.exit_code) == ((), 0)


def test_a_row_that_is_in_the_sheet_shows_it(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/7/payments", actions.close(), nth=1)
    bench.run(PAY)
    ran = bench.run(PAY, table("ref", *"AB"))
    assert (ran.rows["A"].bucket, ran.ended.outstanding) == ("unknown", ())
    ran = bench.run(PAY, head=HEAD.replace("shop-import", "another"), check_names=False)
    assert ran.ended.outstanding == ()


def test_the_money_of_what_rows_share(server: FaultServer, bench: Bench) -> None:
    """It is in the total of the run that has sent it, and told by each later one, although no row of it has it."""
    server.on("POST", "/orders/7/payments", actions.close(), nth=1)
    sheet = table("ref,name", ("A", "Ace"), ("B", "Ace"))
    ran = bench.run(ONCE, sheet, head=NAMED)
    assert ran.ended.outstanding == ()
    assert sum(row.unsettled for row in ran.rows.values()) == 9
    ran = bench.run(ONCE, sheet, head=NAMED)
    assert ran.buckets == {"unknown": 2}
    assert sum(row.unsettled for row in ran.rows.values()) == 0
    assert ran.ended.outstanding == (Outstanding(1, "payment", "Ace", Decimal(9)),)
