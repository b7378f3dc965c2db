"""Operation of an API: its parameters, body, answer and effect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from runner.catalogue.read_back import ReadBack, read_back_of, version_of
from runner.catalogue.request import Builder
from runner.catalogue.schemas.normalize import flat, operation_name
from runner.catalogue.schemas.schema import deref, inline, is_open, types_of
from runner.catalogue.values.conditions import read_grammar
from runner.catalogue.values.form import FORM
from runner.catalogue.values.money import DECIMALS
from runner.catalogue.values.parameters import Parameter
from runner.catalogue.window import Window

_EFFECTS = {"get": "read", "head": "read", "post": "create"}
_IGNORED = frozenset({"accept", "content-type", "authorization"})
"""Headers that OpenAPI excludes from parameters, even where a document declares them."""


@dataclass(frozen=True)
class Pagination:
    """Paging of a list.

    `page` or else `offset`, and `count`, name query parameters, `total` and `next` dotted places in the answer. `size`
    rows are requested per page. `page` counts from 1, `offset` counts the rows before the page.
    """

    page: str
    count: str
    size: int
    total: str = ""
    next: str = ""
    offset: str = ""


class Failure(NamedTuple):
    """Failure in a 2xx answer: `field`, a dotted place, is one of `values`.

    `message` and `code` are dotted places too. Where `field` is missing, a code that is none of `success` is a failure,
    and without either an answer is no success. The codes in `credentials` mean the same as a 401.
    """

    field: str
    values: tuple[Any, ...]
    message: str = ""
    code: str = ""
    success: tuple[Any, ...] = ()
    credentials: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Operation:
    """Operation that a step can use. `body` and `answer` are JSON schemas without references.

    effect       read, create or update; `repeatable` when sending the same call twice does no harm
    money        the field of the body with the amount of money that moves, "" for none
    decimals     the most decimals of that amount
    items        the place of the list in the answer: a property, "*" for the answer itself, "" for no list
    empty        statuses that mean an empty list
    id_field     the field that the answer of a write must have, "" for reads
    failure      the form of a failure in a 2xx
    successes    the success statuses that its document lists (2XX: all of them); empty where it lists none
    form         true when the body is sent as a form, because it is not accepted as JSON
    read_back    the read that returns the object which a write has created or changed, None without one
    unsent       the effect on fields that an update does not send: kept, lost, or "" where it is unknown
    version      the dotted place of an object's version and the parameter of the update that takes it, or None
    returns_existing  true when a create may be answered with an existing object, so that two calls return one id
    inside       the argument that names the container of a created object, where a document names it
    window       the months that the API reads back for objects like the one that a write dates, or None
    link         the address of the object for people, with {names} of fields of the answer
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
    failure: Failure | None = None
    successes: frozenset[str] = frozenset()
    form: bool = False
    read_back: ReadBack | None = None
    unsent: str = ""
    version: tuple[str, str] | None = None
    link: str = ""
    inside: str = ""
    returns_existing: bool = False
    decimals: int = DECIMALS
    window: Window | None = None

    @cached_property
    def id_schema(self) -> Mapping[str, Any]:
        """The schema of the field of an answer that names the object; empty where the document has none."""
        properties = (self.answer or {}).get("properties") or {}
        return properties.get(self.id_field or "id") or {}

    @cached_property
    def full_name(self) -> str:
        """The name in `use`: `api.operation`."""
        return f"{self.api}.{self.name}"

    @cached_property
    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """The declared fields of the body, by name."""
        properties = (self.body or {}).get("properties", {})
        return properties if isinstance(properties, Mapping) else {}

    @cached_property
    def entry(self) -> Mapping[str, Any] | None:
        """The schema of one entry of the answered list; None without a list, or without a schema of it."""
        answer = self.answer or {}
        listed = answer if self.items == "*" else answer.get("properties", {}).get(self.items, {})
        inner = listed.get("items") if self.items and isinstance(listed, Mapping) else None
        return inner if isinstance(inner, Mapping) else None

    @cached_property
    def required(self) -> frozenset[str]:
        """The names that `with` must have."""
        parameters = {name for name, parameter in self.parameters.items() if parameter.required}
        return frozenset(parameters | set((self.body or {}).get("required", ())))

    @cached_property
    def names(self) -> frozenset[str]:
        """All names that `with` may have, as far as the document lists them."""
        return frozenset(self.parameters) | frozenset(self.fields)

    @property
    def open(self) -> bool:
        """True when the body takes fields that the document lacks: it is not closed, or only inferred."""
        return self.body is not None and is_open(self.body)

    def lists(self, status: int) -> bool:
        """Return whether the document lists a success status; without a list every status is."""
        return not self.successes or bool(self.successes & {str(status), "2XX"})

    @cached_property
    def builder(self) -> Builder:
        """The builder of its requests, created for the first of them."""
        return Builder(self)


def build_operation(document: Mapping[str, Any], api: str, *, method: str, path: str) -> Operation:
    """Return the operation at `method` (lower case) and `path` of a checked document."""
    entry = document["paths"][path][method]
    declared = declared_parameters(document, method=method, path=path)
    effect = entry.get("x-runner-effect") or _EFFECTS.get(method, "update")
    answer = flat(inline(document, _answer_schema(document, entry)))
    failure = entry.get("x-runner-failure") or document["info"].get("x-runner-failure")
    id_field = entry.get("x-runner-id", "")
    return Operation(
        api=api,
        name=operation_name(method, path, entry),
        method=method.upper(),
        path=path,
        summary=entry.get("summary", ""),
        description=entry.get("description", "").strip(),
        evidence=entry.get("x-runner-evidence", ""),
        parameters={entry.name: entry for entry in _parameters(document, declared)},
        body=flat(inline(document, body_schema(document, entry))),
        answer=answer,
        effect=effect,
        repeatable=entry.get("x-runner-repeatable", effect == "read"),
        money=entry.get("x-runner-money", ""),
        decimals=entry.get("x-runner-decimals", DECIMALS),
        items=entry.get("x-runner-items", _bare_list(answer) if effect == "read" else ""),
        pagination=_pagination(entry.get("x-runner-pagination")),
        empty=frozenset(entry.get("x-runner-empty", ())),
        id_field=id_field,
        source=entry.get("x-runner-source", ""),
        failure=_failure(failure) if failure else None,
        successes=frozenset(_successes(entry.get("responses", {}))),
        form=_is_form(deref(document, entry.get("requestBody")) or {}),
        unsent=str(entry.get("x-runner-unsent", "kept" if method == "patch" else "")),
        version=version_of(entry.get("x-runner-version")),
        read_back=read_back_of(
            document, method=method, path=path, effect=effect, id_field=id_field
        ),
        link=entry.get("x-runner-link", ""),
        inside=entry.get("x-runner-inside", ""),
        returns_existing=entry.get("x-runner-returns-existing", False),
    )


def declared_parameters(
    document: Mapping[str, Any], *, method: str, path: str
) -> list[Mapping[str, Any]]:
    """Return the parameters of an operation and its path, dereferenced; the operation's own win.

    Optional cookies are left out, and so are the headers that OpenAPI leaves to the client.
    """
    item = document["paths"][path]
    # The operation's come second, and replace those of the path.
    by_key: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in (*item.get("parameters", ()), *item[method].get("parameters", ())):
        parameter = deref(document, entry)
        place, name = parameter["in"], parameter["name"]
        if place == "header" and name.lower() in _IGNORED:
            continue
        if place != "cookie" or parameter.get("required"):
            by_key[name, place] = parameter
    return list(by_key.values())


def parameter_name(declared: Mapping[str, Any]) -> str:
    """Return the name of a declared parameter in steps."""
    name: str = declared.get("x-runner-name") or declared["name"]
    return name


def body_schema(document: Mapping[str, Any], entry: Mapping[str, Any]) -> Any:
    """Return the schema of an operation's body with its top reference followed, None without a body."""
    body = deref(document, entry.get("requestBody"))
    if body and _is_form(body):
        return deref(document, body["content"][FORM].get("schema", {}))
    return deref(document, _json_schema(body)) if body else None


def can_be_sent(document: Mapping[str, Any], method: str, path: str) -> bool:
    """Return whether the operation can be sent: it needs no body, or accepts JSON or a form."""
    body = deref(document, document["paths"][path][method].get("requestBody")) or {}
    return not body.get("required") or _is_form(body) or any(map(is_json, body.get("content", {})))


def _is_form(body: Mapping[str, Any]) -> bool:
    """Return whether a body is accepted as a form and not as JSON."""
    content = body.get("content", {})
    return FORM in content and not any(map(is_json, content))


def _answer_schema(document: Mapping[str, Any], entry: Mapping[str, Any]) -> Any:
    responses = entry.get("responses", {})
    chosen = next(
        (responses[status] for status in ("2XX", *_successes(responses)) if status in responses),
        None,
    )
    return _json_schema(deref(document, chosen)) if chosen else None


def _successes(responses: Mapping[str, Any]) -> list[str]:
    return sorted(status for status in responses if status.startswith("2"))


def _json_schema(part: Mapping[str, Any]) -> Any:
    """Return the schema of a JSON content: application/json first, else any kind of JSON."""
    content = part.get("content", {})
    kinds = sorted(
        content, key=lambda kind: (kind.partition(";")[0].strip() != "application/json", kind)
    )
    chosen = next((kind for kind in kinds if is_json(kind)), None)
    return content[chosen].get("schema", {}) if chosen else None


def is_json(kind: str) -> bool:
    """Return whether a media type is JSON, or matches it."""
    plain = kind.partition(";")[0].strip().lower()
    return plain in ("application/json", "*/*", "application/*") or plain.endswith("+json")


def _bare_list(answer: Any) -> str:
    """Return the default of x-runner-items: "*" for an answer that is a list."""
    return "*" if isinstance(answer, Mapping) and types_of(answer) == ("array",) else ""


def _pagination(declared: Mapping[str, Any] | None) -> Pagination | None:
    if declared is None:
        return None
    # `limit` is the usual name of `count` beside an offset.
    others = dict(declared)
    page = others.pop("page", "")
    count = others.pop("count", "") or others.pop("limit", "")
    return Pagination(page=page, count=count, **others)


def _failure(declared: Mapping[str, Any]) -> Failure:
    return Failure(
        field=declared["field"],
        values=tuple(declared["values"]),
        message=declared.get("message", ""),
        code=declared.get("code", ""),
        success=tuple(declared.get("success", ())),
        credentials=tuple(declared.get("credentials", ())),
    )


def _parameters(
    document: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]
) -> Iterable[Parameter]:
    for entry in entries:
        name, wire = parameter_name(entry), entry["name"]
        conditions = entry.get("x-runner-conditions")
        schema = entry["schema"] if "schema" in entry else _json_schema(entry) or {}
        yield Parameter(
            name=name,
            place=entry["in"],
            required=entry["in"] == "path" or entry.get("required", False),
            schema=flat(inline(document, schema)) or {},
            evidence=entry.get("x-runner-evidence", ""),
            description=entry.get("description", "").strip(),
            example=entry.get("example"),
            source=entry.get("x-runner-source", ""),
            wire="" if wire == name else wire,
            window=_window(entry),
            conditions=read_grammar(conditions) if conditions else None,
            values=entry.get("x-runner-values", {}),
        )


def _window(declared: Mapping[str, Any]) -> Window | None:
    """Return the window of a parameter."""
    months = declared.get("x-runner-window", {}).get("months")
    return Window(months, declared.get("x-runner-filter", {}).get("field", "")) if months else None


def window_of_write(document: Mapping[str, Any], paths: Iterable[str]) -> Window | None:
    """Return the window of the list with the written object, which is at one of `paths` or just above."""
    for path in paths:
        collection = re.sub(r"/\{[^{}]*\}$", "", path)
        if "get" not in document["paths"].get(collection, {}):
            continue
        for entry in declared_parameters(document, method="get", path=collection):
            if (window := _window(entry)) is not None and window.field:
                return window
    return None
