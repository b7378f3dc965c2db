"""Declared fields that an answer leaves out are null, in rows, answers, searches and lookups."""

from __future__ import annotations

from typing import Any

import pytest

from runner.catalogue import of_answer, of_entry
from runner.catalogue.operation import Operation
from runner.template import Answer, EvaluationError, compile_expression

ENTRY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "note": {"type": "string"},
        "client": {"type": "object", "properties": {"name": {"type": "string"}}},
        "lines": {"type": "array", "items": {"properties": {"sku": {"type": "string"}}}},
        "either": {
            "anyOf": [{"properties": {"a": {}, "b": {}}}, {"properties": {"a": {}, "c": {}}}]
        },
    },
}
ANSWER = {"type": "object", "properties": {"orders": {"type": "array", "items": ENTRY}}}
EMPTY: dict[str, Any] = dict.fromkeys(("summary", "description", "evidence"), "")


def operation(*, items: str = "") -> Operation:
    return Operation(
        "shop", "read", "get", "/orders", parameters={}, body=None, effect="read", repeatable=True,
        answer=ANSWER if items else ENTRY, items=items, **EMPTY,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("x.note", None),
        ("x['note']", None),
        ("x.note | default('none')", "none"),
        ("x.client.name", None),
        ("x.client.name is none", True),
        ("x.lines[0].sku", None),
        ("x.lines | map(attribute='sku') | list", [None]),
        ("x.lines | selectattr('sku') | list", []),
        ("x.get('note', 'other')", "other"),
        ("x.either.a", None),
        ("x | tojson", '{"client": {}, "either": {}, "id": 5, "lines": [{}]}'),
        ("x.items() | length", 4),
    ],
)
def test_a_declared_field_that_is_left_out_is_null(expression: str, value: Any) -> None:
    given = {"id": 5, "client": {}, "lines": [{}], "either": {}}
    seen = of_answer(operation(), given)
    assert compile_expression(expression).evaluate({"x": seen}) == value
    (listed,) = of_answer(operation(items="orders"), [given])
    assert compile_expression(expression).evaluate({"x": listed}) == value
    assert of_entry(operation(items="orders"), given) == given


@pytest.mark.parametrize("expression", ["x.nope", "x.either.b", "x.client.nope"])
def test_what_is_not_declared_is_an_error_as_before(expression: str) -> None:
    seen = of_answer(operation(), {"id": 5, "client": {}, "either": {}})
    with pytest.raises(EvaluationError, match="there is no "):
        compile_expression(expression).evaluate({"x": seen})


def test_the_answer_itself_stays_as_it_is() -> None:
    given = {"id": 5, "client": {"name": "A"}}
    seen = of_answer(operation(), given)
    assert isinstance(seen, Answer)
    assert (seen, list(seen)) == (given, ["id", "client"])
    assert type(given["client"]) is dict
    assert of_answer(operation(), "text") == "text"
