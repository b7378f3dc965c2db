"""Types are never at odds with values: what can be computed is not called an error, and is what it was said to be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.catalogue import Catalogue
from runner.recipe.typecheck.inference import Inference
from runner.recipe.typecheck.messages import Finding, Findings
from runner.recipe.typecheck.scopes import Scopes
from runner.recipe.typecheck.types import (
    ANY,
    DATE,
    DECIMAL,
    INTEGER,
    LIST,
    STRING,
    Absence,
    Type,
    from_schema,
    join,
    list_of,
    object_of,
    of_kind,
    type_of,
)
from runner.template import EvaluationError, TemplateError, compile_expression

EMPTY = of_kind(STRING).maybe(Absence("a cell of the column 'empty' may be empty", "| default('')"))
LINE = object_of({"sku": of_kind(STRING), "count": of_kind(INTEGER), "note": EMPTY}, of="line")
ROW = object_of(
    {
        "text": of_kind(STRING), "digits": of_kind(STRING), "count": of_kind(INTEGER), "price": of_kind(DECIMAL),
        "day": of_kind(DATE), "flag": of_kind("boolean"), "empty": EMPTY, "tags": list_of(of_kind(STRING)),
        "lines": list_of(LINE), "any": ANY,
    },
    of="row",
)  # fmt: skip
VALUES: Mapping[str, Any] = {
    "text": "a-b", "digits": "12", "count": 3, "price": Decimal("1.50"), "day": dt.date(2024, 2, 29), "flag": True,
    "empty": None, "tags": ["x", "y"], "any": [1],
    "lines": [{"sku": "A", "count": 2, "note": None}, {"sku": "B", "count": 5, "note": "n"}],
}  # fmt: skip
ATOMS = [
    *(f"row.{name}" for name in VALUES), "row.lines[0]", "row.lines[1].count", "row['text']", "1", "0", "2.5", "'7'",
    "''", "none", "true", "[]", "[1, 'a']", "{'sku': 'A'}", "row.nothing",
]  # fmt: skip
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"]
FILTERS = [
    "abs", "count", "date('%Y')", "days(2)", "decimal", "default(0)", "default('', true)", "first", "int", "join('/')",
    "last", "length", "lower", "map('sku')", "map(attribute='count')",
    "max", "min", "replace('a', 'b')", "round(1)", "sort",
    "sort('count')", "sum", "sum('count')", "text", "total('item.count * 2')", "trim", "unique", "upper",
    "where('item.note')", "where('item')", "where('item.count > 2')", "title", "string", "list", "float",
    "round(1, 'floor')",
    "int(0)", "sort(attribute='count')", "sort(reverse=true)", "unique(attribute='sku')", "min(attribute='price')",
    "map('upper')", "select", "select('string')", "reject", "selectattr('note')", "rejectattr('sku', 'equalto', 'a')",
    "groupby('sku')", "batch(2)", "slice(2)", "dictsort", "items", "reverse", "tojson", "truncate(3)", "wordcount",
    "urlencode", "center(9)", "indent(2)", "format", "split(',')", "to_date", "weeks(1)", "month_end", "workdays(2)",
    "money", "one", "only('sku')", "index_by('sku')", "sum_by('sku', 'count')", "regex_replace('a', 'b')",
    "regex_search('a')", "capitalize", "wordwrap(5)", "zip([1, 2])",
]  # fmt: skip
ENDS = [".sku", ".count", "[0]", ".nothing", " is none", " is defined", " is even", " is string"]


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(inner, st.sampled_from(FILTERS)).map(lambda parts: f"({parts[0]} | {parts[1]})"),
        st.tuples(inner, st.sampled_from(ENDS)).map(lambda parts: f"({parts[0]}{parts[1]})"),
        st.tuples(inner, inner, inner).map(
            lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})"
        ),
        st.tuples(st.sampled_from(["not ", "-"]), inner).map(lambda parts: f"({''.join(parts)})"),
    )


EXPRESSIONS = st.recursive(st.sampled_from(ATOMS), larger, max_leaves=6)


def inferred(text: str, names: Mapping[str, Type] | None = None) -> tuple[Type, list[Finding]]:
    findings = Findings(text)
    type_ = Inference(names or {"row": ROW}, findings).of(compile_expression(text).tree)
    return type_, findings.found


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS)
def test_what_can_be_computed_is_no_error_and_has_the_type_that_was_inferred(text: str) -> None:
    try:
        value = compile_expression(text).evaluate({"row": VALUES})
    except (EvaluationError, TemplateError):
        return
    type_, found = inferred(text)
    wrong = [
        each for each in found if each.severity == "error" and "never true" not in each.message
    ]
    left_aside = any(
        word in text
        for word in (" if ", " and ", " or ", "default", "is defined", "where", "total")
    )
    assert left_aside or not [each for each in wrong if "always true" not in each.message], wrong
    if type_.kinds:
        kind = type_of(value).kinds
        assert kind <= type_.kinds | ({"null"} if type_.absent or left_aside else set()), (
            value,
            type_,
        )


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS)
def test_a_finding_stands_inside_its_text(text: str) -> None:
    try:
        _, found = inferred(text)
    except TemplateError:
        return
    for each in found:
        assert 0 <= each.offset < each.offset + each.length <= len(text)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("row.count + 1", {"integer"}),
        ("row.count + row.price", {"decimal"}),
        ("row.count / 2", {"decimal"}),
        ("row.text ~ 1", {"string"}),
        ("row.lines | map(attribute='count') | max", {"integer"}),
        ("row.lines | where('item.count > 1') | first", {"object"}),
        ("row.day | days(1)", {"date"}),
        ("row.day | date('%Y')", {"string"}),
        ("row.empty | default('')", {"string"}),
        ("row.empty | default(none)", {"string", "null"}),
        ("'a' if row.flag else 1", {"string", "integer"}),
        ("row.empty or 'x'", {"string"}),
        ("not row.text", {"boolean"}),
        ("row.any", set()),
        ("row.any.x[0].y", set()),
    ],
)
def test_the_type_of_an_expression(text: str, kinds: set[str]) -> None:
    type_, found = inferred(text)
    assert set(type_.kinds) == kinds
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "row.empty ~ '' if row.empty else ''",
        "'' if row.empty is none else row.empty | upper",
        "row.empty is not none and row.empty | length > 1",
        "not row.empty or 'x' in row.empty",
        "row.lines | where('item.note') | map('note') | join",
        "[row.text, row.empty] | where('item') | join",
    ],
)
def test_a_value_that_was_looked_at_may_be_used(text: str) -> None:
    assert inferred(text)[1] == []


@pytest.mark.parametrize("asked", ["row.nothing", "row.nothing.sku"])
def test_what_is_asked_for_has_to_be_a_column(asked: str) -> None:
    found = inferred(f"{asked} is defined")[1]
    assert [each.message for each in found] == ["no column is called 'nothing'"]


def test_a_schema() -> None:
    schema = {
        "properties": {
            "id": {"type": "integer"}, "tags": {"type": ["array", "null"], "items": {"type": "string"}},
            "kind": {"enum": ["a", None], "type": "string"}, "either": {"anyOf": [{"type": "string"}, {}]},
            "guess": {"type": "string", "x-runner-evidence": "inferred"},
        },
        "additionalProperties": False,
    }  # fmt: skip
    type_ = from_schema(schema, of="shop.get")
    assert (set(type_.kinds), type_.closed) == ({"object"}, True)
    assert list(type_.fields) == ["id", "tags", "kind", "either", "guess"]
    assert set(type_.fields["tags"].element.kinds) == {"string"}
    assert type_.fields["tags"].absent is not None
    assert type_.fields["kind"].enum == frozenset({"a"})
    assert not type_.fields["either"].kinds
    assert not type_.fields["guess"].sure
    assert not from_schema({**schema, "additionalProperties": True}).closed
    assert not from_schema({**schema, "x-runner-evidence": "inferred"}).closed


def test_a_field_that_may_be_left_out_is_a_warning_where_null_would_not_do() -> None:
    properties = {"id": {"type": "integer"}, "note": {"type": "string"}}
    some = from_schema({"properties": properties, "required": ["id"]}, of="shop.get")
    (found,) = inferred("x.note | upper ~ x.id", {"x": some})[1]
    assert found.message == "'note' may be left out in what shop.get answers, and null has no text"
    assert (found.severity, found.remedy) == ("warning", "say what to take then: | default('')")
    assert inferred("x.note | default('') ~ x.id", {"x": some})[1] == []
    assert inferred("x.note | upper", {"x": from_schema({"properties": properties})})[1] == []


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("Sent", "its values: Draft, Unsent"),
        ("draft", "did you mean 'Draft'?"),
        ("Drafft", "did you mean 'Draft'?"),
    ],
)
def test_a_value_that_denies_another_is_not_what_was_meant(written: str, remedy: str) -> None:
    status = replace(of_kind("string"), enum=frozenset({"Draft", "Unsent"}))
    (found,) = inferred(f"x == '{written}'", {"x": status})[1]
    assert found.remedy == remedy


def test_rows_that_an_operation_lists_are_its_entries() -> None:
    catalogue = Catalogue({"shop": Path(__file__).with_name("shop.openapi.yaml")})
    rows = {"use": "shop.search_orders", "key": "{{ row.reference }}"}
    row = Scopes({"rows": rows}, catalogue, skipped={}, keyed=frozenset(), whens={}).row
    assert inferred("row.total * 2", {"row": row})[1] == []
    assert inferred("row.lines[0].sku | upper", {"row": row})[1] == []
    (wrong,) = inferred("row.totl", {"row": row})[1]
    assert wrong.message == "row (shop.search_orders) has no field 'totl'"
    declared = {**rows, "columns": {"total": {"type": "integer"}}}
    columns = Scopes({"rows": declared}, catalogue, skipped={}, keyed=frozenset(), whens={}).row
    assert set(columns.fields["total"].solid) == {"integer"}


def test_either_of_two() -> None:
    created = from_schema({"properties": {"id": {"type": "integer"}}}, of="shop.create")
    found = from_schema(
        {"properties": {"id": {"type": "string"}, "name": {"type": "string"}}}, of="shop.search"
    )
    both = join(created, found)
    assert set(both.fields["id"].kinds) == {"integer", "string"}
    assert both.fields["id"].missing is None
    missing = both.fields["name"].missing
    assert missing is not None
    assert missing.reason == "shop.create is not known to answer with 'name', as shop.search does"
    assert not join(created, ANY).kinds
    assert join(list_of(created), of_kind(LIST)).element.fields.keys() == created.fields.keys()
