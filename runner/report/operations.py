"""The catalogue as text and as JSON: what each operation takes and gives, how well it is known, and an example step."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.catalogue import Api, Auth, Conditions, Failure, Operation, Pagination, Parameter
from runner.problems import printable
from runner.report.text import columns

_SAMPLES: Mapping[str, Any] = {
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": [],
    "object": {},
}


def operations_table(operations: Sequence[Operation]) -> str:
    """One line for each operation: name, effect, evidence, what it does."""
    rows = [[o.full_name, _effect(o), o.evidence or "-", o.summary] for o in operations]
    return "".join(
        f"{printable(line)}\n"
        for line in columns([["operation", "effect", "evidence", "does"], *rows])
    )


def matches(operation: Operation, words: Sequence[str]) -> bool:
    """Whether every word stands in the operation's name, summary, description or the names it takes."""
    text = " ".join(
        [operation.full_name, operation.summary, operation.description, *operation.names]
    ).lower()
    return all(word.lower() in text for word in words)


def operation_text(operation: Operation, api: Api) -> str:
    """Everything about one operation."""
    return "".join(f"{printable(line)}".rstrip() + "\n" for line in _lines(operation, api))


def _lines(operation: Operation, api: Api) -> Iterator[str]:
    yield f"{operation.full_name}   {operation.summary}"
    yield f"{operation.method} {api.server}{operation.path}"
    yield ""
    yield f"  effect    {_effect(operation)}"
    yield f"  evidence  {operation.evidence or 'none given'}" + (
        f": {operation.source}" if operation.source else ""
    )
    if operation.description:
        yield from textwrap.wrap(
            operation.description, 100, initial_indent="  ", subsequent_indent="  "
        )
    if operation.pagination is not None:
        yield f"  pages     {_pages(operation.pagination)}"
    if operation.empty:
        yield f"  empty     {', '.join(map(str, sorted(operation.empty)))} means that there are none"
    a_day = f", {api.limits.hits_per_day:,} a day" if api.limits.hits_per_day is not None else ""
    rate = f"{api.limits.requests_per_second} requests a second, burst {api.limits.burst}{a_day}"
    yield f"  limits    {rate}, unless configured"
    if api.auth:
        yield f"  sign-in   {_sign_in(api.auth)}"
    if operation.failure is not None:
        yield from (f"  {line}" for line in _verdicts(operation.failure))
    for parameter in operation.parameters.values():
        if parameter.window:
            yield f"  reaches   {parameter.window.months} months back ({parameter.name})"
    if operation.window is not None:
        yield (
            f"  reaches   the past {operation.window.months} months: what is dated earlier "
            f"({operation.window.field}) may not be readable afterwards"
        )
    yield from _section(
        "takes", [*map(_parameter, operation.parameters.values()), *_fields(operation)]
    )
    for parameter in operation.parameters.values():
        if parameter.conditions is not None:
            yield from _section(
                f"{parameter.name}: {{field, is, value}}", list(_grammar(parameter.conditions))
            )
    yield from _section(
        "gives" + (", as a list of" if operation.items else ""), list(_answer(operation))
    )
    yield ""
    yield "example step"
    yield from (f"  {line}" for line in example_step(operation).splitlines())


def _pages(paging: Pagination) -> str:
    """Describe how a list is read, with the API's names for the parts of its pages."""
    size = f" ({paging.count})" if paging.count else ""
    return f"{paging.size} at a time{size}, all of them are read ({paging.offset or paging.page})"


def _sign_in(credentials: Sequence[Auth]) -> str:
    """Describe the credentials and where they are sent."""
    schemes = {"bearer": " as a token", "basic": " as user and password"}
    return ", ".join(
        f"{auth.name} in the {auth.place}{' or form' if auth.in_form else ''}"
        f"{schemes.get(auth.scheme, '')}"
        for auth in credentials
    )


def _verdicts(failure: Failure) -> Iterator[str]:
    """Describe what in an answer makes it a success, and what a failure."""
    if failure.success:
        code = f"or without it {failure.code} is {_either(failure.success)}"
        yield f"success   {failure.field} is not {_either(failure.values)}, {code}; never with neither"
    why = f", with the reason in {failure.message}" if failure.message else ""
    yield f"failure   {failure.field} is {_either(failure.values)}{why}"
    if failure.credentials:
        yield f"          {failure.code} {_either(failure.credentials)}: the credentials are refused"


def _either(values: Sequence[Any]) -> str:
    return " or ".join(map(str, values))


def _section(title: str, rows: list[list[str]]) -> Iterator[str]:
    if rows:
        yield ""
        yield title
        yield from (f"  {line}" for line in columns(rows))


def _effect(operation: Operation) -> str:
    if operation.money:
        return f"{operation.effect}, moves money"
    return operation.effect


def _parameter(parameter: Parameter) -> list[str]:
    need = "required" if parameter.required else ""
    kind = f"one of {_coded(parameter.values)}" if parameter.values else _type(parameter.schema)
    kind = "condition, or a list" if parameter.conditions is not None else kind
    described = " ".join(parameter.description.split())
    return [parameter.name, parameter.place, kind, need, parameter.evidence, described]


def _coded(values: Mapping[str, Any]) -> str:
    """Names with what is sent for them: `Unsent (1)`."""
    return ", ".join(f"{name} ({code})" for name, code in values.items())


def _grammar(conditions: Conditions) -> Iterator[list[str]]:
    """What conditions can be made of: a line for each field and what it is compared with, one for each comparison.

    The first line is what the API calls the parts; its own number stands behind each name.
    """
    kinds = dict.fromkeys(field.kind for field in conditions.fields.values())
    values = ", ".join(f"{kind.value} and {kind.to}" if kind.to else kind.value for kind in kinds)
    yield ["sent as", f"{conditions.field_part}, {conditions.is_part}, {values}", "", ""]
    for name, field in conditions.fields.items():
        value = "a date" if field.kind.format else _coded(field.values) or "a text"
        yield ["field", name, field.code, f"with {value}"]
    for name in conditions.named:
        comparison = conditions.comparisons[name]
        short = [
            other
            for other, each in conditions.comparisons.items()
            if each is comparison and other != name
        ]
        ranges = [field for field, each in conditions.fields.items() if each.kind.to]
        only = f"takes value and to; {', '.join(ranges)} only" if comparison.range else ""
        yield ["is", " ".join([name, *short]), comparison.code, only]


def _fields(operation: Operation) -> Iterator[list[str]]:
    for path, schema, required in _leaves(operation.body or {}, ""):
        whole = path.rpartition(".")[0] or path
        inside = "" if whole in operation.required else f" in {whole}"
        need = f"required{inside}" if required else ""
        described = " ".join(str(schema.get("description", "")).split())
        yield [
            path,
            "body",
            _type(schema),
            need,
            str(schema.get("x-runner-evidence", "")),
            described,
        ]


def _answer(operation: Operation) -> Iterator[list[str]]:
    for path, schema, required in _leaves(item_schema(operation), ""):
        always = "always there" if required else ""
        yield [path, _type(schema), always, str(schema.get("x-runner-evidence", ""))]


def item_schema(operation: Operation) -> Mapping[str, Any]:
    """The schema of what a step gets: of one element, where the answer is a list."""
    answer: Any = operation.answer or {}
    if operation.items and operation.items != "*":
        for part in operation.items.split("."):
            answer = answer.get("properties", {}).get(part, {})
    found: Mapping[str, Any] = answer.get("items", {}) if operation.items else answer
    return found


def _leaves(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """The fields of an object schema, those of objects inside it as `client.id`, those in a list as `lines[].id`."""
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        if inner.get("properties"):
            yield from _leaves(inner, place)
            continue
        yield place, inner, name in required
        if isinstance(listed := inner.get("items"), Mapping):
            yield from _leaves(listed, f"{place}[]")


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "any")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if schema.get("enum"):
        text += ": " + ", ".join(str(value) for value in schema["enum"])
    return text + (f" ({schema['format']})" if schema.get("format") else "")


def sample_arguments(operation: Operation) -> dict[str, Any]:
    """What a step gives the operation: what it requires and one or a few fields more, with values that it takes."""
    given = {name: _sample(operation.parameters[name].schema, operation.parameters[name].example)
             for name in operation.parameters if name in operation.required}  # fmt: skip
    given |= {
        name: _sample(schema)
        for name, schema in operation.fields.items()
        if name in operation.required
    }
    optional = [name for name in operation.fields if name not in given][: 3 if not given else 1]
    return given | {name: _sample(operation.fields[name]) for name in optional}


def example_step(operation: Operation) -> str:
    """A step that uses the operation with what it requires, as YAML that validates as it stands."""
    given = sample_arguments(operation)
    lines = [f"- id: {operation.name}", f"  use: {operation.full_name}"]
    if operation.items:
        lines.append("  expect: any")
    if given:
        lines.append("  with:")
        lines += [
            f"    {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in given.items()
        ]
    return "\n".join(lines)


def _sample(schema: Mapping[str, Any], example: Any = None) -> Any:
    for value in (
        example,
        schema.get("example"),
        *schema.get("examples", ())[:1],
        *schema.get("enum", ())[:1],
    ):
        if value is not None:
            return value
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "string")
    if kind == "object":
        names = schema.get("required") or list(schema.get("properties", {}))[:1]
        return {name: _sample(schema.get("properties", {}).get(name, {})) for name in names}
    if kind == "string":
        dates = {"date": "2027-03-12", "date-time": "2027-03-12T09:00:00Z"}
        return dates.get(
            str(schema.get("format")), "text" + "x" * max(0, schema.get("minLength", 0) - 4)
        )
    return schema.get("minimum", _SAMPLES.get(str(kind), "text"))


def operation_data(operation: Operation, api: Api) -> dict[str, Any]:
    """An operation for machines. Keys stay; new ones may come."""
    return {
        "operation": operation.full_name,
        "summary": operation.summary,
        "method": operation.method,
        "url": api.server + operation.path,
        "effect": operation.effect,
        "money": operation.money,
        "repeatable": operation.repeatable,
        "evidence": operation.evidence,
        "description": operation.description,
        "limits": _limits(operation, api),
        "credentials": [{"name": auth.name, "in": auth.place} for auth in api.auth],
        "failure": operation.failure._asdict() if operation.failure is not None else None,
        "parameters": [_parameter_data(parameter) for parameter in operation.parameters.values()],
        "body": operation.body,
        "answer": operation.answer,
        "items": operation.items,
        "example": example_step(operation),
    }


def _limits(operation: Operation, api: Api) -> dict[str, Any]:
    """How often it may be asked, how many come at once, how far back it reaches: what is known of that."""
    windows = [parameter.window for parameter in operation.parameters.values()]
    months = [window.months for window in (*windows, operation.window) if window is not None]
    known = {
        "requests_per_second": api.limits.requests_per_second, "burst": api.limits.burst,
        "hits_per_day": api.limits.hits_per_day, "months": min(months, default=None),
        "page_size": operation.pagination.size if operation.pagination is not None else None,
    }  # fmt: skip
    return {name: value for name, value in known.items() if value is not None}


def _parameter_data(parameter: Parameter) -> dict[str, Any]:
    data = {
        "name": parameter.name, "in": parameter.place, "required": parameter.required,
        "evidence": parameter.evidence, "schema": parameter.schema, "description": parameter.description,
    }  # fmt: skip
    if parameter.values:
        data["values"] = list(parameter.values)
        data["codes"] = dict(parameter.values)
    if parameter.conditions is not None:
        fields = parameter.conditions.fields.items()
        data["conditions"] = {
            "fields": [name for name, _ in fields],
            "is": list(parameter.conditions.named),
            "codes": {
                **{name: field.code for name, field in fields},
                **{
                    each: parameter.conditions.comparisons[each].code
                    for each in parameter.conditions.named
                },
            },
        }
    return data
