"""Where names and mistakes stand: in the text of an expression, and through YAML in the file."""

from __future__ import annotations

import pytest

from runner.source import Source, parse
from runner.template import Template, TemplateError, compile_expression, compile_template


def names(text: str) -> list[tuple[str, tuple[str | int, ...], str]]:
    """Root, path, and the text that stands at offset and length."""
    compiled = compile_template(text) if "{{" in text else compile_expression(text)
    assert not isinstance(compiled, str)
    return [(r.root, r.path, text[r.offset : r.offset + r.length]) for r in compiled.references]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("row.lines[0].qty", [("row", ("lines", 0, "qty"))]),
        ("row['a b'].c", [("row", ("a b", "c"))]),
        ("row.lines.0.qty", [("row", ("lines", 0, "qty"))]),
        ("row.lines[0x1]", [("row", ("lines", 1))]),
        ("row.lines[-1].qty", [("row", ("lines",))]),
        ("row[vars.name].x", [("row", ()), ("vars", ("name",))]),
        ("row['\\u00e4']", [("row", ("ä",))]),
        ("(row).x", [("row", ())]),
        ("a and not b or c in d", [("a", ()), ("b", ()), ("c", ()), ("d", ())]),
        ("a is defined and b is not none", [("a", ()), ("b", ())]),
        ("a is not in b", [("a", ()), ("b", ())]),
        ("a | default(b) | sum(attribute='c')", [("a", ()), ("b", ())]),
        ("{'key': value}.key", [("value", ())]),
        ("'text' ~ true ~ None ~ 1.5e3", []),
        ("a if b else c", [("a", ()), ("b", ()), ("c", ())]),
        ("a.b | total('item.price * vars.rate')", [("a", ("b",)), ("vars", ("rate",))]),
        (
            "a | where('item.x == row.x') | total('row.y')",
            [("a", ()), ("row", ("x",)), ("row", ("y",))],
        ),
        ("vars_x.vars | total('vars.x')", [("vars_x", ("vars",)), ("vars", ("x",))]),
        (
            "a | total('vars.x') + b | total('vars.x')",
            [("a", ()), ("b", ()), ("vars", ("x",)), ("vars", ("x",))],
        ),
        ("{{ a.b }} and {{ c }}", [("a", ("b",)), ("c", ())]),
        ("x {{ a | total('vars.y') }}", [("a", ()), ("vars", ("y",))]),
    ],
)
def test_references(text: str, expected: list[tuple[str, tuple[str | int, ...]]]) -> None:
    found = names(text)
    assert [(root, path) for root, path, _ in found] == expected
    assert [at for _, _, at in found] == [root for root, _ in expected]


def test_each_use_in_total_has_its_own_place() -> None:
    compiled = compile_expression("(a | total('vars.x')) + (b | total('vars.x'))")
    offsets = [r.offset for r in compiled.references if r.root == "vars"]
    assert offsets == [12, 36]


def test_an_escaped_text_in_total_is_pointed_at_as_a_whole() -> None:
    text = "a | total('vars.x ~ \\'b\\'')"
    reference = next(r for r in compile_expression(text).references if r.root == "vars")
    assert text[reference.offset : reference.offset + reference.length] == "'vars.x ~ \\'b\\''"


@pytest.mark.parametrize(
    ("text", "message", "culprit"),
    [
        ("row.x && row.y", "unexpected '&&'", "&&"),
        ("row.x = 3", "unexpected '='", "="),
        ("row.x == = 3", "not a valid expression: unexpected '='", "="),
        ("a b", "unexpected 'b'", "b"),
        ("if a", "unexpected 'a'", "a"),
        ("a > 1 ? 2 : 3", "unexpected '?'", "?"),
        ("$a", "unexpected '$'", "$"),
        ("row.uper | uper", "there is no filter 'uper'", "uper"),
        ("a | upper | uper", "there is no filter 'uper'", "uper"),
        ("nuber is nuber", "there is no test 'nuber'", "nuber"),
        ("a is not nuber", "there is no test 'nuber'", "nuber"),
        ("(a).b()", "there is no method 'b'", "b"),
        ("a.b ** 2", "'**' is not allowed", "**"),
        ("1 + 'abc", "the quote is never closed", "'"),
        ("a | total('item. + 1')", "not a valid expression: expected name or number", "+"),
        ("item.x | total('item.x | uper')", "there is no filter 'uper'", "uper"),
        ("1.5 + 2.5 3.5", "unexpected '3.5'", "3.5"),
        ("1.5 + 1e1000", "a number of more than 999 digits", "1e1000"),
        (" 1 +", "not a valid expression: it ends too early", "1 +"),
        ("(1 + 2", "not a valid expression: ')' is missing", None),
        ("x }} y", "unexpected '}}'", "}}"),
        ("a {{ b }}", "this is an expression, in which texts stand in quotes", "{{"),
        ("{{ a }} and {{ b }}", "this is an expression already", None),
        ("", "the expression is empty", None),
        ("  ", "the expression is empty", None),
    ],
)
def test_mistakes_in_expressions(text: str, message: str, culprit: str | None) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_expression(text)
    error = raised.value
    assert error.message == message
    if culprit is not None:
        assert text[error.offset : error.offset + error.length] == culprit
        assert error.offset == text.rfind(culprit)


@pytest.mark.parametrize(
    ("text", "message", "offset", "length"),
    [
        ("ab {{ row.x", "'{{' is never closed", 3, 2),
        ("{{ a }} {{ b", "'{{' is never closed", 8, 2),
        ("{{ a }}\n{% if b %}", "'{% if %}' is never closed", 11, 2),
        ("a {# b", "'{#' is never closed", 2, 2),
        ("a {% if b", "'{%' is never closed", 2, 2),
        ("{{ '{%' }}{% b %}", "there is no block 'b'", 13, 1),
        ("a   {%- iff b %}{% endif %}", "there is no block 'iff'", 8, 3),
        ("{% else %}", "'{% else %}' has nothing to belong to", 3, 4),
        ("{% if a %}{% endfor %}{% endif %}", "'{% endfor %}' has nothing to belong to", 13, 6),
        ("{% if %}{% endif %}", "'if' needs a condition", 3, 2),
        ("{% if a b %}{% endif %}", "unexpected 'b'", 8, 1),
        ("{% if a %}{% else x %}{% endif %}", "unexpected 'x'", 18, 1),
        ("{% for a of b %}{% endfor %}", "'for' needs a list", 3, 3),
        ("{% for a.b in c %}{% endfor %}", "'.' is no name", 8, 1),
        ("{% for row in c %}{% endfor %}", "'row' has a meaning already", 7, 3),
        ("{% for x in %}{% endfor %}", "'for' needs a list", 3, 3),
        ("{% set x %}", "'{% set %}' is never closed", 3, 3),
        ("{% set x.y = 1 %}", "a member cannot be set", 3, 3),
        ("{% set x = %}", "'set' needs a value", 3, 3),
        ("{% set x = y | %}", "not a valid expression: it ends too early", 11, 3),
        ("{% include 'x' %}", "'{% include %}' is not in the language", 3, 7),
        ("{% raw %}x{% endraw %}", "'{% raw %}' is not in the language", 0, 2),
        (
            "{%- for l in ls -%}  {{- l.x | uper -}}  {%- endfor -%}",
            "there is no filter 'uper'",
            31,
            4,
        ),
        ("{{ a }} {{ b c }}", "unexpected 'c'", 13, 1),
        ("{{ a }} {{ b | uper }}", "there is no filter 'uper'", 15, 4),
        ("{{ a }} {{ b & c }}", "unexpected '&'", 13, 1),
        ("x{{ }}", "not a valid expression: it ends too early", 4, 1),
        ("{{ {{ a }} }}", "not a valid expression: expected token ':', got '}'", 8, 1),
        ("{{ a }} {{ b | total('item.x | uper') }}", "there is no filter 'uper'", 31, 4),
        ("a\r{{ b }}", "a carriage return is not allowed", 1, 1),
        ("{{ '\r' }}", "a carriage return is not allowed", 4, 1),
        ("\0{{ b }}", "a NUL character is not allowed", 0, 1),
    ],
)
def test_mistakes_in_templates(text: str, message: str, offset: int, length: int) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_template(text)
    assert (raised.value.message, raised.value.offset, raised.value.length) == (
        message,
        offset,
        length,
    )


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a && b", "write 'and'"), ("a || b", "write 'or'"), ("!a", "write 'not'"), ("a = 1", "compare with '=='"),
        ("a ? b : c", "write b if a else c"), ("'a", "close it with '"), ("{{ a }}", "drop the brackets"),
        ("a if b", "say what it is otherwise: a if b else ''"), ("{a: 1}", "quote them: {'key': value}"),
    ],
)  # fmt: skip
def test_habits_of_other_languages_get_a_remedy(text: str, remedy: str) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_expression(text)
    assert raised.value.remedy == remedy


def test_doubled_brackets_get_a_remedy() -> None:
    with pytest.raises(TemplateError) as raised:
        compile_template("{{ {{ a }} }}")
    assert raised.value.remedy == "one pair of brackets is enough"


def shown(source: Source, offset: int, length: int) -> tuple[int, str]:
    place = source.within(("a",), offset, length)
    return place.line, source.lines[place.line - 1][
        place.column - 1 : place.column - 1 + place.length
    ]


@pytest.mark.parametrize(
    "document",
    [
        "a: plain {{ row.x }} {{ nope.y }} end",
        "a: one\n  two {{ row.x }}\n\n  three {{ nope.y }}",
        "a: 'it''s {{ row.x }} ''{{ nope.y }}'''",
        "a: 'one {{ row.x }}\n\n  two {{ nope.y }}'",
        'a: "n\\u006fpe nope \\n\\x6e {{ row.x }}\\t\\"\\\\ {{ nope.y }}"',
        'a: "one \\\n  {{ row.x }} \\\n\n  {{ nope.y }}"',
        "a: |\n  nop {{ row.x }}\n    more\n\n  {{ nope.y }}\nb: 1",
        "a: >-\n  nop {{ row.x }}\n\n    more\n    and\n\n\n  two\n  {{ nope.y }}\nb: 1",
        "a: |2+ # note\n    two\n  {{ row.x }} {{ nope.y }}\n\n",
        "a: 漢字 😀 {{ row.x }} é {{ nope.y }}",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_places_in_every_kind_of_yaml_scalar(document: str, end: str) -> None:
    source = parse(document.replace("\n", end), file="f")
    template = compile_template(source.data["a"])
    assert isinstance(template, Template)
    row, nope = template.references
    assert shown(source, row.offset, row.length)[1] == "row"
    line, text = shown(source, nope.offset, nope.length)
    assert text == "nope"
    before = document[: document.rindex("nope.y")]
    assert line == 1 + before.count("\n")
    assert source.within(("a",), nope.offset, 4).column == len(before.split("\n")[-1]) + 1


@pytest.mark.parametrize(
    "style", ["a: >\n  x\n  {}\n", "a: |\n  x\n  {}\n", "a: '{}'", "a: x\n   {}"]
)
def test_places_inside_total_in_yaml(style: str) -> None:
    text = '{{ row.lines | total("item.qty * nope.rate") }}'
    source = parse(style.replace("{}", text), file="f")
    template = compile_template(source.data["a"])
    assert isinstance(template, Template)
    reference = template.references[-1]
    assert reference.root == "nope"
    assert shown(source, reference.offset, reference.length)[1] == "nope"
