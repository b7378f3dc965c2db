"""Nested updates of an object: list entries matched by their keys, numbers added up to a bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runner.sandbox.refusals import invalid, not_found, refused
from runner.sandbox.resources import Schema, properties, settings_of


@dataclass(frozen=True)
class Amount:
    """Number that is added to the stored one. The sum must not exceed the field `up_to`."""

    up_to: str
    called: str


@dataclass(frozen=True)
class Entries:
    """List of the body whose entries change those of the stored list `into` with the same value of `by`."""

    name: str
    into: str
    by: str
    called: str
    found_as: str
    amounts: Mapping[str, Amount] = field(default_factory=dict)
    inside: tuple[Entries, ...] = ()


def entries(fields: Mapping[str, Schema]) -> tuple[Entries, ...]:
    """Return the lists among the fields of a body that change stored entries."""
    lists = []
    for name, schema in fields.items():
        settings = settings_of(schema)
        if "into" not in settings:
            continue
        inner = properties(schema.get("items"))
        own = {key: settings_of(value) for key, value in inner.items()}
        called = settings.get("called", name)
        lists.append(
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
    return tuple(lists)


def book(stored: dict[str, Any], given: Mapping[str, Any], lists: tuple[Entries, ...]) -> None:
    """Change `stored`. It is inconsistent, and has to be discarded, when this raises RefusedError."""
    _book(stored, given, lists, ())


def _book(
    stored: dict[str, Any],
    given: Mapping[str, Any],
    lists: tuple[Entries, ...],
    around: tuple[dict[str, Any], ...],
) -> None:
    around = (*around, stored)
    for kind in lists:
        for entry in given.get(kind.name) or ():
            if not isinstance(entry, Mapping) or entry.get(kind.by) is None:
                errors = {f"{kind.name}.{kind.by}": [f"{kind.by} is required"]}
                raise invalid(errors, cause="missing", field=kind.by, object=kind.called)
            target = next(
                (old for old in stored.get(kind.into) or () if old.get(kind.by) == entry[kind.by]),
                None,
            )
            if target is None:
                raise not_found(kind.found_as)
            _change(target, entry, kind, around)
            _book(target, entry, kind.inside, around)


def _change(
    target: dict[str, Any],
    entry: Mapping[str, Any],
    kind: Entries,
    around: tuple[dict[str, Any], ...],
) -> None:
    below = {inner.name for inner in kind.inside}
    for name, value in entry.items():
        if name in kind.amounts:
            _add(target, name, value, kind.amounts[name], around)
        elif name not in below:
            target[name] = value


def _add(
    target: dict[str, Any],
    name: str,
    value: Any,
    amount: Amount,
    around: tuple[dict[str, Any], ...],
) -> None:
    if not _is_number(value) or value < 0:
        raise invalid({name: [f"{name} is not a number from 0"]})
    bound = target.get(amount.up_to)
    if not _is_number(target.get(name)):
        target[name] = 0
    try:
        total = target[name] + value
        if _is_number(bound) and total > bound:
            raise refused(
                400,
                f"too much in {name}: {total} of {bound}",
                cause="too_much",
                object=amount.called,
            )
        # The objects around it have totals under the same name.
        for holder in (target, *around):
            if _is_number(holder.get(name)):
                holder[name] += value
    except ArithmeticError:
        # A request may hold a number such as 1e999999.
        raise invalid({name: [f"{name} is out of range"]}) from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
