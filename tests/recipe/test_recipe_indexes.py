"""Columns whose cells are names in a lookup."""

from __future__ import annotations

from pathlib import Path

from runner.catalogue import Catalogue
from runner.recipe import load_text
from runner.recipe.lookups import indexing_columns, names_in, uses_of

CATALOGUE = Catalogue({"shop": Path(__file__).with_name("shop.openapi.yaml")})
RECIPE = """
recipe: 1
name: orders
rows:
  group_by: ref
  columns: {ref: {}, size: {required: true}, fit: {required: true}, cut: {}, other: {required: true}}
lookups:
  sizes: {use: shop.list_sizes, by: code}
  named: {use: shop.list_sizes, by: name}
steps:
  - id: orders
    use: shop.create_order
    for_each: row.lines
    when: named[row.other].id > 3
    with: {customer_id: "{{ sizes[item.size].id }}", reference: "{{ sizes[row.cut | default('S')].name }}"}
    unless_found:
      use: shop.search_orders
      where: item.reference == named[row.fit].name and sizes[item.status].id == 1
"""


def test_columns_that_find_entries() -> None:
    recipe = load_text(RECIPE, file="x.yaml", catalogue=CATALOGUE).recipe
    assert indexing_columns(recipe) == {
        "size": "sizes",
        "cut": "sizes",
        "fit": "named",
        "other": "named",
    }


def test_names_that_the_document_knows() -> None:
    recipe = load_text(RECIPE, file="x.yaml", catalogue=CATALOGUE).recipe
    assert names_in(recipe, CATALOGUE, "sizes") == ("S", "M", "L")
    assert names_in(recipe, CATALOGUE, "named") == ()


def test_what_every_row_looks_up_is_told_from_what_only_some_do() -> None:
    text = """
recipe: 1
name: orders
rows:
  key: "{{ row.ref }}"
  group_by: ref
  columns: {ref: {}, size: {}, fit: {}, vendor: {}}
lookups:
  sizes: {file: sizes.csv, by: code}
  ours: {file: ours.csv, by: [vendor, size]}
steps:
  - id: first
    use: shop.create_order
    with:
      customer_id: 7
      reference: "{{ ours[row.vendor]['L'].id if sizes[row.size].id else ours[row.vendor][row.fit].id }}"
  - id: second
    use: shop.add_lines
    when: sizes[row.fit].id == '3'
    with:
      order_id: "{{ first.id }}"
      lines: {for_each: row.lines, value: {sku: "{{ ours[item.vendor][item.size].id }}", quantity: 1}}
  - id: third
    use: shop.add_lines
    with:
      order_id: "{{ sizes[row.fit | upper].id | default(7) }}"
      lines: {for_each: row.lines, value: {sku: "{{ ours[item.vendor][item.size].id }}", quantity: 1}}
"""
    found = uses_of(load_text(text, file="x.yaml", catalogue=CATALOGUE).recipe)
    assert [(use.lookup, [key for key, _ in use.keys], use.sure) for use in found] == [
        ("sizes", ["size"], True),
        ("ours", ["vendor", "L"], False),
        ("ours", ["vendor", "fit"], False),
        ("sizes", ["fit"], True),
        ("ours", ["vendor", "size"], True),
    ]
    assert found[1].columns == ("vendor",)
