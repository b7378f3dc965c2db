"""Schemas that say "one of these": the forms that a value can have, and what can be said of all of them at once.

`oneOf`, `anyOf` and `if` become one `anyOf` of whole forms, each with what stands beside it merged in. Beside that is
what is to be known without regard to forms: every type, every field, and the fields that all forms need.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

MAX_FORMS = 64
"""Forms of one schema, beyond which nothing is known of it."""

_WORDS = frozenset({"oneOf", "anyOf", "if", "then", "else"})
_OF_ONE_FORM = frozenset(
    {"type", "properties", "required", "additionalProperties", "enum", "items"}
)
_TYPES: Mapping[type, str] = {
    bool: "boolean", int: "integer", Decimal: "number", float: "number", str: "string", type(None): "null",
    list: "array", dict: "object",
}  # fmt: skip


def united(schema: Schema) -> dict[str, Any]:
    """A schema, whose parts are united already, with its alternatives as forms under `anyOf`."""
    own = {key: value for key, value in schema.items() if key not in _WORDS}
    forms: list[dict[str, Any]] = [own]
    for alternatives in _alternatives(schema):
        merged = (_both(form, each) for form in forms for each in alternatives)
        forms = [form for form in merged if form is not None]
        if len(forms) > MAX_FORMS:
            return {key: value for key, value in own.items() if key not in _OF_ONE_FORM}
    for form in forms:
        close(form)
    if len(forms) <= 1:
        return forms[0] if forms else own
    return {**own, **_view(forms), "anyOf": forms}


def typed(schema: dict[str, Any]) -> None:
    """Write out what `const` and `enum` say by themselves: the values there are, and their types."""
    if "const" in schema:
        schema.setdefault("enum", [schema["const"]])
    values = schema.get("enum")
    if "type" not in schema and isinstance(values, list) and values:
        names = list(dict.fromkeys(_TYPES.get(type(value), "object") for value in values))
        schema["type"] = names[0] if len(names) == 1 else names


def close(schema: dict[str, Any]) -> None:
    """Write out what `unevaluatedProperties: false` means once all that may be said of fields has been merged."""
    if schema.get("unevaluatedProperties") is False:
        schema["additionalProperties"] = False


class Chosen(NamedTuple):
    """The forms that an object can have; with `why`, not all of them: a value that it has leaves out the others."""

    forms: Sequence[Schema]
    why: str = ""

    def lacking(self, given: Iterable[str]) -> list[list[str]]:
        """What each form needs beside the names that are given; nothing where one of the forms has all."""
        known = set(given)
        missing = [
            [name for name in form.get("required", ()) if name not in known] for form in self.forms
        ]
        return (
            [names for at, names in enumerate(missing) if names not in missing[:at]]
            if all(missing)
            else []
        )

    def strange(self, given: Iterable[str]) -> list[str]:
        """The names that only forms have which are left out."""
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
    """The forms of an object that has one of these values in each of these fields; all forms where none fits."""
    forms = [
        form for form in schema.get("anyOf", ()) if "object" in (_declared(form) or ["object"])
    ]
    telling = [
        name
        for name, given in values.items()
        if not all(_may_be(form, name, given) for form in forms)
    ]
    fitting = [form for form in forms if all(_may_be(form, name, values[name]) for name in telling)]
    if not telling or not fitting:
        return Chosen(forms)
    told = (
        f"{name!r} is {' or '.join(sorted(repr(str(value)) for value in values[name]))}"
        for name in telling
    )
    return Chosen(fitting, " and ".join(told))


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
            yield [form for each in schema[key] for form in _forms(each)]
    if "if" in schema:
        yield [form for key in ("then", "else") for form in _forms(schema.get(key, True))]


def _forms(schema: Any) -> Iterator[Schema]:
    if isinstance(schema, Mapping):
        yield from schema.get("anyOf", (schema,))
    elif schema is not False:
        yield {}


def _both(one: Schema, other: Schema) -> dict[str, Any] | None:
    """What fits both schemas; None where nothing can."""
    merged = {**one, **other}
    types, enum = (
        _common_types(_declared(one), _declared(other)),
        _common(one.get("enum"), other.get("enum")),
    )
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
    """What holds for a value of any of the forms; of a field that only some have, what those say of it."""
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
    values = [
        [None] if each == ["null"] else form.get("enum")
        for form, each in zip(forms, types, strict=True)
    ]
    if any(value is not None and value != [None] for value in values) and None not in values:
        view["enum"] = _distinct(entry for value in values for entry in value or ())
    return view


def _either(schemas: Sequence[Any]) -> Any:
    distinct = _distinct(schemas)
    return distinct[0] if len(distinct) == 1 else united({"anyOf": distinct})


def _distinct(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(type(value) is type(other) and value == other for other in found):
            found.append(value)
    return found


def _declared(schema: Schema) -> list[str]:
    """The types that a schema names, with null."""
    declared = schema.get("type", ())
    return [declared] if isinstance(declared, str) else list(declared)


def _common_types(one: list[str], other: list[str]) -> list[str] | None:
    """The types that both allow, none where neither says; None where there is none."""
    if not one or not other:
        return one or other
    found = [name for name in other if name in one or (name == "integer" and "number" in one)]
    found += [name for name in one if name == "integer" and "number" in other and name not in found]
    return found or None


def _common(one: Any, other: Any) -> list[Any] | None:
    if not isinstance(one, list) or not isinstance(other, list):
        return one if isinstance(one, list) else other if isinstance(other, list) else None
    return [value for value in other if value in one]
