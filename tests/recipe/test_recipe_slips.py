"""One round tells everything: slips at every level of a recipe, at once, are each told the first time it is checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.catalogue import Catalogue
from runner.problems import InvalidError, Problem
from runner.recipe import load_text

README = Path(__file__).parent.parent.parent / "README.md"
CATALOGUE = Catalogue()
CHECK = "{{ payment_types['Check'].id }}"


class Slip(NamedTuple):
    """What is written in place of what, and the kind of the problem that is told on the line of `at`."""

    right: str
    wrong: str
    kind: str
    at: str = ""


SLIPS = (
    # the keys and values of the language
    Slip("quantity: {from: Qty, type: integer", "quantity: {from: Qty, type: integr", "value"),
    Slip("price: {from: Price, type: decimal", "price: {from: Price, type: money", "value"),
    Slip("group_by: order_ref", "groupby: order_ref", "unknown-key"),
    Slip("for_each: row.lines ", "loop: row.lines ", "unknown-key"),
    Slip("  - id: deposit\n", "  - id: deposit\n    retries: 3\n", "retry", at="    retries: 3"),
    Slip("when: row.deposit | default(0) > 0", "if: row.deposit > 0", "unknown-key"),
    Slip("outputs:  ", "returns:  ", "unknown-key"),
    # the operations
    Slip("use: syncore.create_sales_order_line_item", "use: syncore.create_sales_order_line", "unknown-operation"),
    Slip("use: syncore.create_job", "use: syncore.create_jobs", "unknown-operation"),
    Slip("use: syncore.list_sales_order_payments", "uses: syncore.list_order_payments", "unknown-key"),
    # what they take
    Slip('price_value: "{{', 'price: "{{', "unknown-field"),
    Slip('sku: "{{ item', 'product_sku: "{{ item', "unknown-field"),
    Slip('client: {id: "{{ contact.id }}"}', 'client_id: "{{ contact.id }}"', "unknown-field"),
    Slip("customer_order_number: ", "customer_order_no: ", "unknown-field"),
    Slip(f'payment_type: {{id: "{CHECK}"}}', f'payment_type: "{CHECK}"', "argument"),
    Slip('reference: "{{ row.order_ref }}"', 'reference: "{{ row.order_ref | uper }}"', "template"),
    # the expressions
    Slip("(item.description | default(''))", "item.description", "may-be-null"),
    Slip("once_per: row.email | lower", "once_per: row.email", "address-case"),
    Slip('amount: "{{ row.deposit }}"', 'amount: "${{ row.deposit && 1 }}"', "template"),
    Slip('description: "{{ row.event }} ', 'description: "{{ row.evnt }} ', "unknown-column"),
    Slip('job_number: "{{ job.id }}"', 'job_number: "{{ jobs.id }}"', "list-result"),
    # what the whole shows
    Slip("under_found: refuse ", "# ", "under-found", at="  - id: lines"),
)  # fmt: skip
"""Each on a line of its own, so that any of them can be made at once."""


def recipe() -> str:
    found = re.search(
        r"^```yaml\n(recipe: 1\n.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[1]


def told(text: str) -> list[Problem]:
    """What one `validate` says."""
    try:
        return list(load_text(text, file="orders.yaml", catalogue=CATALOGUE).warnings)
    except InvalidError as error:
        return error.problems


def with_slips(slips: list[Slip]) -> str:
    text = recipe()
    for slip in slips:
        assert slip.right in text
        text = text.replace(slip.right, slip.wrong, 1)
    return text


def missing(slips: list[Slip]) -> list[Slip]:
    """The slips that are not told."""
    text = with_slips(slips)
    places = {(problem.line, problem.kind) for problem in told(text)}
    lines = {slip: text[: text.index(slip.at or slip.wrong)].count("\n") + 1 for slip in slips}
    return [slip for slip in slips if (lines[slip], slip.kind) not in places]


def test_the_recipe_without_slips_says_nothing() -> None:
    assert told(recipe()) == []


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.wrong)
def test_each_slip_is_told(slip: Slip) -> None:
    assert missing([slip]) == []


def test_all_at_once_are_told_in_the_first_round() -> None:
    assert missing(list(SLIPS)) == []


@settings(max_examples=25)
@given(st.lists(st.sampled_from(SLIPS), unique=True, min_size=2))
def test_any_of_them_are_told_in_the_first_round(slips: list[Slip]) -> None:
    assert missing(slips) == []
