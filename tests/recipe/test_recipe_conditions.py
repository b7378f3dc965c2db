"""What follows from a condition is so: tried out on values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.recipe.typecheck.narrowing import facts_of, present, verdict
from runner.template import EvaluationError, compile_expression

ATOMS = [
    "row.a", "row.b", "row.a == 1", "row.a != 1", "1 == row.a", "row.a == 2", "row.a < row.b", "row.a >= row.b",
    "row.b > row.a", "row.b <= row.a", "row.a == row.b", "row.b != row.a", "row.a is none", "row.b is not none",
    "row.a == none", "row.a in [1, 2]", "row.a not in [1, 2]", "row['a'] == 1", "true", "false",
    "row.a < 2", "row.a >= 2", "2 < row.a", "row.a <= 2", "row.a > 1", "row.a <= 1.5", "row.a > -1", "row.a == 2.0",
]  # fmt: skip
CONDITIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda three: "({} {} {})".format(*three)
        ),
    ),
    max_leaves=4,
)
VALUES = st.sampled_from([None, 0, 1, 2, 3])


def said(asked: str, known: str, *, holds: bool = True) -> bool | None:
    return verdict(
        compile_expression(asked).tree, facts_of(compile_expression(known).tree, holds=holds)
    )


def truth(text: str, scope: dict[str, Any]) -> bool | None:
    try:
        return bool(compile_expression(text).evaluate(scope))
    except EvaluationError:
        return None


@settings(max_examples=400)
@given(known=CONDITIONS, asked=CONDITIONS, one=VALUES, other=VALUES)
def test_what_follows_is_so_for_all_values(
    known: str, asked: str, one: int | None, other: int | None
) -> None:
    scope = {"row": {"a": one, "b": other}}
    held, real = truth(known, scope), truth(asked, scope)
    if held is None or real is None:
        return
    assert said(asked, known, holds=held) in (None, real)


@pytest.mark.parametrize(
    ("known", "asked", "follows"),
    [
        ("row.a", "not row.a", False),
        ("row.a == 1", "row.a != 1", False),
        ("row.a == 1", "row.a == 2", False),
        ("row.a < row.b", "row.b > row.a", True),
        ("row.a > 5", "row.a <= 3", False),
        ("row.a > 5", "row.a < 5", False),
        ("row.a >= 5", "row.a < 5", False),
        ("row.a >= 5", "5 > row.a", False),
        ("row.a > 5", "row.a >= 5", True),
        ("row.a >= 5", "row.a > 5", None),
        ("row.a > 5", "row.a <= 6", None),
        ("row.a >= 5 and row.a <= 5.0", "row.a == 5", True),
        ("row.a == 7", "row.a > 5.5", True),
        ("row.a == 7", "row.a <= -5", False),
        ("row.a < -5", "row.a == 0", False),
        ("row.a > 5", "row.a is none", False),
        ("row.a > 5", "row.b < 3", None),
        ("row.a > '5'", "row.a < '3'", None),
        ("row.a < row.b", "row.a >= row.b", False),
        ("row.a is none", "row.a is not none", False),
        ("row.a is none", "row.a", False),
        ("row.a", "row.a is none", False),
        ("row.a and row.b", "not row.b", False),
        ("row.a and row.b", "not (row.a and row.b)", False),
        ("not (row.a or row.b)", "row.b or row.a", False),
        ("row.a", "row.a or row.b", True),
        ("row.a or row.b", "row.a", None),
        ("row.a", "row.b", None),
        ("row.a == 1", "row.a == 1 and row.b", None),
    ],
)
def test_what_is_known_of_another_condition(known: str, asked: str, follows: bool | None) -> None:  # noqa: FBT001
    assert said(asked, known) is follows


def test_what_is_known_to_be_there() -> None:
    assert present(("step",), facts_of(compile_expression("step and row.a").tree))
    assert present(("step",), facts_of(compile_expression("step is not none").tree))
    assert not present(("step",), facts_of(compile_expression("step is none or row.a").tree))
