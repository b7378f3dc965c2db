"""Search conditions, `conditions[1][field]=1&conditions[1][condition]=4&...`, converted to conditions of the state.

Their names and meanings are in x-runner-conditions: a comparison is recognized by the sign among its names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.catalogue import Conditions, Operation
from runner.catalogue.values.conditions import Field, read_grammar
from runner.problems import ConfigError
from runner.sandbox.refusals import RefusedError, invalid, refused
from runner.sandbox.state import MOMENT, TESTS, TEXT, Condition

_BETWEEN = "between"
_NUMBERS = 200


@dataclass(frozen=True)
class Search:
    """The conditions of an operation: the place of each field in the stored object, and the test of each code."""

    parameter: str
    required: bool
    grammar: Conditions
    places: Mapping[str, str]
    tests: Mapping[str, str]


def search_of(operation: Operation, declared: Mapping[str, Any]) -> Search:
    """Return the search that a parameter's x-runner-conditions describe.

    Raises ConfigError where a comparison has no sign.
    """
    extension = declared["x-runner-conditions"]
    grammar = read_grammar(extension)
    tests = {entry.code: name for name, entry in grammar.comparisons.items() if name in TESTS}
    tests |= {entry.code: _BETWEEN for entry in grammar.comparisons.values() if entry.range}
    if unknown := [name for name in grammar.named if grammar.comparisons[name].code not in tests]:
        message = f"{operation.full_name}: what the comparison {unknown[0]!r} tests is not known"
        raise ConfigError(message, remedy=f"give it a sign in 'also': one of {', '.join(TESTS)}")
    places = {name: extension["fields"][name].get("answer", name) for name in grammar.fields}
    return Search(declared["name"], declared.get("required", False), grammar, places, tests)


def conditions_of(search: Search, given: Mapping[str, Sequence[str]]) -> list[Condition]:
    """Return the conditions of a request. Raises RefusedError when one is incomplete."""
    conditions: list[Condition] = []
    for number, parts in sorted(_parts(search, given).items()):
        conditions += _conditions(search, number, parts)
    if search.required and not conditions:
        raise refused(400, f"{search.parameter} is required", cause="no_conditions")
    return conditions


def _parts(search: Search, given: Mapping[str, Sequence[str]]) -> dict[int, dict[str, str]]:
    """Return the parts of each condition by its number.

    The one without brackets is number 1, or 0 beside others in brackets.
    """
    grammar = search.grammar
    kinds = [field.kind for field in grammar.fields.values()]
    names = {
        grammar.field_part,
        grammar.is_part,
        *(k.value for k in kinds),
        *(k.to for k in kinds if k.to),
    }
    numbered: dict[int, dict[str, str]] = {}
    pattern = re.compile(re.escape(search.parameter) + r"\[([1-9][0-9]{0,5})\]\[([^]]*)\]")
    for name, texts in given.items():
        if match := pattern.fullmatch(name):
            numbered.setdefault(int(match[1]), {})[match[2]] = texts[-1]
    if single := {name: given[name][-1] for name in sorted(names) if name in given}:
        numbered[0 if numbered else 1] = single
    # Numbers have to be consecutive; the range is bounded, since a request may name any number.
    for number in range(1, min(max(numbered, default=0), _NUMBERS)):
        if number not in numbered:
            raise _lacks(search, number, grammar.field_part)
    return numbered


def _conditions(search: Search, number: int, parts: Mapping[str, str]) -> list[Condition]:
    grammar = search.grammar
    for part in (grammar.field_part, grammar.is_part):
        if not parts.get(part):
            raise _lacks(search, number, part)
    name, field = _field(search, number, parts[grammar.field_part])
    test = search.tests.get(parts[grammar.is_part])
    if test is None or (test == _BETWEEN and not field.kind.to):
        raise _wrong(search, number, grammar.is_part)
    place, cast = search.places[name], MOMENT if field.kind.format else TEXT
    first = _value(search, number, field, parts, field.kind.value)
    if test != _BETWEEN:
        return [Condition(place, test, (first,), cast)]
    last = _value(search, number, field, parts, field.kind.to)
    return [Condition(place, ">=", (first,), cast), Condition(place, "<=", (last,), cast)]


def _field(search: Search, number: int, code: str) -> tuple[str, Field]:
    for name, field in search.grammar.fields.items():
        if field.code == code:
            return name, field
    raise _wrong(search, number, search.grammar.field_part)


def _value(search: Search, number: int, field: Field, parts: Mapping[str, str], part: str) -> str:
    text = parts.get(part, "")
    if field.kind.format and text:
        try:
            return datetime.strptime(text, field.kind.format).isoformat(timespec="seconds")  # noqa: DTZ007
        except ValueError:
            # The same refusal as for a value that is missing.
            text = ""
    if not text:
        messages = [f"{part} is missing or invalid"]
        raise invalid(
            {_name(search, number, part): messages},
            cause="value",
            part=part,
            number=str(number or 1),
        )
    return text


def _lacks(search: Search, number: int, part: str) -> RefusedError:
    name = _name(search, number, part)
    return invalid(
        {name: [f"{part} is required"]}, cause="condition", part=part, number=str(number or 1)
    )


def _wrong(search: Search, number: int, part: str) -> RefusedError:
    return invalid(
        {_name(search, number, part): [f"{part} is not one of its choices"]}, cause="parameters"
    )


def _name(search: Search, number: int, part: str) -> str:
    return f"{search.parameter}[{number}][{part}]" if number else part
