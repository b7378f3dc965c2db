"""Checks of an API document, made when it is loaded and before anything uses it.

deco.openapi.yaml:31:9: error: 'amount' is a parameter and a field of the body [collision]
deco.openapi.yaml:52:15: error: '#/components/schemas/Ordr' points nowhere [reference]
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runner.catalogue.documents.files import FILES, with_places
from runner.catalogue.documents.shape import DOCUMENT, PARAMETER
from runner.catalogue.objects import link_names
from runner.catalogue.operation import (
    Operation,
    body_schema,
    build_operation,
    declared_parameters,
    parameter_name,
)
from runner.catalogue.schemas.normalize import DATA, METHODS, operation_name, operation_names
from runner.catalogue.schemas.schema import (
    TreePath,
    Violation,
    deref,
    extension_violations,
    follow,
    types_of,
    violations,
)
from runner.problems import Problem, nearest
from runner.source import Source


def read_back_defects(
    document: Mapping[str, Any], write: Operation
) -> Iterator[tuple[str, Collection[str]]]:
    """Yield why a write cannot be read back as it declares, and the allowed names."""
    back = write.read_back
    if back is None:
        return
    places = {name: place for place, name in operation_names(document).items()}
    if back.operation not in places:
        yield f"no operation is called {back.operation!r}", places
        return
    method, path = places[back.operation]
    read = build_operation(document, "", method=method, path=path)
    if read.effect != "read" or (read.items and not back.entry):
        yield f"{back.operation!r} does not read one object", ()
    elif back.entry and not read.items:
        yield f"{back.operation!r} reads one object, and 'entry' is for a list", ()
    elif back.entry and not (write.effect == "create" and write.id_field):
        yield "'entry' is for a create with x-runner-id, whose id the entry has", ()
    for name in sorted(read.required - {*write.parameters, *back.answer}):
        yield f"{back.operation!r} needs {name!r}, which is no parameter of the write", ()


def paging_defects(declared: Mapping[str, Any] | None, items: str) -> Iterator[str]:
    """Yield the defects of a list's paging."""
    if declared is None:
        return
    if not items:
        yield "pages of what? the operation has no x-runner-items"
    if set(declared) & {"page", "count", "offset", "limit"} not in (
        {"page"},
        {"page", "count"},
        {"offset", "limit"},
    ):
        yield "needs page, with count where there is one, or else offset and limit"


PREFIX = "x-runner-"

_VERSIONS = "a document of OpenAPI 3.0 or 3.1"
_DECLARE = "declare it, in: path, with its schema"
_REMOVE = "take it away, or put it there"
Finding = tuple[TreePath, Violation, str]
"""A place in the document, the violation and its kind."""

_Reference = tuple[str, str, Mapping[str, Any], str]
"""An extension without its prefix, the name in it, the allowed names, and the noun for one of them."""


def check_document(source: Source) -> list[Problem]:
    """Return all problems of a document; none when its operations can be built."""
    document = source.data
    if foreign := _not_openapi(document):
        message, path = foreign
        placed = with_places(source)
        return [
            placed.problem(
                placed.key(path), message, "document", remedy=f"it has to be {_VERSIONS}"
            )
        ]
    # Each stage relies on the one before: a tree of the wrong shape cannot be walked.
    findings = [
        (violation.path, violation, "document") for violation in violations(DOCUMENT, document)
    ]
    if not findings:
        findings = list(_check_tree(document, document, ()))
        for file, tree in document.get(FILES, {}).items():
            findings += _check_tree(document, tree, (FILES, file))
    if not any(kind in ("document", "reference") for _, _, kind in findings):
        findings += _check_operations(document)
    if not findings:
        return []
    placed = with_places(source)
    return sorted({_problem(placed, *finding) for finding in findings})


def _not_openapi(document: Any) -> tuple[str, TreePath] | None:
    """Return why a document is not a supported one, and the place in it; None for a supported one."""
    if not isinstance(document, Mapping):
        return "this is no OpenAPI document", ()
    if "openapi" not in document:
        if "swagger" in document:
            return f"this is Swagger {document['swagger']}, not OpenAPI", ("swagger",)
        return "this is no OpenAPI document", ()
    if not re.match(r"3\.[01](\.|$)", str(document["openapi"])):
        return f"this is OpenAPI {document['openapi']}, which is not known", ("openapi",)
    return None


def _problem(source: Source, path: TreePath, violation: Violation, kind: str) -> Problem:
    place = source.key(path) if violation.key else source.value(path)
    return source.problem(place, violation.message, kind, remedy=violation.remedy)


def _check_tree(document: Any, node: Any, path: TreePath) -> Iterator[Finding]:
    """Yield the findings of the complete tree.

    They are references without a target, and x-runner-* keys that the vocabulary lacks.
    """
    if isinstance(node, list):
        for index, entry in enumerate(node):
            yield from _check_tree(document, entry, (*path, index))
    if not isinstance(node, Mapping):
        return
    names_only = bool(path) and path[-1] == "properties"
    if not names_only:
        yield from _check_reference(document, node, path)
        yield from _check_extensions(node, path)
    for key, value in node.items():
        if names_only or (key not in DATA and not key.startswith("x-")):
            yield from _check_tree(document, value, (*path, key))


def _check_reference(document: Any, node: Mapping[str, Any], path: TreePath) -> Iterator[Finding]:
    reference = node.get("$ref")
    if reference is None:
        return
    try:
        follow(document, str(reference))
    except KeyError:
        here = (*path, "$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            remedy = _nearest_target(document, reference)
            yield here, Violation(here, f"{reference!r} points nowhere", remedy), "reference"
        else:
            yield (
                here,
                Violation(here, f"{reference!r} is not a reference inside this document"),
                "reference",
            )


def _nearest_target(document: Any, reference: str) -> str:
    """Return a remedy for a reference without a target: the nearest name in its group, else empty."""
    group, _, name = reference.removeprefix("#/").rpartition("/")
    try:
        return nearest(name, follow(document, f"#/{group}"), noun="names") if group else ""
    except KeyError:
        return ""


def _check_extensions(node: Mapping[str, Any], path: TreePath) -> Iterator[Finding]:
    keys = {key: value for key, value in node.items() if key.startswith(PREFIX)}
    if not keys or path[:1] == (FILES,):
        return
    place = _kind_of(path)
    if not place:
        for key in keys:
            here = (*path, key)
            yield here, Violation(here, f"{key!r} has no meaning here", key=True), "extension"
        return
    defects = extension_violations(place, keys)
    for violation in defects:
        yield (*path, *violation.path), violation, "extension"
    conditions = f"{PREFIX}conditions"
    if conditions in keys and not defects:
        yield from _check_conditions(keys[conditions], (*path, conditions))


def _kind_of(path: TreePath) -> str:
    """Return the part of the vocabulary that applies at `path`; empty where none does."""
    if path == ("info",):
        return "info"
    if len(path) == 3 and path[0] == "paths" and path[2] in METHODS:
        return "operation"
    if "schema" in path or path[:2] == ("components", "schemas"):
        return "schema"
    return "parameter" if "parameters" in path[-2:-1] else ""


def _check_operations(document: Mapping[str, Any]) -> Iterator[Finding]:
    seen: dict[str, TreePath] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            here: TreePath = ("paths", path, method)
            name = operation_name(method, path, item[method])
            if name in seen:
                message = f"the operation {name!r} exists already at {seen[name][1]}"
                remedy = "give it an operationId of its own; an overlay can do it"
                yield (*here, "operationId"), Violation(here, message, remedy), "duplicate"
            seen.setdefault(name, here)
            broken = list(_check_parameters(document, method, path))
            yield from broken or _check_meaning(document, method, path)


def _check_parameters(document: Mapping[str, Any], method: str, path: str) -> Iterator[Finding]:
    item = document["paths"][path]
    here: TreePath = ("paths", path, method)
    for base, holder in (here[:2], item), (here, item[method]):
        for index, entry in enumerate(holder.get("parameters", ())):
            for violation in violations(PARAMETER, deref(document, entry)):
                yield (*base, "parameters", index, *violation.path), violation, "document"
                return
    yield from _check_names(document, method, path)


def _check_names(document: Mapping[str, Any], method: str, path: str) -> Iterator[Finding]:
    """Yield the parameters whose names collide, are not in the path, or are cookies."""
    here: TreePath = ("paths", path, method)
    parameters = declared_parameters(document, method=method, path=path)
    names = [parameter_name(parameter) for parameter in parameters]
    remedy = "give the parameter another name with x-runner-name; an overlay can do it"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield (
            here,
            Violation(here, f"two parameters are called {name!r}", remedy, key=True),
            "collision",
        )
    for parameter in parameters:
        if parameter["in"] == "cookie":
            message = f"{parameter['name']!r} is a required cookie, and cookies are not sent"
            yield here, Violation(here, message, key=True), "parameter"
    declared = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    template = set(re.findall(r"\{([^{}]*)\}", path))
    for name in sorted(declared ^ template):
        what = (
            "is in the path but no parameter"
            if name in template
            else "is a path parameter but not in the path"
        )
        mend = (
            "declare it, in: path, with its schema"
            if name in template
            else "take it away, or put it there"
        )
        yield (
            here,
            Violation(here, f"{name!r} {what}", f"{mend}; an overlay can do it", key=True),
            "parameter",
        )
    schema = body_schema(document, document["paths"][path][method])
    for name in sorted(set(names) & set(_field_names(document, schema, set()))):
        whose = f"{method.upper()} {path}: {name!r}"
        message = f"{whose} is a parameter and a field of the body, and a step could not tell which it gives"
        yield here, Violation(here, message, remedy, key=True), "collision"


def _field_names(document: Mapping[str, Any], schema: Any, seen: set[str]) -> Iterator[str]:
    """The fields of a body, also those of what it is composed of; `seen` are the references that were followed."""
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    if isinstance(reference, str):
        if reference in seen:
            return
        seen.add(reference)
    node = deref(document, schema)
    if isinstance(node, Mapping):
        yield from node.get("properties", {})
        for part in node.get("allOf", ()):
            yield from _field_names(document, part, seen)


def _check_meaning(document: Mapping[str, Any], method: str, path: str) -> Iterator[Finding]:
    """Yield the extensions of an operation that name things which it lacks, or have no effect on it."""
    here: TreePath = ("paths", path, method)
    entry = document["paths"][path][method]
    if not any(key.startswith(PREFIX) for key in entry):
        return
    operation = build_operation(document, "", method=method, path=path)
    for key, name, known, what in _references(document, operation):
        if name and name not in known:
            place = (*here, PREFIX + key)
            violation = Violation(here, f"{name!r} is not {what}", nearest(name, known))
            yield place, violation, "extension"
    if f"{PREFIX}decimals" in entry and not operation.money:
        message = "no money moves here: it says how many decimals the amount of x-runner-money has"
        yield (*here, f"{PREFIX}decimals"), Violation(here, message, key=True), "extension"
    if f"{PREFIX}returns-existing" in entry and operation.effect != "create":
        message = "nothing is created here, so that no answer can have what exists instead"
        yield (*here, f"{PREFIX}returns-existing"), Violation(here, message, key=True), "extension"
    # Only a declared read-back is checked: the natural one is dropped where it does not fit.
    if f"{PREFIX}read-back" in entry:
        place = (*here, f"{PREFIX}read-back", "operation")
        name = operation.read_back.operation if operation.read_back else ""
        for message, others in read_back_defects(document, operation):
            yield place, Violation(place, message, nearest(name, others)), "extension"
    for message in paging_defects(entry.get(f"{PREFIX}pagination"), operation.items):
        yield (*here, f"{PREFIX}pagination"), Violation(here, message), "extension"


def _references(document: Mapping[str, Any], operation: Operation) -> Iterator[_Reference]:
    """Yield the names in the extensions of an operation, with the names that each may have."""
    parameters, fields = operation.parameters, operation.fields
    amounts = {
        name: schema
        for name, schema in fields.items()
        if set(types_of(schema)) <= {"number", "integer"}
    }
    yield "money", operation.money, amounts, "a number in the body"
    yield (
        "inside",
        operation.inside,
        {**parameters, **fields},
        "a parameter or a field of the body",
    )
    version = operation.version[1] if operation.version else ""
    yield "version", version, parameters, "a parameter of it"
    answer = deref(document, operation.answer) or {}
    properties = answer.get("properties", {})
    if operation.items != "*":
        yield "items", operation.items, properties, "a property of the answer"
    # An answer without declared properties may have any.
    if properties:
        for key, name in (
            ("id", operation.id_field),
            *(("link", field) for field in link_names(operation.link)),
        ):
            yield key, name, properties, "a property of the answer"
    if paging := operation.pagination:
        queries = {name: entry for name, entry in parameters.items() if entry.place == "query"}
        for name in (paging.page, paging.offset, paging.count):
            yield "pagination", name, queries, "a query parameter"


def _check_conditions(declared: Mapping[str, Any], path: TreePath) -> Iterator[Finding]:
    """Yield the fields of x-runner-conditions whose kind is not declared."""
    for name, entry in declared["fields"].items():
        if entry["kind"] not in declared["kinds"]:
            here = (*path, "fields", name, "kind")
            remedy = nearest(entry["kind"], declared["kinds"])
            yield (
                here,
                Violation(here, f"{entry['kind']!r} is none of the kinds", remedy),
                "extension",
            )
