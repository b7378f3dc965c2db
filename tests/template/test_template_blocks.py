"""Blocks: if, for and set as Jinja has them, bounded, and with values that are only known after the run."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.template import EvaluationError, Template, Unknown, compile_template, render

SCOPE: dict[str, Any] = {
    "row": {"ref": "A-1", "rush": True, "note": "", "qty": 3},
    "lines": [
        {"sku": "X", "qty": 2, "size": "M"},
        {"sku": "Y", "qty": 0, "size": "L"},
        {"sku": "Z", "qty": 5, "size": "M"},
    ],
    "names": {"b": 1, "a": 2},
    "none_at_all": [],
}
TEMPLATES = [
    "{% if row.rush %}RUSH {% endif %}{{ row.ref }}",
    "{% if row.note %}note{% elif row.qty > 2 %}many{% else %}few{% endif %}",
    "{% if not row.rush %}a{% else %}b{% endif %}",
    "{% for line in lines %}{{ line.sku }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for line in lines %}{{ loop.index }}/{{ loop.length }} {{ loop.first }} {{ loop.last }};{% endfor %}",
    "{% for line in lines %}{{ loop.index0 }} {{ loop.revindex }} {{ loop.revindex0 }};{% endfor %}",
    "{% for line in lines if line.qty %}{{ loop.index }}{{ line.sku }}{% endfor %}",
    "{% for line in lines if line.qty > 9 %}{{ line.sku }}{% else %}none{% endfor %}",
    "{% for line in none_at_all %}x{% else %}empty{% endfor %}",
    "{% for line in lines %}{% for other in lines %}{{ line.sku ~ other.sku }} {% endfor %}{% endfor %}",
    "{% for line in lines %}{% for c in line.sku | list %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for name, value in names.items() %}{{ name }}={{ value }};{% endfor %}",
    "{% for name, value in names | dictsort %}{{ name }}={{ value }};{% endfor %}",
    "{% for (name, value) in names | items %}{{ name }}={{ value }};{% endfor %}",
    "{% for name in names %}{{ name }};{% endfor %}",
    "{% for size, those in lines | groupby('size') %}{{ size }}: {{ those | length }}\n{% endfor %}",
    "{% for group in lines | groupby('size') %}{{ group.grouper }}{{ group.list | length }}{{ group[0] }}{% endfor %}",
    "{% for n in range(3) %}{{ n }}{% endfor %}{% for n in range(1, 9, 3) %}{{ n }}{% endfor %}",
    "{% for part in lines | batch(2) %}{{ part | map(attribute='sku') | join('+') }};{% endfor %}",
    "{% for a, b in [[1, 2], [3, 4]] %}{{ a * b }} {% endfor %}",
    "{% for line in lines %}{{ loop.previtem.sku if not loop.first else '-' }}{% endfor %}",
    "{% for line in lines %}{{ loop.nextitem.sku if not loop.last else '-' }}{% endfor %}",
    "{% set total = lines | sum(attribute='qty') %}{{ total }} of {{ total }}",
    "{% set x = 1 %}{% if row.rush %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set x = 1 %}{% for line in lines %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}",
    "{% set text %}{{ row.ref }}!{% endset %}{{ text | upper }}{{ text }}",
    "{# nothing #}{{ row.ref }} {# of {{ this }} #}",
    "a  {%- if row.rush -%}  b  {%- endif -%}  c",
    "a\n{%- for line in lines %}\n  {{- line.sku -}}\n{% endfor -%}\nb",
    "  {{- row.ref -}}  x",
    "a {#- gone -#} b",
    "x{% if lines | selectattr('qty', 'gt', 4) | list %}big{% endif %}",
    "{% if 'A' in row.ref and row.qty is odd %}yes{% endif %}",
    "{% for line in lines[:2] %}{{ line.sku }}{% endfor %}{% for line in lines | reverse %}{{ line.sku }}{% endfor %}",
    "{% if row.ref.startswith('A') %}{{ row.ref.split('-')[1] }}{% endif %}",
]


def in_jinja(text: str, scope: dict[str, Any]) -> str:
    environment = jinja2.Environment(keep_trailing_newline=True, finalize=_as_here)
    return environment.from_string(text).render(scope)


def _as_here(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


@pytest.mark.parametrize("text", TEMPLATES)
def test_blocks_write_what_jinja_writes(text: str) -> None:
    assert render(compile_template(text), SCOPE) == in_jinja(text, SCOPE)


_words = st.sampled_from(
    ["a", "{{ n }}", "{{ n + 1 }}", " ", "\n", "{# c #}", "{{- n }}", "{{ n -}}"]
)
_texts = st.recursive(
    st.lists(_words, max_size=3).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(
            lambda p: f"{{% if n is odd %}}{p[0]}{{%- else -%}}{p[1]}{{% endif %}}"
        ),
        inner.map(lambda p: f"{{% for n in range(n + 2) if n != 1 -%}} {p} {{%- endfor %}}"),
        inner.map(lambda p: f"{{% set n = n + 1 %}}{p}"),
        st.tuples(inner, inner).map("".join),
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_texts)
def test_any_blocks_write_what_jinja_writes(text: str) -> None:
    compiled = compile_template("." + text)
    assert render(compiled, {"n": 1}) == in_jinja("." + text, {"n": 1})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{% if job.id > 5 %}a{% endif %}", "(known after run: job.id)"),
        ("A {% if row.rush %}{{ job.id }}{% endif %} B", "A (known after run: job.id) B"),
        (
            "{% for line in job.lines %}{{ line.x }}{% endfor %}.",
            "(known after run: each of job.lines).",
        ),
        ("{% set n = job.id %}{{ n }}!", "(known after run: job.id)!"),
        ("{% for line in lines if job.x %}a{% endfor %}", "(known after run: job.x)"),
        ("{% set t %}{{ job.id }}{% endset %}<{{ t }}>", "<(known after run: job.id)>"),
        ("{% if row.rush %}known{% else %}{{ job.id }}{% endif %}", "known"),
    ],
)
def test_what_the_run_will_know_passes_through(text: str, shown: str) -> None:
    found = render(compile_template(text), {**SCOPE, "job": Unknown("job")})
    assert str(found) == shown
    assert isinstance(found, Unknown) is ("known after" in shown)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% for x in row %}{{ x.y }}{% endfor %}", "x.y: a text has no 'y'"),
        ("{% for x in row.qty %}{% endfor %}", "row.qty: 'for' needs a list, not a number"),
        (
            "{% for a, b in [[1]] %}{% endfor %}",
            "[[1]]: 'for' needs elements of 2 parts, and one is 1 parts",
        ),
        ("{% if row.nope %}{% endif %}", "row.nope: there is no 'nope'"),
        ("{% if not row.rush %}{% set x = 1 %}{% endif %}{{ x }}", "x: 'x' is not known here"),
        ("{% for x in [1] %}{% set y = 1 %}{% endfor %}{{ y }}", "y: 'y' is not known here"),
        ("{% for x in lines %}{{ x }}{% endfor %}", "x: an object cannot stand inside text"),
        ("{% for x in [none] %}{{ x }}{% endfor %}", "x: the value is null, which has no text"),
    ],
)
def test_what_cannot_be_written_is_an_error(text: str, message: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        render(compile_template(text), SCOPE)
    assert str(raised.value).startswith(message)


def test_names_that_a_template_gives_are_not_read_from_its_scope() -> None:
    text = "{% for line in row.lines %}{% set n = line.qty * 2 %}{{ n }}{{ loop.index }}{% endfor %}{{ vars.x }}"
    compiled = compile_template(text)
    assert isinstance(compiled, Template)
    assert [each.root for each in compiled.references] == ["row", "vars"]
    assert [text[at : at + len(each.text)].strip() for at, each in compiled.placed] == [
        "row.lines", "line.qty * 2", "n", "loop.index", "vars.x"
    ]  # fmt: skip


def test_data_is_no_block() -> None:
    data = "{% if 1 %}x{% endif %}{# c #}"
    text = "{% for x in [row.data] %}{{ x }}{% endfor %}"
    assert render(compile_template(text), {"row": {"data": data}}) == data


def test_a_template_of_comments_alone_is_text() -> None:
    assert render(compile_template("a{# b #}c"), {}) == "ac"
    assert render(compile_template("{# b #}"), {}) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{% for a in many %}{% for b in many %}{% endfor %}{% endfor %}",
            "it goes through more than",
        ),
        ("{% for a in many %}{{ a ~ long }}{% endfor %}", "the text becomes longer than 1000000"),
    ],
)
def test_loops_end(text: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        render(compile_template(text), {"many": list(range(5000)), "long": "x" * 5000})
