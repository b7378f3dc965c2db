"""How problems are drawn, counted and sorted, and what is suggested for a misspelt name."""

from __future__ import annotations

import dataclasses
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.problems import (
    EXCERPT_WIDTH,
    PROBLEMS_SHOWN,
    ConfigError,
    InvalidError,
    LockedError,
    Problem,
    RunnerError,
    StoppedError,
    UsageError,
    draw,
    draw_all,
    nearest,
    printable,
)


def at(excerpt: str, column: int, length: int = 1, *, line: int = 11) -> Problem:
    return Problem("f.yaml", line, column, "wrong", "kind", length=length, excerpt=excerpt)


def drawn(problem: Problem) -> tuple[str, str]:
    """The source line and the caret line, without the gutter."""
    _, _, text, caret = draw(problem).split("\n")
    return text.partition(" | ")[2], caret.partition(" | ")[2]


def test_a_problem_is_drawn_with_line_caret_and_remedy() -> None:
    excerpt = '      with: {job_id: "{{ creat.id }}"}'
    message = "no earlier step is called 'creat'"
    problem = Problem(
        "orders.yaml", 11, 26, message, "unknown-step", "did you mean 'create'?", 5, excerpt
    )
    assert draw(problem) == (
        "orders.yaml:11:26: error: no earlier step is called 'creat' [unknown-step]\n"
        "     |\n"
        '  11 |       with: {job_id: "{{ creat.id }}"}\n'
        "     |                          ^^^^^\n"
        "     = did you mean 'create'?"
    )


def test_without_a_line_there_is_no_caret() -> None:
    assert (
        draw(Problem("f", 1, 1, "wrong", "kind", "a remedy"))
        == "f:1:1: error: wrong [kind]\n     = a remedy"
    )
    assert (
        draw(Problem("f", 1, 1, "wrong", "kind", severity="warning"))
        == "f:1:1: warning: wrong [kind]"
    )


def test_a_large_line_number_widens_the_gutter() -> None:
    lines = draw(at("abc", 2, line=123456)).split("\n")
    assert lines[1:] == ["        |", " 123456 | abc", "        |  ^"]


@pytest.mark.parametrize(
    ("excerpt", "column", "length", "text", "caret"),
    [
        ("abcdef", 3, 2, "abcdef", "  ^^"),
        ("漢字ab", 3, 1, "漢字ab", "    ^"),
        ("漢字ab", 1, 2, "漢字ab", "^^^^"),
        ("e\u0301ab", 3, 1, "e\u0301ab", " ^"),
        ("\u0e01\u0e31ab", 3, 1, "\u0e01\u0e31ab", " ^"),
        ("😀x", 2, 1, "😀x", "  ^"),
        ("\t\tab", 3, 2, "  ab", "  ^^"),
        ("a\tb", 3, 1, "a b", "  ^"),
        ("a\x1b[31mb", 7, 1, "a\\x1b[31mb", " " * 9 + "^"),
        ("\u202eab", 2, 1, "\\u202eab", " " * 6 + "^"),
        ("ab\r", 3, 1, "ab\\r", "  ^^"),
        ("a\u00a0b", 3, 1, "a\u00a0b", "  ^"),
        ("abc", 4, 1, "abc", "   ^"),
        ("abc", 99, 5, "abc", "   ^"),
        ("abc", 2, 99, "abc", " ^^"),
    ],
)
def test_the_caret_stands_under_the_culprit(
    excerpt: str, column: int, length: int, text: str, caret: str
) -> None:
    assert drawn(at(excerpt, column, length)) == (text, caret)


@pytest.mark.parametrize("column", [1, 5, 80, 81, 500, 940, 999, 1000])
def test_a_long_line_is_drawn_around_the_caret(column: int) -> None:
    line = "".join(chr(ord("a") + n % 26) for n in range(1000))
    text, caret = drawn(at(line, column))
    assert len(text) == EXCERPT_WIDTH
    assert text in line
    assert text[caret.index("^")] == line[column - 1]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain", "plain"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb\nc", "a\\rb\\nc"),
        ("\u202e\u2066\u200b\ufeff", "\\u202e\\u2066\\u200b\\ufeff"),
        ("\x9b31m", "\\x9b31m"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("é 漢 😀\u00a0\u3000", "é 漢 😀\u00a0\u3000"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_printable(given: str, shown: str) -> None:
    assert printable(given) == shown


@given(st.text())
def test_whatever_is_printed_is_harmless(text: str) -> None:
    shown = printable(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)
    problem = Problem(text, 1, 1, text, "kind", text, 1, text)
    for line in draw_all([problem]).split("\n"):
        assert not line.lstrip().startswith("::")
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in line)


@pytest.mark.parametrize(
    "text",
    ["::error::x", ":", "x\n::error::x", "x\r::error::x", " ::error::x", "x\u2028::error::x"],
)
def test_nothing_is_a_command_to_github(text: str) -> None:
    lines = draw_all([Problem(text, 1, 1, text, "kind", text, 1, text)]).splitlines()
    assert len(lines) == 6
    assert not any(line.lstrip().startswith("::") for line in lines)


def test_problems_are_sorted_and_each_is_drawn_once() -> None:
    found = [Problem("b", 1, 1, "m", "k"), Problem("a", 10, 1, "m", "k"), Problem("a", 2, 5, "m", "k"),
             Problem("a", 2, 1, "z", "k"), Problem("a", 2, 1, "m", "k"),
             Problem("b", 1, 1, "m", "k", excerpt="x")]  # fmt: skip
    heads = [line for line in draw_all(found).splitlines() if "[k]" in line]
    assert heads == [f"{head}: error: {m} [k]" for head, m in
                     [("a:2:1", "m"), ("a:2:1", "z"), ("a:2:5", "m"), ("a:10:1", "m"), ("b:1:1", "m")]]  # fmt: skip
    assert len(InvalidError(found).problems) == 5


def test_a_slip_in_several_operations_is_one_message() -> None:
    told = draw_all([misspelt(1, "lines", "order_no"), misspelt(5, "payment", "order_no")])
    assert told.endswith(
        "= did you mean 'order_id'?\n     = the same on line 5\n1 error at 2 places\n"
    )


def test_other_slips_in_the_same_operation_stand_below_the_first() -> None:
    first = misspelt(1, "lines", "order_no")
    other = dataclasses.replace(misspelt(2, "lines", "prize"), remedy="did you mean 'price'?")
    assert draw_all([first, other, misspelt(5, "payment", "order_no")]).endswith(
        "     = did you mean 'order_id'?\n"
        "     = the same on line 5\n"
        "     = 'prize' on line 2: did you mean 'price'?\n"
        "1 error at 3 places\n"
    )


def test_columns_that_may_be_empty_are_one_message() -> None:
    told = draw_all([empty(3, "price"), empty(4, "cost"), empty(5, "price")])
    assert told.endswith(
        "     = write price | default(0)\n"
        "     = the same on line 5\n"
        "     = 'cost' on line 4: write cost | default(0)\n"
        "0 errors, 1 warning at 3 places\n"
    )


def test_the_same_message_with_another_remedy_is_told_for_itself() -> None:
    found = [
        Problem("f", line, 1, "there is no test 'match'", "template", remedy)
        for line, remedy in ((1, "write a"), (2, "write b"), (3, "write a"))
    ]
    told = draw_all(found)
    assert "= write a\n     = the same on line 3\n" in told
    assert told.endswith("= write b\n2 errors at 3 places\n")


def misspelt(line: int, operation: str, field: str) -> Problem:
    message = f"shop.{operation} has no field '{field}'"
    return Problem("f", line, 1, message, "unknown-field", "did you mean 'order_id'?")


def empty(line: int, column: str) -> Problem:
    message = f"a cell of the column '{column}' may be empty, and null has no text"
    remedy = f"write {column} | default(0)"
    return Problem("f", line, 1, message, "may-be-null", remedy, severity="warning")


@pytest.mark.parametrize(
    ("errors", "warnings", "total", "end"),
    [
        (1, 0, None, "1 error"),
        (2, 0, None, "2 errors"),
        (1, 1, None, "1 error, 1 warning"),
        (0, 2, None, "0 errors, 2 warnings"),
        (PROBLEMS_SHOWN, 0, None, "50 errors"),
        (PROBLEMS_SHOWN + 1, 0, None, "51 errors"),
        (PROBLEMS_SHOWN, 0, 1234, "1234 errors"),
        (3, 0, 2, "3 errors"),
    ],
)
def test_the_count(errors: int, warnings: int, total: int | None, end: str) -> None:
    found = [Problem("f", n, 1, "m", "k") for n in range(errors)]
    found += [Problem("f", n, 2, "m", "k", severity="warning") for n in range(warnings)]
    lines = draw_all(found, total=total).splitlines()
    assert lines[-1] == end
    more = max(total or 0, errors + warnings) - PROBLEMS_SHOWN
    assert (f"... and {more} more" in lines) is (more > 0)
    assert sum("[k]" in line for line in lines) == min(PROBLEMS_SHOWN, errors + warnings)


@pytest.mark.parametrize(
    ("name", "names", "remedy"),
    [
        ("creat", ["create", "order"], "did you mean 'create'?"),
        ("SKU", ["sku", "quantity"], "did you mean 'sku'?"),
        ("E-MAIL", ["email", "name"], "did you mean 'email'?"),
        ("xl", ["L", "XL"], "did you mean 'XL'?"),
        ("XL", ["S", "M", "L"], "known names: L, M, S"),
        ("xyz", ["b", "a"], "known names: a, b"),
        ("xyz", [], ""),
        (
            "zzz",
            list("abcdefghijklmn"),
            "known names: a, b, c, d, e, f, g, h, i, j, k, l and 2 more",
        ),
        ("zzz", ["b", "b"], "known names: b"),
    ],
)
def test_nearest(name: str, names: list[str], remedy: str) -> None:
    assert nearest(name, names) == remedy


def test_the_nearest_of_many_is_found_without_comparing_all() -> None:
    names = [f"customer_{n}" for n in range(3_000)] + ["shipping_date"]
    for n in range(200):
        assert nearest(f"x{n}y", names).startswith("known names")
    assert nearest("shiping_dat", names) == "did you mean 'shipping_date'?"
    assert nearest("customer_2998x", names) == "did you mean 'customer_2998'?"


def test_nearest_names_what_it_lists() -> None:
    assert nearest("x", ["abc"], noun="columns") == "known columns: abc"


def test_exit_codes() -> None:
    codes = {RunnerError: 1, UsageError: 2, LockedError: 6, ConfigError: 7, StoppedError: 8}
    for kind, code in codes.items():
        error = kind("message", remedy="remedy")
        assert (error.exit_code, error.message, error.remedy, str(error)) == (
            code,
            "message",
            "remedy",
            "message",
        )
    assert InvalidError([]).exit_code == 3
    assert InvalidError([], exit_code=7).exit_code == 7


def test_invalid_counts_beyond_what_is_kept() -> None:
    one = Problem("f", 1, 1, "m", "k")
    assert (str(InvalidError([one])), str(InvalidError([one], total=9))) == (
        "1 problem",
        "9 problems",
    )
    assert InvalidError([one, one], total=1).total == 1


def test_a_problem_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Problem("f", 1, 1, "m", "k").line = 2  # type: ignore[misc]
