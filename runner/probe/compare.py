"""What an answer holds against what the document says of it: names and types only, no value ever leaves here.

The document is walked as it stands, with its references, so that a difference knows where in the document it belongs.
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
    """One field that is not as the document says.

    kind      unknown (not in the document), table (names that may be data), missing (required, and not there), type,
              or envelope
    at        where it is in the answer, as in `jobs[].client.id`; "" for the answer itself
    found     the JSON types that were seen, or what is there instead of the envelope
    declared  what the document says, "" for what it does not know
    place     where in the document the object, list or value is described
    schema    what was seen, as a schema
    """

    kind: str
    at: str
    found: str
    declared: str = ""
    place: TreePath = ()
    schema: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """The last part of the field."""
        return self.at.rpartition(".")[2]


def answer_place(document: Mapping[str, Any], operation: Operation) -> TreePath | None:
    """Where the document describes the operation's answer; None when it does not."""
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
    """What stands at `path`; None when nothing does."""
    node = document
    for part in path:
        inside = (
            part in node
            if isinstance(node, Mapping)
            else isinstance(node, list) and part in range(len(node))
        )
        if not inside:
            return None
        node = node[part]
    return node


def resolved(document: Any, path: TreePath) -> TreePath:
    """Where the reference at `path`, if it is one, leads in the end."""
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
    """The path that a reference inside the document stands for."""
    follow(document, reference)  # a checked document has no other ones
    parts = [
        unquote(part).replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/")
    ]
    path: list[str | int] = []
    for part in parts:
        path.append(int(part) if isinstance(follow_path(document, tuple(path)), list) else part)
    return tuple(path)


class Description:
    """What the document says at one place: its schema with all that this refers to and is composed of."""

    def __init__(self, document: Any, place: TreePath) -> None:
        self.document = document
        self.layers = list(_layers(document, place, ()))

    @property
    def home(self) -> TreePath:
        """The place that says most of an object: where its properties are."""
        named = [path for path, node in self.layers if "properties" in node]
        typed = [path for path, node in self.layers if "type" in node]
        return (named or typed or [self.layers[-1][0] if self.layers else ()])[0]

    @property
    def types(self) -> tuple[tuple[str, ...], TreePath]:
        """The types it allows, and where that is said; none when it does not say."""
        for path, node in self.layers:
            declared = node.get("type")
            if declared:
                names = (declared,) if isinstance(declared, str) else tuple(declared)
                return (*names, *(("null",) if self.nullable and "null" not in names else ())), path
        return (), self.home

    @property
    def nullable(self) -> bool:
        return any(node.get("nullable") is True for _, node in self.layers)

    @property
    def properties(self) -> dict[str, TreePath]:
        found: dict[str, TreePath] = {}
        for path, node in reversed(self.layers):
            found |= {name: (*path, "properties", name) for name in node.get("properties", {})}
        return found

    @property
    def required(self) -> dict[str, TreePath]:
        """The names that have to be there, each with the place that says so."""
        return {
            name: path for path, node in reversed(self.layers) for name in node.get("required", ())
        }

    @property
    def open(self) -> bool:
        """Whether it says by itself that there are more fields, or says nothing of fields."""
        more = ("additionalProperties", "patternProperties")
        named = any("properties" in node for _, node in self.layers)
        return not named or any(
            node.get(key) not in (None, False) for _, node in self.layers for key in more
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
        """The alternatives, one of which has to fit."""
        return [
            (*path, key, index)
            for path, node in self.layers
            for key in ("oneOf", "anyOf")
            for index in range(len(node.get(key, ())))
        ]


def _layers(
    document: Any, place: TreePath, inside: tuple[TreePath, ...]
) -> Iterator[tuple[TreePath, dict[str, Any]]]:
    """The schemas that make up the one at `place`, what wins first; the same schema inside itself ends it."""
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
    """How `values`, which the document describes at `place`, differ from that; `name` is the field that holds them."""
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
    """The differences; `known` are names that are described elsewhere."""
    described = Description(document, place)
    branches = described.branches
    inside = frozenset(described.properties) | known
    for value in values if branches else ():
        if value is not None or not described.nullable:
            yield from min(
                (_sorted(_compare(document, each, [value], name, inside)) for each in branches),
                key=len,
            )
    known |= {key for branch in branches for key in Description(document, branch).properties}
    types, where = described.types
    seen = {json_type(value) for value in values}
    strange = sorted(kind for kind in seen if types and not _allowed(kind, types, values))
    if strange:
        yield Difference(
            "type", name, " or ".join(strange), " or ".join(types), where, types_schema(strange)
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
    properties = described.properties
    dot = f"{name}." if name else ""
    names = dict.fromkeys(key for value in objects for key in value)
    for key in names:
        if key in properties:
            inner = [value[key] for value in objects if key in value]
            yield from _compare(described.document, properties[key], inner, dot + key)
    unknown = (
        []
        if described.open
        else [key for key in names if key not in properties and key not in known]
    )
    if len(unknown) > MAX_NAMES or not all(map(is_name, unknown)):
        yield Difference("table", f"{dot}*", "names that may be data", "", described.home)
        unknown = []
    for key in unknown:
        inner = [value[key] for value in objects if key in value]
        found = " or ".join(sorted({json_type(value) for value in inner}))
        yield Difference("unknown", dot + key, found, "", described.home, schema_of(inner))
    for key, where in described.required.items():
        without = sum(key not in value for value in objects)
        if without:
            found = (
                "not there" if without == len(objects) else f"not in {without} of {len(objects)}"
            )
            yield Difference("missing", dot + key, found, "required", where)


def _allowed(kind: str, types: tuple[str, ...], values: Sequence[Any]) -> bool:
    if kind in types or (kind == "integer" and "number" in types):
        return True
    numbers = (value for value in values if isinstance(value, Decimal))
    return (
        kind == "number"
        and "integer" in types
        and all(value == value.to_integral_value() for value in numbers)
    )
