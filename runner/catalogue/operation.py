"""One operation of an API: its parameters, its body and answer, and what a call to it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runner.catalogue.schema import deref, inline, is_open

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_EFFECTS = {"get": "read", "head": "read", "post": "create"}
_JSON = "application/json"


@dataclass(frozen=True)
class Parameter:
    """A parameter of the path, the query or the header (`place`). `evidence` says how it is known."""

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any]
    evidence: str = ""
    description: str = ""
    example: Any = None
    source: str = ""


@dataclass(frozen=True)
class Pagination:
    """`page` and `count` name query parameters, `total` and `next` dotted places in the answer; `size` rows a page."""

    page: str
    count: str
    size: int
    total: str = ""
    next: str = ""


@dataclass(frozen=True)
class Operation:
    """What a step can use. `body` and `answer` are JSON schemas without references.

    effect       read, create or update; `repeatable` when the same call twice does no harm
    money        the field of the body that says how much money moves, "" when none does
    items        where the list is in the answer: a property, "*" for the answer itself, "" for no list
    empty        statuses that mean an empty list
    id_field     what the answer of a write must have, "" for reads
    """

    api: str
    name: str
    method: str
    path: str
    summary: str
    description: str
    evidence: str
    parameters: Mapping[str, Parameter]
    body: Mapping[str, Any] | None
    answer: Mapping[str, Any] | None
    effect: str
    repeatable: bool
    money: str = ""
    items: str = ""
    pagination: Pagination | None = None
    empty: frozenset[int] = frozenset()
    id_field: str = ""
    source: str = ""

    @property
    def full_name(self) -> str:
        """What `use` calls it: `api.operation`."""
        return f"{self.api}.{self.name}"

    @cached_property
    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """The declared fields of the body, by name."""
        properties = (self.body or {}).get("properties", {})
        return properties if isinstance(properties, Mapping) else {}

    @cached_property
    def required(self) -> frozenset[str]:
        """The names that `with` must give."""
        parameters = {name for name, parameter in self.parameters.items() if parameter.required}
        return frozenset(parameters | set((self.body or {}).get("required", ())))

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that `with` may give, as far as the document knows."""
        return frozenset(self.parameters) | frozenset(self.fields)

    @property
    def open(self) -> bool:
        """Whether the body takes fields that the document does not know: it is not closed, or only inferred."""
        return self.body is not None and is_open(self.body)


def build_operation(document: Mapping[str, Any], api: str, *, method: str, path: str) -> Operation:
    """The operation that a checked document describes at `method` (lower case) and `path`."""
    entry = document["paths"][path][method]
    declared = declared_parameters(document, method=method, path=path)
    effect = entry.get("x-runner-effect") or _EFFECTS.get(method, "update")
    paging = entry.get("x-runner-pagination")
    return Operation(
        api=api,
        name=entry["operationId"],
        method=method.upper(),
        path=path,
        summary=entry.get("summary", ""),
        description=entry.get("description", "").strip(),
        evidence=entry.get("x-runner-evidence", ""),
        parameters={each.name: each for each in _parameters(document, declared)},
        body=inline(document, body_schema(document, entry)),
        answer=inline(document, _answer_schema(document, entry)),
        effect=effect,
        repeatable=entry.get("x-runner-repeatable", effect == "read"),
        money=entry.get("x-runner-money", ""),
        items=entry.get("x-runner-items", ""),
        pagination=Pagination(**paging) if paging else None,
        empty=frozenset(entry.get("x-runner-empty", ())),
        id_field=entry.get("x-runner-id", ""),
        source=entry.get("x-runner-source", ""),
    )


def declared_parameters(document: Mapping[str, Any], *, method: str, path: str) -> list[Mapping[str, Any]]:
    """The parameters of an operation and of its path, references followed; the operation's own win."""
    item = document["paths"][path]
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in (*item.get("parameters", ()), *item[method].get("parameters", ())):
        parameter = deref(document, entry)
        found[parameter["name"], parameter["in"]] = parameter
    return list(found.values())


def body_schema(document: Mapping[str, Any], entry: Mapping[str, Any]) -> Any:
    """The schema of an operation's JSON body with the reference at its top followed, None without a body."""
    body = deref(document, entry.get("requestBody"))
    return deref(document, _json_schema(body)) if body else None


def _answer_schema(document: Mapping[str, Any], entry: Mapping[str, Any]) -> Any:
    responses = entry.get("responses", {})
    chosen = next((responses[status] for status in ("2XX", *_successes(responses)) if status in responses), None)
    return _json_schema(deref(document, chosen)) if chosen else None


def _successes(responses: Mapping[str, Any]) -> list[str]:
    return sorted(status for status in responses if status.startswith("2"))


def _json_schema(part: Mapping[str, Any]) -> Any:
    return part.get("content", {}).get(_JSON, {}).get("schema")


def _parameters(document: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]) -> Iterable[Parameter]:
    for entry in entries:
        yield Parameter(
            name=entry["name"],
            place=entry["in"],
            required=entry["in"] == "path" or entry.get("required", False),
            schema=inline(document, entry.get("schema", {})),
            evidence=entry.get("x-runner-evidence", ""),
            description=entry.get("description", "").strip(),
            example=entry.get("example"),
            source=entry.get("x-runner-source", ""),
        )
