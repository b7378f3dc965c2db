"""Checks of columns beyond the recipe schema: their keys, and the literal values that they give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.patterns import PatternError, matcher
from runner.problems import Problem
from runner.recipe.dates import ISO_DATE, read_date
from runner.recipe.model import EMPTY_CELLS, Column, Numbers, Var
from runner.recipe.texts import mapping
from runner.recipe.variables import TYPES, as_text, var_value
from runner.source import Source, TreePath

_NUMBERS = ("integer", "decimal")
_ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "format": ("date",),
    "locale": ("date",),
    "serial": ("date",),
    "time": ("date",),
    "decimal_mark": ("decimal",),
    "thousands": _NUMBERS,
    "currency": _NUMBERS,
    "accounting": _NUMBERS,
    "percent": ("decimal",),
    "trim": ("string",),
    "minLength": ("string",),
    "maxLength": ("string",),
    "pattern": ("string",),
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "enum": ("string", *_NUMBERS),
}
FORMER_EMPTY = "null"
"""The former name of `empty`. As a bare key it is a null to every parser of YAML but ours."""

_ORDERED = (("minimum", "maximum"), ("minLength", "maxLength"))


def column(name: str, given: Mapping[str, Any]) -> Column:
    """Return the column that a recipe describes."""
    kind = given.get("type", "string")
    header, *others = _several(given.get("from", name))
    mapped = given.get("map")
    return Column(
        name,
        header=header,
        type=kind,
        others=tuple(others),
        format=_several(given.get("format", ())),
        locale=given.get("locale", ""),
        serial=given.get("serial", False),
        drop_time="time" in given,
        written=_written(given),
        empty=tuple(given.get("empty", given.get(FORMER_EMPTY, EMPTY_CELLS))),
        trim=given.get("trim", False),
        case=given.get("case", ""),
        replace=tuple(given.get("replace", {}).items()),
        map=None
        if mapped is None
        else {key: _typed(name, kind, value) for key, value in mapped.items()},
        default=_typed(name, kind, given.get("default")),
        split=given.get("split", ""),
        part=_part(given["part"]) if "part" in given else None,
        required=given.get("required", False),
        min_length=given.get("minLength"),
        max_length=given.get("maxLength"),
        pattern=given.get("pattern", ""),
        minimum=given.get("minimum"),
        maximum=given.get("maximum"),
        enum=tuple(as_text(value) for value in given.get("enum", ())),
    )


def _several(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _written(given: Mapping[str, Any]) -> Numbers:
    return Numbers(
        given.get("decimal_mark", "."),
        given.get("thousands", ""),
        _several(given.get("currency", ())),
        percent=given.get("percent", False),
        accounting=given.get("accounting", False),
    )


def _part(text: str) -> tuple[int, int]:
    """Return the part and the number of parts: the third of three is (3, 3)."""
    number, _, of = text.partition(" of ")
    return int(number), int(of)


def _typed(name: str, kind: str, value: Any) -> Any:
    """Return a value that the recipe writes out, in the type of the column.

    Raises ValueError with a message for people.
    """
    return var_value(Var(name, type=kind), value)


def check_column(source: Source, path: TreePath, given: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of one column: keys that do not fit each other or its type, and values of another type."""
    kind = given.get("type", "string")
    if kind not in TYPES:
        return
    for key, kinds in _ONLY_FOR.items():
        if key in given and kind not in kinds:
            message = f"{key!r} is for columns of type {' or '.join(kinds)}, and this one is {kind}"
            remedy = "change the type, or leave it out"
            if key == "trim":
                message, remedy = (
                    f"{key!r} is for text: what is {kind} is read without blanks anyway",
                    "leave it out",
                )
            yield source.problem(source.key((*path, key)), message, "column", remedy=remedy)
    for low, high in _ORDERED:
        try:
            crossed = low in given and high in given and given[low] > given[high]
        except TypeError:
            crossed = False
        if crossed:
            message = f"{low!r} is larger than {high!r}: no value fits"
            yield source.problem(
                source.value((*path, low)), message, "column", remedy="swap the two"
            )
    if isinstance(given.get("pattern"), str):
        yield from _pattern(source, (*path, "pattern"), given["pattern"])
    if kind == "date":
        yield from _dates(source, path, given)
    yield from _together(source, path, given)
    yield from _former_names(source, path, given)
    yield from _written_out(source, path, given, kind)


def _together(source: Source, path: TreePath, given: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of keys of which one makes another useless."""
    mark, thousands = given.get("decimal_mark", "."), given.get("thousands")
    if thousands == mark and given.get("type") == "decimal":
        message = f"{thousands!r} cannot be the decimal mark and separate the thousands too"
        remedy = 'add decimal_mark: ","' if mark == "." else "change one of the two"
        yield source.problem(source.value((*path, "thousands")), message, "column", remedy=remedy)
    if given.get("required") is True and "default" in given:
        message = "the column is required and has a default, which would never be used"
        yield source.problem(
            source.key((*path, "default")), message, "column", remedy="drop one of the two"
        )
    if "part" in given and "split" not in given:
        message = "'part' takes one of the parts of a cell, and nothing separates them"
        yield source.problem(
            source.key((*path, "part")), message, "column", remedy='add split: "-"'
        )
    if "split" in given and "part" not in given and "default" in given:
        message = (
            "a cell that is split is a list, and an empty one has no items: 'default' is never used"
        )
        yield source.problem(
            source.key((*path, "default")), message, "column", remedy="leave it out"
        )
    number, _, of = str(given.get("part", "")).partition(" of ")
    if number.isdecimal() and of.isdecimal() and int(number) > int(of):
        message = f"there is no part {given['part']}"
        yield source.problem(
            source.value((*path, "part")), message, "column", remedy=f"as in {of} of {of}"
        )
    if "locale" in given and not any(
        "%b" in form.lower() for form in _strings(given.get("format"))
    ):
        message = "'locale' is for the names of months, and the format has none"
        remedy = 'such as "%d. %B %Y", %B being the month; or leave it out'
        yield source.problem(source.key((*path, "locale")), message, "column", remedy=remedy)


def _former_names(source: Source, path: TreePath, given: Mapping[str, Any]) -> Iterator[Problem]:
    if FORMER_EMPTY not in given:
        return
    both = "empty" in given
    message = f"{FORMER_EMPTY!r} is the former name of 'empty'" + (
        ", which is given as well" if both else ": other YAML parsers read no such key"
    )
    yield source.problem(
        source.key((*path, FORMER_EMPTY)), message, "column",
        remedy="keep 'empty'" if both else "write 'empty'",
        severity="error" if both else "warning",
    )  # fmt: skip


def _strings(value: Any) -> list[str]:
    several = value if isinstance(value, list) else [value]
    return [each for each in several if isinstance(each, str)]


def _written_out(
    source: Source, path: TreePath, given: Mapping[str, Any], kind: str
) -> Iterator[Problem]:
    """Yield the values of `map` and `default` that are none of the column's type, and keys of `map` that are one."""
    values: dict[TreePath, Any] = {
        ("map", key): value for key, value in mapping(given.get("map")).items()
    }
    values |= {(key,): given[key] for key in ("default",) if key in given}
    for place, value in values.items():
        try:
            _typed(str(path[-1]), kind, value)
        except ValueError as error:
            yield source.problem(
                source.value((*path, *place)), str(error), "column", remedy="or change the type"
            )
    if given.get("case") not in (None, "upper", "lower", "title"):
        return
    first: dict[str, str] = {}
    for key in mapping(given.get("map")):
        same = _compared(key, given)
        if first.setdefault(same, key) != key:
            message = f"{key!r} stands in the map twice: cleaned, {first[same]!r} is the same"
            yield source.problem(
                source.key((*path, "map", key)), message, "column", remedy="keep one of the two"
            )
    for value in (
        given.get("enum", ()) if isinstance(given.get("enum"), list) and "map" not in given else ()
    ):
        if isinstance(value, str) and _compared(value, given) != value and "case" in given:
            at = given["enum"].index(value)
            message = (
                f"{value!r} is no value of the column, whose texts are in {given['case']} case"
            )
            remedy = f"write {_compared(value, given)!r}"
            yield source.problem(
                source.value((*path, "enum", at)), message, "column", remedy=remedy
            )


def _compared(text: str, given: Mapping[str, Any]) -> str:
    """Return a text in the form that the map and the enum compare."""
    text = (
        text.strip()
        if given.get("trim") is True or given.get("type", "string") != "string"
        else text
    )
    for old, new in mapping(given.get("replace")).items():
        text = text.replace(old, str(new))
    return cased(text, given.get("case", ""))


_WORD = re.compile(r"[^\W_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W_]+)*")
_SINGLE = re.compile(r"(?<=\b\w['\N{RIGHT SINGLE QUOTATION MARK}])\w")


def cased(text: str, case: str) -> str:
    """Return a text in upper, lower or title case: each word with one capital, and O'Brien with two."""
    if case == "title":
        # An apostrophe after a single letter begins a name.
        return _SINGLE.sub(
            lambda letter: letter[0].upper(), _WORD.sub(lambda word: word[0].capitalize(), text)
        )
    if case == "upper":
        return text.upper()
    return text.lower() if case == "lower" else text


def _dates(source: Source, path: TreePath, given: Mapping[str, Any]) -> Iterator[Problem]:
    forms, locale = given.get("format", ISO_DATE), given.get("locale", "")
    for at, form in enumerate(_strings(forms)):
        try:
            read_date(form, locale=locale if isinstance(locale, str) else "")
        except ValueError as error:
            place = source.value(
                (*path, "format", at) if isinstance(forms, list) else (*path, "format")
            )
            remedy = "as in %m/%d/%Y for 12/31/2024, or %d.%m.%y for 31.12.24"
            if "locale" in str(error):
                place, remedy = source.value((*path, "locale")), "as in de, fr, es or pt_BR"
            yield source.problem(place, str(error), "column", remedy=remedy)


def _pattern(source: Source, path: TreePath, pattern: str) -> Iterator[Problem]:
    try:
        matcher(pattern)
    except PatternError as error:
        place = source.within(path, error.position, 1)
        supported = "not supported" in str(error)
        remedy = (
            "what a pattern cannot say, `require` under `rows` can"
            if supported
            else "a sign that stands for itself needs a \\ before it"
        )
        yield source.problem(place, f"not a regular expression: {error}", "column", remedy=remedy)
