"""Filters and tests: each with what it gives and what it refuses, in words for people."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from runner.template import EvaluationError, TemplateError, compile_expression
from runner.template.environment import ENVIRONMENT

SCOPE: dict[str, Any] = {
    "text": " Ab ",
    "day": dt.date(2024, 1, 31),
    "nothing": None,
    "lines": [{"sku": "b", "qty": 2}, {"sku": "a", "qty": 1}, {"sku": "b", "qty": 2}],
    "numbers": [3, 1, Decimal("2.5"), 1],
}

GOOD: list[tuple[str, Any]] = [
    ("-5.5 | abs", Decimal("5.5")),
    ("lines | count", 3),
    ("day | date('%m/%d/%Y')", "01/31/2024"),
    ("day | date('%-d %B, 100%%')", "31 January, 100%"),
    ("day | days(-31)", dt.date(2023, 12, 31)),
    ("' 1.50 ' | decimal", Decimal("1.50")),
    ("7 | decimal", Decimal(7)),
    ("nope | default('x')", "x"),
    ("nothing | default(5)", 5),
    ("'' | default('x')", ""),
    ("'' | default('x', true)", "x"),
    ("0 | default(5)", 0),
    ("lines | first", {"sku": "b", "qty": 2}),
    ("'abc' | first", "a"),
    ("'12' | int", 12),
    ("2.0 | int", 2),
    ("numbers | join('-')", "3-1-2.5-1"),
    ("[] | join", ""),
    ("numbers | last", 1),
    ("'abc' | length", 3),
    ("{'a': 1} | length", 1),
    ("text | lower", " ab "),
    ("lines | map('sku')", ["b", "a", "b"]),
    ("numbers | max", 3),
    ("numbers | min", 1),
    ("'a-b-c' | replace('-', '')", "abc"),
    ("1.005 | round(2)", Decimal("1.01")),
    ("numbers | sort", [1, 1, Decimal("2.5"), 3]),
    ("lines | sort('qty') | map('sku')", ["a", "b", "b"]),
    ("numbers | sum", Decimal("7.5")),
    ("lines | sum('qty')", 5),
    ("1.50 | text", "1.50"),
    ("day | text", "2024-01-31"),
    ("lines | total('item.qty * 2')", 10),
    ("text | trim", "Ab"),
    ("numbers | unique", [3, 1, Decimal("2.5")]),
    ("lines | unique | length", 2),
    ("[1, true, '1'] | unique", [1, True, "1"]),
    ("text | upper", " AB "),
    ("lines | where('item.sku == \\'b\\'') | length", 2),
]

BAD: list[tuple[str, str]] = [
    ("'5' | abs", "abs needs a number, not a text"),
    ("5 | count", "count needs a list or a text, not a number"),
    ("'2024-01-31' | date('%d')", "date needs a date, not a text"),
    (
        "day | date(text ~ '%s')",
        "date: a format of %Y %m %d %b %B %a %A %y %j and text is needed",
    ),
    ("'%.2f' | format('x')", "format needs a number, not the text 'x'"),
    ("day | date(5)", "date needs a format as text, not a number"),
    ("'x' | days(1)", "days needs a date, not a text"),
    ("day | days(1.5)", "days needs a whole number, not 1.5"),
    ("day | days(99999999)", "days: no such date"),
    ("'1e5' | decimal", "decimal: '1e5' is not a number"),
    ("'\u0661' | decimal", "decimal: '\u0661' is not a number"),
    ("'nan' | decimal", "decimal: 'nan' is not a number"),
    ("true | decimal", "decimal needs a number, not true or false"),
    ("nope.a | default('x')", "'nope' is not known here"),
    ("[] | first", "first: the list is empty"),
    ("'' | first", "first: the text is empty"),
    ("'12.5' | int", "int: 12.5 is not a whole number; round it first"),
    ("'x' | int", "int: 'x' is not a number"),
    (
        "[none] | join",
        "the value is null, which has no text; say what to write instead: | default('')",
    ),
    ("'abc' | join", "join needs a list, not a text"),
    ("[1] | join(5)", "join needs a text, not a number"),
    ("5 | last", "last needs a list, not a number"),
    ("5 | length", "length needs a list or a text, not a number"),
    (
        "none | lower",
        "the value is null, which has no text; say what to write instead: | default('')",
    ),
    ("lines | map('nope')", "map: an element has no 'nope'"),
    ("[1] | map('a')", "map: an element has no 'a'"),
    ("[1, 'a'] | max", "max: cannot compare a text with a number by '>'"),
    ("[] | min", "min: the list is empty"),
    ("'a' | replace('', 'b')", "replace needs a text to look for"),
    ("'a' | replace('a', 1)", "replace needs a text, not a number"),
    ("'a' | round", "round needs a number, not a text"),
    ("1 | round(21)", "round needs -20 to 20 places"),
    ("1 | round(1.5)", "round needs a whole number, not 1.5"),
    ("1e27 | round(2)", "round: the number is too large"),
    ("[1, 'a'] | sort", "sort: cannot compare a text with a number by '<'"),
    ("lines | sort('nope')", "sort: an element has no 'nope'"),
    ("['1'] | sum", "sum needs a number, not a text"),
    ("lines | sum('sku')", "sum needs a number, not a text"),
    ("lines | text", "a list cannot stand inside text"),
    ("lines | total('item.sku')", "total needs a number, not a text"),
    ("'x' | total('item')", "total needs a list, not a text"),
    ("lines | total('item.nope')", "item.nope: there is no 'nope'; known keys: qty, sku"),
    (
        "none | trim",
        "the value is null, which has no text; say what to write instead: | default('')",
    ),
    ("5 | unique", "unique needs a list, not a number"),
    (
        "none | upper",
        "the value is null, which has no text; say what to write instead: | default('')",
    ),
    ("5 | where('item')", "where needs a list, not a number"),
    ("'%99999999d' is odd", "odd needs a number, not a text"),
    ("'%99999999d' is even", "even needs a number, not a text"),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_good(text: str, expected: Any) -> None:
    actual = compile_expression(text).evaluate(SCOPE)
    assert (repr(actual), type(actual)) == (repr(expected), type(expected))


@pytest.mark.parametrize(("text", "message"), BAD)
def test_bad(text: str, message: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        compile_expression(text).evaluate(SCOPE)
    assert str(raised.value) == f"{text}: {message}"


def test_every_filter_has_a_good_and_a_bad_case() -> None:
    for cases in (GOOD, BAD):
        used = {part.strip().split("(")[0] for text, _ in cases for part in text.split("|")[1:]}
        assert {"total", "where"} <= used


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text is defined", True), ("nope is defined", False), ("nope is not defined", True),
        ("nope is undefined", True), ("nothing is none", True), ("text is none", False), ("text is string", True),
        ("1 is string", False),
        ("1.5 is number", True), ("true is number", False), ("{} is mapping", True), ("[] is mapping", False),
        ("[] is sequence", True), ("'a' is sequence", False), ("{} is sequence", False), ("2 is in [1, 2]", True),
        ("'a' is in {'a': 1}", True), ("4 is even", True), ("-3 is odd", True), ("2.5 is odd", True),
    ],
)  # fmt: skip
def test_tests(text: str, expected: bool) -> None:  # noqa: FBT001 - a case of the table
    assert compile_expression(text).evaluate({"text": "x", "nothing": None}) is expected


def test_no_filter_or_test_of_jinja_came_along() -> None:
    assert not ENVIRONMENT.filters
    assert not ENVIRONMENT.tests
    assert not ENVIRONMENT.globals
    assert ENVIRONMENT.loader is None


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("x | date", "date is not given what it needs", "write it so: date('%m/%d/%Y')"),
        ("x | days", "days is not given what it needs", "write it so: days(7)"),
        (
            "x | replace('a')",
            "replace is not given what it needs",
            "write it so: replace('old', 'new')",
        ),
        (
            "x | round(1, 'ceil', 2)",
            "round is not given what it needs",
            "write it so: round(2) or round(2, 'floor')",
        ),
        (
            "x | round(places=2)",
            "round is not given what it needs",
            "write it so: round(2) or round(2, 'floor')",
        ),
        (
            "x | date('%d %b %Y %H:%M')",
            "date: a format of %Y %m %d %b %B %a %A %y %j and text is needed",
            "write it so: date('%m/%d/%Y')",
        ),
        ("x | map('attr', 'y')", "there is no filter 'attr'", "write row.name or row['name']"),
        (
            "x | select('od')",
            "there is no test 'od'",
            "did you mean 'odd'?",
        ),
        (
            "x.append(1)",
            "there is no method 'append'",
            "a list does not change; put two together: a + [b]",
        ),
        ("x.stripp()", "there is no method 'stripp'", "did you mean 'strip'?"),
        ("x | safe", "there is no filter 'safe'", "nothing here is HTML: leave it out"),
        ("x | fmt", "there is no filter 'fmt'", "docs/jinja.md lists the filters that there are"),
        ("len(x)", "functions cannot be called here: len", "use | length"),
        ("x | upper('a')", "upper takes nothing in brackets", "write it so: upper"),
        ("x | total", "total takes one expression as a text: total('item.price')", ""),
        ("x | total(item.price)", "total takes one expression as a text: total('item.price')", ""),
        ("x | where('a', 'b')", "where takes one expression as a text: where('item.price')", ""),
        ("x | uper", "there is no filter 'uper'", "did you mean 'upper'?"),
        ("x is nuber", "there is no test 'nuber'", "did you mean 'number'?"),
    ],
)
def test_wrong_use_is_found_before_anything_runs(text: str, message: str, remedy: str) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_expression(text)
    assert (raised.value.message, raised.value.remedy) == (message, remedy)


@pytest.mark.parametrize("expression", ["'abc' % 1", "'abc' % none", "'%s' | format('a', none)"])
def test_a_text_is_given_no_more_than_it_has_places_for(expression: str) -> None:
    with pytest.raises(EvaluationError, match="format is given more than its text has places for"):
        compile_expression(expression).evaluate({})
