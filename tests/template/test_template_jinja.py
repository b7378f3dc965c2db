"""docs/jinja.md against Jinja itself: every row, Jinja's own published examples, and random expressions."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS
from jinja_page import SCOPE, Row, here, in_jinja, plain, rows, shown

from runner.template import (
    EvaluationError,
    TemplateError,
    compile_expression,
    compile_template,
    render,
)
from runner.template.methods import METHODS
from runner.template.registry import FILTERS
from runner.template.tests import TESTS

ROWS = list(rows())


def of(*sections: str) -> list[Row]:
    return [row for row in ROWS if row.section in sections]


def names(*sections: str) -> list[str]:
    return [row.cells[0] for row in of(*sections)]


@pytest.mark.parametrize("row", of("Filters", "Tests", "Methods"), ids=lambda row: row.cells[0])
def test_what_is_the_same_gives_the_same(row: Row) -> None:
    _, example, gives = row.cells
    assert here(example) == in_jinja(example)
    assert shown(here(example)).replace("\n", "\\n") == gives


@pytest.mark.parametrize(
    "row",
    of("Differences", "Filters that differ", "Tests that differ"),
    ids=lambda row: row.cells[2],
)
def test_what_differs_differs_as_the_page_says(row: Row) -> None:
    _, _, example, jinja, ours = row.cells
    assert _or_error(here, example) == ours
    assert _or_error(in_jinja, example) == jinja
    assert ours != jinja


def _or_error(evaluate: Any, example: str) -> str:
    try:
        value = evaluate(example)
    except (EvaluationError, TemplateError, jinja2.TemplateError, TypeError, ValueError):
        return "an error"
    return "a method" if callable(value) else shown(value)


@pytest.mark.parametrize("row", of("Filters of this language"), ids=lambda row: row.cells[0])
def test_a_filter_of_this_language_gives_what_the_page_says(row: Row) -> None:
    name, doc, example, gives = row.cells
    assert shown(here(example)) == gives
    assert name in FILTERS or name in ("total", "where")
    assert name not in FILTERS or FILTERS[name].doc == doc


@pytest.mark.parametrize("row", of("Filters that are refused"), ids=lambda row: row.cells[0])
def test_a_filter_that_is_refused_says_what_to_write(row: Row) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_expression(f"x | {row.cells[0]}")
    assert raised.value.remedy == row.cells[1]


@pytest.mark.parametrize("row", of("Tests that are refused"), ids=lambda row: row.cells[0])
def test_a_test_that_is_refused_says_what_to_write(row: Row) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_expression(f"x is {row.cells[0]}")
    assert raised.value.remedy == row.cells[1]


@pytest.mark.parametrize("row", of("Blocks"), ids=lambda row: row.cells[0])
def test_a_block_that_is_refused_says_what_to_write(row: Row) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_template(f"{{% {row.cells[0]} x %}}{{% end{row.cells[0]} %}}")
    assert raised.value.remedy == row.cells[1]


def test_the_page_has_all_that_jinja_has_and_all_that_there_is() -> None:
    filters = ("Filters", "Filters that differ", "Filters that are refused")
    assert sorted(names(*filters)) == sorted(JINJA_FILTERS)
    tests = ("Tests", "Tests that differ", "Tests that are refused")
    assert sorted(names(*tests)) == sorted(JINJA_TESTS)
    assert sorted(names("Filters of this language")) == sorted(
        {*FILTERS, "total", "where"} - {*JINJA_FILTERS}
    )
    assert sorted(names("Methods")) == sorted(METHODS)
    assert sorted(TESTS) == sorted(names("Tests", "Tests that differ"))


USERS = [
    {"username": "ann", "city": "Oslo", "is_active": True, "email": None, "price": 3},
    {"username": "bob", "city": "Bergen", "is_active": False, "email": "b@x.io", "price": 4},
    {"username": "cem", "city": "Oslo", "is_active": True, "email": "c@x.io", "price": 5},
]
PUBLISHED = [
    "{{ -1 | abs }}.",
    "{% for each in items | batch(3, '&nbsp;') %}{% for column in each %}<{{ column }}>{% endfor %};{% endfor %}",
    "{{ 'hello WORLD' | capitalize }}",
    "<{{ 'x' | center(9) }}>",
    "{{ my_variable | default('my_variable is not defined') }}",
    "{{ '' | default('the string was empty', true) }}",
    "{% for key, value in mydict | dictsort %}{{ key }}{{ value }};{% endfor %}",
    "{% for key, value in mydict | dictsort(true) %}{{ key }}{{ value }};{% endfor %}",
    "{% for key, value in mydict | dictsort(false, 'value') %}{{ key }}{{ value }};{% endfor %}",
    "{% for key, value in mydict | dictsort(reverse=true) %}{{ key }}{{ value }};{% endfor %}",
    "{{ '%s, %s!' | format('Hello', 'World') }}",
    "{{ '%(what)s, %(who)s!' % {'what': 'Hello', 'who': 'World'} }}",
    "{{ '%(a)s: %(b)d' | format(a='x', b=4) }}",
    "{% for c, them in users | groupby('city') %}{{ c }}{% for u in them %} {{ u.username }}{% endfor %};{% endfor %}",
    "{% for g in users | groupby('city') %}{{ g.grouper }}: {{ g.list | join(', ', 'username') }};{% endfor %}",
    "{% for city, items in users | groupby('country', default='NO') %}{{ city }}{{ items | length }}{% endfor %}",
    "{{ 'foo bar\nbaz' | indent }}",
    "{{ 'foo bar\n\nbaz' | indent(2, true, true) }}",
    "{{ 'foo bar\nbaz' | indent('>>', first=true) }}",
    "{% for key, value in mydict | items %}{{ key }}={{ value }};{% endfor %}",
    "{{ [1, 2, 3] | join('|') }}",
    "{{ [1, 2, 3] | join }}",
    "{{ users | join(', ', attribute='username') }}",
    "{{ users | map(attribute='username') | join(', ') }}",
    "{{ users | map(attribute='nick', default='Anonymous') | join(', ') }}",
    "{{ ['A', 'B'] | map('lower') | join(', ') }}",
    "{{ [1, 2, 3] | max }}{{ [1, 2, 3] | min }}{{ ['b', 'A'] | min }}{{ (users | max(attribute='price')).username }}",
    "{{ numbers | select('odd') | join }} {{ numbers | select('divisibleby', 3) | join }}",
    "{{ numbers | select('lessthan', 42) | join }} {{ ['a', 'b'] | select('equalto', 'a') | join }}",
    "{{ numbers | reject('odd') | join }}",
    "{{ users | selectattr('is_active') | map(attribute='username') | join }}",
    "{{ users | selectattr('email', 'none') | map(attribute='username') | join }}",
    "{{ users | rejectattr('is_active') | map(attribute='username') | join }}",
    "{{ users | rejectattr('email', 'none') | map(attribute='username') | join }}",
    "{{ 'Hello World' | replace('Hello', 'Goodbye') }}",
    "{{ 'aaaaargh' | replace('a', 'd\\'oh, ', 2) }}",
    "{{ [3, 1, 2] | reverse | join }}{{ 'abc' | reverse }}",
    "{% for column in items | slice(3) %}{% for item in column %}{{ item }}{% endfor %};{% endfor %}",
    "{% for column in items | slice(3, '-') %}{{ column | join }};{% endfor %}",
    "{% for city in users | map(attribute='city') | sort %}{{ city }}{% endfor %}",
    "{% for user in users | sort(attribute='city') %}{{ user.username }}{% endfor %}",
    "{% for user in users | sort(attribute='city,username', reverse=true) %}{{ user.username }}{% endfor %}",
    "{{ users | sort(attribute='city', reverse=true) | map(attribute='username') | join }}",
    "{{ users | sum(attribute='price') }} {{ [1, 2] | sum(start=10) }}",
    "{{ 'hello wORLD-wide (yes)' | title }}",
    "{{ '  x ' | trim }}{{ '--x-' | trim('-') }}",
    "{{ 'foo bar baz qux' | truncate(9) }}",
    "{{ 'foo bar baz qux' | truncate(9, True) }}",
    "{{ 'foo bar baz qux' | truncate(11) }}",
    "{{ 'foo bar baz qux' | truncate(11, False, '...', 0) }}",
    "{{ ['foo', 'bar', 'foobar', 'FooBar'] | unique | list | join(',') }}",
    "{{ ['a', 'A'] | unique(case_sensitive=true) | join }}{{ users | unique(attribute='city') | list | length }}",
    "{{ 'a b&c/d' | urlencode }} {{ {'a b': 'c&d', 'e': '/'} | urlencode }}",
    "{{ 'one two,three' | wordcount }}.",
    "{{ 'Hello beautiful-long-word world' | wordwrap(8) }}",
    "{{ 'aaaaaaaaaa bb' | wordwrap(4, break_long_words=false, wrapstring='|') }}",
    "{{ '0x4d32' | int(0, 16) }} {{ 'x' | int(7) }} {{ '12' | int }}",
    "{{ 2.0 | int }} {{ 12 | string }}",
    "{{ numbers | first }}{{ numbers | last }}{{ numbers | length }}{{ 'abc' | list | join('-') }}",
    "{{ {'b': [1, true, null, 'x'], 'a': {}} | tojson }}",
    "{{ {'b': [1, 2], 'a': {}, 'c': []} | tojson(indent=2) }}",
]
VALUES: dict[str, Any] = {
    "users": USERS,
    "items": list("abcdefg"),
    "mydict": {"b": 2, "A": 3, "c": 1},
    "numbers": [1, 2, 3, 42, 43],
    "null": None,
}


@pytest.mark.parametrize("text", PUBLISHED)
def test_examples_of_jinjas_documentation(text: str) -> None:
    environment = jinja2.Environment(keep_trailing_newline=True)
    assert render(compile_template(text), VALUES) == environment.from_string(text).render(VALUES)


_texts = st.sampled_from(["'a b-c'", "name", "ref", "'Zoë'", "''", "'12'"])
_lists = st.sampled_from(["tags", "[3, 1, 2, 2]", "['b', 'a', 'B']", "(ref | list)", "range(4)"])
_of_text = st.sampled_from([
    "upper", "lower", "title", "capitalize", "trim", "reverse", "replace('a', 'xy')", "center(9)",
        "truncate(4, true, '.')",
    "indent(2, true)", "wordwrap(3)", "urlencode", "default('z', true)", "string", "first", "list | join('/')",
])  # fmt: skip
_of_list = st.sampled_from([
    "sort", "sort(reverse=true)", "unique", "reverse", "list", "batch(2) | first", "slice(2) | last", "select",
        "map('string')",
    "sort(case_sensitive=true)", "reject('in', [1, 'a'])", "select('ne', 2)",
])  # fmt: skip
_to_value = st.sampled_from(
    ["join('-')", "length", "first", "last", "min", "max", "string | length"]
)
_chains = st.one_of(
    st.tuples(_texts, st.lists(_of_text, min_size=1, max_size=4)),
    st.tuples(_lists, st.lists(_of_list, min_size=1, max_size=4)),
).map(lambda parts: " | ".join([parts[0], *parts[1]]))
_slices = st.tuples(
    st.one_of(_texts, _lists), st.integers(-4, 4), st.integers(-4, 4), st.sampled_from([1, 2, -1])
).map(lambda p: f"({p[0]} | list)[{p[1]}:{p[2]}:{p[3]}]")
_methods = st.tuples(
    _texts,
    st.sampled_from(["strip()", "upper()", "split()", "split('-')", "replace('a', 'b')", "startswith('a')",
                     "zfill(7)", "title()", "rsplit('-', 1)", "find('b')", "count('a')", "removeprefix('a')"]),
).map(".".join)  # fmt: skip
_numbers = st.recursive(
    st.sampled_from(["qty", "7", "(tags | length)", "2"]),
    lambda inner: st.tuples(
        inner, st.sampled_from(["+", "-", "*", "//", "%", "==", "<", ">=", "and", "or"]), inner
    ).map(lambda p: f"({' '.join(p)})"),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(_chains, st.tuples(_chains, _to_value).map(" | ".join), _slices, _methods, _numbers)
)
def test_random_expressions_are_what_jinja_says(expression: str) -> None:
    try:
        expected = in_jinja(expression)
    except (jinja2.TemplateError, TypeError, ValueError, ZeroDivisionError):
        return
    try:
        found = here(expression)
    except EvaluationError:
        return  # stricter than Jinja: text is no list, and an empty list has no first element
    assert found == expected, expression


def test_the_examples_leave_their_values_as_they_are() -> None:
    assert plain(SCOPE["tags"]) == ["b", "A", "c"]
