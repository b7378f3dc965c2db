"""Trees with templates in them, rendered again and again: the order of what is complained of, and what is shared."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.template import (
    Each,
    EvaluationError,
    Unknown,
    compile_expression,
    compile_template,
    render,
    renderer,
)

EDGES = [
    Decimal(f"{sign}{digits}e{exponent}")
    for sign in ("", "-")
    for digits in ("1", "9.99")
    for exponent in (-5000, -4300, -4299, -100, -99, -98, -2, 0, 2, 98, 99, 100, 4299, 4300, 5000)
]
NUMBERS = st.one_of(
    st.sampled_from(EDGES),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.sampled_from([10**18, 10**18 - 1, -(10**18), 10**4299]),
)


def _tree(**members: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in members.items():
        made[key] = _tree(**value) if isinstance(value, dict) else value
        if isinstance(value, str):
            made[key] = compile_template(value)
    return made


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a": "{{ row.x | upper }}", "b": "{{ row.nope }}"}, "row.x | upper: the value is null"),
        ({"a": "{{ row.nope }}", "b": "{{ row.x | upper }}"}, "row.nope: there is no 'nope'"),
        (
            {"a": "{{ row.y }}", "b": {"c": "{{ row.z.z }}"}, "d": "{{ row.nope }}"},
            "row.z.z: a number has no 'z'",
        ),
        ({"a": "{{ nope.id }}", "b": "{{ row.nope }}"}, "nope.id: 'nope' is not known here"),
        (
            {"a": "{{ row.y }}", "b": "{{ row.y.id }}", "c": "{{ row.nope }}"},
            "row.y.id: a text has no 'id'",
        ),
    ],
)
def test_the_first_member_that_fails_is_told(members: dict[str, Any], message: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        render(_tree(**members), {"row": {"x": None, "y": "y", "z": 1}})
    assert message in str(caught.value)


def test_members_keep_their_order() -> None:
    tree = _tree(
        a=1, b="{{ row.y | upper }}", c="{{ row.y }}", d=None, e="x{{ row.y }}", f="{{ row.y }}"
    )
    assert list(render(tree, {"row": {"y": "y"}}).items()) == [
        ("a", 1), ("b", "Y"), ("c", "y"), ("d", None), ("e", "xy"), ("f", "y")
    ]  # fmt: skip


def test_what_is_rendered_twice_is_not_shared() -> None:
    each = Each(compile_expression("row.l"), {"k": [compile_template("{{ item.n }}")]})
    make = renderer({"a": [1, {"b": 2}], "c": {"d": 3}, "e": each})
    scope = {"row": {"l": [{"n": 1}, {"n": 2}]}}
    one = make(scope)
    one["a"][1]["b"] = one["c"]["d"] = one["new"] = 0
    one["e"][0]["k"].append(0)
    assert make(scope) == {"a": [1, {"b": 2}], "c": {"d": 3}, "e": [{"k": [1]}, {"k": [2]}]}


@given(NUMBERS, NUMBERS, st.sampled_from("+-*"))
def test_reckoning_is_that_of_decimal_within_4300_digits(left: Any, right: Any, sign: str) -> None:
    def few(value: Any) -> bool:
        return (
            abs(value) < 10**4300
            if isinstance(value, int)
            else value.is_zero() or abs(value.adjusted()) < 4300
        )

    evaluate = compile_expression(f"a {sign} b").evaluate
    result = {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right}[
        sign
    ]()
    if few(left) and few(right) and few(result):
        found = evaluate({"a": left, "b": right})
        assert (type(found), str(found)) == (type(result), str(result))
    else:
        with pytest.raises(EvaluationError, match="a number of more than 4300 digits"):
            evaluate({"a": left, "b": right})


@given(NUMBERS, st.sampled_from(["{{ n }}", "{{ n ~ '' }}", "{{ '' ~ n }}"]))
def test_a_number_reads_without_an_exponent(number: Any, text: str) -> None:
    template = compile_template(f"<{text}>")
    try:
        found = render(template, {"n": number})
    except EvaluationError:
        assert isinstance(number, Decimal)
        assert abs(number.adjusted()) >= 4300
    else:
        assert found == f"<{number:{'d' if isinstance(number, int) else 'f'}}>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ row.x ~ nope }}", "'nope' is not known here"),
        ("{{ row.x ~ 1 ~ row.x }}", "the value is null"),
        ("{{ row.x }}{{ nope }}", "row.x: the value is null"),
        ("{{ nope }}{{ row.x }}", "'nope' is not known here"),
        ("{{ job.id ~ row.x }}", "the value is null"),
        ("{{ job.id }}{{ row.x }}", "row.x: the value is null"),
    ],
)
def test_what_has_no_place_in_text_is_told(text: str, message: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        render(compile_template(text), {"row": {"x": None}, "job": Unknown("job")})
    assert message in str(caught.value)


def test_a_text_is_measured_before_it_is_made() -> None:
    half = "x" * 500_000
    assert len(render(compile_template("{{ a }}{{ a }}"), {"a": half})) == 1_000_000
    for text in (
        "{{ a }}{{ a }}.",
        "{{ a ~ a ~ '.' }}",
        "{{ a }}{{ a }}{{ 1 }}",
        "{{ a + a + '.' }}",
    ):
        with pytest.raises(EvaluationError, match="longer than 1000000 characters"):
            render(compile_template(text), {"a": half})


def test_arguments_of_a_filter_may_differ_from_row_to_row() -> None:
    evaluate = compile_expression("row.n | round(row.places)").evaluate
    assert [str(evaluate({"row": {"n": Decimal("1.2345"), "places": places}})) for places in (0, 3, 1)] == [
        "1", "1.235", "1.2"
    ]  # fmt: skip
    assert evaluate({"row": {"n": Decimal(1), "places": Unknown("job.n")}}).origin == "job.n"
    with pytest.raises(EvaluationError, match="no 'places'"):
        evaluate({"row": {"n": Decimal(1)}})


@pytest.mark.parametrize("number", [Decimal("1e98"), Decimal("9.9e30"), 10**40])
@pytest.mark.parametrize("test", ["odd", "even"])
def test_a_number_too_large_to_be_halved_exactly_is_told(number: Any, test: str) -> None:
    evaluate = compile_expression(f"n is {test}").evaluate
    if isinstance(number, int):
        assert evaluate({"n": number}) is (test == "even")
    else:
        with pytest.raises(EvaluationError, match=f"^n is {test}: {test}: a number out of range$"):
            evaluate({"n": number})


@pytest.mark.parametrize("sign", ["/", "//", "%"])
@pytest.mark.parametrize("number", [0, 1, Decimal("0.0"), Decimal("1e99"), 10**20])
def test_what_is_divided_by_zero_is_told_even_if_it_is_zero(number: Any, sign: str) -> None:
    for zero in (0, Decimal("0.00")):
        with pytest.raises(EvaluationError, match="division by zero"):
            compile_expression(f"n {sign} zero").evaluate({"n": number, "zero": zero})


@pytest.mark.parametrize("number", ["1e-5000", "-1e-4300", "1e4300"])
def test_a_number_of_too_many_digits_is_not_rounded(number: str) -> None:
    with pytest.raises(EvaluationError, match="more than 4300 digits"):
        compile_expression("n | round(2)").evaluate({"n": Decimal(number)})


def test_what_is_inside_an_unknown_value_is_known_by_its_key() -> None:
    job = Unknown("job")
    for _ in range(2):
        assert [job[key].origin for key in (1, True, "1", "id")] == [
            "job[1]",
            "job[True]",
            "job.1",
            "job.id",
        ]
    assert job["id"]["x"].origin == "job.id.x"
