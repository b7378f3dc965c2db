"""A payment's intent says what was there before it, and only what is new since then can be taken for it."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Any

import pytest
from faults import actions
from faults.bench import CATALOGUE, Bench
from faults.server import Delivery, FaultServer
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.calls.snapshot import MOST_IDS, Before, Listed, new_since, read_before

PAYMENTS = "/orders/7/payments"
PAY = """\
steps:
  - id: payment
    use: shop.create_payment
    with: {order_id: 7, amount: 12.10, reference: "{{ row.ref }}"}
    unless_found:
      use: shop.list_payments
      with: {order_id: 7}
      where: item.reference == row.ref
outputs: {payment: "{{ payment.id }}"}
"""
OPERATION = CATALOGUE.operation("shop.create_payment")


def before(bench: Bench) -> Before:
    found = read_before(bench.calls()["A", "payment", ""].before)
    assert found is not None
    return found


def test_the_intent_says_what_was_there(server: FaultServer, bench: Bench) -> None:
    for amount in ("1.10", "2.05"):
        server.shop.create(PAYMENTS, {"amount": float(amount), "reference": "else"})
    seen: list[Any] = []

    def look(delivery: Delivery) -> None:
        if delivery.method == "POST":
            connection = sqlite3.connect(
                f"file:{bench.folder / 'journal.sqlite'}?mode=ro", uri=True
            )
            seen.extend(
                connection.execute("SELECT state, before FROM calls WHERE step = 'payment'")
            )
            connection.close()

    server.on_receipt = look
    assert bench.run(PAY).buckets == {"done": 1}
    ((state, text),) = seen
    assert state == "intent"
    assert read_before(text) == Before(
        "shop.list_payments", {"order_id": 7}, ("1001", "1002"), 2, Decimal("3.15")
    )


def test_a_step_that_moves_no_money_notes_its_search_alone(
    server: FaultServer, bench: Bench
) -> None:
    order = PAY.replace("create_payment", "create_order").replace(
        "with: {order_id: 7, amount: 12.10, ", "with: {"
    )
    order = order.replace(
        "list_payments\n      with: {order_id: 7}", "search_orders\n      with: {reference: x}"
    )
    assert bench.run(order).buckets == {"done": 1}
    assert before(bench) == Before("shop.search_orders", {"reference": "x"})


OURS, FOREIGN = {"amount": 12.1, "reference": "A"}, {"amount": 5, "reference": "else"}


@pytest.mark.parametrize(
    ("landed", "bucket", "reason"),
    [
        ([OURS], "done", ""),
        ([], "unknown", "a search finds none that is new and fits;"),
        ([FOREIGN], "unknown", "a search finds none that is new and fits, though 1 other is new;"),
        ([FOREIGN, FOREIGN], "unknown", "though 2 others are new;"),
        (
            [OURS, FOREIGN],
            "unknown",
            "a search finds 2 that are new since then, and not which of them it is;",
        ),
        (
            [OURS, OURS],
            "unknown",
            "a search finds 2 that are new since then, and not which of them it is;",
        ),
    ],
)
def test_only_what_is_new_counts(
    server: FaultServer, bench: Bench, landed: list[dict[str, Any]], bucket: str, reason: str
) -> None:
    server.shop.create(PAYMENTS, FOREIGN)
    server.on("POST", PAYMENTS, actions.close())
    assert bench.run(PAY).row.bucket == "unknown"
    noted = bench.calls()["A", "payment", ""].before
    made = [server.shop.create(PAYMENTS, each) for each in landed]
    for _ in range(2):
        ran = bench.run(PAY)
        assert (ran.row.bucket, ran.row.outputs["payment"]) == (
            bucket,
            made[0]["id"] if bucket == "done" else None,
        )
        assert reason in ran.row.reason
        assert bench.calls()["A", "payment", ""].before == noted
    assert len(server.writes()) == 1


def test_what_fits_and_was_there_before_is_not_ours(server: FaultServer, bench: Bench) -> None:
    """Somebody gives an old payment our reference while ours is on its way."""
    old = server.shop.create(PAYMENTS, FOREIGN)
    server.on("POST", PAYMENTS, actions.close())
    bench.run(PAY)
    old["reference"] = "A"
    assert bench.run(PAY).row.bucket == "unknown"
    server.shop.create(PAYMENTS, OURS)
    ran = bench.run(PAY)
    assert (ran.row.bucket, ran.row.outputs["payment"]) == ("done", 1002)
    assert len(server.writes()) == 1


def test_the_search_of_the_intent_is_made_again_whatever_the_recipe_says_now(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", PAYMENTS, actions.committed(actions.close()))
    bench.run(PAY)
    other = PAY.replace(
        "list_payments\n      with: {order_id: 7}", "list_payments\n      with: {order_id: 8}"
    )
    server.shop.create("/orders/8/payments", OURS)
    ran = bench.run(other)
    assert (ran.row.bucket, ran.row.outputs["payment"]) == ("done", 1001)


def test_without_what_was_there_before_no_payment_is_adopted(
    server: FaultServer, bench: Bench
) -> None:
    """As in a journal of an earlier version, or where the step got its search later."""
    server.on("POST", PAYMENTS, actions.committed(actions.close()))
    bench.run(PAY[: PAY.index("    unless_found")])
    ran = bench.run(PAY)
    assert ran.row.bucket == "unknown"
    assert "what was there before it is not recorded" in ran.row.reason
    assert len(server.writes()) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_without_ids_tells_nothing(server: FaultServer, bench: Bench, count: int) -> None:
    server.on("GET", PAYMENTS, actions.answer(200, [{"reference": "else"}] * count))
    server.on("POST", PAYMENTS, actions.close())
    bench.run(PAY)
    ran = bench.run(PAY)
    assert ran.row.bucket == "unknown"
    assert "a search cannot tell what is new: what it lists has no ids" in ran.row.reason


def test_a_list_that_is_too_long_to_note_tells_nothing(server: FaultServer, bench: Bench) -> None:
    many = [{"id": number, "reference": "else"} for number in range(MOST_IDS + 1)]
    server.on("GET", PAYMENTS, actions.answer(200, many))
    server.on("POST", PAYMENTS, actions.close())
    bench.run(PAY)
    assert (before(bench).count, len(before(bench).ids or ()), before(bench).total) == (
        1001,
        1000,
        None,
    )
    ran = bench.run(PAY)
    assert "a search cannot tell what is new: 1,001 were there before it" in ran.row.reason


@given(st.sets(st.integers(1, 50)), st.sets(st.integers(51, 99)), st.randoms())
def test_what_is_new_is_what_was_not_there(old: set[int], new: set[int], chance: Any) -> None:
    listed = Listed(OPERATION)
    for number in old:
        listed.add({"id": number, "amount": Decimal(number)})
    noted = read_before(listed.before("shop.list_payments", {}).text())
    assert noted is not None
    assert noted.total == sum(old)
    now = [{"id": number} for number in old | new]
    chance.shuffle(now)
    found = new_since(noted, OPERATION, now)
    assert found is not None
    assert {item["id"] for item in found} == new
