"""The operations that a recipe uses: each exists, and its `with` fits.

Values are judged by the very code that builds the requests of a run, with Unknown in place of every template.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.catalogue import ArgumentError, build_request, condition_notes, spelled_conditions
from runner.catalogue.schemas.schema import is_open
from runner.catalogue.values.scalars import WRITTEN
from runner.problems import Problem, nearest
from runner.recipe.by_name import id_by_name
from runner.recipe.texts import is_each, mapping, sequence
from runner.source import Source, TreePath
from runner.synonyms import among, meant, words
from runner.template import (
    EvaluationError,
    Template,
    TemplateError,
    Unknown,
    compile_template,
    render,
)

if TYPE_CHECKING:
    from runner.catalogue import Api, Catalogue, Operation

_NO = frozenset({"no", "n", "off", "0", "none"})
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_NAME = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z0-9_]+|\[[0-9]+\])+\Z")


def find_operation(
    source: Source, path: TreePath, use: Any, catalogue: Catalogue
) -> Operation | Problem | None:
    """Return the operation of the `use` at `path`, or its problem; None where its shape is wrong already."""
    if not isinstance(use, str) or use.count(".") != 1:
        return None
    api, name = use.split(".")
    if api not in catalogue:
        others = [f"{other}.{name}" for other in catalogue if name in catalogue[other].operations]
        remedy = f"did you mean {others[0]!r}?" if others else nearest(api, catalogue, noun="APIs")
        return source.problem(
            source.value(path), f"no API is called {api!r}", "unknown-api", remedy=remedy
        )
    operations = catalogue[api].operations
    if name in operations:
        return operations[name]
    remedy = _operation_meant(source, path, name, catalogue[api])
    return source.problem(
        source.value(path), f"{api} has no operation {name!r}", "unknown-operation", remedy=remedy
    )


def _operation_meant(source: Source, path: TreePath, name: str, api: Api) -> str:
    """Return the operation that a name is likely meant for: by its words, by what it is given, and by its letters."""
    part = mapping(_at(source.data, path[:-1]))
    given = mapping(part.get("with")).keys()
    close = meant(name, dict.fromkeys(_of_effect(name, api), ""))
    takes = {other: len(given & api.operations[other].parameters.keys()) for other in close}
    close = [other for other in close if takes[other] == max(takes.values())]
    parent = _with_lines(name, close, api)
    if parent:
        return parent
    close = close or difflib.get_close_matches(name, _of_effect(name, api), n=1)
    if close:
        return among(f"{api.name}.{other}" for other in close)
    return f"'runner ops {api.name}' lists what it has"


_EFFECTS = {
    **dict.fromkeys(("search", "get", "count"), "read"),
    **dict.fromkeys(("create", "upsert", "save"), "create"),
    "update": "update",
}
"""What an operation does whose name begins with a word, or with one that means the same."""


def _of_effect(name: str, api: Api) -> list[str]:
    """Return the operations that a name can be meant for: one that creates is never one that reads."""
    effect = _EFFECTS.get(next(iter(words(name)), ""))
    operations = api.operations
    return [other for other in operations if effect in (None, operations[other].effect)]


_LINES = re.compile(r"_(?:line_?)?(?:items?|lines?)\Z")


def _with_lines(name: str, close: list[str], api: Api) -> str:
    """Return advice on lines without an operation of their own (create_purchase_order_line): the argument for them."""
    owner = _LINES.sub("", name)
    if owner == name or any(_LINES.search(other) for other in close):
        return ""
    for other in meant(owner, dict.fromkeys(api.operations, "")):
        for field in api.operations[other].fields:
            if {"line", "item"} & {*words(field)}:
                return f"they are given with what they belong to: {field} of {api.name}.{other}"
    return ""


def check_arguments(
    source: Source, path: TreePath, part: Mapping[str, Any], operation: Operation, api: Api
) -> Iterator[Problem]:
    """Yield problems of the `with` at `path`: names that are unknown or missing, values that cannot fit."""
    arguments = part.get("with", {})
    if isinstance(arguments, dict):
        yield from _Arguments(source, path, arguments, operation, api).problems()


def meant_arguments(
    source: Source, path: TreePath, part: Mapping[str, Any], operation: Operation
) -> Iterator[tuple[TreePath, str]]:
    """Yield the names in `with` that the operation does not know, each with what is said of it."""
    arguments = part.get("with", {})
    searched = any(each.conditions is not None for each in operation.parameters.values())
    if isinstance(arguments, dict) and not searched:
        for unfit in _Arguments(source, path, arguments, operation).unfit():
            yield unfit.path, unfit.remedy


def written_number(value: Any) -> Decimal | None:
    """Return the literal number of an argument, also as text or as a template that reads nothing; else None."""
    if isinstance(value, str) and "{{" in value:
        try:
            template = compile_template(value)
            alone = isinstance(template, Template) and not template.references
            value = render(template, {}) if alone else None
        except (TemplateError, EvaluationError):  # has its own problem
            return None
    if isinstance(value, str) and WRITTEN["number"].fullmatch(value):
        return Decimal(value)
    plain = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return Decimal(value) if plain else None


class _Unfit(NamedTuple):
    """A name that the operation does not know, with those it knows there and was not given."""

    path: TreePath
    free: Mapping[str, Any]
    refused: bool
    value: Any = None

    @property
    def meant(self) -> tuple[str, str]:
        """Return the likely intended name, and advice on its form."""
        name, inside = str(self.path[-1]), mapping(self.value)
        base = words(name)
        flat = next((each for each in self.free if words(each) == (*base, "id")), "")
        if flat and set(inside) == {"id"}:
            return flat, f"write {flat}: {_shown(inside['id'])}"
        for other in self.free:
            if _is_reference(self.free[other]) and base in ((*words(other), "id"), words(other)):
                return other, self._written(other)
        own = [each for each in self.free if each.endswith("_id") and not _is_body(self.free[each])]
        if name == "id" and len(own) == 1:
            return own[0], f"did you mean {own[0]!r}?"
        own_fields = self._flat(inside) if len(inside) > 1 else []
        if own_fields:
            return own_fields[0], f"write them as fields of their own: {', '.join(own_fields)}"
        near = nearest(name, self.free, noun="names")
        about = {other: _about(self.free[other]) for other in self.free}
        found, dates = meant(name, about), self._dates()
        found = self._by_value([each for each in found if each in dates] or dates or found)
        close = re.match(r"did you mean '([^']*)'\?", near)
        if close and not found and not _is_near(name, close.group(1)):
            close, near = None, ""
        if close and not found:
            other = close.group(1)
            return other, self._written(other) + near[close.end() :]
        found = found or meant(name, about, partly=True)
        if len(found) == 1:
            return found[0], self._written(found[0])
        others = (
            f"known names: {', '.join(sorted(self.free)[:12])}" if self.free else "leave it out"
        )
        return (found[0], among(found)) if found else ("", near or others)

    def _flat(self, inside: Mapping[str, Any]) -> list[str]:
        """Return the operation's own fields for most fields of an object: address: {street: ..., city: ...}."""
        free = {key: "" for key, schema in self.free.items() if not _is_reference(schema)}
        found = [key if key in free else next(iter(meant(key, free)), "") for key in inside]
        flat = list(dict.fromkeys(filter(None, found)))
        return flat if len(flat) * 2 > len(inside) else []

    def _dates(self) -> list[str]:
        """Return the fields for a date, where the name says that it is one."""
        if "date" not in words(str(self.path[-1])):
            return []
        found = [key for key, each in self.free.items() if mapping(each).get("format") == "date"]
        return found if len(found) <= SHOWN else []

    def _by_value(self, found: list[str]) -> list[str]:
        """Return the names that may be meant, one that says what the value says first: row.company is business_name."""
        said = {*words(str(self.value))}
        name = words(str(self.path[-1]))
        same = [key for key in self.free if len(name) == 1 and _ends_with(key, name)]
        found = list(dict.fromkeys([*found, *same])) if len(found) > 1 else found
        return sorted(found, key=lambda key: not said & ({*words(key)} - {*name}))

    def _written(self, name: str) -> str:
        """Return advice that gives the value under a name that the operation knows."""
        inside = mapping(self.value)
        value = inside["id"] if set(inside) == {"id"} else self.value
        if _is_reference(self.free[name]) and not isinstance(value, dict | list):
            return f"write {name}: {{id: {_shown(value)}}}"
        return f"did you mean {name!r}?"

    @property
    def remedy(self) -> str:
        return self.meant[1]


SHOWN = 3
"""Fields that may be meant, where one does not say it of itself."""


def _ends_with(key: str, name: tuple[str, ...]) -> bool:
    return len(words(key)) == 2 and words(key)[-1:] == name


def _is_near(name: str, other: str) -> bool:
    """Return whether a name is another one by its words, or but for a slip in its letters."""
    return (
        words(name)[-1:] == words(other)[-1:]
        or difflib.SequenceMatcher(None, name, other).ratio() > LIKE
    )


LIKE = 0.8
"""How alike the letters of two names are of which one is a slip for the other."""


class _Arguments(NamedTuple):
    source: Source
    path: TreePath
    given: Mapping[str, Any]
    operation: Operation
    api: Api | None = None

    def problems(self) -> Iterator[Problem]:
        for name, parameter in self.operation.parameters.items():
            if parameter.conditions is not None:
                keys, words = spelled_conditions(name, parameter.conditions, self.given)
                if words:
                    yield self._spelled(keys, words)
                    others = {key: each for key, each in self.given.items() if key not in keys}
                    given = {**others, name: Unknown(name)}
                    yield from self._replace(given=given).problems()
                    return
        yield from self._days()
        unfit = self.unfit()
        yield from map(self._unknown, unfit)
        missing: dict[TreePath, dict[str, str]] = {}
        try:
            build_request(self.operation, _probe(self.given), base_url="http://localhost")
        except ArgumentError as error:
            for sent, message in error.problems:
                path = _written(self.given, sent)
                if any(path[: len(other.path)] == other.path for other in unfit):
                    continue
                if _at(self.given, path) is None and message.startswith("is required"):
                    other = message.removeprefix("is required")
                    missing.setdefault(path[:-1], {})[str(path[-1])] = other
                else:
                    yield self._misfit(path, message)
        for parent, absent in missing.items():
            left = [
                name
                for name in absent
                if not any(_stands_for(other, (*parent, name)) for other in unfit)
            ]
            if left:
                yield self._missing(parent, left, absent[left[-1]])

    def unfit(self) -> list[_Unfit]:
        """Return the names that the operation does not know."""
        names = {**self.operation.fields, **self.operation.parameters}
        return [*_unknown((), self.given, names, refused=not self.operation.open), *self._inside()]

    def _spelled(self, keys: frozenset[str], words: str) -> Problem:
        """Search conditions that are spelled as the API does."""
        first = next(key for key in self.given if key in keys)
        message = f"{self.operation.full_name} takes search conditions by name, not as the API spells them"
        place = self.source.key((*self.path, "with", first))
        return self.source.problem(place, message, "unknown-parameter", remedy=f"write {words}")

    def _days(self) -> Iterator[Problem]:
        """Yield the days in conditions that are compared with their first second."""
        for sent, note in condition_notes(self.operation, _probe(self.given)):
            message, _, remedy = note.partition("; ")
            path = _written(self.given, sent)
            place = self.source.value((*self.path, "with", *path))
            yield self.source.problem(
                place, message, "bare-day", remedy=remedy or "give it a time", severity="warning"
            )

    def _inside(self) -> Iterator[_Unfit]:
        for name, schema in self.operation.fields.items():
            yield from _unknown_inside((name,), self.given.get(name), schema)

    def _unknown(self, unfit: _Unfit) -> Problem:
        place = self.source.key((*self.path, "with", *unfit.path))
        name, whole = str(unfit.path[-1]), self.operation.full_name
        of = next((part for part in reversed(unfit.path[:-1]) if isinstance(part, str)), "")
        where = f"{of!r} of {whole}" if of else whole
        remedy = self._chosen(unfit) or unfit.remedy
        if unfit.refused:
            message = f"{where} has no {'parameter' if len(unfit.path) == 1 else 'field'} {name!r}"
            return self.source.problem(place, message, "unknown-parameter", remedy=remedy)
        message = f"{where} is not known to have a field {name!r}: it is sent as it stands"
        return self.source.problem(
            place, message, "unknown-field", remedy=unfit.remedy, severity="warning"
        )

    def _chosen(self, unfit: _Unfit) -> str:
        """Return the remedy that filters a list by a field which the API cannot search by."""
        name, entry = str(unfit.path[-1]), mapping(self.operation.entry)
        if not self.operation.items or name not in mapping(entry.get("properties")):
            return ""
        value = str(unfit.value).strip()
        lone = re.fullmatch(r"\{\{([^{}]*)\}\}", value)
        shown = lone.group(1).strip() if lone else "..." if "{" in value else repr(unfit.value)
        return f"the API does not search by it; write beside with: where: item.{name} == {shown}"

    def _missing(self, parent: TreePath, names: list[str], instead: str) -> Problem:
        """Return the names that have to be given, or `instead` of the last one others."""
        here = (
            (*parent, names[0]) if names[0] in mapping(_at(self.given, parent)) else parent
        )  # there, but null
        place = self.source.key((*self.path, "with", *here))
        if not parent and not self.given:
            place = self.source.value((*self.path, "use"))
        whole = self.operation.full_name
        *most, last = map(repr, names)
        listed = f"{', '.join(most)} and {last}" if most else last
        message = f"{whole} needs {listed}{instead}" + (f" in {parent[-1]!r}" if parent else "")
        values = [self._at_hand(name) for name in names]
        if not parent and all(values):
            shown = ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
            remedy = f"write with: {{{shown}}}" if not self.given else f"add to with: {shown}"
            return self.source.problem(place, message, "missing-parameter", remedy=remedy)
        target = "with" if not parent else str(parent[-1])
        remedy = f"add {'it' if len(names) == 1 else 'them'} to {target}; 'runner ops {whole}' shows what it takes"
        return self.source.problem(place, message, "missing-parameter", remedy=remedy)

    def _at_hand(self, name: str) -> str:
        """Return the recipe's value for a name: the id of a step above, a column of its name, a day of this run."""
        data, said = mapping(self.source.data), words(name)
        if "date" in said and said[-1] in ("from", "since", "start", "after"):
            window = getattr(self.operation.parameters.get(name), "window", None)
            back = (
                f'"{{{{ run.date | days(-{30 * window.months}) }}}}"' if window is not None else ""
            )
            return back or "..."
        if "date" in said and said[-1] in ("to", "until", "end", "before"):
            return '"{{ run.date }}"'
        index = self.path[1] if self.path[0] == "steps" else 0
        steps = [mapping(step) for step in sequence(data.get("steps"))[: int(index)]]
        for step in reversed(steps):
            verb, _, noun = str(step.get("use", "")).rpartition(".")[2].partition("_")
            made = verb == "create" and noun.replace("_", "") == name.removesuffix("_id")
            if made and "for_each" not in step and name.endswith("_id"):
                return f'"{{{{ {step.get("id")}.id }}}}"'
        columns = mapping(mapping(data.get("rows")).get("columns"))
        return f'"{{{{ row.{name} }}}}"' if name in columns else ""

    def _misfit(self, path: TreePath, message: str) -> Problem:
        value = _at(self.given, path)
        remedy = ""
        if isinstance(value, str) and _NAME.match(value):
            remedy = f'did you mean "{{{{ {value} }}}}"?'
        elif "make it text" in message:
            message, remedy = message.partition(";")[0], f"quote it: '{value}'"
        elif message.startswith("is no field") or "; write " in message:
            message, _, remedy = message.partition("; ")
        elif value is None:
            remedy = "leave it out"
        else:
            remedy = self._reference(path, value) or _otherwise(value, message)
        name = next(str(part) for part in reversed(path) if isinstance(part, str))
        return self.source.problem(
            self.source.value((*self.path, "with", *path)),
            f"{name!r}: {message}",
            "argument",
            remedy=remedy,
        )

    def _reference(self, path: TreePath, value: Any) -> str:
        """Return advice on an object with an id, where a name or the id itself is written; else empty."""
        if len(path) != 1 or not _is_reference(self.operation.fields.get(str(path[0]))):
            return ""
        if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
            return f"write {{id: {value}}}"
        name = str(path[0])
        return (
            id_by_name(self.source.data, name, repr(value), self.api)
            if isinstance(value, str)
            else ""
        )


def _otherwise(value: Any, message: str) -> str:
    """Return the correct form of a literal value for the operation; the message gives the expected type."""
    if message.endswith("is not true or false"):
        return f"write {'false' if str(value).lower() in _NO else 'true or false'}, without quotes"
    if message.endswith(("is not a number", "is not an integer")):
        if not isinstance(value, str):
            return (
                "round it; or give it to a field that takes fractions"
                if isinstance(value, Decimal)
                else ""
            )
        digits = re.sub(r"[^0-9.,-]", "", value)
        plain = (
            digits.replace(",", ".")
            if digits.count(",") == 1 and "." not in digits
            else digits.replace(",", "")
        )
        return (
            f"write it so: {plain}"
            if _PLAIN.fullmatch(plain) and plain != value
            else "write it in digits"
        )
    if message.endswith(("is not an object", "or an object")):
        return "write its fields: {name: value}; 'runner ops' shows which"
    if message.startswith("a list is not"):
        return "write one value, without the brackets"
    if " characters" in message:
        return "shorten it" if "longer" in message else "write more of it"
    _, among, names = message.partition(" is not one of ")
    return nearest(str(value), names.split(", "), noun="values") if among else ""


def _unknown(
    path: TreePath, given: Mapping[str, Any], known: Mapping[str, Any], *, refused: bool
) -> Iterator[_Unfit]:
    """Yield the names that are not known; where unknown ones may be sent, only beside others that are known."""
    free = {name: schema for name, schema in known.items() if name not in given}
    if refused or known:
        yield from (
            _Unfit((*path, name), free, refused, given[name]) for name in given if name not in known
        )


def _unknown_inside(path: TreePath, value: Any, schema: Mapping[str, Any]) -> Iterator[_Unfit]:
    if is_each(value):
        yield from _unknown_inside(
            (*path, "value"), value.get("value"), mapping(schema.get("items"))
        )
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _unknown_inside((*path, index), child, mapping(schema.get("items")))
    elif isinstance(value, dict) and "properties" in schema:
        properties: Mapping[str, Any] = schema["properties"]
        yield from _unknown(path, value, properties, refused=not is_open(schema))
        for name, child in value.items():
            yield from _unknown_inside((*path, name), child, mapping(properties.get(name)))


def _stands_for(unfit: _Unfit, path: TreePath) -> bool:
    """Return whether the unknown name is likely the missing one, misspelt."""
    return unfit.path[:-1] == path[:-1] and path[-1] == unfit.meant[0]


def _is_reference(schema: Any) -> bool:
    """Return whether a field is an object that names another one by its id."""
    return "id" in mapping(mapping(schema).get("properties"))


def _is_body(known: Any) -> bool:
    """Return whether a name is a field of the body, and no parameter."""
    return isinstance(known, Mapping)


def _about(known: Any) -> str:
    """Return the schema's description of a parameter or a field."""
    if isinstance(known, Mapping):
        return str(known.get("description", ""))
    return str(getattr(known, "description", ""))


def _shown(value: Any) -> str:
    """Return a value as a recipe has it."""
    return f'"{value}"' if isinstance(value, str) and "{" in value else str(value)


def _probe(value: Any) -> Any:
    """Return the value with Unknown for each template, and one element where a list is made."""
    if is_each(value):
        return [_probe(value["value"])] if "value" in value else Unknown("a list")
    if isinstance(value, dict):
        return {key: _probe(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_probe(child) for child in value]
    return Unknown(value) if isinstance(value, str) and ("{{" in value or "{%" in value) else value


def _written(given: Any, path: TreePath) -> TreePath:
    """Return the path in `with` of a path in the request: an element of a built list comes from its `value`."""
    written: list[str | int] = []
    for part in path:
        step = "value" if is_each(given) and isinstance(part, int) else part
        written.append(step)
        given = _at(given, (step,))
    return tuple(written)


def _at(tree: Any, path: TreePath) -> Any:
    for part in path:
        if isinstance(tree, dict) and isinstance(part, str):
            tree = tree.get(part)
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return None
    return tree
