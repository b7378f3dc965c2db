"""Values that `let` names, and elements that `for_each` names, in a run and in its plan."""

from __future__ import annotations

import pytest
from faults.bench import Bench, columns, grouped, table
from faults.server import FaultServer

LET = """\
let:
  shown: row.ref | lower
  share: 100 / row.n
steps:
  - id: customer
    use: shop.create_customer
    with: {name: "{{ shown }}"}
  - id: order
    let:
      owner: customer.id
      noted: "'for ' ~ owner"
    use: shop.create_order
    with: {reference: "{{ shown }}", customer_id: "{{ owner }}", notes: "{{ noted }} {{ shown }}"}
    when: row.n >= 0
  - id: again
    use: shop.create_order
    with: {reference: "{{ owner }}-again"}
outputs: {noted: "{{ noted }}"}
"""
HEAD = columns(n="integer")


def test_named_values_are_known_from_their_step_on(server: FaultServer, bench: Bench) -> None:
    ran = bench.run(LET, table("ref,n", ("A", 0), ("B", 5)), head=HEAD)
    assert ran.buckets == {"done": 2}
    orders = [write.json() for write in server.deliveries("POST", "/orders")]
    owner = orders[0]["customer_id"]
    assert orders[0] == {"reference": "a", "customer_id": owner, "notes": f"for {owner} a"}
    assert orders[1] == {"reference": f"{owner}-again"}
    assert ran.rows["A"].outputs == {"noted": f"for {owner}"}


def test_what_nothing_reads_is_not_computed(server: FaultServer, bench: Bench) -> None:
    assert bench.run(LET, table("ref,n", ("A", 0)), head=HEAD).buckets == {"done": 1}
    wanted = LET.replace("{{ owner }}-again", "x{{ share }}")
    ran = bench.run(wanted, table("ref,n", ("C", 0)), head=HEAD)
    assert ran.buckets == {"rejected": 1}
    assert "share: 100 / row.n: '/': division by zero" in ran.rows["C"].reason


def test_a_plan_knows_where_a_named_value_comes_from(bench: Bench) -> None:
    plan = bench.plan(LET, table("ref,n", ("A", 1)), head=HEAD)
    request = plan.row.planned[1].request
    assert request is not None
    assert str(request.body["notes"]) == "for (known after run: customer.id) a"


def test_an_output_of_a_value_of_a_skipped_step_is_empty(server: FaultServer, bench: Bench) -> None:
    steps = LET.replace(
        '    with: {name: "{{ shown }}"}\n',
        '    with: {name: "{{ shown }}"}\n    when: row.n > 0\n',
    )
    steps = steps.replace("{{ owner }}-again", "{{ shown }}").replace(
        'customer_id: "{{ owner }}", notes: "{{ noted }} {{ shown }}"', "notes: x"
    )
    ran = bench.run(steps, table("ref,n", ("A", 0)), head=HEAD)
    assert ran.rows["A"].outputs == {"noted": None}
    assert ran.rows["A"].reason == ""


@pytest.mark.parametrize("workers", [1, 4])
def test_a_shared_value_may_have_a_name(server: FaultServer, bench: Bench, workers: int) -> None:
    steps = """\
let: {owner: row.customer | trim}
steps:
  - {id: customer, use: shop.create_customer, once_per: owner, with: {name: "{{ owner }}"}}
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}}
"""
    sheet = table("ref,customer", ("A", "x"), ("B", "x "), ("C", "y"))
    ran = bench.run(steps, sheet, head=columns(customer="string"), workers=workers)
    assert ran.buckets == {"done": 3}
    names = [write.json()["name"] for write in server.deliveries("POST", "/customers")]
    assert sorted(names) == ["x", "y"]


def test_elements_have_the_name_that_for_each_gives_them(server: FaultServer, bench: Bench) -> None:
    steps = """\
steps:
  - id: orders
    use: shop.create_order
    for_each: {in: row.lines, as: line}
    item_key: line.sku
    with: {reference: "{{ row.lines | where('item.quantity < line.quantity') | map(attribute='sku') | join('+') }}"}
"""
    head = grouped("ref", {"sku": "string", "quantity": "integer"})
    ran = bench.run(steps, "ref,sku,quantity\nA,x,1\nA,y,2\nA,z,3\n", head=head)
    assert ran.buckets == {"done": 1}
    assert [write.json()["reference"] for write in server.deliveries()] == ["", "x", "x+y"]
    assert {item for _, step, item in bench.calls() if step == "orders"} == {"x", "y", "z"}


def test_a_decimal_with_a_name_identifies_whatever_the_file_says(
    server: FaultServer, bench: Bench
) -> None:
    """8.40 in CSV is 8.4 in a workbook, in text around a named value too."""
    steps = """\
steps:
  - id: order
    let: {price: row.price}
    use: shop.create_order
    once_per: "'at ' ~ price"
    with: {reference: "x"}
"""
    head = columns(price="decimal")
    bench.run(steps, table("ref,price", ("R1", "8.40"), ("R2", "8.4")), head=head)
    assert {key for key, _, _ in bench.calls()} == {"at 8.4"}
