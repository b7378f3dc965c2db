"""A shorthand is the same recipe as its long form."""

from __future__ import annotations

import pytest
from test_recipe_golden import EVERY_API, GOLDEN

from runner.problems import InvalidError
from runner.recipe import load
from runner.recipe.load import load_text

LONG = (GOLDEN / "ok" / "shorthands.yaml").read_text(encoding="utf-8")
FORMS = (
    ("{type: int, default", "{type: integer, default"),
    ("{type: bool, default", "{type: boolean, default"),
    ('group_by: "Order #"', "group_by: ref"),
    ("name: Customer Name", 'name: {from: "Customer Name"}'),
    ("type: str,", "type: string,"),
    ("type: int,", "type: integer,"),
    ("type: float,", "type: decimal,"),
    ("type: bool}", "type: boolean}"),
    ("type: number}", "type: decimal}"),
)


def test_it_is_the_same_recipe() -> None:
    short = load(GOLDEN / "ok" / "shorthands.yaml", catalogue=EVERY_API).recipe
    text = LONG
    for form, written_out in FORMS:
        assert form in text
        text = text.replace(form, written_out)
    long = load_text(text, file="long.yaml", catalogue=EVERY_API).recipe
    assert (short.rows, short.vars) == (long.rows, long.vars)


@pytest.mark.parametrize("header", ["Date", "text", "Number", "money"])
def test_a_header_that_may_be_a_type_is_asked_about(header: str) -> None:
    text = LONG.replace("name: Customer Name", f"name: {header}")
    with pytest.raises(InvalidError) as caught:
        load_text(text, file="asked.yaml", catalogue=EVERY_API)
    assert [each.kind for each in caught.value.problems] == ["column"]
    assert f"name: {{from: {header}}}" in caught.value.problems[0].remedy


def test_a_header_of_two_columns_groups_by_neither() -> None:
    text = LONG.replace("sku: {from: SKU", 'sku: {from: "Order #"')
    with pytest.raises(InvalidError) as caught:
        load_text(text, file="two.yaml", catalogue=EVERY_API)
    assert "unknown-column" in {each.kind for each in caught.value.problems}
