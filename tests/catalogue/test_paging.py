"""Pages: every row of a list is asked for once, however the API pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalogue import (
    Operation,
    Page,
    Pagination,
    empty_page,
    first_arguments,
    next_arguments,
)


def search(**places: str) -> Operation:
    return Operation(
        api="shop",
        name="search",
        method="GET",
        path="/x",
        summary="",
        description="",
        evidence="",
        parameters={},
        body=None,
        answer=None,
        effect="read",
        repeatable=True,
        items="rows",
        pagination=Pagination(page="page", count="count", size=10, **places),
    )


BOTH = search(total="total", next="links.next")
ROW = {"id": 1}


def test_the_first_page_asks_for_the_size_of_the_document() -> None:
    assert first_arguments(BOTH, {"status": "WIP"}) == {"status": "WIP", "count": 10}
    assert first_arguments(BOTH, {"count": 3}) == {"count": 3}
    assert first_arguments(BOTH, {"count": None}) == {"count": 10}


def test_the_next_page_keeps_what_was_asked() -> None:
    page = Page([ROW] * 10, total=11)
    assert next_arguments(BOTH, {"status": "WIP", "count": 10}, page, 10) == {
        "status": "WIP",
        "count": 10,
        "page": 2,
    }
    assert next_arguments(BOTH, {"page": "4"}, page, 10) == {"page": 5}


@pytest.mark.parametrize(
    ("page", "seen", "more"),
    [
        (Page([ROW] * 10, total=20), 10, True),
        (Page([ROW] * 10, total=20), 20, False),
        (Page([ROW] * 4, total=20), 14, True),  # a short page is not the end
        (Page([ROW] * 4, total=None, next="/x?page=3"), 14, True),
        (Page([ROW] * 4, total=14, next="/x?page=3"), 14, True),  # rows were added meanwhile
        (
            Page([ROW] * 10, total=None, next=None),
            10,
            True,
        ),  # it says nothing, and the page is full
        (Page([ROW] * 9, total=None, next=None), 9, False),
        (Page([ROW] * 10, total=5, next=None), 10, True),  # a total that lies says nothing either
        (Page([ROW] * 9, total=5, next=None), 9, False),
        (Page([], total=20, next="/x?page=3"), 10, False),
        (empty_page(), 0, False),
    ],
)
def test_the_end_is_where_the_answer_says_so(page: Page, seen: int, more: bool) -> None:  # noqa: FBT001
    assert (next_arguments(BOTH, {}, page, seen) is not None) == more


def test_where_the_document_knows_neither_link_nor_total_a_short_page_is_the_end() -> None:
    plain = search()
    assert next_arguments(plain, {}, Page([ROW] * 10), 10) == {"page": 2}
    assert next_arguments(plain, {}, Page([ROW] * 9), 19) is None
    assert next_arguments(plain, {"count": 5}, Page([ROW] * 5), 5) == {"count": 5, "page": 2}


def test_where_the_document_knows_a_link_alone_no_link_is_the_end() -> None:
    linked = search(next="links.next")
    assert next_arguments(linked, {}, Page([ROW] * 10), 10) is None
    assert next_arguments(linked, {}, Page([ROW], next="/x?page=2"), 1) == {"page": 2}


def test_a_list_without_pages_has_one() -> None:
    single = Operation(**{**vars(BOTH), "pagination": None})
    assert first_arguments(single, {"a": 1}) == {"a": 1}
    assert next_arguments(single, {"a": 1}, Page([ROW] * 10, total=99), 10) is None


OFFSETS = Operation(
    **{
        **vars(BOTH),
        "pagination": Pagination(page="", count="limit", size=10, total="total", offset="offset"),
    }
)


def test_an_offset_moves_on_by_what_really_came() -> None:
    assert first_arguments(OFFSETS, {"a": 1}) == {"a": 1, "limit": 10}
    assert next_arguments(OFFSETS, {"limit": 10}, Page([ROW] * 4, total=20), 4) == {
        "limit": 10,
        "offset": 4,
    }
    assert next_arguments(OFFSETS, {"offset": "15"}, Page([ROW] * 4, total=20), 4) == {"offset": 19}
    assert next_arguments(OFFSETS, {"offset": 19}, Page([ROW], total=20), 5) is None
    assert (
        next_arguments(OFFSETS, {"offset": 10}, Page([], total=20), 10) is None
    )  # a total that lies


def test_offsets_without_a_total_end_with_a_short_page() -> None:
    assert next_arguments(OFFSETS, {"limit": 3}, Page([ROW] * 3), 3) == {"limit": 3, "offset": 3}
    assert next_arguments(OFFSETS, {"limit": 3}, Page([ROW] * 2), 2) is None
    assert next_arguments(OFFSETS, {"limit": 3}, Page([ROW] * 3, total=1), 3) == {
        "limit": 3,
        "offset": 3,
    }


def test_pages_of_a_fixed_size_are_not_asked_for_a_size() -> None:
    fixed = Operation(**{**vars(BOTH), "pagination": Pagination(page="page", count="", size=10)})
    assert first_arguments(fixed, {"a": 1}) == {"a": 1}
    assert next_arguments(fixed, {"a": 1}, Page([ROW] * 10), 10) == {"a": 1, "page": 2}
    assert next_arguments(fixed, {"a": 1}, Page([ROW] * 9), 9) is None


@given(rows=st.integers(0, 60), cap=st.integers(1, 12), start=st.integers(0, 20))
def test_every_row_behind_an_offset_is_seen_once(rows: int, cap: int, start: int) -> None:
    seen: list[int] = []
    arguments: Mapping[str, Any] | None = first_arguments(OFFSETS, {"offset": start})
    while arguments is not None:
        begin = arguments["offset"]
        end = min(begin + min(arguments["limit"], cap), rows)
        page = Page([{"id": number} for number in range(begin, end)], rows)
        seen += [row["id"] for row in page.items]
        arguments = next_arguments(OFFSETS, arguments, page, len(seen))
    assert seen == list(range(start, rows))


@given(rows=st.integers(0, 60), cap=st.integers(1, 12), links=st.booleans(), totals=st.booleans())
def test_every_row_is_seen_once_even_if_pages_are_capped(
    *, rows: int, cap: int, links: bool, totals: bool
) -> None:
    if not (links or totals):
        return

    def answer(arguments: Mapping[str, Any]) -> Page:
        size = min(arguments["count"], cap)
        start = (arguments.get("page", 1) - 1) * size
        chunk = [{"id": number} for number in range(start, min(start + size, rows))]
        return Page(
            chunk, rows if totals else None, "more" if links and start + size < rows else None
        )

    seen: list[int] = []
    arguments: Mapping[str, Any] | None = first_arguments(BOTH, {})
    while arguments is not None:
        page = answer(arguments)
        seen += [row["id"] for row in page.items]
        arguments = next_arguments(BOTH, arguments, page, len(seen))
    assert seen == list(range(rows))
