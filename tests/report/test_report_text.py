"""Numbers, times, lines and columns."""

from __future__ import annotations

from decimal import Decimal

import pytest

from runner.report.text import cells, columns, duration, line_numbers, money, plural


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1330735.98", "1,330,735.98"),
        ("0", "0.00"),
        ("5", "5.00"),
        ("12.1000", "12.10"),
        ("0.125", "0.125"),
        ("-1234.5", "-1,234.50"),
        ("1E+4", "10,000.00"),
        ("12345678901234567890123456789012.01", "12,345,678,901,234,567,890,123,456,789,012.01"),
    ],
)
def test_money_loses_nothing(value: str, text: str) -> None:
    assert money(Decimal(value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.04, "0.0 s"),
        (4.25, "4.2 s"),
        (22, "0:22"),
        (59.6, "1:00"),
        (3723, "1:02:03"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ((), ""),
        ((0,), ""),
        ((61,), "line 61"),
        ((2, 3, 4), "lines 2-4"),
        ((2, 4, 5), "lines 2, 4-5"),
        ((9, 10**9 + 2, 10**9 + 3, 2 * 10**9 + 5), "lines 9, 2-3 of file 2, 5 of file 3"),
        (tuple(range(2, 20, 2)), "lines 2, 4, 6, 8, 10, 12 and 3 more"),
    ],
)
def test_line_numbers(lines: tuple[int, ...], text: str) -> None:
    assert line_numbers(lines) == text


def test_plural() -> None:
    assert [plural(1, "row"), plural(2155, "line"), plural(2, "search", "searches")] == [
        "1 row",
        "2,155 lines",
        "2 searches",
    ]


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    assert columns([("a", "1", ""), ("日本", "22", "x"), ("é", "3", "")], right={1}) == [
        "a      1",
        "日本  22  x",
        "é      3",
    ]
    assert columns([]) == []
    assert cells("e\u0301") == 1
