"""What can be wrong with an API document, found when it is loaded and before anything uses it.

deco.openapi.yaml:31:9: error: 'amount' is a parameter and a field of the body [collision]
deco.openapi.yaml:52:15: error: '#/components/schemas/Ordr' points nowhere [reference]
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runner.catalogue.documents.files import FILES, with_places
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
    """What keeps a write from being read back as it declares, and the names that there are."""
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
    """What is wrong with the pages of a list."""
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

_OPERATION = {
    "type": "object",
    "properties": {
        "operationId": {"type": "string"},
        "summary": {"type": "string"},
        "description": {"type": "string"},
        "parameters": {"type": "array", "items": {"type": "object"}},
        "requestBody": {"type": "object"},
        "responses": {"type": "object", "additionalProperties": {"type": "object"}},
    },
}
_SHAPE = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {
        "openapi": {"type": "string"},
        "info": {"type": "object"},
        "servers": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["url"],
                "properties": {"url": {"type": "string"}},
            },
        },
        "security": {"type": "array", "items": {"type": "object"}},
        "paths": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "parameters": {"type": "array", "items": {"type": "object"}},
                    **dict.fromkeys(METHODS, _OPERATION),
                },
            },
        },
        "components": {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": {"type": "object"}},
            "properties": {
                "securitySchemes": {
                    "additionalProperties": {
                        "required": ["type"],
                        "properties": {
                            "type": {
                                "enum": ["apiKey", "http", "oauth2", "openIdConnect", "mutualTLS"]
                            }
                        },
                        "if": {"properties": {"type": {"const": "apiKey"}}},
                        "then": {
                            "required": ["in", "name"],
                            "properties": {
                                "in": {"enum": ["header", "query", "cookie"]},
                                "name": {"type": "string"},
                            },
                        },
                    }
                }
            },
        },
    },
}
_PARAMETER = {
    "type": "object",
    "required": ["name", "in"],
    "properties": {
        "name": {"type": "string"},
        "in": {"enum": ["path", "query", "header", "cookie"]},
        "required": {"type": "boolean"},
        "schema": {"type": "object"},
    },
}

_VERSIONS = "a document of OpenAPI 3.0 or 3.1"
Finding = tuple[TreePath, Violation, str]


def check_document(source: Source) -> list[Problem]:
    """Everything wrong with a document; empty when its operations can be built."""
    document = source.data
    if foreign := _not_openapi(document):
        message, path = foreign
        placed = with_places(source)
        return [
            placed.problem(
                placed.key(path), message, "document", remedy=f"it has to be {_VERSIONS}"
            )
        ]
    findings = [
        (violation.path, violation, "document") for violation in violations(_SHAPE, document)
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
    """What a document is instead of one that can be read, and where it says so."""
    if not isinstance(document, Mapping):
        return "this is no OpenAPI document", ()
    if "openapi" not in document:
        known = (
            f"Swagger {document['swagger']}, not OpenAPI"
            if "swagger" in document
            else "no OpenAPI document"
        )
        return f"this is {known}", ("swagger",) if "swagger" in document else ()
    if not re.match(r"3\.[01](\.|$)", str(document["openapi"])):
        return f"this is OpenAPI {document['openapi']}, which is not known", ("openapi",)
    return None


def _problem(source: Source, path: TreePath, violation: Violation, kind: str) -> Problem:
    place = source.key(path) if violation.key else source.value(path)
    return source.problem(place, violation.message, kind, remedy=violation.remedy)


def _check_tree(document: Any, node: Any, path: TreePath) -> Iterator[Finding]:
    """References that point nowhere and x-runner-* keys that the vocabulary does not know, in the whole tree."""
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
            group, _, name = reference.removeprefix("#/").rpartition("/")
            try:
                remedy = (
                    nearest(name, follow(document, f"#/{group}"), noun="names") if group else ""
                )
            except KeyError:
                remedy = ""
            yield here, Violation(here, f"{reference!r} points nowhere", remedy), "reference"
        else:
            yield (
                here,
                Violation(here, f"{reference!r} is not a reference inside this document"),
                "reference",
            )


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
    found = extension_violations(place, keys)
    for violation in found:
        yield (*path, *violation.path), violation, "extension"
    conditions = f"{PREFIX}conditions"
    if conditions in keys and not found:
        yield from _check_conditions(keys[conditions], (*path, conditions))


def _kind_of(path: TreePath) -> str:
    """Which part of the vocabulary holds at `path`; empty where none does."""
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
            for violation in violations(_PARAMETER, deref(document, entry)):
                yield (*base, "parameters", index, *violation.path), violation, "document"
                return
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
    schema = body_schema(document, item[method])
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
    """Whether the extensions of an operation name things that it has."""
    here = ("paths", path, method)
    entry = document["paths"][path][method]
    if not any(key.startswith(PREFIX) for key in entry):
        return
    operation = build_operation(document, "", method=method, path=path)
    answer = deref(document, operation.answer) or {}
    properties = answer.get("properties", {})
    amounts = {
        name: each
        for name, each in operation.fields.items()
        if set(types_of(each)) <= {"number", "integer"}
    }
    checks: list[tuple[str, str, Mapping[str, Any], str]] = [
        ("money", operation.money, amounts, "a number in the body"),
        (
            "inside",
            operation.inside,
            {**operation.parameters, **operation.fields},
            "a parameter or a field of the body",
        ),
        (
            "version",
            operation.version[1] if operation.version else "",
            operation.parameters,
            "a parameter of it",
        ),
    ]
    if operation.items != "*":
        checks.append(("items", operation.items, properties, "a property of the answer"))
    if properties:
        checks.append(("id", operation.id_field, properties, "a property of the answer"))
        checks += [
            ("link", name, properties, "a property of the answer")
            for name in link_names(operation.link)
        ]
    if paging := operation.pagination:
        queries = {
            name: each for name, each in operation.parameters.items() if each.place == "query"
        }
        used = (paging.page, paging.offset, paging.count)
        checks += [("pagination", each, queries, "a query parameter") for each in used]
    for key, name, known, what in checks:
        if name and name not in known:
            yield (
                (*here, PREFIX + key),
                Violation(here, f"{name!r} is not {what}", nearest(name, known)),
                "extension",
            )
    if f"{PREFIX}decimals" in entry and not operation.money:
        message = "no money moves here: it says how many decimals the amount of x-runner-money has"
        yield (*here, f"{PREFIX}decimals"), Violation(here, message, key=True), "extension"
    if f"{PREFIX}returns-existing" in entry and operation.effect != "create":
        message = "nothing is created here, so that no answer can have what exists instead"
        yield (*here, f"{PREFIX}returns-existing"), Violation(here, message, key=True), "extension"
    for message, others in (
        read_back_defects(document, operation) if f"{PREFIX}read-back" in entry else ()
    ):
        place = (*here, f"{PREFIX}read-back", "operation")
        near = nearest(operation.read_back.operation if operation.read_back else "", others)
        yield place, Violation(place, message, near), "extension"
    for message in paging_defects(entry.get(f"{PREFIX}pagination"), operation.items):
        yield (*here, f"{PREFIX}pagination"), Violation(here, message), "extension"


def _check_conditions(declared: Mapping[str, Any], path: TreePath) -> Iterator[Finding]:
    """Whether the fields of x-runner-conditions are of a kind that it has."""
    for name, entry in declared["fields"].items():
        if entry["kind"] not in declared["kinds"]:
            here = (*path, "fields", name, "kind")
            remedy = nearest(entry["kind"], declared["kinds"])
            yield (
                here,
                Violation(here, f"{entry['kind']!r} is none of the kinds", remedy),
                "extension",
            )
