"""JSON Schema of API documents: values checked with jsonschema, references followed and inlined."""

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
    """What does not fit a schema: the path inside the value, what is wrong, and what to do about it.

    `key` says that the last part of `path` is a key that may not be there.
    """

    path: TreePath
    message: str
    remedy: str = ""
    key: bool = False


def violations(schema: Mapping[str, Any], value: Any) -> list[Violation]:
    """Everything in `value` that does not fit `schema` (JSON Schema 2020-12, references inlined)."""
    return list(_worded(validator_of(schema), value))


def extension_violations(place: str, keys: Mapping[str, Any]) -> list[Violation]:
    """What is wrong with the x-runner-* `keys` of an object that is an info, operation, parameter or schema."""
    return list(_worded(_extension_validator(place), keys))


def follow(document: Any, reference: str) -> Any:
    """What a local `$ref` points at. Raises KeyError when it points nowhere or into another file."""
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
    """`node` itself without a reference at its top; keys beside a `$ref` win over those of what it points at."""
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


def _discriminated(node: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """A schema whose forms say which values of the `discriminator` are theirs: by its mapping, else by their names."""
    told = node["discriminator"]
    name, named = told.get("propertyName"), told.get("mapping")
    named = named if isinstance(named, Mapping) else {}
    for key in ("oneOf", "anyOf"):
        if isinstance(name, str) and isinstance(node.get(key), list):
            found[key] = [
                _form_of(form, name, _values_of(str(written.get("$ref", "")), named))
                if isinstance(written, Mapping) and isinstance(form, Mapping) else form
                for written, form in zip(node[key], found[key], strict=True)
            ]  # fmt: skip
    return found


def _values_of(reference: str, named: Mapping[Any, Any]) -> list[str]:
    own = reference.rpartition("/")[2]
    return [str(value) for value, target in named.items() if target in (reference, own)] or [
        own
    ] * bool(own)


def _form_of(form: Mapping[str, Any], name: str, values: list[str]) -> Mapping[str, Any]:
    """A form with the values that its discriminator can have, unless it says them itself."""
    parts = [form, *(part for part in form.get("allOf", ()) if isinstance(part, Mapping))]
    said = next(
        (part["properties"][name] for part in parts if name in part.get("properties", {})),
        {"type": "string"},
    )
    if not values or not isinstance(said, Mapping) or "enum" in said or "const" in said:
        return form
    return {**form, "properties": {**form.get("properties", {}), name: {**said, "enum": values}}}


def is_open(schema: Mapping[str, Any]) -> bool:
    """Whether an object may have properties that its schema does not name: it is not closed, or only inferred."""
    closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    return not closed or schema.get("x-runner-evidence") == "inferred"


def types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The types a schema allows, without null; empty when it does not say."""
    declared = schema.get("type", ())
    if isinstance(declared, str) and declared != "null":
        return (declared,)
    return tuple(
        name for name in ([declared] if isinstance(declared, str) else declared) if name != "null"
    )


def validator_of(schema: Mapping[str, Any], *, formats: bool = False) -> Any:
    """A validator of jsonschema; with `formats` it holds texts to their `format`. Patterns take linear time."""
    kind = _linear_validator()
    return kind(dict(schema), format_checker=kind.FORMAT_CHECKER if formats else None)


@cache
def _linear_validator() -> Any:
    # imported on use: it takes longer than many commands do
    from jsonschema import Draft202012Validator, ValidationError, validators

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not allows(wanted, value):
            yield ValidationError(f"{value!r} does not match {wanted!r}")

    def properties(
        validator: Any, patterns: Mapping[str, Any], value: Any, _: Any
    ) -> Iterator[ValidationError]:
        for wanted, schema in patterns.items() if isinstance(value, Mapping) else ():
            for name, each in value.items():
                if allows(wanted, name):
                    yield from validator.descend(each, schema, path=name, schema_path=wanted)

    def others(
        validator: Any, rule: Any, value: Any, whole: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        patterns = whole.get("patternProperties")
        if not patterns or not isinstance(value, Mapping):
            yield from Draft202012Validator.VALIDATORS["additionalProperties"](
                validator, rule, value, whole
            )
            return
        named = whole.get("properties", {})
        more = [
            name
            for name in value
            if name not in named and not any(allows(wanted, name) for wanted in patterns)
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
            (missing,) = (
                name for name in rule if error.message.startswith(repr(name))
            )  # an error for each of them
            yield Violation(path, f"{missing!r} is missing")
        elif error.validator == "enum":
            known = [str(each) for each in rule]
            yield Violation(
                path,
                f"{_shown(given)} is not one of {', '.join(known)}",
                nearest(str(given), known),
            )
        elif error.validator == "type":
            wanted = " or ".join([rule] if isinstance(rule, str) else rule)
            yield Violation(path, f"{_shown(given)} is not of type {wanted}")
        else:
            yield Violation(path, error.message)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    return repr(value) if isinstance(value, str) else "null" if value is None else str(value)
