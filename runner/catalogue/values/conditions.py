"""Search conditions as recipes write them, `{field: date_raised, is: after, value: 2026-11-14}`, in the API's codes.

The names of fields and comparisons, and the parameters that take their values, are in the API document.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from runner.catalogue.schemas.schema import TreePath
from runner.catalogue.values.findings import Findings
from runner.problems import nearest
from runner.template import Unknown, to_text

KEYS = ("field", "is", "value", "to")
_PLAIN = str | int | Decimal | dt.date | Unknown
Part = tuple[str, Any]
"""The name of a query parameter, and its text or Unknown."""


class Kind(NamedTuple):
    """Parameters for a field's value and the end of a range; `format` (strftime) when they are dates."""

    value: str
    to: str = ""
    format: str = ""


class Field(NamedTuple):
    """Field that can be compared. `values` are its only ones, by name, where the document lists them."""

    code: str
    kind: Kind
    values: Mapping[str, str]


SIGNS = ("==", "!=", "<", ">", "<=", ">=")


class Comparison(NamedTuple):
    """Comparison. A `range` goes from `value` to `to`.

    With `day_end` a date without a time, as the last value, includes the complete day. `sign` is the one of SIGNS that
    is among its names, "" for none.
    """

    code: str
    range: bool = False
    day_end: bool = False
    sign: str = ""


class Conditions(NamedTuple):
    """Grammar of one API's conditions. `comparisons` include aliases; `named` are the first names only."""

    field_part: str
    is_part: str
    fields: Mapping[str, Field]
    comparisons: Mapping[str, Comparison]
    named: tuple[str, ...]


def read_grammar(declared: Mapping[str, Any]) -> Conditions:
    """Return the grammar that an x-runner-conditions declares."""
    kinds = {name: Kind(**kind) for name, kind in declared["kinds"].items()}
    comparisons = {}
    for name, entry in declared["comparisons"].items():
        names = (name, *entry.get("also", ()))
        sign = next((alias for alias in names if alias in SIGNS), "")
        comparison = Comparison(
            str(entry["code"]), entry.get("range", False), entry.get("day_end", False), sign
        )
        comparisons.update(dict.fromkeys(names, comparison))
    return Conditions(
        field_part=declared["parts"]["field"],
        is_part=declared["parts"]["is"],
        fields={
            name: Field(
                str(entry["code"]),
                kinds[entry["kind"]],
                {shown: str(code) for shown, code in entry.get("values", {}).items()},
            )
            for name, entry in declared["fields"].items()
        },
        comparisons=comparisons,
        named=tuple(declared["comparisons"]),
    )


def encode_conditions(name: str, grammar: Conditions, given: Any, findings: Findings) -> list[Part]:
    """Return the query parameters for the value of the parameter `name`: a list of conditions, or one alone.

    A list is sent as name[1][part], name[2][part], one alone as the bare parts. Values that cannot be sent are refused
    in `findings`; Unknown values pass.
    """
    if isinstance(given, Unknown):
        return [(name, given)]
    if isinstance(given, Mapping):
        return _encode(given, grammar, path=(name,), findings=findings)
    if not isinstance(given, Sequence) or isinstance(given, str):
        findings.refuse(
            (name,), "is a list of conditions, such as [{field: ..., is: ..., value: ...}]"
        )
        return []
    if not given:
        findings.refuse((name,), "needs at least one condition")
    parts: list[Part] = []
    for index, condition in enumerate(given):
        path = (name, index)
        if isinstance(condition, Unknown):
            parts.append((f"{name}[{index + 1}]", condition))
        elif isinstance(condition, Mapping):
            encoded = _encode(condition, grammar, path=path, findings=findings)
            parts += [(f"{name}[{index + 1}][{part}]", value) for part, value in encoded]
        else:
            findings.refuse(path, "is no condition; write {field: ..., is: ..., value: ...}")
    return parts


def _encode(
    condition: Mapping[str, Any], grammar: Conditions, *, path: TreePath, findings: Findings
) -> list[Part]:
    if translated := in_our_words(grammar, condition):
        findings.refuse(path, f"is spelled as the API does; write {translated}")
        return []
    for key in sorted(set(condition) - set(KEYS)):
        findings.refuse((*path, key), f"a condition has no {key!r}; {nearest(key, KEYS)}")
    given = {key: value for key, value in condition.items() if key in KEYS and value is not None}
    for key in ("field", "is"):
        if key not in given:
            names = ", ".join(grammar.fields if key == "field" else grammar.named)
            findings.refuse(path, f"a condition needs {key!r}: one of {names}")
    field = _entry(
        given.get("field"), grammar.fields, grammar.fields, path=(*path, "field"), findings=findings
    )
    compared = _entry(
        given.get("is"), grammar.comparisons, grammar.named, path=(*path, "is"), findings=findings
    )
    parts: list[Part] = [
        (part, entry.code if isinstance(entry, Field | Comparison) else entry)
        for part, entry in ((grammar.field_part, field), (grammar.is_part, compared))
        if entry is not None
    ]
    if isinstance(field, Field) and isinstance(compared, Comparison):
        return parts + _values(given, field, compared, grammar, path=path, findings=findings)
    unknown = next((entry for entry in (field, compared) if isinstance(entry, Unknown)), None)
    if unknown is not None:
        # The form of the values depends on it, so they are unknown as well.
        parts += [(key, unknown) for key in ("value", "to") if key in given]
    return parts


def _entry(
    value: Any,
    known: Mapping[str, Any],
    names: Iterable[str],
    *,
    path: TreePath,
    findings: Findings,
) -> Any:
    """Return the entry of a name; an Unknown unchanged; None when it is refused or missing."""
    if value is None or isinstance(value, Unknown):
        return value
    if not isinstance(value, str) or value not in known:
        own = next((name for name in names if known[name].code == str(value)), "")
        wrong = f"is what the API calls it; write {own}" if own else "is none of them; "
        findings.refuse(path, f"{value!r} {wrong}{'' if own else nearest(str(value), names)}")
        return None
    return known[value]


def _values(
    given: Mapping[str, Any],
    field: Field,
    compared: Comparison,
    grammar: Conditions,
    *,
    path: TreePath,
    findings: Findings,
) -> list[Part]:
    """Return the values that the field and the comparison require, each with its parameter."""
    name, comparison = given["field"], given["is"]
    if compared.range and not field.kind.to:
        findings.refuse(
            (*path, "is"), f"{comparison!r} does not go with {name!r}, which has no ranges"
        )
        return []
    if "to" in given and not compared.range:
        findings.refuse(
            (*path, "to"), f"{comparison!r} takes one value; 'to' is the end of a range"
        )
    parts: list[Part] = []
    keys = ("value", "to") if compared.range else ("value",)
    for key in keys:
        if key not in given:
            noun = "a date" if field.kind.format else "a text"
            findings.refuse(path, f"{name!r} {comparison!r} needs {key!r}: {noun} to compare with")
            continue
        end = compared.day_end and key == keys[-1]
        if _is_bare_day(given[key]) and (note := note_of_day(grammar, given, key)):
            findings.notes.append(((*path, key), note))
        value = _value(given[key], field, end=end, path=(*path, key), findings=findings)
        parts.append((getattr(field.kind, key), value))
    _check_order(parts, field, path=path, findings=findings)
    return parts


def _check_order(
    parts: Sequence[Part], field: Field, *, path: TreePath, findings: Findings
) -> None:
    """Refuse a range of dates that ends before it begins."""
    texts = [value for _, value in parts if isinstance(value, str)]
    # Formatted dates compare as texts.
    if len(texts) > 1 and field.kind.format and texts[1] < texts[0]:
        findings.refuse((*path, "to"), f"the range ends before it begins: {texts[0]} to {texts[1]}")


def _value(value: Any, field: Field, *, end: bool, path: TreePath, findings: Findings) -> Any:
    if isinstance(value, Unknown):
        return value
    if field.kind.format:
        moment = _moment(value, end=end)
        if moment is None:
            findings.refuse(path, f"{value!r} is not a date like 2026-01-31 or 2026-01-31T14:30:00")
        return moment.strftime(field.kind.format) if moment else None
    if isinstance(value, bool | float | Decimal | Mapping | list) or value is None:
        findings.refuse(path, f"{value!r} is not text")
        return None
    text = to_text(value)
    if not field.values:
        return text
    return named_value(text, field.values, path=path, findings=findings)


def named_value(
    value: Any, values: Mapping[str, Any], *, path: TreePath, findings: Findings
) -> Any:
    """Return the code of one of `values`, given by its name or its code; refuse other values."""
    if isinstance(value, Unknown):
        return value
    codes = {name.lower(): code for name, code in values.items()} | {
        str(code): code for code in values.values()
    }
    if str(value).lower() not in codes:
        findings.refuse(path, f"{value!r} is not one of its values; {nearest(str(value), values)}")
    return codes.get(str(value).lower())


def _is_bare_day(value: Any) -> bool:
    """Return whether a value is a date without a time."""
    if isinstance(value, dt.date):
        return not isinstance(value, dt.datetime)
    try:
        return isinstance(value, str) and len(value) == 10 and bool(dt.date.fromisoformat(value))
    except ValueError:
        return False


def note_of_day(grammar: Conditions, condition: Mapping[str, Any], key: str) -> str:
    """Return a note on a date without a time in `value` or `to`; "" where it has the intended meaning.

    The remedy follows after a semicolon.
    """
    field_name, comparison = condition.get("field"), condition.get("is")
    field = grammar.fields.get(field_name) if isinstance(field_name, str) else None
    compared = grammar.comparisons.get(comparison) if isinstance(comparison, str) else None
    if field is None or compared is None:
        return ""
    last = key == ("to" if compared.range else "value")
    if not field.kind.format or (last and compared.day_end):
        return ""
    ranges = [name for name in grammar.named if grammar.comparisons[name].range]
    named = {grammar.comparisons[name].sign: name for name in grammar.named}
    all_day = f"; write is: {ranges[0]}, with the day as value and as to" if ranges else ""
    later = f"; for later days write is: {named['>=']}, with the next day" if ">=" in named else ""
    left_out = "the rest of the day is left out"
    effect = {
        "==": f"nothing else equals it{all_day}",
        "!=": "nothing else is left out",
        ">": f"the day itself is included{later}",
        "<=": left_out,
    }.get(compared.sign, left_out if compared.range and last else "")
    return f"a day without a time is its first second: {effect}" if effect else ""


def in_our_words(grammar: Conditions, given: Mapping[Any, Any]) -> str:
    """Return a condition in the API's spelling as recipes spell it; "" for others, and incomplete ones."""
    codes = [str(given.get(part)) for part in (grammar.field_part, grammar.is_part)]
    name = next((n for n, field in grammar.fields.items() if field.code == codes[0]), "")
    comparison = next((n for n in grammar.named if grammar.comparisons[n].code == codes[1]), "")
    if not name or not comparison or not (set(given) - set(KEYS)) & spelled_parts(grammar):
        return ""
    field = grammar.fields[name]
    parts = (("value", field.kind.value), ("to", field.kind.to))
    values = {key: given.get(part, given.get(key)) for key, part in parts}
    if not all(value is None or isinstance(value, _PLAIN) for value in values.values()):
        return ""
    named = {code: shown for shown, code in field.values.items()}
    written = [f"field: {name}", f"is: {comparison}"]
    written += [
        f"{key}: {named.get(str(value)) or _written(value)}"
        for key, value in values.items()
        if value is not None
    ]
    return "{" + ", ".join(written) + "}"


def spelled_parts(grammar: Conditions) -> frozenset[str]:
    """Return the API's names for the parts of a condition."""
    kinds = [field.kind for field in grammar.fields.values()]
    parts = {part for kind in kinds for part in (kind.value, kind.to) if part}
    return frozenset({grammar.field_part, grammar.is_part, *parts})


def spelled_conditions(
    name: str, grammar: Conditions, given: Mapping[str, Any]
) -> tuple[frozenset[str], str]:
    """Return the arguments that spell conditions as the API does, and the same conditions in a recipe's spelling.

    The arguments are such as `field` or `conditions[1][field]`. The second text is "" where a condition is incomplete.
    """
    parts = spelled_parts(grammar)
    numbered: dict[str, dict[str, Any]] = {}
    names = set()
    pattern = re.compile(re.escape(name) + r"\[([0-9]+)\]\[([^]]*)\]")
    for key, value in given.items():
        bracketed = pattern.fullmatch(key)
        number, part = (bracketed[1], bracketed[2]) if bracketed else ("", key)
        if part in parts:
            names.add(key)
            numbered.setdefault(number, {})[part] = value
    texts = [in_our_words(grammar, condition) for condition in numbered.values()]
    if not all(texts):
        return frozenset(names), ""
    single = list(numbered) == [""]
    spelling = texts[0] if single else f"[{', '.join(texts)}]"
    return frozenset(names), f"{name}: {spelling}" if texts else ""


def _written(value: Any) -> str:
    """Return a value as a recipe writes it: in quotes where it is a text, except for dates."""
    text = value.origin if isinstance(value, Unknown) else to_text(value)
    plain = not isinstance(value, str | Unknown) or _moment(value, end=False) is not None
    return text if plain else json.dumps(text, ensure_ascii=False)


def _moment(value: Any, *, end: bool) -> dt.datetime | None:
    """Return a date or a moment in UTC. A moment without an offset is UTC already."""
    if isinstance(value, str):
        parse = dt.date.fromisoformat if len(value) == 10 else dt.datetime.fromisoformat
        try:
            value = parse(value)
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC) if value.tzinfo else value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time(23, 59, 59) if end else dt.time(), tzinfo=dt.UTC)
    return None
