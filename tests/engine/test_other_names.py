"""What was sent under another recipe name is not sent again, whatever steps, keys and sheets are called now."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import Action, FaultServer

from runner.problems import StoppedError

HEADER = "ref,client,total"
HEAD = columns(client="string", total="decimal").replace("shop-import", "old") + "steps:\n"
NEW = HEAD.replace("name: old", "name: new")
ONE = ("W-1", "acme", 150)
SHEET = table(HEADER, ONE, ("W-2", "beta", 20))
MORE = table(HEADER, ONE, ("W-2", "beta", 20), ("W-3", "acme", 7))
CHANGED = table(HEADER, ("W-1", "acme", 151), ("W-2", "beta", 20))
APART = table(HEADER, ("W-8", "gamma", 8), ("W-9", "delta", 9))
LOOKING = table(HEADER, ("W\u20131", "acme", 5), ("W-2", "beta", 20))
LOWER = table(HEADER, ("w-1", "gamma", 5))

ORDER = """\
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""
GUARD = """\
    unless_found:
      use: shop.search_orders
      with: {reference: "{{ row.ref }}"}
"""
PAYMENT = """\
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}"}
"""
NO_PAYMENT_YET = """\
    unless_found:
      use: shop.list_payments
      with: {order_id: "{{ order.id }}"}
      where: item.reference == row.ref
"""
REFERENCE = PAYMENT.replace('total }}"', 'total }}", reference: "{{ row.ref }}"')
CUSTOMER = """\
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.client }}"}
"""
KNOWN_CUSTOMER = (
    CUSTOMER
    + """\
    unless_found:
      use: shop.search_customers
      with: {name: "{{ row.client }}"}
      where: item.name == row.client
"""
)
LINE = """\
  - id: line
    use: shop.create_line
    with: {order_id: "{{ order.id }}", sku: "{{ row.ref }}"}
"""
FOUND = """\
  - id: order
    use: shop.search_orders
    with: {reference: "{{ row.ref }}"}
    expect: first
"""
UPDATE = """\
  - id: notes
    use: shop.update_order
    with: {order_id: "{{ order.id }}", notes: "{{ row.client }}"}
"""
WRITES_RUN = ORDER.replace('ref }}"', 'ref }}", notes: "{{ run.id }}"')
OTHER_BODY = ORDER.replace('ref }}"', 'ref }}", notes: corrected')
ONE_BATCH = ORDER.replace("{{ row.ref }}", "batch")
WHEN = "    when: row.total > 0\n"
UID = '    uid: {value: "x-{{ row.ref }}"}\n'
NEVER = "    when: row.total > 999\n"
ORDERS = ORDER + PAYMENT


def renamed(steps: str) -> str:
    """The steps under other ids."""
    for name in ("order", "payment", "customer", "line"):
        steps = re.sub(rf"\b{name}(?=\.id|$)|(?<=id: ){name}\b", f"the_{name}", steps)
    return steps


class Case(NamedTuple):
    """A recipe that was run, and another one that is run over its rows, or others."""

    name: str
    first: str
    second: str
    sheet: str = SHEET
    key: str = "{{ row.ref }}"
    key_was: str = ""
    column: str = ""

    def head(self) -> str:
        more = f'\n  key_was: "{self.key_was}"' if self.key_was else ""
        head = NEW.replace('key: "{{ row.ref }}"', f'key: "{self.key}"{more}')
        return head.replace("steps:", f"{self.column}steps:")


REFUSED = (
    Case("another name", ORDERS, ORDERS),
    Case("another sheet", ORDERS, ORDERS, MORE),
    Case("other step ids", ORDERS, renamed(ORDERS)),
    Case("other step ids, another sheet", ORDERS, renamed(ORDERS), MORE),
    Case("other step ids, a changed cell", ORDERS, renamed(ORDERS), CHANGED),
    Case("another form of the key", ORDERS, ORDERS, SHEET, "x-{{ row.ref }}"),
    Case("another form of the key, another sheet", ORDERS, ORDERS, MORE, "x-{{ row.ref }}"),
    Case("all of it", ORDERS, renamed(ORDERS), MORE, "x-{{ row.ref }}"),
    Case("a key that looks alike", ORDERS, ORDERS, LOOKING),
    Case("a key in lower case, other steps", ORDERS, renamed(ORDERS), LOWER),
    Case("only the payment", ORDERS, FOUND + PAYMENT, MORE),
    Case("the payment with a search", ORDER + REFERENCE, FOUND + REFERENCE + NO_PAYMENT_YET, MORE),
    Case("only the order", ORDERS, ORDER, MORE),
    Case("one step more", ORDER, ORDERS + LINE, MORE),
    Case("a part of the row, if at all", ORDERS, renamed(ORDER + PAYMENT + WHEN), MORE),
    Case("searches everywhere, steps with when", KNOWN_CUSTOMER + ORDER + GUARD,
         renamed(KNOWN_CUSTOMER + WHEN + ORDER + GUARD + WHEN), MORE),
    Case("what rows share", CUSTOMER + "    once_per: row.client\n",
         renamed(CUSTOMER + "    once_per: row.client\n"), table(HEADER, ("W-7", "acme", 1))),
    Case("a row that is a shared value now", ORDER, OTHER_BODY + "    once_per: row.ref\n", MORE, "x-{{ row.total }}"),
    Case("the run in its body", WRITES_RUN, WRITES_RUN, MORE, "x-{{ row.ref }}"),
    Case("another order, the same payment", ORDER + REFERENCE, OTHER_BODY + REFERENCE, MORE, "x-{{ row.ref }}"),
    Case("a former key", ORDERS, OTHER_BODY, MORE, "x-{{ row.ref }}", "{{ row.ref }}"),
    Case("it was found then", ORDER + GUARD, OTHER_BODY, MORE),
    Case("a column that is computed", ORDERS, ORDERS, MORE, "{{ row.uid }}", "", UID),
    Case("a column that is computed, the run in its body", WRITES_RUN, WRITES_RUN, MORE, "{{ row.uid }}", "", UID),
)  # fmt: skip
ALLOWED = (
    Case("a contact in common", KNOWN_CUSTOMER, renamed(KNOWN_CUSTOMER) + ORDER),
    Case("a contact in common, the other way round", KNOWN_CUSTOMER + ORDER, KNOWN_CUSTOMER),
    Case("other operations", CUSTOMER, ORDERS),
    Case("other operations, the same steps", CUSTOMER, ORDER.replace("id: order", "id: customer")),
    Case("an update", ORDERS, FOUND + UPDATE),
    Case("an update, then the orders", FOUND.replace("first", "any"), ORDERS),
    Case("other rows", ORDERS, ORDERS, APART),
    Case("other rows whose clients are known", ORDERS, ORDERS, table(HEADER, ("W-9", "acme", 9))),
    Case("an amount that is the same by chance", ORDERS, FOUND.replace("first", "any") + WHEN +
         PAYMENT.replace("order.id", "row.total"), table(HEADER, ("W-9", "acme", 150))),
    Case("an amount that has the digits of the key", ORDERS, OTHER_BODY + PAYMENT, table(HEADER, ("15", "acme", 150))),
    Case("what is the same for every row", ONE_BATCH, ONE_BATCH, APART),
    Case("nothing to be created", ORDERS, FOUND),
    Case("skipped for these rows", ORDER, ORDER + NEVER, SHEET, "x-{{ row.ref }}"),
    Case("a line that another key has", ORDER, ORDER, table(HEADER, ("W-9", "acme", 150), ("W-8", "beta", 20))),
)  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refused(server: FaultServer, bench: Bench, case: Case) -> None:
    if case.name == "it was found then":
        server.shop.create("/orders", {"reference": "W-1"})
    bench.run(case.first, SHEET, head=HEAD)
    sent = len(server.writes())
    with pytest.raises(
        StoppedError, match=r" was done as old in run 1 .*; nothing was sent"
    ) as told:
        bench.run(case.second, case.sheet, head=case.head())
    assert "--new-identity" in told.value.remedy
    assert len(server.writes()) == sent
    ran = bench.run(case.second, case.sheet, head=case.head(), new_identity=True)
    assert "changed" not in ran.buckets
    bench.run(case.second, case.sheet, head=case.head())  # its rows are its own by now


@pytest.mark.parametrize("case", ALLOWED, ids=lambda case: case.name)
def test_allowed(server: FaultServer, bench: Bench, case: Case) -> None:
    bench.run(case.first, SHEET, head=HEAD)
    ran = bench.run(case.second, case.sheet, head=case.head())
    assert "changed" not in ran.buckets
    assert "changed" not in bench.plan(case.second, case.sheet, head=case.head()).buckets


def test_what_may_have_been_sent_counts(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.close(), nth=1)
    bench.run(ORDERS, table(HEADER, ONE), head=HEAD)
    with pytest.raises(StoppedError, match="'W-1' was done as old"):
        bench.run(renamed(ORDERS), MORE, head=NEW)


def test_what_was_refused_does_not(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(422))
    bench.run(ORDERS, SHEET, head=HEAD)
    bench.run(ORDERS, SHEET, head=NEW)
    assert len(server.deliveries("POST", "/orders")) == 4


def test_a_search_that_does_not_find_it_creates_nothing_twice(
    server: FaultServer, bench: Bench
) -> None:
    """One operation in common, with a search of its own: what the search is about was deleted, or shows later."""
    bench.run(KNOWN_CUSTOMER, SHEET, head=HEAD)
    server.on("GET", "/customers", actions.answer(200, {"customers": []}))
    ran = bench.run(renamed(KNOWN_CUSTOMER) + ORDER, MORE, head=NEW)
    assert ran.buckets == {"changed": 3}
    assert (
        "the same request was sent as customer of 'W-1' in run 1 by old (if this is other work: "
        "--new-identity)" in ran.rows["W-1"].reason
    )
    assert len(server.writes()) == 2
    assert bench.run(
        renamed(KNOWN_CUSTOMER) + ORDER, MORE, head=NEW, new_identity=True
    ).buckets == {"done": 3}
    assert bench.run(renamed(KNOWN_CUSTOMER) + ORDER, MORE, head=NEW).buckets == {"done": 3}


def test_the_same_request_once_an_id_is_known(server: FaultServer, bench: Bench) -> None:
    """Nothing of the order says which row it is for, but for the id of a customer that a search finds."""
    steps = KNOWN_CUSTOMER + ORDER.replace(
        'reference: "{{ row.ref }}"', 'reference: "-", customer_id: "{{ customer.id }}"'
    )
    bench.run(steps, SHEET, head=HEAD)
    new = NEW.replace("{{ row.ref }}", "x-{{ row.ref }}")
    assert bench.run(renamed(steps), table(HEADER, ONE), head=new).buckets == {"changed": 1}
    assert len(server.deliveries("POST", "/orders")) == 2


def test_a_step_that_is_added_later_does_not_hide_behind_what_is_known(
    server: FaultServer, bench: Bench
) -> None:
    bench.run(KNOWN_CUSTOMER + ORDERS, SHEET, head=HEAD)
    bench.run(KNOWN_CUSTOMER, SHEET, head=NEW)
    with pytest.raises(StoppedError, match="'W-1' was done as old"):
        bench.run(KNOWN_CUSTOMER + renamed(ORDERS), MORE, head=NEW)
    assert len(server.writes()) == 6


def test_two_parts_of_one_sheet(server: FaultServer, bench: Bench) -> None:
    """Each recipe takes the rows that its `where` leaves: other lines of the same input."""
    head = HEAD.replace("  key:", "  where: row.client == 'acme'\n  key:")
    other = HEAD.replace("  key:", "  where: row.client != 'acme'\n  key:")
    bench.run(ORDERS, MORE, head=head)
    bench.run(ORDERS, MORE, head=other.replace("name: old", "name: new"))
    assert len(server.writes()) == 6


def test_keys_that_repeat_under_one_name(server: FaultServer, bench: Bench) -> None:
    """A sheet each month whose rows are numbered from 1: one name, whose rows are judged as ever."""
    bench.run(ORDERS, table(HEADER, ("1", "acme", 5)), head=HEAD)
    assert bench.run(ORDERS, table(HEADER, ("1", "beta", 6)), head=HEAD).row.bucket == "changed"


def test_a_row_that_is_asked_for_once_more(server: FaultServer, bench: Bench) -> None:
    """`--again` names the row and says why: that is as clear as it gets."""
    bench.run(ORDER, SHEET, head=HEAD)
    ran = bench.run(ORDER, MORE, head=NEW, again=["W-1", "W-2"])
    assert ran.buckets == {"done": 3}


def test_a_plan_sends_nothing_that_a_search_has_to_find(server: FaultServer, bench: Bench) -> None:
    """The run finds the customer, or sets the row aside; it creates no second one, and the plan shows none."""
    bench.run(KNOWN_CUSTOMER, SHEET, head=HEAD)
    steps = renamed(KNOWN_CUSTOMER) + ORDER
    planned = bench.plan(steps, SHEET, head=NEW).rows["W-1"]
    assert [call.state for call in planned.planned] == ["found", "to send"]
    assert (
        "was sent as customer of 'W-1' in run 1 by old (if this is other work: --new-identity); "
        "the row is set aside if the search does not find it" in planned.planned[0].reason
    )
    assert bench.plan(KNOWN_CUSTOMER, SHEET, head=NEW).buckets == {"found": 2}
    assert bench.run(KNOWN_CUSTOMER, SHEET, head=NEW).buckets == {"found": 2}


PAY = """\
  - id: pay
    use: shop.create_payment
    with: {order_id: "{{ row.client | int }}", amount: "{{ row.total }}", reference: "{{ row.ref }}"}
"""
PAYOUTS = table(HEADER, ("P-1", "7", "150"), ("P-2", "8", "20"))
INSTALMENTS = table(HEADER, ("X/8", "7", "150.00"), ("Y/9", "7", "20"), ("Z/3", "9", "150"))


def sent(server: FaultServer) -> int:
    return len(server.writes())


@pytest.mark.parametrize("answer", [None, actions.close()])
def test_the_same_amount_for_the_same_order(
    server: FaultServer, bench: Bench, answer: Action | None
) -> None:
    """Key, sheet and reference are others: the order and the amount are the same."""
    if answer is not None:
        server.on("POST", "/orders/7/payments", answer, nth=1)
    bench.run(PAY, PAYOUTS, head=HEAD)
    before = sent(server)
    for way in (bench.plan, bench.run):
        rows = way(PAY.replace("id: pay", "id: second"), INSTALMENTS, head=NEW).rows
        assert rows["X/8"].bucket == "changed"
    may = "may have been" if answer is not None else "was"
    assert rows["X/8"].reason.startswith(
        f"second: the same amount for order_id 7 {may} sent as pay of 'P-1' in run 1 by old "
        "(if this is other work: --new-identity)"
    )
    assert "amount: {repeated: allow}" in rows["X/8"].reason
    assert [rows["Y/9"].bucket, rows["Z/3"].bucket] == ["done", "done"]
    assert sent(server) == before + 2


def test_an_amount_that_is_meant_to_be_paid_once_more(server: FaultServer, bench: Bench) -> None:
    bench.run(PAY, PAYOUTS, head=HEAD)
    before = sent(server)
    meant = PAY + "    amount: {repeated: allow}\n"
    assert bench.run(meant, INSTALMENTS, head=NEW).buckets == {"done": 3}
    third = NEW.replace("name: new", "name: third")
    assert bench.run(PAY, INSTALMENTS, head=third, new_identity=True).buckets == {"done": 3}
    assert sent(server) == before + 6


def test_two_equal_payments_of_one_recipe(server: FaultServer, bench: Bench) -> None:
    sheet = table(HEADER, ("P-1", "7", "150"), ("P-2", "7", "150"))
    assert bench.run(PAY, sheet, head=HEAD).buckets == {"done": 2}
