"""The types of values, as far as they are known before anything is read: made from columns, variables and schemas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from typing import Any, NamedTuple

from runner.catalogue.schemas.schema import is_open
from runner.template import Node

NULL, BOOLEAN, INTEGER, DECIMAL = "null", "boolean", "integer", "decimal"
STRING, DATE, LIST, OBJECT = "string", "date", "list", "object"
NUMBERS = frozenset({INTEGER, DECIMAL})
TEXTS = NUMBERS | {STRING, BOOLEAN, DATE}
"""What can stand inside text."""

_OF_SCHEMA: Mapping[str, frozenset[str]] = {
    "null": frozenset({NULL}),
    "boolean": frozenset({BOOLEAN}),
    "integer": frozenset({INTEGER}),
    "number": NUMBERS,
    "string": frozenset({STRING}),
    "array": frozenset({LIST}),
    "object": frozenset({OBJECT}),
}
_OF_VALUE: Mapping[type, str] = {
    type(None): NULL, bool: BOOLEAN, int: INTEGER, Decimal: DECIMAL, str: STRING, dt.date: DATE, list: LIST,
    dict: OBJECT,
}  # fmt: skip
_WORDS = {
    STRING: "text", INTEGER: "a number", DECIMAL: "a number", BOOLEAN: "true or false", DATE: "a date",
    LIST: "a list", OBJECT: "an object", NULL: "null",
}  # fmt: skip
OTHERWISE = {STRING: "''", INTEGER: "0", DECIMAL: "0", LIST: "[]", OBJECT: "{}", BOOLEAN: "false"}
"""What could be taken in place of null, as it is written."""

Path = tuple[str | int, ...]


class Absence(NamedTuple):
    """The reason why a value may be null or missing, and its remedy. It is present where one of `unless` was checked.

    `when` is the condition without which it is null, where there is one. `of_step`: it is the result of a step that may
    have none. `of_cell`: it is an empty cell.
    """

    reason: str
    remedy: str
    unless: frozenset[Path] = frozenset()
    when: Node | None = None
    of_step: bool = False
    of_cell: bool = False


@dataclass(frozen=True, eq=False)
class Type:
    """The known type of a value. Without `kinds` it may be anything.

    item      what a list holds
    fields    the known fields of an object; with `rest` all others are of that type
    closed    whether an object has no fields but those
    enum      the values that it is one of, where they are known
    sure      whether a schema that is no guess says so
    absent    why it may be null; None where nothing is to be said about that
    missing   why a field may not be there
    of        what an object or list is, for messages: row, vars, run, lookup, or whose answer
    column    the column that a text is from
    """

    kinds: frozenset[str] = frozenset()
    item: Type | None = None
    fields: Mapping[str, Type] = field(default_factory=dict)
    rest: Type | None = None
    closed: bool = False
    enum: frozenset[Any] | None = None
    sure: bool = True
    absent: Absence | None = None
    missing: Absence | None = None
    of: str = ""
    column: str = ""

    @property
    def solid(self) -> frozenset[str]:
        """The type without null."""
        return self.kinds - {NULL}

    @property
    def element(self) -> Type:
        """The element type of a list, or anything."""
        return self.item or ANY

    def can_be(self, kinds: Iterable[str]) -> bool:
        """Return whether it may be one of these."""
        return not self.kinds or not self.kinds.isdisjoint(kinds)

    def present(self) -> Type:
        """Return the same type of a value that is there."""
        if self.absent is None and NULL not in self.kinds:
            return self
        return replace(self, kinds=self.solid or self.kinds, absent=None)

    def maybe(self, absent: Absence) -> Type:
        """Return the same type of a value that may be null."""
        return replace(self, kinds=self.kinds | {NULL} if self.kinds else self.kinds, absent=absent)

    def __str__(self) -> str:
        words = dict.fromkeys(_WORDS[kind] for kind in _WORDS if kind in self.kinds)
        return " or ".join(words) or "anything"


ANY = Type()


def of_kind(*kinds: str) -> Type:
    """Return the type of values of these kinds."""
    return Type(frozenset(kinds))


def list_of(item: Type, *, of: str = "") -> Type:
    """Return the type of a list."""
    return Type(frozenset({LIST}), item=item, of=of, sure=item.sure)


def object_of(fields: Mapping[str, Type], *, of: str = "", rest: Type | None = None) -> Type:
    """Return the type of an object with exactly these fields, and others of type `rest`."""
    return Type(frozenset({OBJECT}), fields=fields, rest=rest, closed=rest is None, of=of)


def type_of(value: Any) -> Type:
    """Return the type of a value that is written out: plain data."""
    kinds = frozenset({_OF_VALUE.get(type(value), STRING)})
    if isinstance(value, dict):
        return object_of({str(name): type_of(each) for name, each in value.items()})
    if isinstance(value, list):
        return list_of(joined(map(type_of, value))) if value else of_kind(LIST)
    return Type(kinds, enum=None if value is None else frozenset({value}))


def joined(types: Iterable[Type]) -> Type:
    """Return the type of a value that is of one of these types; anything where there is none."""
    known = list(types)
    return reduce(join, known) if known else ANY


def join(one: Type, other: Type) -> Type:
    """Return the type of a value that is of either type."""
    if one is other:
        return one
    absent, sure = one.absent or other.absent, one.sure and other.sure
    if not one.kinds or not other.kinds:
        return ANY
    for null, rest in ((one, other), (other, one)):
        if null.kinds == {NULL}:
            return replace(rest, kinds=rest.kinds | {NULL}, absent=absent, sure=sure)
    objects = [each for each in (one, other) if OBJECT in each.kinds]
    rests = [each.rest for each in objects if each.rest]
    lists = [each.item for each in (one, other) if each.item is not None]
    return Type(
        one.kinds | other.kinds,
        item=joined(lists) if lists else None,
        fields=_Joined(*objects) if len(objects) > 1 else objects[0].fields if objects else {},
        rest=joined(rests) if rests else None,
        closed=all(each.closed for each in objects),
        enum=one.enum | other.enum if one.enum is not None and other.enum is not None else None,
        sure=sure,
        absent=absent,
        missing=one.missing or other.missing,
        of=one.of or other.of,
        column=one.column if one.column == other.column else "",
    )


class _Joined(Mapping[str, Type]):
    """The fields of either of two objects, each built on first read. A field of only one of them may be missing."""

    def __init__(self, one: Type, other: Type) -> None:
        self._one, self._other = one, other

    def __getitem__(self, name: str) -> Type:
        one, other = self._one, self._other
        if name in one.fields and name in other.fields:
            return join(one.fields[name], other.fields[name])
        known, lacking = (one, other) if name in one.fields else (other, one)
        missing = Absence(
            _lacks(lacking, name, known),
            f"say what to take then: | default(...); or do without {name}",
        )
        return replace(known.fields[name], missing=missing)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._one.fields, *self._other.fields]))

    def __len__(self) -> int:
        return len(dict.fromkeys([*self._one.fields, *self._other.fields]))


def _lacks(lacking: Type, name: str, known: Type) -> str:
    if lacking.of and known.of and lacking.of != known.of:
        return f"{lacking.of} is not known to answer with {name!r}, as {known.of} does"
    whose = f" of what {known.of} answers" if known.of else ""
    return f"not every form{whose} has {name!r}"


def from_schema(schema: Any, *, of: str = "", sure: bool = True) -> Type:
    """Return the type of an answer that fits a flat schema. What is marked as inferred is not sure."""
    if not isinstance(schema, Mapping):
        return ANY
    forms = schema.get("anyOf")
    if forms:
        return joined(from_schema(form, of=of, sure=sure) for form in forms)
    declared = schema.get("type", ())
    names = [declared] if isinstance(declared, str) else list(declared)
    if not names and "properties" in schema:
        names = ["object"]
    kinds: frozenset[str] = frozenset().union(
        *(_OF_SCHEMA.get(name, frozenset()) for name in names)
    )
    sure = sure and schema.get("x-runner-evidence") != "inferred"
    more, enum = schema.get("additionalProperties"), schema.get("enum")
    return Type(
        kinds,
        item=from_schema(schema.get("items"), of=of, sure=sure) if LIST in kinds else None,
        fields=_Fields(schema, of, sure=sure) if OBJECT in kinds else {},
        rest=from_schema(more, of=of, sure=sure)
        if isinstance(more, Mapping) and OBJECT in kinds
        else None,
        closed=sure and not is_open(schema),
        enum=_values(enum),
        sure=sure,
        of=of,
    )


def _values(enum: Any) -> frozenset[Any] | None:
    if not isinstance(enum, list) or not all(
        isinstance(value, str | int | Decimal | None) for value in enum
    ):
        return None
    return frozenset(value for value in enum if value is not None)


class _Fields(Mapping[str, Type]):
    """The fields of an object by its schema, each built on first read: answers nest deeply."""

    def __init__(self, schema: Mapping[str, Any], of: str, *, sure: bool) -> None:
        properties, required = schema.get("properties"), schema.get("required")
        self._properties: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
        self._required = frozenset(required) if isinstance(required, list) else frozenset[str]()
        self._of, self._sure = of, sure

    def __getitem__(self, name: str) -> Type:
        found = from_schema(self._properties[name], of=self._of, sure=self._sure)
        left_out = bool(self._required) and name not in self._required
        if NULL not in found.kinds and not left_out:
            return found
        how = "null" if NULL in found.kinds else "left out"
        reason = f"{name!r} may be {how} in what {self._of} answers"
        otherwise = next((text for kind, text in OTHERWISE.items() if kind in found.kinds), "...")
        return found.maybe(Absence(reason, f"say what to take then: | default({otherwise})"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._properties)

    def __len__(self) -> int:
        return len(self._properties)
