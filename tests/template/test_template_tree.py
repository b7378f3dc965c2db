"""The syntax of an expression as plain values: every part knows where it stands in the text."""

from __future__ import annotations

import pytest

from runner.template import (
    Node,
    Template,
    TemplateError,
    compile_expression,
    compile_template,
    path_of,
    paths_of,
)


def written(text: str) -> list[tuple[str, object, str]]:
    """Kind, value and text of each part."""
    tree = compile_expression(text).tree
    return [
        (node.kind, node.value, text[node.offset : node.offset + node.length])
        for node in tree.walk()
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("row.lines[0].qty", ("member", "qty", "row.lines[0].qty")),
        ("row.lines[0].qty", ("member", 0, "row.lines[0]")),
        ("row['a b'] + 1", ("member", "a b", "row['a b']")),
        ("1 + row.price * 2", ("operation", "*", "row.price * 2")),
        (" - a", ("operation", "-", "a")),
        ("a ~ 'x' ~ b", ("operation", "~", "a ~ 'x' ~ b")),
        ("1.50 + a", ("literal", 1.5, "1.50")),
        ("a < b.c <= 3", ("compare", ("<", "<="), "a < b.c <= 3")),
        ("a not in [1, 'b']", ("compare", ("not in",), "a not in [1, 'b']")),
        ("a not in [1, 'b']", ("list", None, "[1, 'b']")),
        ("a.b is not none", ("test", "none", "a.b is not none")),
        ("x if a.b else y", ("choose", None, "x if a.b else y")),
        ("{'id': a.b}.id", ("object", ("id",), "{'id': a.b}")),
        ("(a | first).id", ("filter", "first", "a | first")),
        ("(a | first).id", ("member", "id", "(a | first).id")),
        ("a | default('x', true) | upper", ("filter", "default", "a | default('x', true)")),
        ("rows | where('item.a == b') | length", ("each", "where", "rows | where('item.a == b')")),
        ("rows | where('item.a == b') | length", ("member", "a", "item.a")),
        (r"rows | where('item.a == \'b\'')", ("member", "a", r"'item.a == \'b\''")),
    ],
)
def test_a_part_knows_where_it_stands(text: str, part: tuple[str, object, str]) -> None:
    assert part in written(text)


def test_the_expressions_of_a_template_know_where_they_stand() -> None:
    text = "a {{ x.y }}b{{z}}\n {{  q | upper }} }"
    template = compile_template(text)
    assert isinstance(template, Template)
    assert [text[at : at + len(each.text)] for at, each in template.placed] == [
        " x.y ",
        "z",
        "  q | upper ",
    ]


def test_paths() -> None:
    tree = compile_expression("row.lines[0].qty + job[key].id").tree
    assert set(paths_of(tree)) == {
        ("row",), ("row", "lines"), ("row", "lines", 0), ("row", "lines", 0, "qty"), ("job",), ("key",)
    }  # fmt: skip
    assert path_of(tree) == ()


@pytest.mark.parametrize(
    ("text", "place"),
    [("a²", (0, 2)), ("a.b + c²", (6, 2)), (r" '\N{x}'", (1, 7)), (r"a + '\N{x}'", (0, 11))],
)
def test_what_cannot_be_a_token_is_refused_with_its_place(
    text: str, place: tuple[int, int]
) -> None:
    with pytest.raises(TemplateError, match="not a valid expression: ") as caught:
        compile_expression(text)
    assert (caught.value.offset, caught.value.length) == place


def test_a_tree_moves_as_a_whole() -> None:
    tree = compile_expression("a.b").tree.moved(5)
    assert [node.offset for node in tree.walk()] == [5, 5, 7]
    assert isinstance(tree, Node)
