"""Expressions as functions: on plain values they give what Jinja's own code gives, where both mean the same."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.exceptions import TemplateRuntimeError
from jinja2.sandbox import SandboxedEnvironment

from runner.template import EvaluationError, compile_expression

SCOPE: dict[str, Any] = {
    "n": 3, "m": -7, "text": "x", "long": "xyz", "yes": True, "nothing": None,
    "row": {"n": 5, "text": "y", "lines": [{"n": 1}, {"n": 2}], "deep": {"n": 8}},
}  # fmt: skip

NUMBERS = st.recursive(
    st.sampled_from(
        [
            "0",
            "12",
            "n",
            "m",
            "row.n",
            "row['n']",
            "row.deep.n",
            "row.lines[1].n",
            "row.lines[-1]['n']",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        st.tuples(inner, st.sampled_from(["//", "%"]), st.integers(1, 9)).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        inner.map(lambda part: f"(-{part})"),
        inner.map(lambda part: f"[{part}, n][0]"),
        inner.map(lambda part: f"{{'k': {part}}}.k"),
    ),
    max_leaves=6,
)
TEXTS = st.recursive(
    st.sampled_from(["''", "'a'", "text", "long", "row.text", "row['text']"]),
    lambda inner: st.tuples(inner, st.sampled_from("+~"), inner).map(
        lambda parts: f"({' '.join(parts)})"
    ),
    max_leaves=4,
)
COMPARED = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
CONDITIONS = st.recursive(
    st.one_of(
        st.sampled_from(
            ["true", "false", "yes", "nothing is none", "nope is defined", "row.nope is undefined"]
        ),
        st.tuples(NUMBERS, COMPARED, NUMBERS).map(" ".join).map("({})".format),
        st.tuples(NUMBERS, NUMBERS, NUMBERS).map(lambda parts: "({} < {} <= {})".format(*parts)),
        st.tuples(TEXTS, st.sampled_from(["in", "not in"]), TEXTS).map(" ".join).map("({})".format),
        st.tuples(NUMBERS, NUMBERS).map(lambda parts: f"({parts[0]} in [{parts[1]}, 1])"),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join).map("({})".format),
        inner.map(lambda part: f"(not {part})"),
    ),
    max_leaves=4,
)
VALUES = st.one_of(
    NUMBERS, TEXTS, CONDITIONS,
    st.tuples(NUMBERS, CONDITIONS, TEXTS).map(lambda parts: f"{parts[0]} if {parts[1]} else {parts[2]}"),
    st.tuples(NUMBERS, TEXTS).map(lambda parts: f"({parts[0]} and {parts[1]}) or {parts[0]}"),
)  # fmt: skip

JINJA = SandboxedEnvironment(undefined=StrictUndefined)


@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">="])
def test_comparisons_are_those_of_jinja(sign: str) -> None:
    for left, right in itertools.product(("n", "m", "3"), repeat=2):
        _compare_with_jinja(f"{left} {sign} {right}")
        _compare_with_jinja(f"1 < {left} {sign} {right}")


@given(VALUES)
@example("1 < n < m < row.nope")
@example("false and row.nope")
@example("{'a': [n, 'b']}")
def test_plain_values_come_out_as_from_jinja(text: str) -> None:
    _compare_with_jinja(text)


def _compare_with_jinja(text: str) -> None:
    found = compile_expression(text).evaluate(SCOPE)
    expected = JINJA.compile_expression(text, undefined_to_none=False)(**SCOPE)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    "text",
    [
        "nope",
        "row.nope",
        "nope.a",
        "row.lines[9]",
        "1 < n > row.nope",
        "not nope",
        "n + nope",
        "nope | upper",
    ],
)
def test_what_is_undefined_is_an_error_for_both(text: str) -> None:
    with pytest.raises(EvaluationError):
        compile_expression(text).evaluate(SCOPE)
    with pytest.raises(TemplateRuntimeError):
        str(JINJA.compile_expression(text, undefined_to_none=False)(**SCOPE))
