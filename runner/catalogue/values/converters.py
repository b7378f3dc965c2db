"""The values of a step's `with`, made exactly what the operation's schema asks for: a schema as functions.

    {"type": "object", "properties": {"sku": {"type": "string"}}}  ->  an object of fields, of which sku takes a text

What a value may be, which rules it has to keep and where it stands is decided once, when the functions are made; they
are called with each value and with the `Findings` that problems and notes go to. A field's function is made when it is
first given, for most of what a document describes is never sent. No float passes, and an Unknown passes as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from runner.catalogue.schemas.schema import TreePath, is_open, types_of
from runner.catalogue.values.findings import Findings, Note, has_forms
from runner.catalogue.values.scalars import MISFIT, broken_rule, defect, first_fit, misfit_message
from runner.problems import nearest
from runner.template import Unknown

Convert = Callable[[Any, Findings], Any]
"""From a value, which is not null, to what is sent for it; None where that is nothing."""

_EXACT: Mapping[str, frozenset[type]] = {
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, Decimal}),
    "boolean": frozenset({bool}),
}
"""The types of values that are what is asked for already."""

_RULES = frozenset({
    "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "maxLength", "minLength", "pattern", "format",
})  # fmt: skip


def converter(
    schema: Mapping[str, Any], path: TreePath, *, evidence: str, note: Note | None = None
) -> Convert:
    """What makes values at `path` as `schema` wants them; null is no value.

    What a schema says beyond the type is a reason to refuse a value only where `evidence` is better than inferred.
    `note` is added for each value that is sent, but for an object, whose fields have their own.
    """
    rest = _Rest(schema, path, evidence)
    exact, scalar, other = rest.exact, rest.scalar, rest.other
    simple = exact | {Unknown, dt.date} if str in exact else exact | {Unknown}
    ruled, takes_object = rest.ruled, rest.takes_object

    def convert(value: Any, findings: Findings) -> Any:
        kind = type(value)
        if kind in simple:  # most are
            if note is not None:
                findings.notes.append(note)
            if kind is str and value.isascii() and not ruled:
                return value
            if kind is Unknown:
                findings.known = False
                return value
            plain = value.isoformat() if kind is dt.date else value
            return scalar(plain, findings) if ruled or defect(plain) else plain
        if kind is dict and takes_object:
            return rest.fields.convert(value, findings)
        converted = other(value, findings)
        if note is not None and converted is not None and type(converted) is not dict:
            findings.notes.append(note)
        return converted

    return convert


class _Rest:
    """What becomes of the values at `path` that do not go as they are."""

    def __init__(self, schema: Mapping[str, Any], path: TreePath, evidence: str) -> None:
        self._schema, self._path, self._evidence, self._wanted = (
            schema,
            path,
            evidence,
            types_of(schema),
        )
        self.exact = frozenset().union(
            *(_EXACT.get(name, frozenset()) for name in self._wanted or _EXACT)
        )
        """The types of values that are what is asked for already."""
        self.ruled = evidence != "inferred" and not _RULES.isdisjoint(schema)
        self.takes_object = not self._wanted or "object" in self._wanted

    @cached_property
    def fields(self) -> Fields:
        """The fields that it has when it is an object."""
        return Fields(self._schema, self._path)

    @cached_property
    def _items(self) -> _Items:
        return _Items(self._schema, self._path, self._evidence)

    def scalar(self, plain: Any, findings: Findings) -> Any:
        """A text, number or boolean that is of a type that is asked for."""
        message = defect(plain) or (broken_rule(plain, self._schema) if self.ruled else "")
        if message:
            findings.refuse(self._path, message)
        return plain

    def other(self, value: Any, findings: Findings) -> Any:
        """A value of another type, or of one of its kinds, such as a moment where a text is asked for."""
        if isinstance(value, float):
            findings.refuse(
                self._path, f"{value!r} is a binary float, which is not exact; use a decimal"
            )
            return None
        fit = first_fit(value, self._wanted) if self._wanted else value
        if fit is MISFIT:
            findings.refuse(self._path, misfit_message(value, self._wanted))
            return None
        if type(fit) in self.exact:
            return self.scalar(fit, findings)
        if isinstance(fit, Mapping):
            return self.fields.convert(fit, findings)
        if isinstance(fit, list | tuple):
            return self._items.convert(fit, findings)
        return self.scalar(fit.isoformat() if isinstance(fit, dt.date) else fit, findings)


class Fields:
    """The fields of an object at `path`."""

    def __init__(self, schema: Mapping[str, Any], path: TreePath) -> None:
        properties = schema.get("properties", {})
        self._schema = schema
        self._schemas = properties if isinstance(properties, Mapping) else {}
        self._path, self._open, self._required = (
            path,
            is_open(schema),
            tuple(schema.get("required", ())),
        )
        self._forms = has_forms(schema)
        self.made: dict[str, Convert] = {}
        """What converts the fields that were given before, by name."""

    def of(self, name: str) -> Convert | None:
        """What converts a field, with its notes; None where there may not be one of this name."""
        found = self.made.get(name)
        if found is None and name in self._schemas:
            found = self.made[name] = _documented(self._schemas[name], (*self._path, name))
        return found or (_undocumented((*self._path, name)) if self._open else None)

    def convert(self, value: Mapping[str, Any], findings: Findings) -> dict[str, Any] | None:
        """An object without its nulls. One that held nothing but nulls is left out itself: None."""
        result: dict[str, Any] = {}
        made = self.made
        for name, given in value.items():
            field = made.get(name) or self.of(name)
            if field is None:
                message = "the API has no such field; " + nearest(name, self._schemas)
                findings.refuse((*self._path, name), message)
                continue
            converted = field(given, findings) if given is not None else None
            if converted is not None:
                result[name] = converted
        if value and not result:
            return None
        for name in self._required:
            if name not in result:
                findings.require(
                    [each for each in self._required if each not in result], path=self._path
                )
                break
        if self._forms:
            findings.require_form(self._schema, result, path=self._path)
        return result


def _documented(schema: Mapping[str, Any], path: TreePath) -> Convert:
    """A field that the document knows, noted when that is inferred."""
    evidence = schema.get("x-runner-evidence", "")
    return converter(
        schema,
        path,
        evidence=evidence,
        note=(path, "inferred field") if evidence == "inferred" else None,
    )


@lru_cache(maxsize=1024)
def _undocumented(path: TreePath) -> Convert:
    """A field that the document does not know, in an object that may have others."""
    convert, note = (
        converter({}, path, evidence="inferred"),
        (path, "not in the API document, sent as it is"),
    )

    def field(value: Any, findings: Findings) -> Any:
        before = len(findings.notes)
        converted = convert(value, findings)
        if converted is not None:
            findings.notes[before:] = [note]
        return converted

    return field


def refusal(path: TreePath, message: str) -> Convert:
    """What refuses every value at `path`."""

    def refuse(_: Any, findings: Findings) -> None:
        findings.refuse(path, message)

    return refuse


class _Items:
    """The elements of a list at `path`, which are as well known as the list."""

    def __init__(self, schema: Mapping[str, Any], path: TreePath, evidence: str) -> None:
        self._schema, self._path, self._evidence = schema, path, evidence

    @cached_property
    def _element(self) -> Convert:
        items = self._schema.get("items")
        return converter(items if isinstance(items, Mapping) else {}, (), evidence=self._evidence)

    def convert(self, value: Sequence[Any], findings: Findings) -> list[Any]:
        """The list of what is sent. What is found in an element is found at its position."""
        result = []
        for index, entry in enumerate(value):
            inside = Findings()
            converted = self._element(entry, inside) if entry is not None else None
            if converted is None and not inside.problems:
                inside.refuse((), "null cannot stand in a list")
            result.append(converted)
            findings.take(inside, path=(*self._path, index))
        return result
