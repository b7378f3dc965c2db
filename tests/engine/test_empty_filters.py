"""A search of a row whose filter has no value: without it anybody's object would be found and taken for the row's."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import FaultServer

HEAD = columns(customer="string")
SEARCH = 'use: shop.search_customers, with: {name: "{{ row.customer }}"}'
ORDER = """\
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
"""
ADOPTED = f"""\
steps:
  - id: customer
    use: shop.create_customer
    with: {{name: "{{{{ row.ref }}}}"}}
    unless_found: {{{SEARCH}}}
{ORDER}"""
READ = f"""\
steps:
  - {{id: customer, {SEARCH}, expect: one}}
{ORDER}"""


@pytest.mark.parametrize("steps", [ADOPTED, READ, READ.replace("expect: one", "expect: first")])
def test_nothing_is_taken_for_an_object_of_the_row(
    server: FaultServer, bench: Bench, steps: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "somebody"}]
    sheet = table("ref,customer", ("A", ""))
    for way in (bench.plan, bench.run):
        row = way(steps, sheet, head=HEAD).row
        assert row.bucket == "rejected"
        assert "name has no value, and without it the search finds" in row.reason
    assert server.deliveries() == []


def test_a_list_for_its_own_sake_may_be_read_without_a_filter(bench: Bench) -> None:
    steps = f"steps:\n  - {{id: customers, {SEARCH}}}\n"
    assert bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).buckets == {"done": 1}


@pytest.mark.parametrize("customer", ["{{ row.customer | default('') }}", "{{ ' ' }}"])
def test_a_blank_filter_is_none(server: FaultServer, bench: Bench, customer: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": ""}]
    steps = ADOPTED.replace("{{ row.customer }}", customer)
    row = bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).row
    assert (row.bucket, server.deliveries()) == ("rejected", [])
    assert "name has no value" in row.reason


WHERE = (
    "use: shop.search_customers, where: \"item.name | default('') == row.customer | default('')\""
)


@pytest.mark.parametrize("steps", [ADOPTED, READ])
def test_a_where_that_compares_with_nothing(server: FaultServer, bench: Bench, steps: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": None}]
    sheet = table("ref,customer", ("A", ""))
    for way in (bench.plan, bench.run):
        row = way(steps.replace(SEARCH, WHERE), sheet, head=HEAD).row
        assert row.bucket == "rejected"
        assert "compares with has no value" in row.reason
    assert server.deliveries() == []


BLANK = ["''", "' '", "'\\u200b'", "'\\u00a0'", "none"]


@pytest.mark.parametrize("value", BLANK)
def test_what_is_no_value_of_a_filter(server: FaultServer, bench: Bench, value: str) -> None:
    server.on("GET", "/customers", actions.answer(200, {"customers": [{"id": 7}]}))
    steps = ADOPTED.replace("{{ row.customer }}", f"{{{{ {value} }}}}")
    for way in (bench.plan, bench.run):
        row = way(steps, table("ref,customer", ("A", "x")), head=HEAD).row
        assert (row.bucket, server.deliveries()) == ("rejected", [])


WHERES = [
    "item.name | default('') == row.customer | default('')",
    "row.customer | default('') in item.name | default('')",
    "item.client == row.ref and row.customer | default('') in item.name | default('')",
    "item.client == row.ref and (item.name | default('')).startswith(row.customer | default(''))",
    "item.client == row.ref and (item.name | default('')).endswith(row.customer | default(''))",
    "item.name | default('') == row.customer | default('') or item.number == row.ref",
    "item.number == row.ref or (row.customer | default('') in item.name | default(''))",
    "item.name | default('') in [row.customer | default('')]",
]
"""Each is true of an object that has nothing to do with the row, where the cell is empty."""


@pytest.mark.parametrize("where", WHERES)
@pytest.mark.parametrize("steps", [ADOPTED, READ])
def test_a_where_that_an_empty_cell_makes_true(
    server: FaultServer, bench: Bench, steps: str, where: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "", "client": "A", "number": "Z"}]
    steps = steps.replace(SEARCH, f'use: shop.search_customers, where: "{where}"')
    for way in (bench.plan, bench.run):
        row = way(steps, table("ref,customer", ("A", "")), head=HEAD).row
        assert row.bucket == "rejected", row
        assert "has no value" in row.reason
    assert server.deliveries() == []


@pytest.mark.parametrize(
    "value",
    [
        "PO-{{ row.customer | default('') }}",
        "{{ row.customer | default('') }}-{{ row.customer | default('\\u200b') }}",
        "{{ 'PO-' ~ row.customer | default('') }}",
        "{{ 'PO-' + (row.customer | default('')) }}",
        "{{ mark }}",
        "x{{ mark }}",
    ],
)
@pytest.mark.parametrize("steps", [ADOPTED, READ])
def test_a_filter_in_which_no_value_is(
    server: FaultServer, bench: Bench, steps: str, value: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": each} for each in ("PO-", "-", "xPO-")]
    let = "let: {mark: \"'PO-' ~ row.customer | default('')\"}\n"
    steps = let + steps.replace("{{ row.customer }}", value)
    for way in (bench.plan, bench.run):
        row = way(steps, table("ref,customer", ("A", "")), head=HEAD).row
        assert (row.bucket, server.deliveries()) == ("rejected", []), row
        assert "name has no value" in row.reason


@pytest.mark.parametrize(
    "value",
    [
        "{{ row.customer | default('C') }}",
        "{{ row.ref }}{{ row.customer | default('') }}",
        "C-{{ 'x' ~ (row.customer or row.ref) }}",
        "{{ 'C' }}",
    ],
)
def test_a_filter_in_which_a_value_is(server: FaultServer, bench: Bench, value: str) -> None:
    names = ("A", "C", "C-xA")
    server.shop.objects["/customers"] = [{"id": n, "name": each} for n, each in enumerate(names, 7)]
    steps = READ.replace("{{ row.customer }}", value)
    assert bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).row.bucket == "done"


LEFT_OF_IT = [
    "(item.name | default('') | replace('-', '')) == (row.customer | replace('-', ''))",
    "not (item.name | default('') | replace('-', '')) != (row.customer | replace('-', ''))",
    "(item.name | default('') | regex_replace('[^0-9]', '')) == (row.customer | regex_replace('[^0-9]', ''))",
    "(row.customer | replace('-', '') | trim) in (item.name | default(''))",
    "item.client == row.ref and (item.name | default('')).startswith(row.customer | replace('-', ''))",
]


@pytest.mark.parametrize("where", LEFT_OF_IT)
@pytest.mark.parametrize("steps", [ADOPTED, READ])
def test_a_where_that_is_left_with_nothing_of_a_cell(
    server: FaultServer, bench: Bench, steps: str, where: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "", "client": "A"}]
    steps = steps.replace(SEARCH, f'use: shop.search_customers, where: "{where}"')
    for way in (bench.plan, bench.run):
        row = way(steps, table("ref,customer", ("A", "-")), head=HEAD).row
        assert (row.bucket, server.deliveries()) == ("rejected", []), row
        assert "has no value" in row.reason


NAMING = [
    "item.name == row.ref and item.notes | default('') == row.customer | default('')",
    "item.name == row.ref and (not row.customer or item.notes == row.customer)",
    "item.name == row.ref and (not row.customer or row.customer in item.notes)",
    "item.name == row.ref and item.notes | default('') in ['open', row.customer | default('')]",
    "item.name == (row.customer if row.customer else row.ref)",
    "('[' ~ (row.customer or row.ref) ~ ']') in ('[' ~ item.name ~ ']')",
]


@pytest.mark.parametrize("where", NAMING)
def test_a_where_that_names_the_object_all_the_same(
    server: FaultServer, bench: Bench, where: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "A"}]
    steps = READ.replace(SEARCH, f'use: shop.search_customers, where: "{where}"')
    assert bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).row.bucket == "done"


@pytest.mark.parametrize("where", WHERES[:1] + WHERES[3:4])
def test_an_unknown_call_is_not_settled_with_what_nothing_names(
    server: FaultServer, bench: Bench, where: str
) -> None:
    """The value is gone from the sheet, or the recipe looks for another one, since the call was sent."""
    server.on("POST", "/customers", actions.close())
    steps = ADOPTED.replace(SEARCH, 'use: shop.search_customers, where: "item.name == row.ref"')
    sheet = table("ref,customer", ("A", ""))
    assert bench.run(steps, sheet, head=HEAD).row.bucket == "unknown"
    server.shop.objects["/customers"] = [{"id": 7, "name": "", "client": "A"}]
    steps = ADOPTED.replace(SEARCH, f'use: shop.search_customers, where: "{where}"')
    ran = bench.run(steps, sheet, head=HEAD)
    assert ran.row.bucket == "unknown"
    assert "has no value" in ran.row.reason
    assert len(server.writes()) == 1


PAYMENT = """\
steps:
  - id: payment
    use: shop.create_payment
    with: {order_id: 7, amount: 9, reference: "{{ row.ref }}"}
    unless_found: {use: shop.list_payments, with: {order_id: 7}, where: "item.reference == row.ref"}
"""


def test_an_unknown_payment_is_not_settled_with_what_nothing_names(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders/7/payments", actions.close())
    sheet = table("ref,customer", ("A", ""))
    assert bench.run(PAYMENT, sheet, head=HEAD).row.bucket == "unknown"
    server.shop.create("/orders/7/payments", {"amount": 9, "reference": ""})
    where = "item.reference == row.customer | default('')"
    ran = bench.run(PAYMENT.replace("item.reference == row.ref", where), sheet, head=HEAD)
    assert ran.row.bucket == "unknown"
    assert "has no value" in ran.row.reason


@pytest.mark.parametrize("value", ["0", "false", "['x', '']", "[]", "'\\u200b'", "'\\u00a0 '"])
def test_a_value_that_names_nothing(server: FaultServer, bench: Bench, value: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": ""}]
    sign = "in" if "[" in value else "=="
    let = f'let: {{named: "{value}"}}\n'
    where = f"use: shop.search_customers, where: item.name {sign} named"
    for way in (bench.plan, bench.run):
        row = way(
            let + READ.replace(SEARCH, where), table("ref,customer", ("A", "")), head=HEAD
        ).row
        assert (row.bucket, server.deliveries()) == ("rejected", [])
        assert "has no value" in row.reason


def test_a_name_that_is_made_of_an_empty_cell(server: FaultServer, bench: Bench) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "somebody's [PO ]"}]
    let = "let: {mark: \"'[PO ' ~ row.customer | default('') ~ ']'\"}\n"
    where = "use: shop.search_customers, where: mark in item.name"
    for way in (bench.plan, bench.run):
        row = way(
            let + READ.replace(SEARCH, where), table("ref,customer", ("A", "")), head=HEAD
        ).row
        assert (row.bucket, server.deliveries()) == ("rejected", [])


BESIDE = [
    "item.notes | default('') == row.customer | default('')",
    "item.notes | default('') in ['open', row.customer | default('')]",
    "not row.customer or item.notes == row.customer",
    "not row.customer or row.customer in item.notes",
]
"""Second conditions that may be blank, where the search is named by another."""


@pytest.mark.parametrize("where", BESIDE)
@pytest.mark.parametrize("steps", [ADOPTED, READ])
def test_a_blank_condition_beside_a_filter_that_names_the_object(
    server: FaultServer, bench: Bench, steps: str, where: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "A"}]
    named = f'use: shop.search_customers, with: {{name: "{{{{ row.ref }}}}"}}, where: "{where}"'
    sheet = table("ref,customer", ("A", ""))
    assert bench.run(steps.replace(SEARCH, named), sheet, head=HEAD).row.bucket == "done"
    assert '"customer_id":7' in server.writes()[-1].body.replace(" ", "")


@pytest.mark.parametrize("where", BESIDE)
@pytest.mark.parametrize("beside", ["C", "{{ vars.name }}", "{{ row.customer }}"])
def test_a_blank_condition_beside_a_filter_that_names_none(
    server: FaultServer, bench: Bench, where: str, beside: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "C"}]
    named = f'use: shop.search_customers, with: {{name: "{beside}"}}, where: "{where}"'
    steps = "vars: {name: {default: C}}\n" + READ.replace(SEARCH, named)
    row = bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).row
    assert (row.bucket, server.deliveries()) == ("rejected", [])
    assert "has no value" in row.reason


OPTIONAL = 'use: shop.search_customers, with: {name: "{{ row.ref }}", email: "{{ row.customer }}"}'


@pytest.mark.parametrize("steps", [ADOPTED, READ])
def test_a_blank_filter_beside_one_that_names_the_object(
    server: FaultServer, bench: Bench, steps: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "A"}]
    steps, sheet = steps.replace(SEARCH, OPTIONAL), table("ref,customer", ("A", ""))
    assert bench.run(steps, sheet, head=HEAD).row.bucket == "done"


@pytest.mark.parametrize("steps", [ADOPTED, READ])
def test_a_blank_filter_does_not_find_what_has_a_value_there(
    server: FaultServer, bench: Bench, steps: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "A", "email": "z@x.example"}]
    row = bench.run(
        steps.replace(SEARCH, OPTIONAL), table("ref,customer", ("A", "")), head=HEAD
    ).row
    assert (row.bucket, server.writes()) == ("rejected", [])
    assert (
        'email has no value, and the search has found an object with email "z@x.example"'
        in row.reason
    )


def test_the_way_for_a_blank_condition_is_named(server: FaultServer, bench: Bench) -> None:
    where = "use: shop.search_customers, where: item.notes == row.customer"
    row = bench.run(READ.replace(SEARCH, where), table("ref,customer", ("A", "")), head=HEAD).row
    assert "may be blank: `not row.customer or item.notes == row.customer`" in row.reason
    assert server.deliveries() == []
