"""The key of a row: how it is made, that it is there, and that no other row has it."""

from __future__ import annotations

import pytest

from runner.recipe.model import Column

from .conftest import Open, Refuse


@pytest.mark.parametrize("length", [1, 32, 33, 200])
def test_long_groups_and_keys_are_told_apart(opened: Open, refused: Refuse, length: int) -> None:
    one, two = "x" * (length - 1) + "1", "x" * (length - 1) + "2"
    assert opened(f"a,b\n{one},1\n{two},2\n{one},3\n", group_by="a").row_count == 2
    assert refused(f"a,b\n{one},1\n{two},2\n{one},3\n").total == 1


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("{{ row.a }}", "x"),
        ("{{row['a']}}", "x"),
        ("{{ row.n }}", "7"),
        ("{{ row.p }}", "1.5"),
        ("{{ row.a }}-{{ row.p }}", "x-1.5"),
        ("{{ row.d }}", "2024-02-09"),
        ("{{ vars.shop }}-{{ row.n }}", "north-7"),
        ("{{ row.n + 1 }}", "8"),
        ("{{ (row).a }}-{{ row['n'] }}", "x-7"),
        ("{{ [1, 2] | total('item * row.n') }}", "21"),
        ("fixed", "fixed"),
    ],
)
def test_keys(opened: Open, key: str, expected: str) -> None:
    types = {"a": "string", "n": "integer", "p": "decimal", "d": "date"}
    columns = [Column(name, name, type=type_) for name, type_ in types.items()]
    assert [row.key for row in opened("a,n,p,d\nx,007,1.50,2024-02-09\n", *columns, key=key)] == [
        expected
    ]


def test_data_is_no_template(opened: Open) -> None:
    assert [row.key for row in opened("a\n{{ 7*7 }}\n", key="{{ row.a }}!")] == ["{{ 7*7 }}!"]


def test_an_empty_key(refused: Refuse) -> None:
    error = refused('b,a\n1,\n2," "\n3,x\n')
    assert [(p.line, p.column) for p in error.problems] == [(2, 3), (3, 3)]
    assert {p.message for p in error.problems} == {"the key {{ row.a }} is empty"}
    assert {p.remedy for p in error.problems} == {"fill in what the key is made of"}


def test_a_key_that_cannot_be_made(refused: Refuse) -> None:
    (problem,) = refused("b,a\n1,\n", key="{{ row.b }}-{{ row.a }}").problems
    assert problem.message.startswith("the key cannot be made: row.a: the value is null")
    (problem,) = refused("b,a\n1,\n", key="{{ row.c }}").problems
    assert problem.message.startswith("the key cannot be made: row.c: there is no 'c'")


def test_a_repeated_key_names_the_first_line(refused: Refuse) -> None:
    error = refused('n,a\n1,"x"\n2,y\n\n3,x\n4,x\n')
    message = "the key 'x' is repeated: line 2 has it too"
    assert [(p.line, p.column, p.message) for p in error.problems] == [
        (5, 3, message),
        (6, 3, message),
    ]
    remedy = "use a key that differs on each line, or `group_by` for lines that belong together"
    assert error.problems[0].remedy == remedy


def test_a_repeated_key_of_groups(refused: Refuse) -> None:
    (problem,) = refused("a,b\n1,x\n2,x\n1,x\n", key="{{ row.b }}", group_by="a").problems
    assert (problem.line, problem.column, problem.message) == (
        3,
        3,
        "the key 'x' is repeated: line 2 has it too",
    )
    assert problem.remedy == "use a key that differs for each group"


def test_a_key_is_that_of_the_group(opened: Open, refused: Refuse) -> None:
    found = opened(
        "a,b,c\n1,x,p\n2,y,q\n1,x,r\n", key="{{ row.b }}-{{ row.lines | length }}", group_by="a"
    )
    assert [row.key for row in found] == ["x-2", "y-1"]
    (problem,) = refused(
        "a,b,c\n1,x,p\n2,y,q\n1,x,r\n", key="{{ row.a }}{{ row.c }}", group_by="a"
    ).problems
    assert problem.message == "the key uses c, which is not the same on lines 2 and 4 of one group"
    assert (problem.line, problem.remedy) == (2, "make c the same, or leave it out of the key")


def test_the_key_that_earlier_versions_made_is_known(opened: Open) -> None:
    columns = [Column("a", "a"), Column("p", "p", type="decimal")]
    sheet = "a,p\nx,1.50\ny,2.5\n1.50,3\n"
    (x, y, z) = opened(sheet, *columns, key="{{ row.a }}-{{ row.p }}")
    assert [(row.key, row.former) for row in (x, y, z)] == [
        ("x-1.5", ("x-1.50",)),
        ("y-2.5", ()),
        ("1.50-3", ()),
    ]
    assert set(opened(sheet, *columns, key="{{ row.a }}-{{ row.p }}").keys()) == {
        "x-1.5", "x-1.50", "y-2.5", "1.50-3",
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "keys"), [("string", {"8.40", "8.4"}), ("decimal", {"8.4"})])
def test_the_keys_of_groups(opened: Open, kind: str, keys: set[str]) -> None:
    found = opened("a,b\n8.40,1\n8.4,2\n8.40,3\n", Column("a", "a", type=kind), group_by="a")
    assert {row.key for row in found} == set(found.keys()) == keys
