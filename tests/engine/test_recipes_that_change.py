"""Recipes that change and rows whose keys do: what was sent stays known by what it was, not by its name alone."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, columns, grouped, table
from faults.server import FaultServer

LINES = grouped("ref", {"sku": "string, required: true", "kind": "string, required: true"})
OLD = """\
steps:
  - id: lines
    use: shop.create_line
    for_each: row.lines
    with: {order_id: 5, sku: "{{ item.sku }}"}
"""
SPLIT = """\
steps:
  - id: products
    use: shop.create_line
    for_each: row.lines | where("item.kind == 'product'")
    with: {order_id: 5, sku: "{{ item.sku }}"}
    was: PRODUCTS
  - id: setups
    use: shop.create_line
    for_each: row.lines | where("item.kind == 'setup'")
    with: {order_id: 5, sku: "{{ item.sku }}"}
    was: SETUPS
"""
SHEET = table(
    "ref,sku,kind", ("A", "shirt", "product"), ("A", "setup", "setup"), ("A", "cap", "product")
)
LAST = table(
    "ref,sku,kind", ("A", "shirt", "product"), ("A", "cap", "product"), ("A", "setup", "setup")
)
KEYED = columns(client="string", total="decimal")
ORDERS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", notes: "{{ row.client }}"}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.total }}"}
"""
IMPROVED = KEYED.replace('"{{ row.ref }}"', '"{{ row.client }}-{{ row.ref }}"')


def split(products: str = "", setups: str = "") -> str:
    text = SPLIT
    for name, was in (("PRODUCTS", products), ("SETUPS", setups)):
        text = (
            text.replace(f"was: {name}", f"was: {was}")
            if was
            else text.replace(f"    was: {name}\n", "")
        )
    return text


@pytest.mark.parametrize("sheet", [SHEET, LAST])
def test_a_step_split_in_two_sends_nothing_twice(
    server: FaultServer, bench: Bench, sheet: str
) -> None:
    bench.run(OLD, sheet, head=LINES)
    for steps in (split(), split(products="lines"), split(setups="lines"), split("lines", "lines")):
        for ran in (bench.plan(steps, sheet, head=LINES), bench.run(steps, sheet, head=LINES)):
            assert ran.row.bucket == "changed", steps
        assert len(server.writes()) == 3


def test_the_charge_of_an_old_order_is_told_with_what_to_write(
    server: FaultServer, bench: Bench
) -> None:
    bench.run(OLD, LAST, head=LINES)
    ran = bench.run(split(products="lines"), LAST, head=LINES)
    assert "lines[3] was sent in run 1 and the sheet no longer asks for it" in ran.row.reason
    assert "'was: {step: lines, ...}' with the for_each or the item_key" in ran.row.reason


@pytest.mark.parametrize("sheet", [SHEET, LAST])
def test_each_part_takes_over_its_items(server: FaultServer, bench: Bench, sheet: str) -> None:
    """That is the remedy: what for_each was then tells which item of then an item of now is."""
    bench.run(OLD, sheet, head=LINES)
    was = "{step: lines, for_each: row.lines}"
    ran = bench.run(split(was, was), sheet, head=LINES)
    assert (ran.row.bucket, ran.row.reason, len(server.writes())) == ("done", "done in run 1", 3)
    more = sheet + "A,mug,product\n"
    assert bench.run(split(was, was), more, head=LINES).row.bucket == "done"
    assert server.writes()[3].json() == {"sku": "mug"}
    assert bench.run(split(was, was), more, head=LINES).row.reason == "done in run 3"


def test_items_with_keys_are_shared_by_name(server: FaultServer, bench: Bench) -> None:
    keyed = OLD.replace("    with:", "    item_key: item.sku\n    with:")
    bench.run(keyed, SHEET, head=LINES)
    steps = split("lines", "[lines]").replace("    with:", "    item_key: item.sku\n    with:")
    assert bench.run(steps, SHEET, head=LINES).row.bucket == "done"
    assert len(server.writes()) == 3


def test_an_item_key_that_comes_after_positions(server: FaultServer, bench: Bench) -> None:
    bench.run(OLD, SHEET, head=LINES)
    keyed = OLD.replace("id: lines", "id: parts").replace(
        "    with:", "    item_key: item.sku\n    with:"
    )
    plain = keyed + "    was: lines\n"
    assert bench.run(plain, SHEET, head=LINES).row.bucket == "changed"
    mapped = keyed + "    was: {step: lines, for_each: row.lines}\n"
    assert bench.run(mapped, SHEET, head=LINES).row.bucket == "done"
    assert len(server.writes()) == 3


def test_one_item_becomes_a_step_of_its_own(server: FaultServer, bench: Bench) -> None:
    keyed = OLD.replace("    with:", "    item_key: item.sku\n    with:")
    bench.run(keyed, SHEET, head=LINES)
    steps = """\
steps:
  - id: products
    use: shop.create_line
    for_each: row.lines | where("item.kind == 'product'")
    item_key: item.sku
    with: {order_id: 5, sku: "{{ item.sku }}"}
    was: lines
  - id: setup
    use: shop.create_line
    with: {order_id: 5, sku: setup}
    was: {step: lines, item_key: "'setup'"}
"""
    assert bench.run(steps, SHEET, head=LINES).row.bucket == "done"
    assert len(server.writes()) == 3


def test_a_step_that_was_renamed_twice(server: FaultServer, bench: Bench) -> None:
    one = 'steps: [{id: first, use: shop.create_order, with: {reference: "{{ row.ref }}"}}]\n'
    bench.run(one, table("ref", "A"))
    bench.run(one.replace("first", "second"), table("ref", "B"))
    third = one.replace("id: first", "id: third, was: [first, second]")
    ran = bench.run(third, table("ref", "A", "B"))
    assert (ran.buckets, len(server.writes())) == ({"done": 2}, 2)


def test_two_items_that_would_be_one_call(server: FaultServer, bench: Bench) -> None:
    """Both parts begin with the same item, and both would be the same call."""
    bench.run(OLD, table("ref,sku,kind", ("A", "x", "product")), head=LINES)
    both = table("ref,sku,kind", ("A", "x", "product"), ("A", "x", "setup"))
    ran = bench.run(split("lines", "lines"), both, head=LINES)
    assert (ran.row.bucket, len(server.writes())) == ("changed", 1)
    assert "both products[1] and setups[1] would be that call" in ran.row.reason


def test_an_improved_key_pays_nothing_twice(server: FaultServer, bench: Bench) -> None:
    sheet = table("ref,client,total", ("W-1", "acme", "150"), ("W-2", "beta", "20"))
    bench.run(ORDERS, sheet, head=KEYED)
    for ran in (bench.plan(ORDERS, sheet, head=IMPROVED), bench.run(ORDERS, sheet, head=IMPROVED)):
        assert {row.bucket for row in ran.rows.values()} == {"changed"}
        reason = ran.rows["acme-W-1"].reason
        assert "the same request was sent as order of 'W-1' in run 1" in reason
    assert len(server.writes()) == 4
    assert bench.run(ORDERS, sheet, head=KEYED).buckets == {"done": 2}


def test_what_may_have_been_sent_counts_as_well(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.close(), nth=1)
    sheet = table("ref,client,total", ("W-1", "acme", "150"))
    bench.run(ORDERS, sheet, head=KEYED)
    ran = bench.run(ORDERS, sheet, head=IMPROVED)
    assert (ran.row.bucket, len(server.writes())) == ("changed", 1)
    assert "the same request may have been sent as order of 'W-1' in run 1" in ran.row.reason


def test_a_new_order_of_a_reused_number_is_sent(server: FaultServer, bench: Bench) -> None:
    bench.run(ORDERS, table("ref,client,total", ("W-1", "acme", "150")), head=KEYED)
    ran = bench.run(ORDERS, table("ref,client,total", ("W-1", "beta", "7")), head=IMPROVED)
    assert (ran.row.bucket, len(server.writes())) == ("done", 4)


def test_the_same_content_by_value(server: FaultServer, bench: Bench) -> None:
    steps = 'steps: [{id: pay, use: shop.create_payment, with: {order_id: 1, amount: "{{ row.total }}"}}]\n'
    bench.run(steps, table("ref,client,total", ("A", "c", "8.40")), head=KEYED)
    ran = bench.run(steps, table("ref,client,total", ("B", "c", "8.4")), head=KEYED)
    assert (ran.row.bucket, len(server.writes())) == ("changed", 1)
    assert "was sent as pay of 'A' in run 1" in ran.row.reason


def test_equal_rows_that_are_asked_for_are_no_repeats(server: FaultServer, bench: Bench) -> None:
    steps = "steps: [{id: order, use: shop.create_order, with: {reference: same}}]\n"
    bench.run(steps, table("ref", "A", "B"))
    ran = bench.run(steps, table("ref", "A", "B", "C"))
    assert (ran.buckets, len(server.writes())) == ({"done": 3}, 3)


def test_equal_lines_of_one_row_are_no_repeats(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/5/lines", actions.answer(422), nth=2)
    same = table("ref,sku,kind", ("A", "x", "product"), ("A", "x", "product"))
    assert bench.run(OLD, same, head=LINES).row.bucket == "rejected"
    assert bench.run(OLD, same, head=LINES).row.bucket == "done"
    assert len(server.writes()) == 3


def test_a_row_of_another_sheet_is_sent_on_purpose(server: FaultServer, bench: Bench) -> None:
    steps = "steps: [{id: order, use: shop.create_order, with: {reference: same}}]\n"
    bench.run(steps, table("ref", "A"))
    assert bench.run(steps, table("ref", "B")).row.bucket == "changed"
    assert bench.run(steps, table("ref", "B"), again=["B"]).row.bucket == "done"
    assert bench.run(steps, table("ref", "B")).row.bucket == "done"
    assert len(server.writes()) == 2


def test_a_value_that_is_shared_in_another_way(server: FaultServer, bench: Bench) -> None:
    steps = """\
steps:
  - id: contact
    use: shop.create_customer
    once_per: row.client
    with: {name: "{{ row.client }}"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ contact.id }}"}
"""
    bench.run(steps, table("ref,client,total", ("A", "acme", "1")), head=KEYED)
    other = steps.replace("once_per: row.client", "once_per: row.total")
    ran = bench.run(other, table("ref,client,total", ("B", "acme", "1")), head=KEYED)
    assert (ran.row.bucket, len(server.writes())) == ("changed", 2)
    assert "the same request was sent as contact of 'acme' in run 1" in ran.row.reason


@pytest.mark.parametrize("is_there", [1, 0])
def test_a_plan_says_of_a_guarded_create_what_the_run_does(
    server: FaultServer, bench: Bench, is_there: int
) -> None:
    """The key is a column that was improved: what is on record is found, or the row is set aside, and not sent."""
    head = (
        KEYED.replace('"{{ row.ref }}"', '"{{ row.uid }}"') + '    uid: {value: "{{ row.ref }}"}\n'
    )
    guarded = "steps:\n" + ORDERS[ORDERS.index("  - id: order") : ORDERS.index("  - id: payment")] + (
        '    unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}}\n'
    )  # fmt: skip
    sheet = table("ref,client,total", ("W-1", "acme", 150))
    bench.run(guarded, sheet, head=head)
    if not is_there:
        server.on("GET", "/orders", actions.answer(200, {"orders": []}))
    head = head.replace('value: "{{ row.ref', 'value: "x-{{ row.ref')
    (call,) = bench.plan(guarded, sheet, head=head).row.planned
    assert (call.state, call.run) == ("found", 1)
    assert "the row is set aside if the search does not find it" in call.reason
    assert bench.run(guarded, sheet, head=head).row.bucket == ("found" if is_there else "changed")
    assert len(server.writes()) == 1
