"""Columns whose cells are names in a lookup."""

from __future__ import annotations

from pathlib import Path

from runner.catalogue import Catalogue
from runner.recipe import load_text
from runner.recipe.indexes import indexing_columns, names_in

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
    assert indexing_columns(recipe) == {"size": "sizes", "cut": "sizes", "fit": "named", "other": "named"}


def test_names_that_the_document_knows() -> None:
    recipe = load_text(RECIPE, file="x.yaml", catalogue=CATALOGUE).recipe
    assert names_in(recipe, CATALOGUE, "sizes") == ("S", "M", "L")
    assert names_in(recipe, CATALOGUE, "named") == ()
