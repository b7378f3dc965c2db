"""Elements that an expression chooses by what has no value: they may be counted, and nothing is taken of them."""

from __future__ import annotations

import pytest
from faults.bench import Bench, columns, table
from faults.server import FaultServer

HEAD = columns(customer="string")
LOOKUP = "lookups: {all: {use: shop.search_customers}}\n"
READ = "  - {id: all, use: shop.search_customers}\n"
LISTS = {"a lookup": LOOKUP + "steps:\n", "a read": "steps:\n" + READ}
ORDER = """\
  - id: order
    let: {%s}
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ %s }}"}
"""
EMPTY = "item.name | default('') == row.customer | default('')"
CHOSEN = [
    "all | selectattr('name', 'eq', row.customer | default(''))",
    "all | selectattr('name', 'in', [row.customer | default('')])",
    "all | selectattr('name', '==', row.customer | default('') | trim)",
    "all | selectattr('name', 'eq', mark)",
    "all | rejectattr('name', 'ne', row.customer | default(''))",
    f'all | where("{EMPTY}")',
    "all | where(\"row.customer | default('') in item.name | default('')\")",
    "all | where(\"(item.name | default('')).startswith(row.customer | default(''))\")",
    "all | where('item.name == mark')",
    f'all | where("{EMPTY}") | where("item.id > 0")',
    f"all | sort(attribute='name') | where(\"{EMPTY}\") | reverse | list",
    f"(all + all) | where(\"{EMPTY}\") | unique(attribute='id')",
    f'(all | where("{EMPTY}"))[:1]',
    f'((all | where("{EMPTY}")) or [])',
    f'((all | where("{EMPTY}")) + [])',
    f'all | where("item.town == vars.town and {EMPTY}")',
]
"""Each finds the customer without a name where the cell is empty."""


def written(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def ordered(start: str, chosen: str, taken: str = "found | one") -> str:
    let = f'mark: "row.customer | default(\'\')", found: "{written(chosen)}", one: "{taken}"'
    return "vars: {town: {default: Ulm}}\n" + start + ORDER % (let, "one.id")


def refused(server: FaultServer, bench: Bench, steps: str, cell: str = "") -> str:
    ran = bench.run(steps, table("ref,customer", ("A", cell)), head=HEAD)
    assert (ran.buckets, server.writes()) == ({"rejected": 1}, []), ran.row.reason
    assert "has no value" in ran.row.reason
    return ran.row.reason


@pytest.mark.parametrize("start", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("chosen", CHOSEN)
def test_nothing_is_taken_of_what_a_blank_value_chooses(
    server: FaultServer, bench: Bench, start: str, chosen: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "", "town": "Ulm"}]
    refused(server, bench, ordered(start, chosen))


@pytest.mark.parametrize("start", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("chosen", CHOSEN[:-1])
def test_what_a_value_chooses_is_taken(
    server: FaultServer, bench: Bench, start: str, chosen: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "C"}, {"id": 8, "name": ""}]
    steps = ordered(start, chosen)
    assert bench.run(steps, table("ref,customer", ("A", "C")), head=HEAD).buckets == {"done": 1}
    assert '"customer_id":7' in server.writes()[0].body.replace(" ", "")


TAKEN = [
    "found | one", "found | first", "found | last", "found[0]", "found[-1]", "found[row.ref | length - 1]",
    "found | min(attribute='id')", "found | max(attribute='id')", "found | only('id') | one",
    "{'id': found | map(attribute='id') | first}", "{'id': found | map(attribute='id') | join}",
    "{'id': found | map(attribute='id') | sum}", "{'id': found | total('item.id')}",
    "(found | index_by('name'))['']", "(found | groupby('name') | first).list | first",
    "found | batch(1) | first | first",
]  # fmt: skip


@pytest.mark.parametrize("taken", TAKEN)
def test_every_way_to_take_one(server: FaultServer, bench: Bench, taken: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": ""}]
    refused(server, bench, ordered(LISTS["a lookup"], CHOSEN[0], taken))


def test_the_reason_names_the_expression_and_the_value(server: FaultServer, bench: Bench) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": ""}]
    reason = refused(server, bench, ordered(LISTS["a lookup"], CHOSEN[0]))
    assert "found | one: what selectattr compares with, row.customer, has no value" in reason
    reason = refused(server, bench, ordered(LISTS["a lookup"], CHOSEN[5]))
    assert f"found | one: what {EMPTY} compares with has no value" in reason


@pytest.mark.parametrize("cell", ["\u200b", "\u00a0", '" "'])
def test_what_cannot_be_seen_is_no_value(server: FaultServer, bench: Bench, cell: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": cell.strip('"')}]
    for chosen in (CHOSEN[0], CHOSEN[5]):
        refused(server, bench, ordered(LISTS["a lookup"], chosen), cell)


LEFT = [
    "all | selectattr('name', 'eq', row.customer | replace('-', ''))",
    "all | selectattr('name', 'eq', 'PO' ~ row.customer | replace('-', ''))",
    "all | where(\"(item.name | replace('-', '')) == (row.customer | replace('-', ''))\")",
]


@pytest.mark.parametrize("chosen", LEFT)
def test_nothing_is_left_of_the_cell(server: FaultServer, bench: Bench, chosen: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "PO" if "PO" in chosen else ""}]
    refused(server, bench, ordered(LISTS["a lookup"], chosen), "-")


def test_an_index_finds_nothing_by_a_blank_name(server: FaultServer, bench: Bench) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": ""}, {"id": 8, "name": "C"}]
    index = "all | index_by('name')"
    for taken in (
        "found[row.customer | default('')]",
        "found.get(row.customer | default(''), {'id': found['']})",
    ):
        refused(server, bench, ordered(LISTS["a lookup"], index, taken))
    taken = "found[row.customer | default('C')]"
    steps = ordered(LISTS["a lookup"], index, taken)
    assert bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).row.bucket == "done"


EACH = """\
  - id: order
    for_each: {in: "%s", as: customer}
    use: shop.update_customer
    with: {customer_id: "{{ customer.id }}", notes: "bounced"}
"""
READ_WHERE = f'steps:\n  - {{id: found, use: shop.search_customers, where: "{EMPTY}"}}\n'
READ_WITH = (
    'steps:\n  - {id: found, use: shop.search_customers, with: {name: "{{ row.customer }}"}}\n'
)


@pytest.mark.parametrize("steps", [
    LISTS["a lookup"] + EACH % written(CHOSEN[0]),
    LISTS["a lookup"] + EACH % written(CHOSEN[5]),
    LISTS["a read"] + EACH % written(CHOSEN[5]),
    READ_WHERE + EACH % "found",
    READ_WHERE + EACH % "found | sort(attribute='id') | list",
    READ_WITH + EACH % "found",
])  # fmt: skip
def test_nothing_is_sent_for_each_of_them(server: FaultServer, bench: Bench, steps: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": ""}]
    refused(server, bench, steps)


TEXTS = [
    "{% for each in all if each.name | default('') == row.customer | default('') %}{{ each.id }}{% endfor %}",
    "{% for each in all %}{% if each.name == row.customer | default('') %}{{ each.id }}{% endif %}{% endfor %}",
    "{% for each in all %}{% if each.id %}{% if each.name == mark %}{{ each.id }}{% endif %}{% endif %}{% endfor %}",
    "{% for each in all | where('item.name == mark') %}{{ each.id }}{% endfor %}",
    "{% set some = all | selectattr('name', 'eq', mark) %}{{ (some | one).id }}",
]
TEXT = """\
  - id: order
    let: {mark: "row.customer | default('')"}
    use: shop.create_order
    with: {reference: "%s-"}
"""


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_is_made_of_them(server: FaultServer, bench: Bench, text: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": ""}, {"id": 8, "name": "C"}]
    steps = LISTS["a lookup"] + TEXT % text
    refused(server, bench, steps)
    assert bench.run(steps, table("ref,customer", ("B", "C")), head=HEAD).row.bucket == "done"
    assert '"8-"' in server.writes()[0].body


PLAIN = [
    "{% for each in all %}{% if each.id == 7 %}{{ each.name }}{% endif %}{% endfor %}",
    "{% for each in all if each.town == row.ref %}{% if each.name == mark %}{{ each.id }}{% endif %}{% endfor %}",
    "{% for each in all %}{% if not mark %}{{ each.id }}{% endif %}{% endfor %}",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_text_that_nothing_is_chosen_for(server: FaultServer, bench: Bench, text: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "", "town": "A"}]
    ran = bench.run(LISTS["a lookup"] + TEXT % text, table("ref,customer", ("A", "")), head=HEAD)
    assert ran.buckets == {"done": 1}, ran.row.reason


HARMLESS = [
    "found | length",
    "7 if found else 8",
    "(found | one).id if row.customer else 7",
    "(all | selectattr('name', 'eq', '') | one).id",
    "(all | where(\"item.name == ''\") | one).id",
    "(all | where('item.town == row.ref') | where('item.name == blank') | one).id",
    "(all | where('item.name == blank') | where('item.town == row.ref') | one).id",
    "(all | selectattr('town', 'eq', row.ref) | selectattr('name', 'eq', blank) | one).id",
    "(all | selectattr('name', 'eq', blank) | selectattr('town', 'eq', row.ref) | one).id",
    "(all | where('not vars.client or item.client == vars.client') | one).id",
    "(all | where('item.id and (not vars.client or item.client == vars.client)') | one).id",
    "(mine | where('item.name == blank') | one).id",
    "(all | where('item.id in [7, 9] and item.town == row.ref') | first).id",
    "(all | selectattr('id', 'in', [7, mine | length]) | first).id",
]


@pytest.mark.parametrize("value", HARMLESS)
def test_what_is_harmless(server: FaultServer, bench: Bench, value: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "", "town": "A"}]
    names = {
        "blank": "row.customer | default('')",
        "mine": "all | where('item.town == row.ref')",
        "found": CHOSEN[0],
    }
    let = ", ".join(f'{name}: "{each}"' for name, each in names.items())
    steps = "vars: {client: {default: ''}}\n" + LISTS["a lookup"] + ORDER % (let, written(value))
    ran = bench.run(steps, table("ref,customer", ("A", "")), head=HEAD)
    assert ran.buckets == {"done": 1}, ran.row.reason


def test_lines_of_the_row_are_its_own(bench: Bench) -> None:
    head = HEAD.replace("  key:", "  group_by: ref\n  key:")
    lines = (
        "row.lines | where(\"item.customer | default('') == row.lines[0].customer | default('')\")"
    )
    steps = f"""\
steps:
  - id: order
    for_each: {{in: "{written(lines)}", as: line}}
    use: shop.create_order
    with: {{reference: "{{{{ row.ref }}}}"}}
"""
    assert bench.run(steps, table("ref,customer", ("A", "")), head=head).buckets == {"done": 1}
