"""Comparison of an answer with its description in the document, by names and types of fields only.

No value leaves this module. The document is walked with its references unresolved, so that each difference has its
place in the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from runner.catalogue import Operation
from runner.catalogue.operation import is_json
from runner.catalogue.schemas.schema import follow
from runner.probe.observed import MAX_NAMES, is_name, json_type, schema_of, types_schema
from runner.source import TreePath


@dataclass(frozen=True)
class Difference:
    """One field that differs from the document.

    kind      unknown (not in the document), table (names that may be data), missing (required, but absent), type,
              or envelope
    at        the field in the answer, as in `jobs[].client.id`; "" for the answer itself
    found     the JSON types of the values, or the form of the answer in place of the envelope
    declared  the document's type or form, "" for a field that it does not describe
    place     the path in the document of the description of the object, list or value
    schema    the schema of the values
    """

    kind: str
    at: str
    found: str
    declared: str = ""
    place: TreePath = ()
    schema: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """The last part of `at`."""
        return self.at.rpartition(".")[2]


def answer_place(document: Mapping[str, Any], operation: Operation) -> TreePath | None:
    """Return the path of the answer's schema in the document; None if there is none."""
    here: TreePath = ("paths", operation.path, operation.method.lower(), "responses")
    responses = follow_path(document, here) or {}
    status = next(
        (s for s in ("2XX", *sorted(s for s in responses if s.startswith("2"))) if s in responses),
        None,
    )
    if status is None:
        return None
    here = resolved(document, (*here, status))
    content = follow_path(document, here).get("content") or {}
    kinds = sorted(
        content, key=lambda kind: (kind.partition(";")[0].strip() != "application/json", kind)
    )
    kind = next((kind for kind in kinds if is_json(kind)), None)
    return (*here, "content", kind, "schema") if kind and "schema" in content[kind] else None


def follow_path(document: Any, path: TreePath) -> Any:
    """Return the node at `path`; None if there is none."""
    node = document
    for part in path:
        in_object = isinstance(node, Mapping) and part in node
        in_list = isinstance(node, list) and part in range(len(node))
        if not in_object and not in_list:
            return None
        node = node[part]
    return node


def resolved(document: Any, path: TreePath) -> TreePath:
    """Follow the reference at `path`, and references to references; return the final path."""
    # References in a cycle end where the cycle closes.
    seen: set[TreePath] = set()
    while path not in seen:
        seen.add(path)
        node = follow_path(document, path)
        reference = node.get("$ref") if isinstance(node, Mapping) else None
        if not isinstance(reference, str):
            break
        path = _pointed(document, reference)
    return path


def _pointed(document: Any, reference: str) -> TreePath:
    """Return the path of a reference within the document."""
    # Raises for any other reference; a checked document has none.
    follow(document, reference)
    parts = [
        unquote(part).replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/")
    ]
    path: list[str | int] = []
    for part in parts:
        path.append(int(part) if isinstance(follow_path(document, tuple(path)), list) else part)
    return tuple(path)


class Description:
    """The document's schema at one place, combined with the schemas of its `$ref` and `allOf`."""

    def __init__(self, document: Any, place: TreePath) -> None:
        self.document = document
        self.layers = list(_layers(document, place, ()))

    @property
    def home(self) -> TreePath:
        """The path of the most specific layer: with properties, else with a type, else the last."""
        for key in ("properties", "type"):
            for path, node in self.layers:
                if key in node:
                    return path
        return self.layers[-1][0] if self.layers else ()

    @property
    def types(self) -> tuple[tuple[str, ...], TreePath]:
        """The allowed types, and the path of their declaration; no types if none are declared."""
        for path, node in self.layers:
            declared = node.get("type")
            if declared:
                names = (declared,) if isinstance(declared, str) else tuple(declared)
                if self.nullable and "null" not in names:
                    names = (*names, "null")
                return names, path
        return (), self.home

    @property
    def nullable(self) -> bool:
        return any(node.get("nullable") is True for _, node in self.layers)

    @property
    def properties(self) -> dict[str, TreePath]:
        """The paths of the properties by name; an earlier layer takes precedence."""
        properties: dict[str, TreePath] = {}
        for path, node in reversed(self.layers):
            properties |= {name: (*path, "properties", name) for name in node.get("properties", {})}
        return properties

    @property
    def required(self) -> dict[str, TreePath]:
        """The names of required fields, each with the path of the schema that requires it."""
        return {
            name: path for path, node in reversed(self.layers) for name in node.get("required", ())
        }

    @property
    def open(self) -> bool:
        """True if other fields than the declared ones are allowed, or if none are declared."""
        closed = any("properties" in node for _, node in self.layers)
        return not closed or any(
            node.get(key) not in (None, False)
            for _, node in self.layers
            for key in ("additionalProperties", "patternProperties")
        )

    @property
    def items(self) -> TreePath | None:
        return next(
            (
                (*path, "items")
                for path, node in self.layers
                if isinstance(node.get("items"), Mapping)
            ),
            None,
        )

    @property
    def branches(self) -> list[TreePath]:
        """The paths of the alternatives of `oneOf` and `anyOf`."""
        return [
            (*path, key, index)
            for path, node in self.layers
            for key in ("oneOf", "anyOf")
            for index in range(len(node.get(key, ())))
        ]


def _layers(
    document: Any, place: TreePath, inside: tuple[TreePath, ...]
) -> Iterator[tuple[TreePath, dict[str, Any]]]:
    """Yield the schemas that make up the one at `place`, in order of precedence.

    A schema that contains itself is not entered again.
    """
    node = follow_path(document, place)
    if not isinstance(node, Mapping) or place in inside:
        return
    inside = (*inside, place)
    own = {key: value for key, value in node.items() if key not in ("$ref", "allOf")}
    if own or not node:
        yield place, own
    if isinstance(node.get("$ref"), str):
        yield from _layers(document, _pointed(document, node["$ref"]), inside)
    for index in range(len(node.get("allOf", ()))):
        yield from _layers(document, (*place, "allOf", index), inside)


def compare(
    document: Any, place: TreePath, values: Sequence[Any], name: str = ""
) -> list[Difference]:
    """Return the differences of `values` from the document's schema at `place`.

    `name` is the field that contains the values.
    """
    return _sorted(_compare(document, place, values, name))


def _sorted(differences: Iterable[Difference]) -> list[Difference]:
    return sorted(set(differences), key=lambda each: (each.at, each.kind))


def _compare(
    document: Any,
    place: TreePath,
    values: Sequence[Any],
    name: str,
    known: frozenset[str] = frozenset(),
) -> Iterator[Difference]:
    """Yield the differences; `known` are names that a surrounding schema describes."""
    described = Description(document, place)
    branches = described.branches
    inside = frozenset(described.properties) | known
    for value in values if branches else ():
        if value is not None or not described.nullable:
            # The branch with the fewest differences is the one that the value is meant for.
            yield from min(
                (_sorted(_compare(document, each, [value], name, inside)) for each in branches),
                key=len,
            )
    known |= {key for branch in branches for key in Description(document, branch).properties}
    types, types_place = described.types
    unexpected = sorted(
        kind
        for kind in {json_type(value) for value in values}
        if types and not _allowed(kind, types, values)
    )
    if unexpected:
        yield Difference(
            kind="type",
            at=name,
            found=" or ".join(unexpected),
            declared=" or ".join(types),
            place=types_place,
            schema=types_schema(unexpected),
        )
    objects = [value for value in values if isinstance(value, Mapping)]
    if objects and (not types or "object" in types):
        yield from _compare_objects(described, objects, name, known)
    lists = [entry for value in values if isinstance(value, list) for entry in value]
    if lists and described.items and (not types or "array" in types):
        yield from _compare(document, described.items, lists, f"{name}[]")


def _compare_objects(
    described: Description, objects: Sequence[Mapping[str, Any]], name: str, known: frozenset[str]
) -> Iterator[Difference]:
    """Yield the differences of the fields of objects: described ones, unknown ones, missing ones."""
    properties = described.properties
    prefix = f"{name}." if name else ""
    names = dict.fromkeys(key for value in objects for key in value)
    for key in names:
        if key in properties:
            inner = [value[key] for value in objects if key in value]
            yield from _compare(described.document, properties[key], inner, prefix + key)
    unknown: list[str] = []
    if not described.open:
        unknown = [key for key in names if key not in properties and key not in known]
    # Names such as e-mail addresses are data: they are not shown.
    if len(unknown) > MAX_NAMES or not all(map(is_name, unknown)):
        yield Difference("table", f"{prefix}*", "names that may be data", "", described.home)
        unknown = []
    for key in unknown:
        inner = [value[key] for value in objects if key in value]
        types = " or ".join(sorted({json_type(value) for value in inner}))
        yield Difference("unknown", prefix + key, types, "", described.home, schema_of(inner))
    for key, place in described.required.items():
        without = sum(key not in value for value in objects)
        if without:
            extent = f"not in {without} of {len(objects)}"
            if without == len(objects):
                extent = "not there"
            yield Difference("missing", prefix + key, extent, "required", place)


def _allowed(kind: str, types: tuple[str, ...], values: Sequence[Any]) -> bool:
    """Return true if the JSON type `kind` is among `types`, or is a form of one of them."""
    if kind in types or (kind == "integer" and "number" in types):
        return True
    # JSON Schema counts 2.0 as an integer.
    numbers = (value for value in values if isinstance(value, Decimal))
    return (
        kind == "number"
        and "integer" in types
        and all(value == value.to_integral_value() for value in numbers)
    )
