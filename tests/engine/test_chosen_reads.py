"""A read whose list is taken for one object, without `expect: one` as with it: no filter of it is left out."""

from __future__ import annotations

import pytest
from faults.bench import Bench, columns, table
from faults.server import FaultServer

HEAD = columns(customer="string")
SEARCH = 'use: shop.search_customers, with: {name: "{{ row.customer }}"}'
ORDER = """\
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ %s }}"}
"""
BOUND = """\
  - id: order
    let: {all: "found | where('item.id > 0')", customer: "%s"}
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
"""
FOUND = f"steps:\n  - {{id: found, {SEARCH}}}\n"
TAKEN = [
    *(
        FOUND + ORDER % each
        for each in (
            "(found | one).id", "(found | first).id", "(found | last).id", "found[0].id", "found[-1].id",
            "(found | selectattr('id') | list | one).id", "found | map(attribute='id') | first",
            "((found or []) | first).id",
            "(found | sort(attribute='id') | where('item.id > 0'))[row.ref | length - 1].id",
            "found | map(attribute='id') | max",
        )
    ),
    *(
        FOUND + ORDER % each
        for each in (
            "found | map(attribute='id') | join | int", "found | sum(attribute='id')", "found | total('item.id')",
            "found | map(attribute='id') | sum", "(found | index_by('id')).values() | sum(attribute='id')",
            "7 if found | length == 0 else found | sum(attribute='id')",
        )
    ),
    FOUND + ORDER.replace("{{ %s }}", "{%% for each in found %%}{{ %s }}{%% endfor %%}") % "each.id",
    FOUND + BOUND.replace("all | ", "").replace("customer.id", "customer | int") % "all | map(attribute='id') | join",
    FOUND.replace("}\n", ', expect: "result | length == 1"}\n') + ORDER % "(found | map(attribute='id') | sum)",
    FOUND.replace("}\n", ', expect: "(result | first).id > 0"}\n') + ORDER % "7",
    FOUND + BOUND % "all | one",
    FOUND + BOUND % "all[0]",
    FOUND + ORDER.replace("    use", "    when: found | length == 1\n    use") % "(found | map(attribute='id') | sum)",
]  # fmt: skip


@pytest.mark.parametrize("steps", TAKEN)
def test_a_filter_without_a_value_is_refused(server: FaultServer, bench: Bench, steps: str) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "somebody"}]
    sheet = table("ref,customer", ("A", ""))
    for way in (bench.plan, bench.run):
        row = way(steps, sheet, head=HEAD).row
        assert row.bucket == "rejected"
        assert "name has no value, and without it the search finds" in row.reason
    assert server.deliveries() == []


@pytest.mark.parametrize("steps", TAKEN)
def test_a_where_that_compares_with_nothing_is_refused(
    server: FaultServer, bench: Bench, steps: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": ""}]
    where = "item.name | default('') == row.customer | default('')"
    steps = steps.replace(SEARCH, f'use: shop.search_customers, where: "{where}"')
    row = bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).row
    assert (row.bucket, server.deliveries()) == ("rejected", [])
    assert "compares with has no value" in row.reason


@pytest.mark.parametrize("steps", TAKEN)
def test_a_filter_with_a_value_finds_its_object(
    server: FaultServer, bench: Bench, steps: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "C"}]
    assert bench.run(steps, table("ref,customer", ("A", "C")), head=HEAD).buckets == {"done": 1}
    assert '"customer_id":7' in server.writes()[0].body.replace(" ", "")


LISTS = [
    "found | length", "found | where('item.id > 0') | length", "7 if found else 8", "7 if found == [] else 8",
    "8 if not found else 7",
]  # fmt: skip


@pytest.mark.parametrize("value", LISTS)
def test_a_list_of_which_nothing_is_taken_needs_no_filter(
    server: FaultServer, bench: Bench, value: str
) -> None:
    server.shop.objects["/customers"] = [{"id": 7, "name": "C"}]
    steps = FOUND + ORDER % value
    assert bench.run(steps, table("ref,customer", ("A", "")), head=HEAD).buckets == {"done": 1}


def test_what_rows_take_of_a_list_that_is_read_once(server: FaultServer, bench: Bench) -> None:
    """The first row has a name, the second has none."""
    server.shop.objects["/customers"] = [{"id": 7, "name": "C"}, {"id": 8, "name": ""}]
    where = "item.name | default('') == row.customer | default('')"
    read = f'steps:\n  - {{id: found, use: shop.search_customers, once: run, where: "{where}"'
    for steps in (
        f"{read}, expect: one}}\n" + ORDER % "found.id",
        f"{read}}}\n" + ORDER % "found[0].id",
    ):
        ran = bench.run(
            steps, table("ref,customer", (f"A{len(steps)}", "C"), (f"B{len(steps)}", "")), head=HEAD
        )
        assert ran.buckets == {"done": 1, "rejected": 1}
        assert '"customer_id":7' in server.writes()[-1].body.replace(" ", "")
