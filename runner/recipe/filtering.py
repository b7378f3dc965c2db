"""The types that filters and tests give and need."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runner.problems import nearest
from runner.recipe.findings import Findings, remedy
from runner.recipe.types import (
    ANY,
    BOOLEAN,
    DATE,
    DECIMAL,
    INTEGER,
    LIST,
    NULL,
    NUMBERS,
    OBJECT,
    STRING,
    Path,
    Type,
    join,
    list_of,
    of_kind,
)
from runner.template import Node, paths_of
from runner.template.filters import NUMBER

Typed = tuple[Node, Type]
Rule = Callable[[Node, Sequence[Typed], Findings], Type]

_WHOLE = re.compile(r"[-+]?[0-9]+(?:\.0+)?\Z", re.ASCII)


def filtered(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """The type that a filter gives. `parts` are what is filtered and the arguments."""
    for (part, type_), kinds in zip(parts[1:], _ARGUMENTS.get(node.value, ()), strict=False):
        findings.need(part, type_, kinds, where=f"{node.value}(...)")
    return _RULES[node.value](node, parts, findings) if node.value in _RULES else ANY


def for_each(node: Node, subject: Typed, inner: Typed, findings: Findings) -> Type:
    """The type that `total` and `where` give."""
    if node.value == "total":
        findings.need(*inner, NUMBERS, where="total")
        return of_kind(*NUMBERS)
    _, type_ = subject
    looked_at = paths_of(inner[0])
    element = type_.element
    if ("item",) in looked_at:
        element = element.present()
    seen = {path[1]: None for path in looked_at if path[0] == "item" and len(path) > 1}
    known = {
        name: element.fields[name].present()
        for name in seen
        if isinstance(name, str) and name in element.fields
    }
    return replace(type_.present(), item=_narrowed(element, known))


def tested(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """The type of a test, which is true or false."""
    if node.value in ("even", "odd"):
        findings.need(*parts[0], NUMBERS, where=f"'is {node.value}'")
    return of_kind(BOOLEAN)


class _Narrowed(dict[str, Type]):
    """Fields of which some are known better; the others stay what they are, made on use."""

    def __init__(self, fields: Mapping[str, Type], known: Mapping[str, Type]) -> None:
        super().__init__(known)
        self._fields = fields

    def __missing__(self, name: str) -> Type:
        return self._fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Any:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def _narrowed(element: Type, known: Mapping[str, Type]) -> Type:
    return replace(element, fields=_Narrowed(element.fields, known)) if known else element


def _number(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """`abs` and `round`."""
    findings.need(*parts[0], NUMBERS, where=node.value)
    return (
        of_kind(DECIMAL)
        if node.value == "round"
        else of_kind(*(parts[0][1].kinds & NUMBERS or NUMBERS))
    )


def _converted(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """`int` and `decimal`, of numbers and of text that is one."""
    part, type_ = parts[0]
    fits = _WHOLE if node.value == "int" else NUMBER
    kind = INTEGER if node.value == "int" else DECIMAL
    if not findings.need(part, type_, NUMBERS | {STRING}, where=node.value):
        return of_kind(kind)
    if (
        type_.enum
        and type_.solid == {STRING}
        and not any(fits.match(str(value).strip()) for value in type_.enum)
    ):
        shown = repr(min(map(str, type_.enum)))
        what = "a whole number" if node.value == "int" else "a number"
        findings.add(
            part, f"{node.value} needs {what}, and {shown} is none", "wrong-type", sure=type_.sure
        )
    return of_kind(kind)


def _as_text(_: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """`text`, `upper`, `lower`, `trim` and `replace`: of all that has a text."""
    findings.text_of(*parts[0])
    return of_kind(STRING)


def _length(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    findings.need(*parts[0], {LIST, STRING, OBJECT}, where=node.value)
    return of_kind(INTEGER)


def _end(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """`first` and `last`: an element, or a character."""
    part, type_ = parts[0]
    findings.need(part, type_, {LIST, STRING}, where=node.value)
    if not type_.kinds or type_.solid == {STRING}:
        return of_kind(STRING) if type_.kinds else ANY
    return type_.element


def _list(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """`sort` and `unique` keep the list, `min` and `max` give one of its elements."""
    fine = findings.need(*parts[0], {LIST}, where=node.value)
    element = parts[0][1].element if fine else ANY
    if len(parts) > 1:
        _field(node, parts, findings)
    elif node.value != "unique" and element.solid == {OBJECT}:
        usage = f"{node.value}('field')" if node.value == "sort" else "map('field') before it"
        message = f"{node.value} cannot compare objects"
        findings.add(
            parts[0][0], message, "wrong-type", remedy=f"say by what: {usage}", sure=element.sure
        )
    return element if node.value in ("min", "max") else list_of(element)


def _sum(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """`sum` and `sum('field')`."""
    part, type_ = parts[0]
    if not findings.need(part, type_, {LIST}, where="sum"):
        return of_kind(*NUMBERS)
    added = _field(node, parts, findings) if len(parts) > 1 else type_.element
    if not added.can_be(NUMBERS):
        what = f"{parts[1][0].value!r}" if len(parts) > 1 else "an element"
        advice = (
            "say which field: sum('field')" if added.solid == {OBJECT} else remedy(added, NUMBERS)
        )
        findings.add(
            part,
            f"sum adds numbers, and {what} is {added}",
            "wrong-type",
            remedy=advice,
            sure=added.sure,
        )
    return of_kind(*(added.solid & NUMBERS or NUMBERS))


def _map(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    findings.need(*parts[0], {LIST}, where="map")
    return list_of(_field(node, parts, findings))


def _field(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """The field of each element that a filter is told by name."""
    (_, type_), (argument, _) = parts[0], parts[1]
    element, name = type_.element, argument.value
    if argument.kind != "literal" or not isinstance(name, str) or not element.kinds:
        return ANY
    if not element.can_be({OBJECT}):
        message = f"{node.value}({name!r}) is for lists of objects, and this one holds {element}"
        findings.add(
            parts[0][0], message, "wrong-type", remedy="leave the name out", sure=element.sure
        )
        return ANY
    if name in element.fields:
        return element.fields[name]
    if element.fields and not element.rest:
        lacks = "have no field" if element.closed else "are not known to have a field"
        message = f"the elements {lacks} {name!r}"
        advice = nearest(name, element.fields, noun="fields")
        findings.add(argument, message, "unknown-field", remedy=advice, sure=element.closed)
    return element.rest or ANY


def _join(_: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    part, type_ = parts[0]
    if findings.need(part, type_, {LIST}, where="join") and type_.element.kinds:
        element = type_.element
        if not element.can_be(NUMBERS | {STRING, BOOLEAN, DATE}):
            message = f"join puts texts side by side, and the list holds {element}"
            advice = "choose a field first: | map('name')" if element.solid == {OBJECT} else ""
            findings.add(part, message, "wrong-type", remedy=advice, sure=element.sure)
        else:
            findings.absent(part, element, "and null has no text")
    return of_kind(STRING)


def _days(_: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    findings.need(*parts[0], {DATE}, where="days")
    return of_kind(DATE)


def _date(_: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    findings.need(*parts[0], {DATE}, where="date")
    return of_kind(STRING)


def _default(_: Node, parts: Sequence[Typed], __: Findings) -> Type:
    """What is filtered, or the fallback where that is null or missing."""
    subject, fallback = parts[0][1], parts[1][1] if len(parts) > 1 else of_kind(NULL)
    return (
        join(subject.present(), fallback)
        if subject.kinds and subject.solid
        else fallback
        if subject.kinds
        else ANY
    )


_ARGUMENTS: Mapping[str, tuple[frozenset[str], ...]] = {
    "date": (frozenset({STRING}),),
    "days": (NUMBERS,),
    "join": (frozenset({STRING}),),
    "map": (frozenset({STRING}),),
    "replace": (frozenset({STRING}), frozenset({STRING})),
    "round": (NUMBERS,),
    "sort": (frozenset({STRING}),),
    "sum": (frozenset({STRING}),),
}
_RULES: Mapping[str, Rule] = {
    "abs": _number, "count": _length, "date": _date, "days": _days, "decimal": _converted, "default": _default,
    "first": _end, "int": _converted, "join": _join, "last": _end, "length": _length, "lower": _as_text,
    "map": _map, "max": _list, "min": _list, "replace": _as_text, "round": _number, "sort": _list, "sum": _sum,
    "text": _as_text, "trim": _as_text, "unique": _list, "upper": _as_text,
}  # fmt: skip


def guards_of(*nodes: Node | None) -> frozenset[Path]:
    """The paths that conditions look at: whoever asks about a value is taken to know that it may be null."""
    return frozenset(path for node in nodes if node is not None for path in paths_of(node))
