"""Fit of a value of a known type to an operation's schema: by the rules that build the requests of a run.

A text that may be a number is let through, since a run converts it; what no value of the type can become is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.catalogue.schemas.alternatives import chosen
from runner.catalogue.schemas.schema import is_open, types_of
from runner.catalogue.values.scalars import WRITTEN
from runner.problems import nearest
from runner.recipe.typecheck.messages import Findings, remedy
from runner.recipe.typecheck.types import (
    BOOLEAN,
    DATE,
    DECIMAL,
    INTEGER,
    LIST,
    NUMBERS,
    OBJECT,
    STRING,
    TEXTS,
    Path,
    Type,
)
from runner.template import Node

if TYPE_CHECKING:
    from runner.catalogue import Operation

_BECOMES: Mapping[str, frozenset[str]] = {
    "string": frozenset({STRING, DATE, INTEGER}),
    "integer": NUMBERS | {STRING},
    "number": NUMBERS | {STRING},
    "boolean": frozenset({BOOLEAN, STRING}),
    "array": frozenset({LIST}),
    "object": frozenset({OBJECT}),
}
"""What can become what a schema asks for."""

_WORDS = {
    "integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text",
    "object": "an object", "array": "a list",
}  # fmt: skip


class Misfit(NamedTuple):
    """A mismatch: its path inside the value, the reason, and whether every value has it."""

    path: Path
    message: str
    remedy: str = ""
    sure: bool = True


def check_fit(
    node: Node, type_: Type, name: str, schema: Mapping[str, Any], findings: Findings
) -> None:
    """Note where a value of `type_`, which `node` gives, cannot be what the argument `name` has to be."""
    for misfit in _misfits(type_, schema, (), text=findings.quoted(node)):
        where = repr(
            "".join("[]" if isinstance(part, int) else f".{part}" for part in (name, *misfit.path))[
                1:
            ]
        )
        sure = misfit.sure and type_.sure
        findings.add(node, f"{where} {misfit.message}", "argument", remedy=misfit.remedy, sure=sure)


def schema_at(operation: Operation, path: Path) -> Mapping[str, Any] | None:
    """Return the schema of the value at `path` inside `with`; None without one, or where names differ."""
    name, rest = str(path[0]), path[1:]
    parameter = operation.parameters.get(name)
    if parameter is not None and (parameter.conditions or parameter.values):
        return None
    schema: Any = parameter.schema if parameter is not None else operation.fields.get(name)
    for part in rest:
        schema = schema or {}
        schema = (
            schema.get("items") if isinstance(part, int) else schema.get("properties", {}).get(part)
        )
    return schema if isinstance(schema, Mapping) else None


def _misfits(type_: Type, schema: Mapping[str, Any], path: Path, *, text: str) -> Iterator[Misfit]:
    wanted = types_of(schema)
    if not type_.solid or not wanted:
        return
    fitting = [name for name in wanted if type_.solid & _BECOMES.get(name, frozenset())]
    if not fitting:
        is_ = f"{text} is {Type(type_.solid)}" if not path else f"it is {Type(type_.solid)}"
        message = f"has to be {_or(wanted)}, and {is_}"
        yield Misfit(path, message, _remedy(type_, wanted, schema, text))
    elif DECIMAL in type_.solid <= NUMBERS and wanted == ("string",):
        message = f"has to be text, and {text or 'it'} may be a number with a fraction"
        yield Misfit(path, message, _remedy(type_, wanted, schema, text), sure=False)
    elif OBJECT in type_.solid and "object" in fitting:
        yield from _object(type_, schema, path)
    elif LIST in type_.solid and "array" in fitting:
        items = schema.get("items")
        if isinstance(items, Mapping) and type_.item is not None:
            yield from _misfits(type_.item, items, (*path, 0), text=text)
    elif type_.enum:
        yield from _values(type_, schema, path, fitting, text=text)


def _object(type_: Type, schema: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    for name in type_.fields if type_.closed else ():
        if name in properties:
            yield from _misfits(type_.fields[name], properties[name], (*path, name), text=name)
        elif not is_open(schema):
            free = [known for known in properties if known not in type_.fields]
            yield Misfit(
                (*path, name), "is no field of the operation", nearest(name, free, noun="fields")
            )
    for name in schema.get("required", ()) if type_.closed and type_.rest is None else ():
        if name not in type_.fields:
            yield Misfit((*path, name), "is needed, and not given", f"add {name!r}")
    if (
        type_.closed
        and type_.rest is None
        and set(schema.get("required", ())) <= type_.fields.keys()
    ):
        yield from _form(type_, schema, path)


def _form(type_: Type, schema: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    """Return what an object lacks of each form, or has of another, by its known values."""
    forms = chosen(schema, {name: field.enum for name, field in type_.fields.items() if field.enum})
    where = f" where {forms.why}" if forms.why else ""
    if needed := forms.lacking(type_.fields):
        yield Misfit(
            (*path, needed[0][0]), f"is needed{where}, and not given", f"add {either(needed)}"
        )
    for name in forms.strange(type_.fields):
        free = [known for known in forms.names if known not in type_.fields]
        yield Misfit((*path, name), f"is no field{where}", nearest(name, free, noun="fields"))


def _values(
    type_: Type, schema: Mapping[str, Any], path: Path, fitting: Sequence[str], *, text: str
) -> Iterator[Misfit]:
    """Yield the values that are known: texts that are no numbers, and those that the operation does not take."""
    given = type_.enum or frozenset()
    allowed = schema.get("enum")
    if type_.solid == {STRING} and "string" not in fitting:
        patterns = [WRITTEN[name] for name in fitting if name in WRITTEN]
        wrong = [
            value
            for value in given
            if not any(pattern.fullmatch(str(value)) for pattern in patterns)
        ]
        if wrong:
            sure, message = (
                len(wrong) == len(given),
                f"has to be {_or(fitting)}, and {min(wrong)!r} is none",
            )
            advice = f"write {min(wrong)!r} as {_or(fitting)}, or let a column's map do it"
            yield Misfit(path, message, advice, sure=sure)
    elif isinstance(allowed, list) and schema.get("x-runner-evidence") != "inferred":
        texts = {str(value) for value in allowed}
        wrong = sorted(str(value) for value in given if str(value) not in texts)
        if wrong:
            message = f"cannot be {wrong[0]!r}, as {text} {'is' if len(given) == 1 else 'may be'}"
            yield Misfit(
                path, message, f"allowed: {', '.join(sorted(texts))}", sure=len(wrong) == len(given)
            )


def either(forms: Sequence[Sequence[str]]) -> str:
    """Return the keys that one of several forms needs, in words: 'iban', or 'number' and 'expiry'."""
    return ", or ".join(" and ".join(map(repr, names)) for names in forms)


def _remedy(type_: Type, wanted: Sequence[str], schema: Mapping[str, Any], text: str) -> str:
    if wanted == ("string",) and DECIMAL in type_.solid <= NUMBERS:
        return f"make it text, so that its digits are yours: {_as_text(text)}"
    if wanted == ("array",):
        return "put it in a list: [ ... ]"
    if wanted == ("object",):
        fields = list(schema.get("properties", {}))
        if "id" in fields:
            return f'write the object: {{id: "{{{{ {text} }}}}"}}'
        shown = ", ".join(f"{name}: ..." for name in fields[:2])
        return f"write the object: {{{shown}}}" if fields else "write its fields: {name: value}"
    if type_.can_be({LIST, OBJECT}):
        return remedy(type_, TEXTS)
    if wanted == ("boolean",):
        return "ask something of it, as in x > 0 or x is not none"
    if type_.solid == {BOOLEAN} and {"integer", "number"} & {*wanted}:
        return "say which number it stands for: 1 if x else 0"
    if type_.solid == {DATE} and {"integer", "number"} & {*wanted}:
        return "give it a number; digits of a date are written | date('%Y%m%d') | int"
    return remedy(
        type_,
        {STRING} if "string" in wanted else NUMBERS if {"integer", "number"} & {*wanted} else set(),
    )


_INSIDE = re.compile(r"'[^']*'|\"[^\"]*\"|\([^()]*\)|\[[^][]*\]")
_OPERATORS = re.compile(r"[-+*/%~]|\b(?:and|or|not|if|in|is)\b")


def _as_text(text: str) -> str:
    """Return an expression that gives a number as text: in brackets where `|` would apply to only a part."""
    if text.endswith("...") or not text:
        return "| text"
    operators = _OPERATORS.search(_INSIDE.sub("", text))
    return f"({text}) | text" if operators else f"{text} | text"


def _or(names: Sequence[str]) -> str:
    return " or ".join(dict.fromkeys(_WORDS.get(name, name) for name in names))
