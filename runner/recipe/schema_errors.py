"""The shape of a recipe: `schemas/recipe.schema.json`, with its errors in the terms of the recipe's author.

An error is worded by the keyword of the schema that failed, and stands at the key when a key is unknown or
missing, at the value otherwise:

    orders.yaml:9:5: error: unknown key 'wiht' [unknown-key]
    orders.yaml:12:12: error: 'retry' has to be a whole number, not text [type]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runner.problems import Problem, nearest
from runner.recipe.foreign import KEYS, OTHER_TYPES, VALUES, WAYS
from runner.recipe.validator import fits, is_number, recipe_validator, steps_validator
from runner.source import Source, TreePath

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_START = 'a recipe starts with "recipe: 1", "name: ..." and "steps:"'
_KINDS = {
    "object": "a mapping of keys to values",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_SECTIONS = {
    "columns": "column",
    "vars": "var",
    "lookups": "lookup",
    "outputs": "output",
    "let": "named value",
}
EXAMPLES = {
    "id": "a name for the step's result, as in job",
    "use": "an operation, as in syncore.create_job",
    "columns": "the headers of the columns that become lines, as in [S, M, L]",
    "name": "the column that takes the header, as in size",
    "value": "the column that takes the cell, as in quantity",
    "in": "the list, as in row.lines",
    "as": "what each element is called, as in line",
    "step": "the id that the step had, as in lines",
    "that": "what has to be true, as in row.total > 0",
    "message": "what is said where it is not, as in the total is missing",
    "by": "the field that entries are found by, as in name",
    "until": "what ends the waiting, as in result.status == 'paid'",
    "include": "the file with the steps, as in customer.yaml",
    "with": "its arguments, as in {name: 'row.name'}",
    "rows": "where the rows come from, as in {file: orders.csv}",
    "steps": "what is done, a list of steps",
    "outputs": "what is exported of each row, as in {name: '{{ row.name }}'}",
    "recipe": "the version of the language, which is 1",
}
Finding = tuple[TreePath, Problem | None]
"""The path that has a problem, and the problem; None where another problem says it already."""


def check(source: Source, *, of_steps: bool = False) -> tuple[list[Problem], frozenset[TreePath]]:
    """Return every problem of the shape of a recipe, or of a file `of_steps`, and the paths that have one."""
    if of_steps:
        found, broken = all_that_is_wrong(source, steps_validator())
        return [replace(each, message=_of_a_file(each.message)) for each in found], broken
    if source.data is None:
        return [
            source.problem(source.value(()), "the recipe is empty", "empty", remedy=_START)
        ], frozenset({()})
    return ([], frozenset()) if fits(source.data) else all_that_is_wrong(source)


def _of_a_file(message: str) -> str:
    return message.replace("the recipe", "the file of steps")


def all_that_is_wrong(
    source: Source, validator: Any = None
) -> tuple[list[Problem], frozenset[TreePath]]:
    """Return the problems of a recipe that has some, and the paths that have one."""
    findings = list(_all(source, validator or recipe_validator()))
    problems = {problem for _, problem in findings if problem}
    return sorted(problems), frozenset(path for path, _ in findings)


def found(source: Source) -> Iterator[tuple[TreePath, Problem]]:
    """Yield the problems of the shape of a recipe with their paths."""
    if source.data is not None and not fits(source.data):
        for path, problem in _all(source, recipe_validator()):
            if problem:
                yield path, problem


def _all(source: Source, validator: Any) -> Iterator[Finding]:
    for error in validator.iter_errors(source.data):
        yield from _findings(source, error)


def _findings(source: Source, error: ValidationError) -> Iterator[Finding]:
    path: TreePath = tuple(error.absolute_path)
    keyword = str(error.validator)
    if "propertyNames" in error.absolute_schema_path:
        yield _bad_name(source, error, path)
    elif keyword == "additionalProperties":
        yield from _unknown_keys(source, error, path)
    elif keyword in ("required", "anyOf"):
        yield from _missing_keys(source, error, path)
    else:
        kind, wording = WORDINGS.get(keyword, ("shape", _otherwise))
        message, remedy = wording(error, path)
        yield (
            path,
            source.problem(source.value(path), message, kind, remedy=remedy) if message else None,
        )


def _unknown_keys(source: Source, error: ValidationError, path: TreePath) -> Iterator[Finding]:
    known, present = _known(error), _instance(error)
    if path == ("export",) and "use" in present:
        yield from ((("export", key), None) for key in present if key not in known)
        yield ("export", "use"), _reading_export(source)
        return
    for key in present:
        if key not in known:
            remedy = _from_lookup(source, path, present[key]) or _suggestion(key, known, present)
            problem = source.problem(
                source.key((*path, key)), f"unknown key {key!r}", "unknown-key", remedy=remedy
            )
            yield (*path, key), problem


def _reading_export(source: Source) -> Problem:
    """Return an `export` that says what to read, as a step does."""
    message = "'export' only says of what there is a line, and reads nothing"
    remedy = (
        "read in a step: steps: [{id: found, use: ..., with: ...}]; then export: {lines: found}, "
        'and the columns are outputs: {name: "{{ item.name }}"}'
    )
    place = source.key(("export", "use"))
    return source.problem(place, message, "unknown-key", remedy=remedy)


def _from_lookup(source: Source, path: TreePath, value: Any) -> str:
    """Return the remedy for a row per lookup entry, where `rows` names a lookup."""
    lookups = source.data.get("lookups") if isinstance(source.data, dict) else None
    found = lookups.get(value) if isinstance(lookups, dict) and isinstance(value, str) else None
    if path != ("rows",) or not isinstance(found, dict):
        return ""
    return rows_of_lookup(value, found)


def rows_of_lookup(name: str, lookup: Mapping[str, Any]) -> str:
    """Return the remedy for a row per lookup entry."""
    each = f"leave rows out, and give the step for_each: {name}"
    if "use" not in lookup:
        return each
    return (
        f"for a row of each, write what the lookup does: rows: {{use: {lookup['use']}, with: ..., "
        f'key: "{{{{ row.id }}}}"}}; or {each}'
    )


def _missing_keys(source: Source, error: ValidationError, path: TreePath) -> Iterator[Finding]:
    """Yield the missing keys, but for those that a misspelt key stands for."""
    known, present = _known(error), _instance(error)
    misspelt = {_suggestion(key, known, present) for key in present if key not in known}
    if "did you mean 'include'?" in misspelt:
        misspelt.add("did you mean 'use'?")
    missing = [key for key in _required(error) if key not in present]
    yield from (((*path, key), None) for key in missing)
    absent = [key for key in missing if not any(_stands_for(remedy, key) for remedy in misspelt)]
    if absent == ["steps"] and not path and "use" in _mapping(present.get("export")):
        return
    if absent:
        message = f"{_what(path)} has no {_or(list(map(repr, absent)))}"
        remedy = (
            "add " + "; ".join(f"{key!r}: {EXAMPLES[key]}" for key in absent) if path else _START
        )
        if absent == ["steps"] and "rows" in present:
            remedy = "say what is done for each row under 'steps', or what is exported of it under 'outputs'"
        yield (
            (*path, absent[0]),
            source.problem(source.key(path), message, "missing-key", remedy=remedy),
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _stands_for(remedy: str, key: str) -> bool:
    """Return whether an unknown key is reported as a misspelling of this one."""
    return remedy == f"did you mean {key!r}?" or remedy.startswith(f"write {key}: ")


def _required(error: ValidationError) -> list[str]:
    """Return the keys that are needed; of a step that has neither an id nor a use, both at once."""
    if error.validator == "anyOf":
        return ["use"] if "id" in _instance(error) else []
    required: list[str] = list(error.validator_value)  # type: ignore[arg-type]
    without = not {"use", "include"} & _instance(error).keys()
    is_step = tuple(error.absolute_path)[:-1] == ("steps",)
    return [*required, "use"] if is_step and without else required


def _bad_name(source: Source, error: ValidationError, path: TreePath) -> Finding:
    name = str(error.instance)
    section = _SECTIONS.get(str(path[-1]) if path else "", "key")
    if error.validator == "minLength":
        message = f"the name of a {section} is empty"
    elif error.validator == "maxLength":
        message = f"the name of a {section} is longer than {error.validator_value} characters"
    else:
        message = f"{name!r} cannot be the name of a {section}"
    place = source.key((*path, name))
    return (*path, name), source.problem(place, message, "name", remedy=_remedy(error))


def _wrong_type(error: ValidationError, path: TreePath) -> tuple[str, str]:
    value = error.instance
    wanted = (
        error.validator_value
        if isinstance(error.validator_value, list)
        else [error.validator_value]
    )
    words = _or(
        ["a number" if w == "integer" and "number" in wanted else _KINDS[str(w)] for w in wanted]
    )
    pattern = str(_schema(error).get("patternErrorMessage", ""))
    if re.search(str(_schema(error).get("pattern", "")), _plain(value)):
        pattern = ""  # it would do as text
    if value is None:
        remedy = (
            "quote it if the text is meant"
            if isinstance(path[-1], int)
            else f"give it {words}, or leave it out"
        )
        return f"{_what(path)} is empty", remedy
    if not path:
        return f"a recipe is {words}, not {_kind(value)}", _START
    if path == ("rows",) and isinstance(value, str):
        remedy = f'write rows: {{file: {value}, key: "{{{{ row.x }}}}"}}, with the column that names a row for x'
        return f"{_what(path)} has to be {words}, not {_kind(value)}", remedy
    if path[-1:] == ("expect",) and value == 1:
        return f"{_what(path)} has to be {words}, not {_kind(value)}", "write expect: one"
    if path == ("steps",) and isinstance(value, dict) and value and not {"id", "use"} & {*value}:
        remedy = f"begin each with its id: '- id: {next(iter(value))}'"
        return f"{_what(path)} has to be {words}, not {_kind(value)}", remedy
    return f"{_what(path)} has to be {words}, not {_kind(value)}", _retyped(value, wanted, pattern)


def _retyped(value: Any, wanted: list[Any], pattern: str) -> str:
    """Return the expected form of a value, where only its notation is wrong."""
    if pattern and isinstance(value, int | Decimal):
        return pattern
    if isinstance(value, bool | int | Decimal) and "string" in wanted:
        return f"quote it: {_plain(value)!r}"
    if isinstance(value, str) and value.isdecimal() and "integer" in wanted:
        return f"drop the quotes: {value}"
    if isinstance(value, str) and "boolean" in wanted:
        return "write true or false, without quotes"
    if isinstance(value, str) and "integer" in wanted:
        return "write it in digits, as in 3"
    if isinstance(value, list) and wanted == ["string"]:
        return "write one text"
    if isinstance(value, dict) and "array" in wanted:
        return "begin each entry with '- '"
    if isinstance(value, list) and wanted == ["object"]:
        return "write a 'name: value' line for each, without '- '"
    return "write its keys as 'name: value' lines below it" if wanted == ["object"] else ""


def _not_among(error: ValidationError, path: TreePath) -> tuple[str, str]:
    allowed = [str(value) for value in error.validator_value]  # type: ignore[union-attr]
    if error.instance is None:
        return f"{_what(path)} is empty", f"allowed: {', '.join(allowed)}"
    given = _plain(error.instance)
    other = VALUES.get(given.lower(), "")
    if other in allowed:
        return f"{_what(path)} cannot be {given!r}", f"did you mean {other!r}?"
    shown = [value for value in allowed if value not in OTHER_TYPES]
    return f"{_what(path)} cannot be {given!r}", nearest(given, shown, noun="values")


def _wrong_version(error: ValidationError, path: TreePath) -> tuple[str, str]:
    if not is_number(None, error.instance):
        return "", ""
    message = f"version {_plain(error.instance)} of the recipe language is not known"
    return message, f"write {path[-1]}: {error.validator_value}"


def _wrong_pattern(error: ValidationError, path: TreePath) -> tuple[str, str]:
    remedy = _remedy(error)
    if path == ("name",) and (name := _plain_name(str(error.instance))):
        remedy = f"write it in lower-case letters, digits and '-': {name}"
    return f"{_what(path)} cannot be {error.instance!r}", remedy


def _plain_name(text: str) -> str:
    """Return a name as recipes have it: spring-orders for Spring Orders!"""
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:100]


def _too_short(error: ValidationError, path: TreePath) -> tuple[str, str]:
    remedy = (
        "list at least one" if error.validator == "minItems" else "write something, or leave it out"
    )
    return f"{_what(path)} is empty", remedy


def _too_long(error: ValidationError, path: TreePath) -> tuple[str, str]:
    limit = error.validator_value
    return f"{_what(path)} is longer than {limit} character{'s' * (limit != 1)}", "shorten it"


def _out_of_range(error: ValidationError, path: TreePath) -> tuple[str, str]:
    bound = "at least" if error.validator == "minimum" else "at most"
    return (
        f"{_what(path)} has to be {bound} {error.validator_value}, not {_plain(error.instance)}",
        "",
    )


def _otherwise(error: ValidationError, path: TreePath) -> tuple[str, str]:
    return f"{_what(path)} is not as it has to be ({error.validator})", ""


WORDINGS: Mapping[str, tuple[str, Callable[[Any, TreePath], tuple[str, str]]]] = {
    "type": ("type", _wrong_type),
    "enum": ("value", _not_among),
    "const": ("version", _wrong_version),
    "pattern": ("value", _wrong_pattern),
    "minLength": ("empty", _too_short),
    "minItems": ("empty", _too_short),
    "minProperties": ("empty", _too_short),
    "maxLength": ("too-long", _too_long),
    "minimum": ("range", _out_of_range),
    "maximum": ("range", _out_of_range),
}


def _instance(error: ValidationError) -> Mapping[str, Any]:
    return error.instance  # type: ignore[return-value]


def _known(error: ValidationError) -> Mapping[str, Any]:
    schema = _schema(error)
    if (
        not error.absolute_path
    ):  # what the whole recipe needs stands in a branch, without the keys it may have
        schema = schema if "properties" in schema else recipe_validator().schema
    return schema.get("properties", {})  # type: ignore[no-any-return]


def _remedy(error: ValidationError) -> str:
    """Return the schema's own words for its pattern; editors show the same."""
    return (
        str(_schema(error).get("patternErrorMessage", "")) if error.validator == "pattern" else ""
    )


def _schema(error: ValidationError) -> Mapping[str, Any]:
    return error.schema  # type: ignore[return-value]


def _suggestion(key: str, known: Iterable[str], present: Mapping[str, Any]) -> str:
    """Return the nearest of the known keys that is not used yet."""
    free = [name for name in known if name not in present]
    word = re.sub("(?<=[a-z])(?=[A-Z])", "_", key).lower().replace("-", "_").replace(" ", "_")
    if word == "uses" and "include" in free and str(present[key]).endswith((".yaml", ".yml")):
        return "did you mean 'include'?"
    if "." in key and "use" in free:
        return f"write use: {key}, and what it takes under with"
    for other in KEYS.get(word, ()):
        if other in free:
            called = present.get("register") or present[key]
            name = _plain_name(str(called)).replace("-", "_")
            if other == "rows" and isinstance(present[key], str):
                return f"write rows: {{file: {present[key]}}}"
            return (
                f"write id: {name}"
                if other == "id" and name != present[key]
                else f"did you mean {other!r}?"
            )
    if word in ("strategy", "matrix") and "for_each" in known:
        return _over_matrix(present[key])
    needed, remedy = WAYS.get(word, ("", ""))
    if remedy and needed in known:
        return remedy
    return nearest(key, free, noun="keys") or "leave it out"


def _over_matrix(strategy: Any) -> str:
    """Return the remedy for the lists of GitHub's `strategy: {matrix: ...}`."""
    matrix = strategy.get("matrix", strategy) if isinstance(strategy, dict) else strategy
    name, over = (
        next(iter(matrix.items())) if isinstance(matrix, dict) and matrix else ("line", "row.lines")
    )
    inside = EXPRESSION.fullmatch(over) if isinstance(over, str) else None
    shown = inside[1] if inside else over if isinstance(over, str) else "row.lines"
    return f"write for_each: {{in: {shown}, as: {name}}}"


EXPRESSION = re.compile(r"\s*\$?\{\{\s*([^{}]*?)\s*\}\}\s*")
"""An expression in the brackets of a template, or of GitHub Actions."""


def _what(path: TreePath) -> str:
    """Return the name of the value at `path` in messages: `'when'`, `step 2`, `the recipe`."""
    if not path:
        return "the recipe"
    if not isinstance(path[-1], int):
        return repr(path[-1])
    return (
        f"step {path[-1] + 1}"
        if path[:-1] == ("steps",)
        else f"entry {path[-1] + 1} of {path[-2]!r}"
    )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return f"'{_plain(value)}'"
    kinds = ((str, "text"), (int, "a number"), (Decimal, "a number"), (list, "a list"))
    return next((words for kind, words in kinds if isinstance(value, kind)), "a mapping")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _or(words: list[str]) -> str:
    distinct = list(dict.fromkeys(words))
    return (
        " or ".join([", ".join(distinct[:-1]), distinct[-1]]) if len(distinct) > 1 else distinct[0]
    )
