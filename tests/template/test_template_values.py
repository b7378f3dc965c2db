"""What templates yield: exact types, text, exact numbers, and data that is never a template."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.template import (
    EvaluationError,
    Template,
    Unknown,
    compile_expression,
    compile_template,
    render,
    to_text,
)

ROW: dict[str, Any] = {
    "text": "v",
    "sku": "1e5",
    "zip": "02134",
    "count": 3,
    "price": Decimal("12.10"),
    "day": dt.date(2024, 1, 2),
    "yes": True,
    "nothing": None,
    "lines": [{"qty": 2, "price": Decimal("1.50")}, {"qty": 3, "price": Decimal("0.10")}],
    "items": "keyed",
}


def value(text: str, **scope: Any) -> Any:
    return compile_expression(text).evaluate({"row": ROW, **scope})


def rendered(text: str, **scope: Any) -> Any:
    return render(compile_template(text), {"row": ROW, **scope})


def exactly(actual: Any, expected: Any) -> bool:
    """The same type and the same digits: Decimal('12.10') is not Decimal('12.1')."""
    return type(actual) is type(expected) and repr(actual) == repr(expected)


@pytest.mark.parametrize("name", sorted(ROW))
def test_a_lone_expression_keeps_its_type(name: str) -> None:
    assert exactly(rendered(f"{{{{ row.{name} }}}}"), ROW[name])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ row.sku }}", "1e5"),
        ("{{ row.zip }}", "02134"),
        ("{{ row.sku }} ", "1e5 "),
        (" {{ row.count }}", " 3"),
        ("{{ row.count }}\n", "3\n"),
        ("{{ row.count }}{{ row.count }}", "33"),
        ("{{ row.price }} USD", "12.10 USD"),
        ("on {{ row.day }}", "on 2024-01-02"),
        ("{{ row.yes }}!", "true!"),
        ("{{ '{{' }} and {{ '{%' }}", "{{ and {%"),
        ("{{ row['text'] ~ row.count ~ row.price }}", "v312.10"),
        ("{{ ('a', 1) }}", ["a", 1]),
        ("{{ {'a': row.count} }}", {"a": 3}),
        ("{{ 'ä\\n\\u00e9' }}", "ä\né"),
        ("{{ row.text }}}", "v}"),
        ("no expression { here }", "no expression { here }"),
        ("", ""),
    ],
)
def test_text(text: str, expected: Any) -> None:
    assert exactly(rendered(text), expected)


def test_text_without_an_expression_is_no_template() -> None:
    assert compile_template("plain") == "plain"
    compiled = compile_template("{{ row.x }}")
    assert isinstance(compiled, Template)
    assert compiled.lone


def test_a_whole_tree_is_rendered() -> None:
    count, price = compile_template("{{ row.count }}"), compile_template("{{ row.price }}")
    tree = {"a": [count, compile_template("x{{ row.count }}"), 5, None], "b": {"c": price}}
    assert render(tree, {"row": ROW}) == {"a": [3, "x3", 5, None], "b": {"c": Decimal("12.10")}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Decimal("12.10"), "12.10"),
        (Decimal("1E+16"), "10000000000000000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal(0), "0"),
        (12345678901234567890123, "12345678901234567890123"),
        (True, "true"),
        (False, "false"),
        (dt.date(2024, 12, 31), "2024-12-31"),
        ("{{ x }}", "{{ x }}"),
    ],
)
def test_to_text(given: Any, expected: str) -> None:
    assert to_text(given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "the value is null, which has no text; say what to write instead: | default('')"),
        ([1], "a list cannot stand inside text"),
        ({}, "an object cannot stand inside text"),
        (Decimal("1E+999999999"), "text: a number of more than 4300 digits"),
        pytest.param(10**5000, "text: a number of more than 4300 digits", id="5001 digits"),
        (1.5, "float cannot stand inside text"),
    ],
)
def test_what_has_no_text(given: Any, message: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        to_text(given)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.10", Decimal("12.10")),
        ("0.1 + 0.2", Decimal("0.3")),
        ("0.1 + 0.2 == 0.3", True),
        ("1e16", Decimal(10**16)),
        ("1e16 + 0.01", Decimal("10000000000000000.01")),
        ("1_000.5", Decimal("1000.5")),
        ("1.5e-3", Decimal("0.0015")),
        ("0x1F + 1", 32),
        ("12345678901234567890 + 1", 12345678901234567891),
        ("row.price * 3", Decimal("36.30")),
        ("row.price", Decimal("12.10")),
        ("-row.count", -3),
        ("-row.price", Decimal("-12.10")),
        ("7 / 2", Decimal("3.5")),
        ("6 / 2", Decimal(3)),
        ("7 // 2", 3),
        ("7 % 2", 1),
        ("-7 // 2", -4),
        ("-7 % 2", 1),
        ("-7.0 // 2", Decimal(-4)),
        ("-7.0 % 2", Decimal("1.0")),
        ("2.5 | round", Decimal(3)),
        ("2.675 | round(2)", Decimal("2.68")),
        ("-2.5 | round", Decimal(-3)),
        ("(0 - 0.001) | round(2)", Decimal("0.00")),
        ("1.005 | round(2)", Decimal("1.01")),
        ("5 | round(2)", Decimal("5.00")),
        ("row.lines | total('item.qty * item.price')", Decimal("3.30")),
        ("[] | total('item.x')", 0),
        ("row.lines | map('price') | sum", Decimal("1.60")),
    ],
)
def test_numbers_are_exact(text: str, expected: Any) -> None:
    assert exactly(value(text), expected)


def test_a_line_of_an_order_is_rounded_half_up_to_the_cent() -> None:
    scope = {"item": {"price": Decimal("14.00"), "qty": 12, "discount": Decimal("0.0375")}}
    assert exactly(
        value("(item.price * item.qty * (1 - item.discount)) | round(2)", **scope),
        Decimal("161.70"),
    )


@pytest.mark.parametrize(
    "text",
    ["true + 1", "'a' * 3", "row.lines * 3", "-row.text",
     "row.nothing + 1", "1 / 0", "1.0 // 0", "1 % 0", "'5' + 5"],
)  # fmt: skip
def test_arithmetic_is_for_numbers(text: str) -> None:
    with pytest.raises(EvaluationError, match=r"needs a number, not|division by zero"):
        value(text)


_numbers = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.decimals(-(10**6), 10**6, places=2).map(lambda d: f"{d:f}"),
    st.sampled_from(
        [
            "row.count",
            "row.price",
            "(row.lines | length)",
            "(row.lines | total('item.qty * item.price'))",
        ]
    ),
)
_expressions = st.recursive(
    _numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner)
        .map(" ".join)
        .map("({})".format),
        inner.map("({}) | round(2)".format).map("({})".format),
        inner.map("({} | abs)".format),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"([{', '.join(parts)}] | sum)"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"([{', '.join(parts)}] | max)"),
        inner.map("({} | decimal)".format),
        st.tuples(inner, inner)
        .map("({0[0]} if {0[1]} > 0 else [{0[1]}])".format)
        .map("({})[0]".format),
    ),
    max_leaves=6,
)


def floats(tree: Any) -> Iterator[float]:
    parts = (
        tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list | tuple) else ()
    )
    yield from [tree] if isinstance(tree, float) else []
    for part in parts:
        yield from floats(part)


@given(
    _expressions, st.sampled_from(["{}", "[{}]", "{{'a': {}}}", "'x' ~ {}", "{} / 3", "{} == 1"])
)
def test_nothing_is_ever_a_float(text: str, shape: str) -> None:
    try:
        result = value(shape.replace("{{", "{").replace("}}", "}").replace("{}", f"({text})"))
    except EvaluationError:
        return
    assert not list(floats(result))


_data = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "{{ 7*7 }}",
            "{{7*7}}",
            "{% if 1 %}",
            "{# c #}",
            "}}",
            "${x}",
            "%s",
            "{0}",
            "\r\n",
            "\0",
            "'",
        ]
    ),
)


@given(_data)
def test_data_comes_out_unchanged(text: str) -> None:
    scope = {"row": {"x": text}}
    assert render(compile_template("{{ row.x }}"), scope) == text
    assert render(compile_template("<{{ row.x }}>"), scope) == f"<{text}>"
    assert compile_expression("row.x ~ row.x").evaluate(scope) == text * 2
    assert compile_expression("[row.x, {'a': row.x}]").evaluate(scope) == [text, {"a": text}]
    assert compile_expression("[row] | map('x') | join('')").evaluate(scope) == text


@given(_data)
def test_keys_of_data_come_out_unchanged(text: str) -> None:
    scope = {"row": {"x": {text: text}, "key": text}}
    assert render(compile_template("{{ row.x }}"), scope) == {text: text}
    assert compile_expression("row.x[row.key]").evaluate(scope) == text


def test_data_is_never_a_template_however_often_it_is_rendered() -> None:
    hostile = "{{7*7}}"
    tree = {"a": compile_template("{{ row.x }}"), "b": compile_template("1{{ row.x }}")}
    once = render(tree, {"row": {"x": hostile}})
    assert once == {"a": hostile, "b": f"1{hostile}"}
    assert (
        value("row.lines | map('qty') | join(row.text)", row={**ROW, "text": hostile})
        == f"2{hostile}3"
    )


@pytest.mark.parametrize(
    "name",
    [
        "items",
        "keys",
        "values",
        "get",
        "count",
        "__class__",
        "pop",
        "update",
        "__init__",
        "real",
        "format",
    ],
)
def test_attributes_are_keys_and_never_methods(name: str) -> None:
    assert compile_expression(f"row.{name}").evaluate({"row": {name: "keyed"}}) == "keyed"
    assert compile_expression(f"row['{name}']").evaluate({"row": {name: "keyed"}}) == "keyed"
    for row in ({"other": 1}, "text", [1], 5, Decimal(5), dt.date(2024, 1, 2), None, True):
        with pytest.raises(EvaluationError, match=rf"there is no '{name}'|has no '{name}'"):
            compile_expression(f"row.{name}").evaluate({"row": row})
    assert isinstance(compile_expression(f"job.{name}").evaluate({"job": Unknown("job")}), Unknown)


def test_the_name_result_is_the_one_of_the_scope() -> None:
    assert compile_expression("result.total > 0").evaluate({"result": {"total": 3}}) is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rowx.a", "rowx.a: 'rowx' is not known here"),
        ("row.textt", "row.textt: there is no 'textt'; did you mean 'text'?"),
        ("row.lines[5]", "row.lines[5]: the list has 2 elements, no element 5"),
        ("row.text.upper", "row.text.upper: a text has no 'upper'"),
        ("row.lines.qty", "row.lines.qty: a list has no 'qty'"),
        ("row[row]", "row[row]: an object cannot be a key"),
        ("row.text < 3", "row.text < 3: cannot compare a text with a number by '<'"),
        ("row.nothing > 3", "row.nothing > 3: cannot compare null with a number by '>'"),
        ("row.day < '2024'", "row.day < '2024': cannot compare a date with a text by '<'"),
        ("3 in 'abc'", "3 in 'abc': 'in' looks for a text in a text, not for a number"),
        ("3 in 3", "3 in 3: 'in' needs a list, a text or an object on its right, not a number"),
        ("[1] in row", "[1] in row: a list cannot be a key"),
        ("[nope]", "[nope]: 'nope' is not known here"),
        ("{'a': [row.nope]}", "{'a': [row.nope]}: there is no 'nope'; known keys: "),
        ("nope is none", "nope is none: 'nope' is not known here"),
        ("nope is string", "nope is string: 'nope' is not known here"),
        ("row.text | default(nope)", "row.text | default(nope): 'nope' is not known here"),
        (
            "row.text | replace(nope, 'x')",
            "row.text | replace(nope, 'x'): 'nope' is not known here",
        ),
        ("nope | total('item')", "nope | total('item'): 'nope' is not known here"),
        ("1 in nope", "1 in nope: 'nope' is not known here"),
        ("not nope", "not nope: 'nope' is not known here"),
        ("nope == 1", "nope == 1: 'nope' is not known here"),
    ],
)
def test_what_is_not_there_is_an_error(text: str, message: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        value(text)
    assert str(raised.value).startswith(message)


def test_inside_text_the_expression_at_fault_is_named() -> None:
    with pytest.raises(EvaluationError, match=r"row\.nothing: the value is null"):
        rendered("{{ row.text }} and {{ row.nothing }}")


def test_a_long_expression_is_not_repeated_whole() -> None:
    with pytest.raises(EvaluationError) as raised:
        value("row.text ~ " * 100 + "nope")
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("text", ["row.nope in []", "row.nope not in []", "row.nope in {}"])
def test_what_is_not_there_is_not_looked_for_in_an_empty_list(text: str) -> None:
    with pytest.raises(EvaluationError, match="nope"):
        compile_expression(text).evaluate({"row": {"a": 1}})
