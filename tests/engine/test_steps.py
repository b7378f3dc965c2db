"""The keys of a step, each against a server that says what it was sent."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, columns, grouped, table
from faults.server import FaultServer

ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""
LINES = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
  - id: lines
    use: shop.create_line
    for_each: row.lines
    with: {order_id: "{{ order.id }}", sku: "{{ item.sku }}", quantity: "{{ item.quantity }}"}
outputs:
  lines: "{{ lines }}"
"""
GROUPED = grouped("ref", {"sku": "string", "quantity": "integer"})
SHEET = "ref,sku,quantity\nA,x,1\nB,y,2\nA,z,3\nA,007,4\n"


def test_when_it_is_false_nothing_is_sent(server: FaultServer, bench: Bench) -> None:
    steps = ORDER + "    when: row.total > 5\noutputs: {order: '{{ order }}'}\n"
    ran = bench.run(steps, table("ref,total", ("A", 5), ("B", 6)), head=columns(total="decimal"))
    assert [write.json() for write in server.writes()] == [{"reference": "B"}]
    assert ran.buckets == {"done": 2}
    assert ran.rows["A"].outputs == {"order": None}


def test_when_it_cannot_be_told_before_the_run_the_plan_says_so(
    server: FaultServer, bench: Bench
) -> None:
    steps = (
        ORDER
        + "  - {id: line, use: shop.create_line, when: order.total > 5, with: {order_id: '{{ order.id }}'}}\n"
    )
    plan = bench.plan(steps)
    assert [(call.step, call.state) for call in plan.row.planned] == [
        ("order", "to send"),
        ("line", "undecided"),
    ]
    assert plan.row.planned[1].reason == "order.total > 5"
    assert server.connections == 0


def test_a_plan_says_what_is_skipped_and_what_cannot_be_built(bench: Bench) -> None:
    steps = ORDER + "    when: row.total > 5\n"
    steps += "  - {id: more, use: shop.create_order, with: {reference: 'x{{ row.total }}'}}\n"
    plan = bench.plan(steps, table("ref,total", ("A", 5), ("B", "")), head=columns(total="decimal"))
    assert [call.state for call in plan.rows["A"].planned] == ["skipped", "to send"]
    assert [call.state for call in plan.rows["B"].planned] == ["invalid"]
    assert "cannot compare null with a number" in plan.rows["B"].planned[0].reason
    assert plan.ended.exit_code == 3


def test_for_each_goes_through_the_items_in_order(server: FaultServer, bench: Bench) -> None:
    ran = bench.run(LINES, SHEET, head=GROUPED)
    sent = [(write.path, write.json()) for write in server.writes() if write.path != "/orders"]
    assert [body["sku"] for path, body in sent if path == "/orders/1001/lines"] == ["x", "z", "007"]
    assert [body["quantity"] for path, body in sent if path == "/orders/1001/lines"] == [1, 3, 4]
    assert ran.rows["A"].lines == (2, 4, 5)
    assert [line["id"] for line in ran.rows["A"].outputs["lines"]] == [1002, 1003, 1004]


def test_for_each_ends_at_the_first_item_that_fails(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders/1001/lines", actions.answer(422, {"message": "no such sku"}), nth=2)
    ran = bench.run(LINES, SHEET, head=GROUPED)
    assert [write.json()["sku"] for write in server.deliveries("POST", "/orders/1001/lines")] == [
        "x",
        "z",
    ]
    assert (ran.rows["A"].bucket, ran.rows["A"].reason) == (
        "rejected",
        "lines: item 2: 422 no such sku",
    )
    assert ran.rows["B"].bucket == "done"
    assert ran.ended.line_buckets["rejected"] == 3
    assert ran.ended.exit_code == 4
    again = bench.run(LINES, SHEET, head=GROUPED)
    assert [write.json()["sku"] for write in server.deliveries("POST", "/orders/1001/lines")] == [
        "x",
        "z",
        "z",
        "007",
    ]
    assert again.buckets == {"done": 2}


def test_for_each_over_nothing(server: FaultServer, bench: Bench) -> None:
    steps = LINES.replace("row.lines", "row.lines | where('item.quantity > 9')")
    assert bench.run(steps, SHEET, head=GROUPED).buckets == {"done": 2}
    assert {write.path for write in server.writes()} == {"/orders"}


def test_for_each_over_something_else_than_a_list(server: FaultServer, bench: Bench) -> None:
    ran = bench.run(LINES.replace("row.lines", "order.reference"), SHEET, head=GROUPED)
    assert ran.buckets == {"rejected": 2}
    assert "a list is needed" in ran.rows["A"].reason


def test_lines_in_another_order_are_the_same_lines_by_their_item_key(
    server: FaultServer, bench: Bench
) -> None:
    steps = LINES.replace("    for_each:", "    item_key: item.sku\n    for_each:")
    bench.run(steps, SHEET, head=GROUPED)
    before = len(server.writes())
    ran = bench.run(steps, "ref,sku,quantity\nA,007,4\nB,y,2\nA,x,1\nA,z,3\n", head=GROUPED)
    assert len(server.writes()) == before
    assert ran.buckets == {"done": 2}
    assert ran.rows["A"].reason == "done in run 1"


def test_lines_in_another_order_are_other_lines_without_an_item_key(
    server: FaultServer, bench: Bench
) -> None:
    bench.run(LINES, SHEET, head=GROUPED)
    before = len(server.writes())
    ran = bench.run(LINES, "ref,sku,quantity\nA,007,4\nB,y,2\nA,x,1\nA,z,3\n", head=GROUPED)
    assert len(server.writes()) == before
    assert ran.rows["A"].bucket == "changed"
    assert "changed since it was done in run 1" in ran.rows["A"].reason


def test_an_item_key_that_two_items_share_is_refused(server: FaultServer, bench: Bench) -> None:
    steps = LINES.replace("    for_each:", "    item_key: item.sku\n    for_each:")
    ran = bench.run(steps, "ref,sku,quantity\nA,x,1\nA,x,2\n", head=GROUPED)
    assert ran.rows["A"].bucket == "rejected"
    assert "two items have the item_key 'x'" in ran.rows["A"].reason
    assert server.repeated() == []


TWO = """\
steps:
  - id: first
    use: shop.create_order
    with: {{reference: "{{{{ row.ref }}}}"}}
    on_error: {on_error}
  - id: second
    use: shop.create_customer
    with: {{name: "{{{{ row.ref }}}}"}}
"""


@pytest.mark.parametrize(
    ("on_error", "paths", "exit_code"),
    [
        ("stop_row", ["/orders", "/orders", "/customers"], 4),
        ("continue", ["/orders", "/customers", "/orders", "/customers"], 4),
        ("stop_run", ["/orders"], 8),
    ],
)
def test_what_a_rejection_ends(
    server: FaultServer, bench: Bench, on_error: str, paths: list[str], exit_code: int
) -> None:
    server.on("POST", "/orders", actions.answer(422), nth=1)
    ran = bench.run(TWO.format(on_error=on_error), "ref\nA\nB\n")
    assert [write.path for write in server.writes()] == paths
    assert ran.rows["A"].bucket == "rejected"
    assert ran.ended.exit_code == exit_code


def test_an_unknown_after_a_rejection_counts_as_unknown(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(422))
    server.on("POST", "/customers", actions.close())
    ran = bench.run(TWO.format(on_error="continue"))
    assert (ran.row.bucket, ran.ended.exit_code) == ("unknown", 5)
    assert ran.row.reason.startswith("second: ")


def test_an_unknown_ends_the_row_whatever_on_error_says(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.close())
    ran = bench.run(TWO.format(on_error="continue"))
    assert ran.row.bucket == "unknown"
    assert [write.path for write in server.writes()] == ["/orders"]


def test_a_null_has_no_text(server: FaultServer, bench: Bench) -> None:
    steps = ORDER.replace("{{ row.ref }}", "No. {{ row.total }}")
    ran = bench.run(steps, table("ref,total", ("A", "")), head=columns(total="decimal"))
    assert server.connections == 0
    assert ran.row.bucket == "rejected"
    assert "the value is null" in ran.row.reason


def test_a_lone_null_is_left_out(server: FaultServer, bench: Bench) -> None:
    steps = ORDER.replace("with: {", 'with: {total: "{{ row.total }}", ')
    bench.run(steps, table("ref,total", ("A", ""), ("B", "12.10")), head=columns(total="decimal"))
    assert [write.body for write in server.writes()] == [
        '{"reference":"A"}',
        '{"total":12.10,"reference":"B"}',
    ]


def test_data_is_never_a_template(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(201, {"id": "{{ 7*7 }}"}), nth=1)
    steps = (
        ORDER
        + "  - {id: c, use: shop.create_customer, with: {name: '{{ order.id }}', notes: '{{ row.ref }}'}}\n"
    )
    bench.run(steps, "ref\n{{ row.ref }}{% x %}\n")
    assert server.writes()[1].json() == {"name": "{{ 7*7 }}", "notes": "{{ row.ref }}{% x %}"}


def test_nothing_that_is_not_known_reaches_a_request(server: FaultServer, bench: Bench) -> None:
    """`total` is not in the answer: no text says so on the wire, the row ends before it."""
    server.on("POST", "/orders", actions.answer(201, {"id": 7}))
    steps = ORDER + "  - {id: c, use: shop.create_customer, with: {name: 'x {{ order.total }}'}}\n"
    ran = bench.run(steps)
    assert [write.path for write in server.writes()] == ["/orders"]
    assert ran.row.bucket == "rejected"
    assert "order.total" in ran.row.reason


def test_a_row_that_cannot_be_finished_is_not_begun(server: FaultServer, bench: Bench) -> None:
    steps = ORDER + "  - {id: c, use: shop.create_customer, with: {name: 'x {{ row.total }}'}}\n"
    sheet, head = table("ref,total", ("A", ""), ("B", 1)), columns(total="decimal")
    ran = bench.run(steps, sheet, head=head, aside=True)
    assert [write.path for write in server.writes()] == ["/orders", "/customers"]
    assert ran.rows["A"].bucket == "rejected"
