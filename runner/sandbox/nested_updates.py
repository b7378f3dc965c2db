"""Updates of what lies deep inside an object: entries of its lists found by their keys, numbers added up to a bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runner.sandbox.refusals import invalid, not_found, refused
from runner.sandbox.resources import Schema, properties, settings_of


@dataclass(frozen=True)
class Amount:
    """A number that is added to the stored one, which must not go beyond the number called `up_to`."""

    up_to: str
    called: str


@dataclass(frozen=True)
class Entries:
    """A list of the body whose entries change those of the stored list `into` with the same value of `by`."""

    name: str
    into: str
    by: str
    called: str
    found_as: str
    amounts: Mapping[str, Amount] = field(default_factory=dict)
    inside: tuple[Entries, ...] = ()


def entries(fields: Mapping[str, Schema]) -> tuple[Entries, ...]:
    """The lists among the fields of a body that change entries."""
    found = []
    for name, schema in fields.items():
        settings = settings_of(schema)
        if "into" not in settings:
            continue
        inner = properties(schema.get("items"))
        own = {key: settings_of(value) for key, value in inner.items()}
        called = settings.get("called", name)
        found.append(
            Entries(
                name,
                settings["into"],
                settings.get("by", "id"),
                called,
                settings.get("found_as", called),
                {
                    key: Amount(s["up_to"], s.get("called", key))
                    for key, s in own.items()
                    if "up_to" in s
                },
                entries(inner),
            )
        )
    return tuple(found)


def book(stored: dict[str, Any], given: Mapping[str, Any], lists: tuple[Entries, ...]) -> None:
    """Change `stored`, which is of no use any more when this raises RefusedError."""
    _book(stored, given, lists, ())


def _book(
    stored: dict[str, Any],
    given: Mapping[str, Any],
    lists: tuple[Entries, ...],
    around: tuple[dict[str, Any], ...],
) -> None:
    around = (*around, stored)
    for each in lists:
        for entry in given.get(each.name) or ():
            if not isinstance(entry, Mapping) or entry.get(each.by) is None:
                errors = {f"{each.name}.{each.by}": [f"{each.by} is required"]}
                raise invalid(errors, cause="missing", field=each.by, object=each.called)
            found = next(
                (old for old in stored.get(each.into) or () if old.get(each.by) == entry[each.by]),
                None,
            )
            if found is None:
                raise not_found(each.found_as)
            _change(found, entry, each, around)
            _book(found, entry, each.inside, around)


def _change(
    found: dict[str, Any],
    entry: Mapping[str, Any],
    each: Entries,
    around: tuple[dict[str, Any], ...],
) -> None:
    below = {inner.name for inner in each.inside}
    for name, value in entry.items():
        if name in each.amounts:
            _add(found, name, value, each.amounts[name], around)
        elif name not in below:
            found[name] = value


def _add(
    found: dict[str, Any], name: str, value: Any, amount: Amount, around: tuple[dict[str, Any], ...]
) -> None:
    if not _is_number(value) or value < 0:
        raise invalid({name: [f"{name} is not a number from 0"]})
    bound = found.get(amount.up_to)
    if not _is_number(found.get(name)):
        found[name] = 0
    try:
        total = found[name] + value
        if _is_number(bound) and total > bound:
            raise refused(
                400,
                f"too much in {name}: {total} of {bound}",
                cause="too_much",
                object=amount.called,
            )
        for each in (found, *around):
            if _is_number(each.get(name)):
                each[name] += value
    except ArithmeticError:  # 1e999999
        raise invalid({name: [f"{name} is out of range"]}) from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
