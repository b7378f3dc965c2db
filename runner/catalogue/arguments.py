"""The values of a step's `with`, made exactly what the operation's schema asks for, or refused.

A text that is exactly and losslessly the number or boolean that is asked for is converted, and so is an integer
where text is asked for. Everything else that does not fit is an error; nothing is rounded, and no float passes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from runner.catalogue.schema import TreePath, is_open, types_of
from runner.catalogue.unions import lacking
from runner.problems import nearest
from runner.template import Unknown

MAX_DIGITS = 400
"""Digits that a number may need when it is written out."""

WRITTEN = {
    "integer": re.compile(r"-?[1-9][0-9]*|0"),
    "number": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"),
    "boolean": re.compile(r"true|false"),
}
"""How a text is written, from its beginning to its end, that is exactly one."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "object": "an object",
    "array": "a list",
}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str, dt.date),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "object": (dict, Mapping),
    "array": (list, tuple),
}


_SCALARS = frozenset({str, int, bool, Decimal})


class _Misfit:
    """The value is not of that type and cannot become it without a loss."""


_MISFIT: Final = _Misfit()


class ArgumentError(Exception):
    """Arguments that cannot be sent. `problems` pairs the path inside `with` with a message for people."""

    def __init__(self, problems: Sequence[tuple[TreePath, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{dotted(path)}: {message}" for path, message in self.problems))


@dataclass
class Findings:
    """What was found while arguments were converted: problems, and notes on what the document does not vouch for."""

    problems: list[tuple[TreePath, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, path: TreePath, message: str) -> None:
        self.problems.append((path, message))

    def require(self, names: Iterable[str], given: Collection[str], *, path: TreePath = ()) -> None:
        """Refuse what is missing, unless it was given and is refused already."""
        for name in sorted([name for name in names if name not in given]):
            here = (*path, name)
            if not any(refused[: len(here)] == here for refused, _ in self.problems):
                self.refuse(here, "is required")

    def require_form(self, schema: Mapping[str, Any], given: Collection[str], *, path: TreePath = ()) -> None:
        """Refuse an object that lacks something of each form that it could have."""
        if self.problems or "anyOf" not in schema or schema.get("x-runner-evidence") == "inferred":
            return
        first, *others = lacking(schema, given) or [[]]
        if first:
            instead = "".join(f", or {' and '.join(map(repr, names))}" for names in others)
            self.refuse((*path, first[0]), f"is required{instead}")

    def note(self, path: TreePath, message: str) -> None:
        self.notes.append(_note(path, message))


@lru_cache(maxsize=4096)
def _note(path: TreePath, message: str) -> str:
    return f"{dotted(path)}: {message}"


@lru_cache(maxsize=4096)
def dotted(path: TreePath) -> str:
    """A path as people write it: `lines[0].sku`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def convert(value: Any, schema: Mapping[str, Any], *, path: TreePath, evidence: str, findings: Findings) -> Any:
    """`value` as `schema` wants it. An Unknown passes as it is.

    What a schema says beyond the type is a reason to refuse a value only where `evidence` is better than inferred.
    """
    kind = type(value)
    if kind is Unknown:
        return value
    if kind is str and (schema.get("type") == "string" or "string" in types_of(schema)):  # most are
        return _scalar(value, schema, path=path, evidence=evidence, findings=findings)
    if isinstance(value, float):
        findings.refuse(path, f"{value!r} is a binary float, which is not exact; use a decimal")
        return None
    wanted = types_of(schema)
    converted = _first_fit(value, wanted) if wanted else value
    if isinstance(converted, _Misfit):
        findings.refuse(path, _misfit_message(value, wanted))
        return None
    if type(converted) is dict or (type(converted) not in _SCALARS and isinstance(converted, Mapping)):
        return _convert_object(converted, schema, path=path, findings=findings)
    if isinstance(converted, (list, tuple)):
        return _convert_list(converted, schema, path=path, evidence=evidence, findings=findings)
    return _scalar(_plain(converted), schema, path=path, evidence=evidence, findings=findings)


def _scalar(plain: Any, schema: Mapping[str, Any], *, path: TreePath, evidence: str, findings: Findings) -> Any:
    message = _defect(plain) or (_broken_rule(plain, schema) if evidence != "inferred" else "")
    if message:
        findings.refuse(path, message)
    return plain


def _convert_object(value: Mapping[str, Any], schema: Mapping[str, Any], *, path: TreePath, findings: Findings) -> Any:
    """An object without its nulls. One that held nothing but nulls is left out itself: None."""
    properties = schema.get("properties", {})
    result: dict[str, Any] = {}
    for name, given in value.items():
        if name not in properties and not is_open(schema):
            findings.refuse((*path, name), "the API has no such field; " + nearest(name, properties))
            continue
        converted = convert_field(given, properties.get(name), path=(*path, name), findings=findings)
        if converted is not None:
            result[name] = converted
    if value and not result:
        return None
    findings.require(schema.get("required", ()), result, path=path)
    findings.require_form(schema, result, path=path)
    return result


def convert_field(value: Any, schema: Mapping[str, Any] | None, *, path: TreePath, findings: Findings) -> Any:
    """A field of an object, noted when it is inferred or not in the document; None when it is null."""
    if value is None:
        return None
    evidence = "inferred" if schema is None else schema.get("x-runner-evidence", "")
    before = len(findings.notes)
    converted = convert(value, schema or {}, path=path, evidence=evidence, findings=findings)
    if converted is None:
        return None
    if schema is None:
        del findings.notes[before:]
        findings.note(path, "not in the API document, sent as it is")
    elif evidence == "inferred" and not isinstance(converted, dict):
        findings.note(path, "inferred field")
    return converted


def _convert_list(
    value: Sequence[Any], schema: Mapping[str, Any], *, path: TreePath, evidence: str, findings: Findings
) -> list[Any]:
    items = schema.get("items")
    inner = items if isinstance(items, Mapping) else {}
    result = []
    for index, entry in enumerate(value):
        here = (*path, index)
        if entry is None:
            findings.refuse(here, "null cannot stand in a list")
        else:
            result.append(convert(entry, inner, path=here, evidence=evidence, findings=findings))
    return result


def _first_fit(value: Any, wanted: Sequence[str]) -> Any:
    """The value as the first type that it is already, else as the first that it can become without a loss."""
    for fits in (_is_already, _become):
        for name in wanted:
            converted = fits(value, name)
            if not isinstance(converted, _Misfit):
                return converted
    return _MISFIT


def _is_already(value: Any, name: str) -> Any:
    if isinstance(value, bool) and name != "boolean":
        return _MISFIT
    return value if isinstance(value, _KINDS.get(name, ())) else _MISFIT


def _become(value: Any, name: str) -> Any:
    if isinstance(value, bool):
        return _MISFIT
    if name == "string" and isinstance(value, int):
        return str(value)
    if name == "integer" and isinstance(value, Decimal) and not _defect(value) and value == value.to_integral_value():
        return int(value)
    if not isinstance(value, str) or len(value) > MAX_DIGITS:
        return _MISFIT
    if name == "integer" and WRITTEN["integer"].fullmatch(value):
        return int(value)
    if name == "number" and WRITTEN["number"].fullmatch(value):
        return Decimal(value)
    return {"true": True, "false": False}.get(value, _MISFIT) if name == "boolean" else _MISFIT


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def _defect(value: Any) -> str:
    """Why a scalar cannot be written as JSON or into a URL; empty when it can."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            return "text with half a character (a lone surrogate)"
    elif isinstance(value, Decimal):
        if not value.is_finite():
            return f"{value} is not a number that a request can carry"
        exponent = value.as_tuple().exponent
        if value.adjusted() > MAX_DIGITS or (isinstance(exponent, int) and exponent < -MAX_DIGITS):
            return f"a number of more than {MAX_DIGITS} digits"
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 10**MAX_DIGITS:
            return f"a number of more than {MAX_DIGITS} digits"
    elif not isinstance(value, bool):
        return f"a value of type {type(value).__name__} cannot be sent"
    return ""


def _misfit_message(value: Any, wanted: Sequence[str]) -> str:
    words = " or ".join(_WORDS.get(name, name) for name in wanted)
    if isinstance(value, Decimal) and "string" in wanted:
        return f"{value:f} is a number where text is asked for; make it text, so that its digits are yours"
    if isinstance(value, Mapping | list | tuple):
        return f"{'an object' if isinstance(value, Mapping) else 'a list'} is not {words}"
    shown = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)
    return f"{shown if len(shown) <= 80 else shown[:77] + '...'} is not {words}"


def _broken_rule(value: Any, schema: Mapping[str, Any]) -> str:
    """The rule of the schema, beyond its type, that a scalar breaks; empty when it keeps them all."""
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is not one of {', '.join(str(each) for each in schema['enum'])}"
    if isinstance(value, str):
        return _broken_text_rule(value, schema)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return ""
    if value < schema.get("minimum", value):
        return f"{value} is less than {schema['minimum']}"
    if value > schema.get("maximum", value):
        return f"{value} is more than {schema['maximum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        return f"{value} is not more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        return f"{value} is not less than {schema['exclusiveMaximum']}"
    return ""


def _broken_text_rule(value: str, schema: Mapping[str, Any]) -> str:
    if len(value) > schema.get("maxLength", len(value)):
        return f"{value!r} is longer than {schema['maxLength']} characters"
    if len(value) < schema.get("minLength", 0):
        return f"{value!r} is shorter than {schema['minLength']} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{value!r} does not match {schema['pattern']}"
    if schema.get("format") == "date" and not _is_day(value):
        return f"{value!r} is not a date like 2026-01-31"
    return ""


def _is_day(value: str) -> bool:
    try:
        return bool(_DAY.fullmatch(value)) and bool(dt.date.fromisoformat(value))
    except ValueError:
        return False
