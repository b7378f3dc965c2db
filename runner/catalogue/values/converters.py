"""Converters of a step's `with` to the types of the operation's schema: a schema compiled to functions.

    {"type": "object", "properties": {"sku": {"type": "string"}}}  ->  an object of fields, of which sku takes a text

Types, rules and positions are settled once, when the functions are built; they are called with each value and with the
`Findings` that collect problems and notes. A field's function is built on first use, since most of what a document
describes is never sent. Floats are refused, and an Unknown passes unchanged.
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
"""Function from a value, which is not null, to the sent value; None where nothing is sent."""

_EXACT: Mapping[str, frozenset[type]] = {
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, Decimal}),
    "boolean": frozenset({bool}),
}
"""The Python types that need no conversion to a type of the schema."""

_RULES = frozenset(
    {
        "enum",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "maxLength",
        "minLength",
        "pattern",
        "format",
    }
)


def converter(
    schema: Mapping[str, Any], path: TreePath, *, evidence: str, note: Note | None = None
) -> Convert:
    """Return the converter of values at `path` to the types of `schema`; null is no value.

    The rules of a schema beyond the type refuse a value only where `evidence` is better than inferred. `note` is added
    for each value that is sent, except for an object, whose fields have their own.
    """
    rest = _SlowPath(schema, path, evidence)
    # Locals, as this runs for every value of every call.
    exact, scalar, other = rest.exact, rest.scalar, rest.other
    simple = exact | {Unknown, dt.date} if str in exact else exact | {Unknown}
    ruled, takes_object = rest.ruled, rest.takes_object

    def convert(value: Any, findings: Findings) -> Any:
        kind = type(value)
        # The fast path: most values have the exact type already.
        if kind in simple:
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


class _SlowPath:
    """Conversion of the values at `path` that cannot be sent unchanged."""

    def __init__(self, schema: Mapping[str, Any], path: TreePath, evidence: str) -> None:
        self._schema, self._path, self._evidence = schema, path, evidence
        self._types = types_of(schema)
        self.exact = frozenset().union(
            *(_EXACT.get(name, frozenset()) for name in self._types or _EXACT)
        )
        """The Python types that need no conversion."""
        self.ruled = evidence != "inferred" and not _RULES.isdisjoint(schema)
        self.takes_object = not self._types or "object" in self._types

    @cached_property
    def fields(self) -> Fields:
        """The fields of the schema as an object."""
        return Fields(self._schema, self._path)

    @cached_property
    def _items(self) -> _Items:
        return _Items(self._schema, self._path, self._evidence)

    def scalar(self, plain: Any, findings: Findings) -> Any:
        """Return a text, number or boolean of an allowed type, after checking its rules."""
        message = defect(plain) or (broken_rule(plain, self._schema) if self.ruled else "")
        if message:
            findings.refuse(self._path, message)
        return plain

    def other(self, value: Any, findings: Findings) -> Any:
        """Return a value of another type, or of a subtype, such as a moment where a text is expected."""
        if isinstance(value, float):
            findings.refuse(
                self._path, f"{value!r} is a binary float, which is not exact; use a decimal"
            )
            return None
        fit = first_fit(value, self._types) if self._types else value
        if fit is MISFIT:
            findings.refuse(self._path, misfit_message(value, self._types))
            return None
        if type(fit) in self.exact:
            return self.scalar(fit, findings)
        if isinstance(fit, Mapping):
            return self.fields.convert(fit, findings)
        if isinstance(fit, list | tuple):
            return self._items.convert(fit, findings)
        return self.scalar(fit.isoformat() if isinstance(fit, dt.date) else fit, findings)


class Fields:
    """Fields of an object at `path`."""

    def __init__(self, schema: Mapping[str, Any], path: TreePath) -> None:
        properties = schema.get("properties", {})
        self._schema = schema
        self._schemas = properties if isinstance(properties, Mapping) else {}
        self._path, self._open = path, is_open(schema)
        self._required = tuple(schema.get("required", ()))
        self._forms = has_forms(schema)
        self.cached: dict[str, Convert] = {}
        """The converters of the fields that were sent before, by name."""

    def of(self, name: str) -> Convert | None:
        """Return the converter of a field, with its notes; None for a name that the object may not have."""
        convert = self.cached.get(name)
        if convert is None and name in self._schemas:
            convert = self.cached[name] = _documented(self._schemas[name], (*self._path, name))
        return convert or (_undocumented((*self._path, name)) if self._open else None)

    def convert(self, value: Mapping[str, Any], findings: Findings) -> dict[str, Any] | None:
        """Return an object without its nulls; None for one that held nothing but nulls."""
        result: dict[str, Any] = {}
        cached = self.cached
        for name, given in value.items():
            field = cached.get(name) or self.of(name)
            if field is None:
                message = "the API has no such field; " + nearest(name, self._schemas)
                findings.refuse((*self._path, name), message)
                continue
            converted = field(given, findings) if given is not None else None
            if converted is not None:
                result[name] = converted
        if value and not result:
            return None
        missing = [name for name in self._required if name not in result]
        if missing:
            findings.require(missing, path=self._path)
        if self._forms:
            findings.require_form(self._schema, result, path=self._path)
        return result


def _documented(schema: Mapping[str, Any], path: TreePath) -> Convert:
    """Return the converter of a documented field, with a note when it is inferred."""
    evidence = schema.get("x-runner-evidence", "")
    return converter(
        schema,
        path,
        evidence=evidence,
        note=(path, "inferred field") if evidence == "inferred" else None,
    )


@lru_cache(maxsize=1024)
def _undocumented(path: TreePath) -> Convert:
    """Return the converter of a field that the document lacks, in an object that may have others."""
    convert = converter({}, path, evidence="inferred")
    note = (path, "not in the API document, sent as it is")

    def field(value: Any, findings: Findings) -> Any:
        before = len(findings.notes)
        converted = convert(value, findings)
        if converted is not None:
            # One note for the field replaces those of the fields inside it.
            findings.notes[before:] = [note]
        return converted

    return field


def refusal(path: TreePath, message: str) -> Convert:
    """Return a converter that refuses every value at `path`."""

    def refuse(_: Any, findings: Findings) -> None:
        findings.refuse(path, message)

    return refuse


class _Items:
    """Elements of a list at `path`, with the evidence of the list."""

    def __init__(self, schema: Mapping[str, Any], path: TreePath, evidence: str) -> None:
        self._schema, self._path, self._evidence = schema, path, evidence

    @cached_property
    def _element(self) -> Convert:
        items = self._schema.get("items")
        return converter(items if isinstance(items, Mapping) else {}, (), evidence=self._evidence)

    def convert(self, value: Sequence[Any], findings: Findings) -> list[Any]:
        """Return the converted elements. Findings about an element have its position in their paths."""
        result = []
        for index, entry in enumerate(value):
            inside = Findings()
            converted = self._element(entry, inside) if entry is not None else None
            if converted is None and not inside.problems:
                inside.refuse((), "null cannot stand in a list")
            result.append(converted)
            findings.take(inside, path=(*self._path, index))
        return result
