"""docs/diagnostics.md shows what is said of ten mistakes beside other tools: it is what is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.catalogue import Catalogue
from runner.problems import InvalidError
from runner.recipe import load_text

CATALOGUE = Catalogue({"shop": Path(__file__).with_name("shop.openapi.yaml")})
DOCS = Path(__file__).parents[2] / "docs" / "diagnostics.md"
RECIPE = """\
recipe: 1
name: orders
steps:
  - id: create
    use: shop.create_order
    with: {customer_id: 7, reference: A-1}
  - id: fetch
    use: shop.get_order
    with: {order_id: "{{ create.id }}"}
"""
MISTAKES = [
    ("    with: {customer_id", "    wth: {customer_id"),
    ("create_order", "creat_order"),
    ("{{ create.id", "{{ creat.id"),
    ("reference: A-1", "referense: A-1"),
    ("reference: A-1", "reference: A-1, quantity: two"),
    ("customer_id: 7, ", ""),
    ("create.id }}", "create.id }"),
    ("shop.get_order\n", "shop.get_order\n    use: shop.get_order\n"),
    ("    use: shop.get_order", "   use: shop.get_order"),
    ("A-1", '"{{ secrets.api_key }}"'),
]


def shown() -> list[list[str]]:
    """What the lines of runner in the tables quote."""
    rows = re.findall(r"^\| runner \| (.*) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.findall(r"`([^`]+)`", row) for row in rows]


@pytest.mark.parametrize("at", range(len(MISTAKES)))
def test_what_is_compared_is_what_is_said(at: int) -> None:
    old, new = MISTAKES[at]
    assert old in RECIPE
    with pytest.raises(InvalidError) as caught:
        load_text(RECIPE.replace(old, new, 1), file="recipe.yaml", catalogue=CATALOGUE)
    problems = caught.value.problems
    said = [
        (f"{each.file}:{each.line}:{each.column}: error: {each.message}", each.remedy)
        for each in problems
    ]
    message, remedy = [*shown()[at], ""][:2]
    assert (message, remedy) in said


def test_each_comparison_is_looked_at() -> None:
    assert len(shown()) == len(MISTAKES)
