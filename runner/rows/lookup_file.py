"""Lookups from a file: entries of a company's own data, each with a unique name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.problems import InvalidError, Problem, nearest
from runner.recipe.model import Lookup, Rows
from runner.rows.findings import shown
from runner.rows.input import Input
from runner.rows.read import open_input
from runner.template import to_text


@dataclass(frozen=True)
class MappingFile:
    """Entries of a lookup's file. `digest` is the SHA-256 of its bytes in hexadecimal."""

    entries: tuple[Mapping[str, Any], ...]
    digest: str


def read_mapping(lookup: Lookup, path: Path, *, name: str) -> MappingFile:
    """Return the entries of a lookup, each with a unique name. Raises InvalidError with every line that is wrong.

    `name` is the file's name in messages.
    """
    input_ = open_input(path, Rows(), scope={}, name=name)
    problems = [
        _missing(input_, by) for by in lookup.by if input_.header and by not in input_.header
    ]
    problems = problems or list(_problems(lookup, input_))
    if problems:
        raise InvalidError(problems)
    return MappingFile(tuple(row.values for row in input_), input_.digest)


def folded(text: str) -> str:
    """Return a name normalized in case and spaces."""
    return " ".join(text.casefold().split())


def _missing(input_: Input, by: str) -> Problem:
    remedy = nearest(by, input_.header, noun="columns")
    return Problem(
        input_.name, 1, 1, f"there is no column {by!r} to find entries by", "missing-column", remedy
    )


def _problems(lookup: Lookup, input_: Input) -> Iterator[Problem]:
    """Yield lines without a name, and names with two meanings."""
    first: dict[tuple[str, ...], tuple[int, Mapping[str, Any]]] = {}
    for row in input_:
        number = row.lines[0]
        empty = next((by for by in lookup.by if row.values.get(by) is None), None)
        if empty is not None:
            message = f"{empty} is empty, and entries are found by it"
            yield _problem(input_, number, empty, message, "fill it in")
            continue
        names = tuple(to_text(row.values[by]) for by in lookup.by)
        key = tuple(map(folded, names)) if lookup.fold else names
        # Lines that repeat an entry, spelling of the name aside, have one meaning.
        line, values = first.setdefault(key, (number, row.values))
        if line != number and {**values, **dict.fromkeys(lookup.by)} != {
            **row.values,
            **dict.fromkeys(lookup.by),
        }:
            message = f"{', '.join(map(shown, names))} has two meanings: line {line} has it too"
            yield _problem(input_, number, lookup.by[0], message, "keep one")


def _problem(input_: Input, number: int, column: str, message: str, remedy: str) -> Problem:
    problem = input_.warning(number, column, message=message, kind="bad-mapping", remedy=remedy)
    return replace(problem, severity="error")
