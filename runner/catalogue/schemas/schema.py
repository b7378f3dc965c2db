"""JSON Schema of API documents: values validated with jsonschema, references followed and inlined."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from runner.catalogue.schemas.normalize import DATA, NAMED
from runner.patterns import allows
from runner.problems import ConfigError, nearest

EXTENSIONS = "api-extensions.schema.json"

TreePath = tuple[str | int, ...]


class Violation(NamedTuple):
    """Violation of a schema: the path inside the value, the message, and the remedy.

    `key` marks a path whose last part is a key that is not allowed.
    """

    path: TreePath
    message: str
    remedy: str = ""
    key: bool = False


def violations(schema: Mapping[str, Any], value: Any) -> list[Violation]:
    """Return all violations of `schema` (JSON Schema 2020-12, references inlined) in `value`."""
    return list(_worded(validator_of(schema), value))


def extension_violations(place: str, keys: Mapping[str, Any]) -> list[Violation]:
    """Return the violations in the x-runner-* `keys` of an info, operation, parameter or schema."""
    return list(_worded(_extension_validator(place), keys))


def follow(document: Any, reference: str) -> Any:
    """Return the target of a local `$ref`. Raises KeyError when it has none or is in another file."""
    if not reference.startswith("#/"):
        raise KeyError(reference)
    node = document
    for part in reference[2:].split("/"):
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, Mapping) and name in node:
            node = node[name]
        else:
            raise KeyError(reference)
    return node


def deref(document: Any, node: Any) -> Any:
    """Return `node` with the reference at its top followed; keys beside a `$ref` win over those of its target."""
    seen: set[str] = set()
    while isinstance(node, Mapping) and isinstance(reference := node.get("$ref"), str):
        if reference in seen:
            return {}
        seen.add(reference)
        target = follow(document, reference)
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**target, **beside} if isinstance(target, Mapping) else target
    return node


MOST_PARTS = 250_000
"""Parts of one schema whose references are replaced by what they point at; real ones have a tenth of them at most."""


def inline(document: Any, node: Any) -> Any:
    """`node` with every reference replaced by what it points at. A schema inside itself becomes an open one.

    Examples and other data of the document's author stay as they are. Raises ConfigError where schemas that stand in
    each other again and again would take for ever.
    """
    return _Inlining(document).inlined(node, frozenset())


class _Inlining:
    """Replaces references, and counts the parts that it has made."""

    def __init__(self, document: Any) -> None:
        self._document, self._parts = document, 0

    def inlined(self, node: Any, inside: frozenset[str]) -> Any:
        """`node`, which stands `inside` what these references point at."""
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise ConfigError(
                f"the schema {min(inside, default='#')} stands for more than {MOST_PARTS:,} parts, with all that it "
                "refers to; nothing was sent",
                remedy="let its schemas refer to each other less often: an overlay can take what is not needed away",
            )
        if isinstance(node, list):
            return [self.inlined(entry, inside) for entry in node]
        if not isinstance(node, Mapping):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            if reference in inside:
                return {}
            beside = {key: value for key, value in node.items() if key != "$ref"}
            target = follow(self._document, reference)
            merged = {**target, **beside} if isinstance(target, Mapping) else target
            return self.inlined(merged, inside | {reference})
        found = {key: self._at(key, value, inside) for key, value in node.items()}
        return (
            _discriminated(node, found) if isinstance(node.get("discriminator"), Mapping) else found
        )

    def _at(self, key: str, value: Any, inside: frozenset[str]) -> Any:
        """What stands under a key of a schema: data as it is, the schemas of a mapping by name, or a schema."""
        if key in DATA:
            return value
        if key in NAMED and isinstance(value, Mapping) and "$ref" not in value:
            return {name: self.inlined(each, inside) for name, each in value.items()}
        return self.inlined(value, inside)


def _discriminated(node: Mapping[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose forms declare the values of the `discriminator`.

    The values are those of its mapping, else the names of the forms.
    """
    discriminator = node["discriminator"]
    name, mapping = discriminator.get("propertyName"), discriminator.get("mapping")
    mapping = mapping if isinstance(mapping, Mapping) else {}
    for key in ("oneOf", "anyOf"):
        if isinstance(name, str) and isinstance(node.get(key), list):
            # The references are in the original node: inlining has replaced them.
            result[key] = [
                _form_of(form, name, _values_of(original, mapping))
                for original, form in zip(node[key], result[key], strict=True)
            ]
    return result


def _values_of(form: Any, mapping: Mapping[Any, Any]) -> list[str]:
    """Return the discriminator values of a form: by its reference in the mapping, else the name in it."""
    reference = str(form.get("$ref", "")) if isinstance(form, Mapping) else ""
    own = reference.rpartition("/")[2]
    values = [str(value) for value, target in mapping.items() if target in (reference, own)]
    return values or ([own] if own else [])


def _form_of(form: Any, name: str, values: list[str]) -> Any:
    """Return a form with the values of its discriminator, unless it declares them itself."""
    if not values or not isinstance(form, Mapping):
        return form
    parts = [form, *(part for part in form.get("allOf", ()) if isinstance(part, Mapping))]
    declared = next(
        (part["properties"][name] for part in parts if name in part.get("properties", {})),
        {"type": "string"},
    )
    if not isinstance(declared, Mapping) or "enum" in declared or "const" in declared:
        return form
    properties = {**form.get("properties", {}), name: {**declared, "enum": values}}
    return {**form, "properties": properties}


def is_open(schema: Mapping[str, Any]) -> bool:
    """Return whether an object may have undeclared properties: its schema is not closed, or only inferred."""
    closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    return not closed or schema.get("x-runner-evidence") == "inferred"


def types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types a schema allows, without null; empty when it names none."""
    declared = schema.get("type", ())
    if isinstance(declared, str) and declared != "null":
        return (declared,)
    names = [declared] if isinstance(declared, str) else declared
    return tuple(name for name in names if name != "null")


def validator_of(schema: Mapping[str, Any], *, formats: bool = False) -> Any:
    """Return a jsonschema validator with linear-time patterns; with `formats` it checks the `format` of texts."""
    kind = _linear_validator()
    return kind(dict(schema), format_checker=kind.FORMAT_CHECKER if formats else None)


@cache
def _linear_validator() -> Any:
    # Imported on use: the import takes longer than many commands.
    from jsonschema import Draft202012Validator, ValidationError, validators

    # The rules below replace those of jsonschema, which use the standard library's patterns.
    def pattern(_: Any, expression: str, value: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not allows(expression, value):
            yield ValidationError(f"{value!r} does not match {expression!r}")

    def properties(
        validator: Any, patterns: Mapping[str, Any], value: Any, _: Any
    ) -> Iterator[ValidationError]:
        for expression, schema in patterns.items() if isinstance(value, Mapping) else ():
            for name, inner in value.items():
                if allows(expression, name):
                    yield from validator.descend(inner, schema, path=name, schema_path=expression)

    def others(
        validator: Any, rule: Any, value: Any, schema: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        patterns = schema.get("patternProperties")
        if not patterns or not isinstance(value, Mapping):
            yield from Draft202012Validator.VALIDATORS["additionalProperties"](
                validator, rule, value, schema
            )
            return
        named = schema.get("properties", {})
        more = [
            name
            for name in value
            if name not in named and not any(allows(expression, name) for expression in patterns)
        ]
        if rule is False and more:
            yield ValidationError(f"{', '.join(map(repr, more))} is not expected here")
        for name in more if isinstance(rule, Mapping) else ():
            yield from validator.descend(value[name], rule, path=name)

    rules = {"pattern": pattern, "patternProperties": properties, "additionalProperties": others}
    return validators.extend(Draft202012Validator, rules)  # type: ignore[no-untyped-call]


@cache
def _extension_validator(place: str) -> Any:
    folder = Path(import_module("runner.schemas").__path__[0])
    vocabulary = json.loads((folder / EXTENSIONS).read_text(encoding="utf-8"))
    return validator_of(inline(vocabulary, vocabulary["$defs"][place]))


def _worded(validator: Any, value: Any) -> Iterator[Violation]:
    for error in validator.iter_errors(value):
        path: TreePath = tuple(error.absolute_path)
        rule, given = error.validator_value, error.instance
        if error.validator == "additionalProperties" and isinstance(given, Mapping):
            known = error.schema.get("properties", {})
            for name in sorted(set(given) - set(known)):
                yield Violation(
                    (*path, name),
                    f"unknown key {name!r}",
                    nearest(name, known, noun="keys"),
                    key=True,
                )
        elif error.validator == "required":
            # jsonschema reports each missing name as an error of its own, and names it in the message only.
            (missing,) = (name for name in rule if error.message.startswith(repr(name)))
            yield Violation(path, f"{missing!r} is missing")
        elif error.validator == "enum":
            known = [str(entry) for entry in rule]
            yield Violation(
                path,
                f"{_shown(given)} is not one of {', '.join(known)}",
                nearest(str(given), known),
            )
        elif error.validator == "type":
            types = " or ".join([rule] if isinstance(rule, str) else rule)
            yield Violation(path, f"{_shown(given)} is not of type {types}")
        else:
            yield Violation(path, error.message)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    if isinstance(value, str):
        return repr(value)
    return "null" if value is None else str(value)
