"""Schemas with alternatives: the forms that a value can have, and the facts that hold for all of them.

`oneOf`, `anyOf` and `if` become one `anyOf` of complete forms, each merged with the keywords beside it. Beside the
`anyOf` are the facts that need no choice of a form: all types, all fields, and the fields that all forms require.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

MAX_FORMS = 64
"""Forms of one schema beyond which its alternatives are ignored: their product grows exponentially."""

_KEYWORDS = frozenset({"oneOf", "anyOf", "if", "then", "else"})
_OF_ONE_FORM = frozenset(
    {"type", "properties", "required", "additionalProperties", "enum", "items"}
)
_TYPES: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    Decimal: "number",
    float: "number",
    str: "string",
    type(None): "null",
    list: "array",
    dict: "object",
}


def united(schema: Schema) -> dict[str, Any]:
    """Return a schema, whose parts are united already, with its alternatives as forms under `anyOf`."""
    own = {key: value for key, value in schema.items() if key not in _KEYWORDS}
    forms: list[dict[str, Any]] = [own]
    for alternatives in _alternatives(schema):
        merged = (_both(form, other) for form in forms for other in alternatives)
        forms = [form for form in merged if form is not None]
        if len(forms) > MAX_FORMS:
            return {key: value for key, value in own.items() if key not in _OF_ONE_FORM}
    for form in forms:
        close(form)
    if len(forms) <= 1:
        return forms[0] if forms else own
    return {**own, **_view(forms), "anyOf": forms}


def typed(schema: dict[str, Any]) -> None:
    """Add what `const` and `enum` imply: the possible values, and their types."""
    if "const" in schema:
        schema.setdefault("enum", [schema["const"]])
    values = schema.get("enum")
    if "type" not in schema and isinstance(values, list) and values:
        names = list(dict.fromkeys(_TYPES.get(type(value), "object") for value in values))
        schema["type"] = names[0] if len(names) == 1 else names


def close(schema: dict[str, Any]) -> None:
    """Convert `unevaluatedProperties: false`, once all declared fields are merged, to `additionalProperties`."""
    if schema.get("unevaluatedProperties") is False:
        schema["additionalProperties"] = False


class Chosen(NamedTuple):
    """Forms that an object can have. `why` is the value that excludes the others, "" when none is excluded."""

    forms: Sequence[Schema]
    why: str = ""

    def lacking(self, given: Iterable[str]) -> list[list[str]]:
        """Return the fields that each form requires beside the given names; empty where one form has all."""
        known = set(given)
        missing = [
            [name for name in form.get("required", ()) if name not in known] for form in self.forms
        ]
        if not all(missing):
            return []
        return [names for at, names in enumerate(missing) if names not in missing[:at]]

    def strange(self, given: Iterable[str]) -> list[str]:
        """Return the given names that only excluded forms have."""
        if not self.why or not all(
            form.get("additionalProperties") is False for form in self.forms
        ):
            return []
        return [
            name
            for name in given
            if not any(name in form.get("properties", {}) for form in self.forms)
        ]

    @property
    def names(self) -> list[str]:
        """The fields of the forms."""
        return list(
            dict.fromkeys(name for form in self.forms for name in form.get("properties", {}))
        )


def chosen(schema: Schema, values: Mapping[str, Collection[Any]]) -> Chosen:
    """Return the forms of an object with one of these values in each of these fields; all forms where none fits."""
    forms = [
        form for form in schema.get("anyOf", ()) if "object" in (_declared(form) or ["object"])
    ]
    # Only a field that excludes some form is a reason to name.
    decisive = [
        name
        for name, given in values.items()
        if not all(_may_be(form, name, given) for form in forms)
    ]
    fitting = [
        form for form in forms if all(_may_be(form, name, values[name]) for name in decisive)
    ]
    if not decisive or not fitting:
        return Chosen(forms)
    reasons = (
        f"{name!r} is {' or '.join(sorted(repr(str(value)) for value in values[name]))}"
        for name in decisive
    )
    return Chosen(fitting, " and ".join(reasons))


def _may_be(form: Schema, name: str, given: Collection[Any]) -> bool:
    field = form.get("properties", {}).get(name)
    known = isinstance(field, Mapping) and field.get("x-runner-evidence") != "inferred"
    allowed = field.get("enum") if known else None
    return not isinstance(allowed, list) or not {str(value) for value in given}.isdisjoint(
        map(str, allowed)
    )


def _alternatives(schema: Schema) -> Iterator[Sequence[Schema]]:
    for key in ("oneOf", "anyOf"):
        if isinstance(schema.get(key), list):
            yield [form for alternative in schema[key] for form in _forms(alternative)]
    if "if" in schema:
        yield [form for key in ("then", "else") for form in _forms(schema.get(key, True))]


def _forms(schema: Any) -> Iterator[Schema]:
    if isinstance(schema, Mapping):
        yield from schema.get("anyOf", (schema,))
    elif schema is not False:
        yield {}


def _both(one: Schema, other: Schema) -> dict[str, Any] | None:
    """Return the schema of what fits both schemas; None where nothing can."""
    merged = {**one, **other}
    types = _common_types(_declared(one), _declared(other))
    enum = _common(one.get("enum"), other.get("enum"))
    if types is None or enum == []:
        return None
    if types:
        merged["type"] = types[0] if len(types) == 1 else types
    if enum is not None:
        merged["enum"] = enum
    properties = {**one.get("properties", {})}
    for name, schema in other.get("properties", {}).items():
        properties[name] = _property(properties.get(name), schema)
    if properties:
        merged["properties"] = properties
    required = dict.fromkeys([*one.get("required", ()), *other.get("required", ())])
    if required:
        merged["required"] = list(required)
    if "inferred" in (one.get("x-runner-evidence"), other.get("x-runner-evidence")):
        merged["x-runner-evidence"] = "inferred"
    return merged


def _property(one: Any, other: Any) -> Any:
    if (
        not isinstance(one, Mapping)
        or not isinstance(other, Mapping)
        or "anyOf" in one
        or "anyOf" in other
    ):
        return other
    return _both(one, other) or other


def _view(forms: Sequence[Schema]) -> dict[str, Any]:
    """Return what holds for a value of any form; for a field of some forms, what these say of it."""
    view: dict[str, Any] = {}
    types = [_declared(form) for form in forms]
    if all(types):
        view["type"] = list(dict.fromkeys(name for names in types for name in names))
    objects = [
        form for form, names in zip(forms, types, strict=True) if not names or "object" in names
    ]
    names = dict.fromkeys(name for form in objects for name in form.get("properties", {}))
    if names:
        view["properties"] = {
            name: _either(
                [form["properties"][name] for form in objects if name in form.get("properties", {})]
            )
            for name in names
        }
    if objects:
        required = [set(form.get("required", ())) for form in objects]
        view["required"] = sorted(set.intersection(*required))
        if all(form.get("additionalProperties") is False for form in objects):
            view["additionalProperties"] = False
    lists = [form["items"] for form in forms if isinstance(form.get("items"), Mapping)]
    if lists:
        view["items"] = _either(lists)
    # A form that is null alone adds one value; a form without an enum may have any.
    values = [
        [None] if names == ["null"] else form.get("enum")
        for form, names in zip(forms, types, strict=True)
    ]
    if any(value is not None and value != [None] for value in values) and None not in values:
        view["enum"] = _distinct(entry for value in values for entry in value or ())
    return view


def _either(schemas: Sequence[Any]) -> Any:
    distinct = _distinct(schemas)
    return distinct[0] if len(distinct) == 1 else united({"anyOf": distinct})


def _distinct(values: Iterable[Any]) -> list[Any]:
    # By type as well: 1 and true are equal in Python and distinct in JSON.
    distinct: list[Any] = []
    for value in values:
        if not any(type(value) is type(other) and value == other for other in distinct):
            distinct.append(value)
    return distinct


def _declared(schema: Schema) -> list[str]:
    """Return the types of a schema, with null."""
    declared = schema.get("type", ())
    return [declared] if isinstance(declared, str) else list(declared)


def _common_types(one: list[str], other: list[str]) -> list[str] | None:
    """Return the types that both allow, [] where neither has any; None where they exclude each other."""
    if not one or not other:
        return one or other
    # An integer is a number, so that "integer" and "number" have integers in common.
    common = [name for name in other if name in one or (name == "integer" and "number" in one)]
    if "integer" in one and "number" in other and "integer" not in common:
        common.append("integer")
    return common or None


def _common(one: Any, other: Any) -> list[Any] | None:
    if not isinstance(one, list):
        return other if isinstance(other, list) else None
    if not isinstance(other, list):
        return one
    return [value for value in other if value in one]
