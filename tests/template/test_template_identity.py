"""Values as identities: one text for one value."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.template import (
    EvaluationError,
    Template,
    compile_expression,
    compile_template,
    identity_of,
    identity_scope,
    plain,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("PO-1 ", "PO-1"),
        ("8.40", "8.40"),
        (Decimal("8.40"), "8.4"),
        (Decimal("8.00"), "8"),
        (Decimal(800), "800"),
        (Decimal("8E+2"), "800"),
        (Decimal("0.00"), "0"),
        (Decimal("-0.0"), "0"),
        (8, "8"),
        (True, "true"),
        (dt.date(2027, 3, 1), "2027-03-01"),
        (Decimal("1234567890123456789012345678901234567890.10"), "1234567890123456789012345678901234567890.1"),
    ],
)  # fmt: skip
def test_one_text_for_one_value(value: Any, expected: str) -> None:
    assert identity_of(value) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_equal_numbers_are_one_identity(value: Decimal) -> None:
    longer = Decimal(f"{value:f}000")
    assert longer == value
    assert identity_of(longer) == identity_of(value)
    assert plain(longer) == value


def test_what_has_no_text_is_no_identity() -> None:
    with pytest.raises(EvaluationError, match="null"):
        identity_of(None)


def test_numbers_inside_text_have_one_form() -> None:
    row: dict[str, Any] = {"ref": "A", "price": Decimal("8.40"), "lines": [{"n": Decimal("1.0")}]}
    template = compile_template("{{ row.ref }}-{{ row.price }}-{{ row.lines[0].n }}")
    scope = {"row": row}
    assert isinstance(template, Template)
    assert template.render(identity_scope(scope, template.references)) == "A-8.4-1"
    assert row["price"].as_tuple().exponent == -2
    expression = compile_expression("item.sku ~ '/' ~ item.price")
    item = {"item": {"sku": "00618", "price": Decimal("2.50")}}
    assert expression.evaluate(identity_scope(item, expression.references)) == "00618/2.5"


def test_a_scope_without_such_numbers_is_used_as_it_is() -> None:
    template = compile_template("{{ row.ref }}")
    scope = {"row": {"ref": "A", "price": Decimal("8.40")}}
    assert isinstance(template, Template)
    assert identity_scope(scope, template.references) is scope
