"""Names in cells: those that a lookup's file lacks, and those with several spellings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

from runner.problems import Problem, nearest
from runner.recipe.lookups import Use
from runner.recipe.model import Lookup
from runner.rows.findings import shown
from runner.rows.group import Row
from runner.rows.input import Input
from runner.rows.lookup_file import folded
from runner.template import to_text

MAX_NAMES = 10_000
"""Different names that are remembered at most."""


def spelled_otherwise(input_: Input, columns: Collection[str]) -> Iterator[Problem]:
    """Yield a warning for the first cell of each spelling that differs from an earlier one in case or spaces."""
    first: dict[tuple[str, str], tuple[str, int]] = {}
    reported: set[tuple[str, str]] = set()
    for row in input_ if columns else ():
        for number, values in _lines(row):
            for column in columns:
                cell = values.get(column)
                if (
                    not isinstance(cell, str)
                    or (column, cell) in reported
                    or len(first) >= MAX_NAMES
                ):
                    continue
                known, line = first.setdefault(
                    (column, " ".join(cell.casefold().split())), (cell, number)
                )
                if known != cell:
                    reported.add((column, cell))
                    message = f"{shown(cell)} is {shown(known)} on line {line}: names are found as they are written"
                    yield input_.warning(
                        number,
                        column,
                        message=message,
                        kind="spelling",
                        remedy="write both the same",
                    )


class Names:
    """Names of a lookup's entries: those of its first field, and under each those of the next."""

    def __init__(self, lookup: Lookup, entries: Iterable[Mapping[str, Any]]) -> None:
        self.lookup = lookup
        self._below: dict[tuple[str, ...], dict[str, str]] = {}
        for entry in entries:
            above: tuple[str, ...] = ()
            for by in lookup.by:
                name = to_text(entry[by])
                self._below.setdefault(above, {}).setdefault(self._key(name), name)
                above = (*above, self._key(name))

    def missing(self, keys: Sequence[str]) -> tuple[int, Collection[str]] | None:
        """Return the first key without an entry, with the existing names at its place; None for an entry."""
        above: tuple[str, ...] = ()
        for at, key in enumerate(map(self._key, keys)):
            known = self._below.get(above, {})
            if key not in known:
                return at, known.values()
            above = (*above, key)
        return None

    def _key(self, name: str) -> str:
        return folded(name) if self.lookup.fold else name


@dataclass
class _Occurrences:
    """Lines with a name without an entry: the first one, and their number; `missing` as by `Names.missing`."""

    first: int
    missing: tuple[int, Collection[str]]
    count: int = 1


def names_not_found(
    input_: Input, uses: Sequence[Use], names: Mapping[str, Names]
) -> Iterator[Problem]:
    """Yield a problem for each name without an entry, at the first line where it occurs.

    It is an error where every row does the lookup, else a warning.
    """
    unknown: dict[tuple[Use, tuple[str, ...]], _Occurrences] = {}
    for row in input_ if uses else ():
        for number, values in _lines(row):
            for use in uses:
                cells = [values.get(key) if column else key for key, column in use.keys]
                if None in cells:
                    continue
                keys = tuple(map(to_text, cells))
                if (use, keys) in unknown:
                    unknown[use, keys].count += 1
                elif len(unknown) < MAX_NAMES and (missing := names[use.lookup].missing(keys)):
                    unknown[use, keys] = _Occurrences(number, missing)
    for (use, keys), own in unknown.items():
        lines = own.first, own.count - 1
        lookup = names[use.lookup].lookup
        yield _not_found(input_, lookup, use, keys, lines=lines, missing=own.missing)


def _not_found(
    input_: Input,
    lookup: Lookup,
    use: Use,
    keys: Sequence[str],
    *,
    lines: tuple[int, int],
    missing: tuple[int, Collection[str]],
) -> Problem:
    (number, more), (at, known) = lines, missing
    key, column = use.keys[at]
    where = "".join(f" under {shown(keys[before])}" for before in range(at))
    also = f", and neither on {more:,} more line{'s' * (more != 1)}" if more else ""
    message = f"{shown(keys[at])} is no {lookup.by[at]!r} of {lookup.file}{where}{also}"
    remedy = f"{nearest(keys[at], known, noun='names')}; or add it to {lookup.file}"
    problem = input_.warning(
        number,
        key if column else use.columns[0],
        message=message,
        kind="unknown-name",
        remedy=remedy,
    )
    return replace(problem, severity="error") if use.sure else problem


def _lines(row: Row) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the lines of a row with their values; the row itself where it has none."""
    lines = row.values.get("lines")
    if not (isinstance(lines, list) and lines and isinstance(lines[0], Mapping)):
        lines = [row.values]
    # Unpivoted lines have no lines of their own in the file: they are reported at the row's first.
    numbers = row.lines if len(lines) == len(row.lines) else repeat(row.lines[0])
    yield from zip(numbers, ({**row.values, **line} for line in lines), strict=False)
