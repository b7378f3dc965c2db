"""Sums keep all digits, however many there are."""

from __future__ import annotations

from decimal import Decimal

import pytest

from runner.exact import exact_sum
from runner.report.summary import Account, Counted
from runner.template import compile_template

WIDE = Decimal("12345678901234567890123456789.01")


def test_no_digit_is_rounded() -> None:
    assert exact_sum([WIDE, Decimal("0.00001"), 1]) == Decimal(
        "12345678901234567890123456790.01001"
    )
    assert exact_sum([]) == 0


@pytest.mark.parametrize(
    "text", ["{{ xs | sum }}", "{{ rows | sum('x') }}", "{{ rows | total('item.x') }}"]
)
def test_sums_of_an_expression(text: str) -> None:
    scope = {"xs": [WIDE, Decimal("0.02")], "rows": [{"x": WIDE}, {"x": Decimal("0.02")}]}
    template = compile_template(text)
    assert not isinstance(template, str)
    assert str(template.render(scope)) == "12345678901234567890123456789.03"


def test_what_was_posted() -> None:
    account = Account()
    for _ in range(3):
        account.count(Counted("k", "pay", "a.pay", "create", "done", WIDE))
    assert [*account._money()] == [
        ("posted", ["37,037,036,703,703,703,670,370,370,367.03 by 3 pay"])
    ]
