"""Search conditions as people write them, `{field: date_raised, is: after, value: 2026-11-14}`, in the API's numbers.

What the fields and comparisons are called, and which parts their values go into, is in the API document.
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
    """The parts that a field's value and the end of a range go into; `format` (strftime) when they are dates."""

    value: str
    to: str = ""
    format: str = ""


class Field(NamedTuple):
    """A field that can be tested. `values` are the only ones it has, by name, where the document lists them."""

    code: str
    kind: Kind
    values: Mapping[str, str]


SIGNS = ("==", "!=", "<", ">", "<=", ">=")


class Comparison(NamedTuple):
    """A comparison. A `range` goes from `value` to `to`; with `day_end` a bare day in its last value is all of it.

    `sign` is the one of SIGNS that is among its names, "" for none.
    """

    code: str
    range: bool = False
    day_end: bool = False
    sign: str = ""


class Conditions(NamedTuple):
    """The grammar of one API's conditions. `comparisons` hold the other names too; `named` the first ones only."""

    field_part: str
    is_part: str
    fields: Mapping[str, Field]
    comparisons: Mapping[str, Comparison]
    named: tuple[str, ...]


def read_grammar(declared: Mapping[str, Any]) -> Conditions:
    """The grammar that an x-runner-conditions declares."""
    kinds = {name: Kind(**kind) for name, kind in declared["kinds"].items()}
    comparisons = {}
    for name, entry in declared["comparisons"].items():
        names = (name, *entry.get("also", ()))
        sign = next((each for each in names if each in SIGNS), "")
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
    """The query parameters of what a step gives for the parameter `name`: a list of conditions, or one alone.

    A list is sent as name[1][part], name[2][part], one alone as the bare parts. What cannot be sent is refused in
    `findings`; Unknown values pass.
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
    field = _known(
        given.get("field"), grammar.fields, grammar.fields, path=(*path, "field"), findings=findings
    )
    compared = _known(
        given.get("is"), grammar.comparisons, grammar.named, path=(*path, "is"), findings=findings
    )
    parts: list[Part] = [
        (part, known.code if isinstance(known, Field | Comparison) else known)
        for part, known in ((grammar.field_part, field), (grammar.is_part, compared))
        if known is not None
    ]
    if isinstance(field, Field) and isinstance(compared, Comparison):
        return parts + _values(given, field, compared, grammar, path=path, findings=findings)
    unknown = next((each for each in (field, compared) if isinstance(each, Unknown)), None)
    if unknown is not None:  # how the values are written depends on it
        parts += [(key, unknown) for key in ("value", "to") if key in given]
    return parts


def _known(
    value: Any,
    known: Mapping[str, Any],
    names: Iterable[str],
    *,
    path: TreePath,
    findings: Findings,
) -> Any:
    """What a name stands for; an Unknown as it is; None when it is refused or not given."""
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
    """The companions that the field and the comparison ask for, each in its part."""
    what, comparison = given["field"], given["is"]
    if compared.range and not field.kind.to:
        findings.refuse(
            (*path, "is"), f"{comparison!r} does not go with {what!r}, which has no ranges"
        )
        return []
    if "to" in given and not compared.range:
        findings.refuse(
            (*path, "to"), f"{comparison!r} takes one value; 'to' is the end of a range"
        )
    parts = []
    keys = ("value", "to") if compared.range else ("value",)
    for key in keys:
        if key not in given:
            wanted = "a date" if field.kind.format else "a text"
            findings.refuse(
                path, f"{what!r} {comparison!r} needs {key!r}: {wanted} to compare with"
            )
            continue
        end = compared.day_end and key == keys[-1]
        if _is_bare_day(given[key]) and (note := note_of_day(grammar, given, key)):
            findings.notes.append(((*path, key), note))
        value = _value(given[key], field, end=end, path=(*path, key), findings=findings)
        parts.append((getattr(field.kind, key), value))
    texts = [value for _, value in parts]
    if (
        len(texts) > 1
        and all(isinstance(text, str) for text in texts)
        and field.kind.format
        and texts[1] < texts[0]
    ):
        findings.refuse((*path, "to"), f"the range ends before it begins: {texts[0]} to {texts[1]}")
    return parts


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
    return (
        named_value(to_text(value), field.values, path=path, findings=findings)
        if field.values
        else to_text(value)
    )


def named_value(
    value: Any, values: Mapping[str, Any], *, path: TreePath, findings: Findings
) -> Any:
    """What is sent for one of `values`, given by its name or as it is sent; other values are refused."""
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
    """Return a note on a day without a time in `value` or `to`; "" where it holds what people mean by it.

    The remedy follows after a semicolon.
    """
    field, compared = (
        known.get(name) if isinstance(name, str) else None
        for known, name in (
            (grammar.fields, condition.get("field")),
            (grammar.comparisons, condition.get("is")),
        )
    )
    if not isinstance(field, Field) or not isinstance(compared, Comparison):
        return ""
    last = key == ("to" if compared.range else "value")
    if not field.kind.format or (last and compared.day_end):
        return ""
    ranges = [name for name in grammar.named if grammar.comparisons[name].range]
    named = {grammar.comparisons[name].sign: name for name in grammar.named}
    whole = f"; write is: {ranges[0]}, with the day as value and as to" if ranges else ""
    later = f"; for later days write is: {named['>=']}, with the next day" if ">=" in named else ""
    left_out = "the rest of the day is left out"
    said = {
        "==": f"nothing else equals it{whole}",
        "!=": "nothing else is left out",
        ">": f"the day itself is included{later}",
        "<=": left_out,
    }.get(compared.sign, left_out if compared.range and last else "")
    return f"a day without a time is its first second: {said}" if said else ""


def in_our_words(grammar: Conditions, given: Mapping[Any, Any]) -> str:
    """Return a condition that is spelled as the API does, as recipes spell it; "" where it is not, or is not whole."""
    codes = [str(given.get(part)) for part in (grammar.field_part, grammar.is_part)]
    name = next((n for n, each in grammar.fields.items() if each.code == codes[0]), "")
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
    """Return the names that the API has for the parts of a condition."""
    kinds = [field.kind for field in grammar.fields.values()]
    parts = {part for kind in kinds for part in (kind.value, kind.to) if part}
    return frozenset({grammar.field_part, grammar.is_part, *parts})


def spelled_conditions(
    name: str, grammar: Conditions, given: Mapping[str, Any]
) -> tuple[frozenset[str], str]:
    """Return the arguments that spell conditions as they are sent, `field` or `conditions[1][field]`, and in our words.

    The words are "" where they are not whole.
    """
    parts = spelled_parts(grammar)
    numbered: dict[str, dict[str, Any]] = {}
    found = set()
    pattern = re.compile(re.escape(name) + r"\[([0-9]+)\]\[([^]]*)\]")
    for key, value in given.items():
        bracketed = pattern.fullmatch(key)
        number, part = (bracketed[1], bracketed[2]) if bracketed else ("", key)
        if part in parts:
            found.add(key)
            numbered.setdefault(number, {})[part] = value
    words = [in_our_words(grammar, each) for each in numbered.values()]
    if not all(words):
        return frozenset(found), ""
    whole = words[0] if list(numbered) == [""] else f"[{', '.join(words)}]"
    return frozenset(found), f"{name}: {whole}" if words else ""


def _written(value: Any) -> str:
    """Return a value as a recipe has it: in quotes where it is a text, but for dates."""
    text = value.origin if isinstance(value, Unknown) else to_text(value)
    plain = not isinstance(value, str | Unknown) or _moment(value, end=False) is not None
    return text if plain else json.dumps(text, ensure_ascii=False)


def _moment(value: Any, *, end: bool) -> dt.datetime | None:
    """A day or a moment in UTC. A moment without an offset is UTC already."""
    if isinstance(value, str):
        try:
            value = (
                dt.date.fromisoformat(value)
                if len(value) == 10
                else dt.datetime.fromisoformat(value)
            )
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC) if value.tzinfo else value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time(23, 59, 59) if end else dt.time(), tzinfo=dt.UTC)
    return None
