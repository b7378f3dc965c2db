"""Where records stand: however the lines of groups are mixed, each row has its own, and each is found by its line."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.rows.index import _RUN, Index, Place

GROUPS = st.lists(st.sampled_from(["a", "b", 1, True, Decimal("1.0"), "x" * 70]), max_size=40)


def _place(at: int) -> Place:
    return at * 2 + 2, at // 100, at * 50, 40, at * 7919 % 2**32


def _index(groups: Sequence[Hashable]) -> Index:
    index = Index()
    for at, group in enumerate(groups):
        index.add(_place(at), group)
    index.close()
    return index


@given(GROUPS)
def test_rows_are_the_lines_of_groups_in_the_order_of_their_first_ones(
    groups: list[Hashable],
) -> None:
    expected: dict[Hashable, list[Place]] = {}
    for at, group in enumerate(groups):
        expected.setdefault("1" if group == 1 and group is not True else (group,), []).append(
            _place(at)
        )
    index = _index(groups)
    assert list(index.rows()) == list(expected.values())
    assert (len(index), index.row_count) == (len(groups), len(expected))


@pytest.mark.parametrize(
    "groups", [[None], ["one"], ["one", "two"]], ids=["no groups", "one", "mixed"]
)
def test_more_records_than_are_kept_together(groups: list[Hashable]) -> None:
    count = 3 * _RUN + 1
    index = _index([groups[at % len(groups)] for at in range(count)])
    places = list(map(_place, range(count)))
    rows = (
        [[place] for place in places]
        if groups == [None]
        else [places[at :: len(groups)] for at in range(len(groups))]
    )
    assert list(index.rows()) == rows
    assert list(index.numbers()) == [place[0] for place in places]
    wanted = [places[at] for at in (0, _RUN - 1, _RUN, _RUN + 1, count - 1)]
    assert list(index.find([place[0] for place in reversed(wanted)])) == wanted
    for number in (0, 1, 3, places[-1][0] + 1):
        with pytest.raises(ValueError, match=f"no record begins on line {number}"):
            list(index.find([number]))
