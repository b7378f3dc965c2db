"""Templates as people write them who know Jinja: most are taken, and what is refused says what to write instead."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jinja_page import plain, shown

from runner.source import read
from runner.template import EvaluationError, TemplateError, compile_template, render

WRITTEN: list[dict[str, str]] = read(Path(__file__).with_name("written_by_people.yaml")).data
SCOPE: dict[str, Any] = {
    "row": {
        "first": "Ann",
        "last": "o'neil",
        "email": " Ann@Shop.EXAMPLE ",
        "ref": "PO-1042",
        "qty": 12,
        "price": Decimal("9.95"),
        "rush": True,
        "note": None,
        "empty": "",
        "count_text": "7",
        "tags": ["b", "a", "b"],
        "lines": [
            {"sku": "A", "qty": 5, "size": "M"},
            {"sku": "B", "qty": 2, "size": "L"},
            {"sku": "C", "qty": 3, "size": "M"},
        ],
        "sizes": {"M": 8, "L": 2},
        "day": dt.date(2026, 3, 31),
        "day_text": "31.03.2026",
        "note_long": "Deliver to the back door\nand ring twice",
        "url": "a b&c/d",
        "phone": "(617) 555-0100",
        "pairs": [["x", 1], ["y", 2]],
    }
}


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: case["template"][:60])
def test_a_template_gives_what_is_expected_or_says_what_to_write(case: dict[str, str]) -> None:
    if "gives" in case:
        assert shown(plain(render(compile_template(case["template"]), SCOPE))) == case["gives"]
    elif "refused" in case:
        with pytest.raises(TemplateError) as refused:
            compile_template(case["template"])
        assert (refused.value.message, refused.value.remedy) == (case["refused"], case["write"])
        assert case["write"]
    else:
        with pytest.raises(EvaluationError) as failed:
            render(compile_template(case["template"]), SCOPE)
        assert str(failed.value) == case["fails"]


def test_most_of_them_are_taken() -> None:
    assert len(WRITTEN) >= 140
    assert sum("gives" in case for case in WRITTEN) / len(WRITTEN) > 0.8
