"""The types of the names that a recipe's expressions read: columns, variables, lookups and the results of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runner.recipe.declarations import variable
from runner.recipe.texts import EXPECTATIONS, mapping, section, sequence
from runner.recipe.typecheck.narrowing import NOTHING, facts_of, present
from runner.recipe.typecheck.types import (
    ANY,
    DATE,
    INTEGER,
    NULL,
    OBJECT,
    OTHERWISE,
    STRING,
    Absence,
    Path,
    Type,
    from_schema,
    join,
    list_of,
    object_of,
    of_kind,
    type_of,
)
from runner.recipe.variables import TYPES, var_value
from runner.template import Node

if TYPE_CHECKING:
    from runner.catalogue import Catalogue, Operation

Part = Mapping[str, Any]

_PREVIOUS = object_of(
    {
        "id": of_kind(INTEGER),
        "date": of_kind(DATE),
        "started": of_kind(STRING),
        "since": of_kind(STRING),
    },
    of="run.previous",
).maybe(
    Absence(
        "no run of this recipe may have finished before",
        "say what holds then: run.previous.date | default('2026-01-01' | to_date)",
    )
)
_RUN = object_of({"id": of_kind(INTEGER), "date": of_kind(DATE), "previous": _PREVIOUS}, of="run")


class Scopes:
    """The types of the names of a recipe.

    `skipped` are the paths that the `when` of each step looks at, by its index, `whens` are those conditions, and
    `keyed` the paths in the row's key. `kept` is the condition that lines are rows by, if there is one. `included` are
    the results of the steps of a file, as one object, by the index of the step that includes them.
    """

    def __init__(
        self, recipe: Part, catalogue: Catalogue, *, skipped: Mapping[int, frozenset[Path]], keyed: frozenset[Path],
        whens: Mapping[int, Node], kept: Node | None = None, included: Mapping[int, Type] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.recipe, self.catalogue, self.included = recipe, catalogue, included
        self.skipped, self.keyed, self.whens, self.kept = skipped, keyed, whens, kept

    @cached_property
    def fixed(self) -> Mapping[str, Type]:
        """The names that every expression can read."""
        declared = section(self.recipe, "vars")
        found = {str(name): _var(str(name), value) for name, value in mapping(declared).items()}
        return {"vars": object_of(found, of="vars"), "run": _RUN}

    @cached_property
    def row(self) -> Type:
        """The row, with its lines where rows are grouped."""
        rows = mapping(section(self.recipe, "rows"))
        columns = rows.get("columns")
        if "use" in rows and not isinstance(columns, dict):  # what an operation lists, as it stands
            entry = self.entry(rows)
            return (
                replace(entry, fields={**entry.fields, "lines": list_of(entry)})
                if "group_by" in rows
                else entry
            )
        if not isinstance(columns, dict):
            return self._undeclared(rows)
        facts = facts_of(self.kept) if self.kept is not None else NOTHING
        fields = {
            name: type_.present()
            if present(("row", name), facts)
            else type_  # lines without it are left out
            for name, type_ in self._columns(columns).items()
        }
        unpivoted = _unpivoted(rows)
        own = {name: type_ for name, type_ in fields.items() if name not in unpivoted}
        if "group_by" in rows or unpivoted:
            made = {name: type_.present() for name, type_ in fields.items() if name in unpivoted}
            return object_of(
                {**own, "lines": list_of(object_of({**own, **made}, of="line"))}, of="row"
            )
        return object_of(own, of="row")

    def line(self, *, before: str = "") -> Type:
        """Return the type of a line of the file in `where`, or in a column that is computed from those `before` it."""
        rows = mapping(section(self.recipe, "rows"))
        if not isinstance(rows.get("columns"), dict):
            return (
                replace(self._undeclared({**rows, "group_by": None}), of="row")
                if "use" not in rows
                else ANY
            )
        names = list(rows["columns"])
        seen = names[: names.index(before)] if before else names
        unpivoted = _unpivoted(rows)
        fields = self._columns(rows["columns"])
        return object_of({name: fields[name] for name in seen if name not in unpivoted}, of="row")

    def _columns(self, columns: Part) -> dict[str, Type]:
        rows = mapping(section(self.recipe, "rows"))
        fields = {
            str(name): _column(str(name), mapping(column)) for name, column in columns.items()
        }
        for (
            name
        ) in fields:  # an empty key, or an empty cell to group by, is refused when the file is read
            if name == rows.get("group_by") or ("row", name) in self.keyed:
                fields[name] = fields[name].present()
        return fields

    def _undeclared(self, rows: Part) -> Type:
        """Return a row without declared columns: what a search finds, an object of JSON, or texts."""
        line = object_of({}, of="line", rest=Type(frozenset({STRING, NULL})))
        if "use" in rows:
            line = self.entry(rows)
        elif any(_may_be_json(file) for file in _files(rows)):
            line = ANY
        if rows.get("group_by") is None:
            return replace(line, of="row") if "use" not in rows and line is not ANY else line
        return object_of(
            {**line.fields, "lines": list_of(line)},
            of="row",
            rest=ANY if line is ANY else line.rest,
        )

    @cached_property
    def lookups(self) -> Mapping[str, Type]:
        """The lookups: entries by the value of one of their fields."""
        declared = mapping(section(self.recipe, "lookups"))
        return {name: self._lookup(mapping(part)) for name, part in declared.items()}

    def _lookup(self, part: Part) -> Type:
        """Return a lookup: under the value of each of its fields another table, and entries under the last."""
        found = (
            object_of({}, of="entry", rest=of_kind(STRING)) if "file" in part else self.entry(part)
        )
        if part.get("expect") == "one":
            return found
        if "by" not in part:
            return list_of(found, of="a lookup without 'by' has no names")
        for _ in part["by"] if isinstance(part.get("by"), list) else [""]:
            found = object_of({}, of="lookup", rest=found)
        return found

    @cached_property
    def steps(self) -> tuple[tuple[str, Type], ...]:
        """The ids of the steps with their results, in order."""
        steps = [mapping(step) for step in sequence(self.recipe.get("steps"))]
        return tuple(
            (str(step.get("id", "")), self._result(index, step)) for index, step in enumerate(steps)
        )

    def answer(self, step: Part) -> Type:
        """Return the type of the answer of one call of a step, before `expect` takes one of a list."""
        operation = self.operation(step.get("use"))
        if operation is None:
            return ANY
        if operation.items:
            return list_of(_entry(operation), of=f"{operation.full_name} lists")
        return _object(operation.answer, operation)

    def read_back(self, step: Part) -> Type:
        """Return the type of the answer that reads back the object written by a step."""
        operation = self.operation(step.get("use"))
        back = self.catalogue.read_back(operation) if operation is not None else None
        if back is None:
            return ANY
        return _entry(back) if back.items else _object(back.answer, back)

    def entry(self, part: Part) -> Type:
        """Return one entry of what a search or a lookup lists; a search may be in a lookup."""
        if "in" in part:
            part = mapping(mapping(section(self.recipe, "lookups")).get(str(part["in"])))
        operation = self.operation(part.get("use"))
        return _entry(operation) if operation is not None else ANY

    def operation(self, use: Any) -> Operation | None:
        """Return the operation that `use` names, None where that is wrong."""
        try:
            return (
                self.catalogue.operation(use)
                if isinstance(use, str) and use.count(".") == 1
                else None
            )
        except KeyError:
            return None

    def _result(self, index: int, step: Part) -> Type:
        """Return the type of a step's result for later steps."""
        if "include" in step:
            return self._maybe(index, step, self.included.get(index, ANY))
        found = self.answer(step)
        expect = step.get("expect")
        if expect is not None and not isinstance(expect, str):
            return ANY  # that is one problem, not one at each use
        if expect == "none":
            found = replace(of_kind(NULL), of="it has expect: none")
        elif expect in EXPECTATIONS and expect != "any" and found.solid == {"list"}:
            found = found.element
        operation = self.operation(step.get("use"))
        if (
            operation is not None
            and operation.read_back
            and operation.effect == "update"
            and not operation.money
        ):
            found = join(found, self.read_back(step))  # what it is where its own answer was lost
        if "unless_found" in step:
            hit = self.entry(mapping(step["unless_found"]))
            found = join(found, replace(hit, of=hit.of or "the search"))
        if "for_each" in step:
            found = list_of(found, of="it has for_each")
        return self._maybe(index, step, found)

    def _maybe(self, index: int, step: Part, found: Type) -> Type:
        """Return the result of a step that may have none: it may be skipped, or continue without it."""
        name, when = step.get("id"), step.get("when")
        other = (
            f"write {name}.x if {name} else none"
            if "for_each" not in step
            else f"write {name} | default([])"
        )
        if when is False or str(when).strip() == "false":
            return replace(of_kind(NULL), of="it is never done, as its 'when' is false")
        if when is not None and when is not True:
            reason = f"step {name!r} is skipped where {' '.join(str(when).split())} is false"
            remedy = f"give this step the same 'when', or {other}"
            return found.maybe(
                Absence(
                    reason,
                    remedy,
                    self.skipped.get(index, frozenset()),
                    self.whens.get(index),
                    of_step=True,
                )
            )
        if step.get("on_error") == "continue":
            return found.maybe(
                Absence(f"step {name!r} may have failed (on_error: continue)", other, of_step=True)
            )
        return found


def _entry(operation: Operation) -> Type:
    return _object(operation.entry, operation)


def _object(schema: Part | None, operation: Operation) -> Type:
    """Return the type of a schema, always an object: any other answer would be rejected."""
    found = from_schema(schema, of=operation.full_name, sure=operation.evidence != "inferred")
    return replace(found, kinds=frozenset({OBJECT}), sure=True, enum=None) if found.fields else ANY


def _unpivoted(rows: Part) -> tuple[str, ...]:
    """Return the columns that only the lines have which are made of other columns."""
    unpivot = mapping(rows.get("unpivot"))
    return tuple(str(unpivot[key]) for key in ("name", "value") if key in unpivot)


_JSON = (".json", ".jsonl", ".ndjson")


def _files(rows: Part) -> Sequence[Any]:
    file = rows.get("file", "")
    return file if isinstance(file, list) else [file]


def _may_be_json(file: Any) -> bool:
    """Return whether the rows of a file may be objects of JSON; what is piped in may."""
    name = str(file).lower().removesuffix(".gz")
    return name == "-" or name.endswith(_JSON)


def _column(name: str, column: Part) -> Type:
    kind = column.get("type", STRING)
    if kind not in TYPES:
        return ANY
    mapped = column.get("map")
    values = (
        [value for value in mapped.values() if value is not None]
        if isinstance(mapped, dict)
        else None
    )
    enum = _enum(name, kind, column.get("enum") if values is None else values)
    found = Type(frozenset({kind}), enum=enum, column=name if "type" not in column else "")
    if "split" in column and "part" not in column:
        return list_of(found, of=f"the column {name!r} is split")
    if "default" in column and enum is not None:
        found = replace(found, enum=enum | (_enum(name, kind, [column["default"]]) or frozenset()))
    if column.get("required") is True or "default" in column:
        return found
    otherwise = OTHERWISE.get(kind)
    or_else = (
        f"say what to take: | default({otherwise})"
        if otherwise
        else "ask first whether it is not none"
    )
    remedy = f"let the column be required: {name}: {{required: true}}, or {or_else}"
    cells = column.get("empty", column.get("null", [""]))
    empty = not isinstance(cells, list) or "" in cells
    absent = Absence(f"a cell of the column {name!r} may be empty", remedy, of_cell=empty)
    return found.maybe(absent)


def _var(name: str, value: Any) -> Type:
    var = variable(name, value)
    if var.type and var.type not in TYPES:
        return ANY
    try:
        default = var_value(var, var.default)
    except (ValueError, TypeError):
        return ANY
    if isinstance(default, list | dict):
        return replace(type_of(default), sure=False)  # a vars file may give anything
    known = (
        of_kind(var.type)
        if var.type
        else replace(type_of(default), enum=None)
        if default is not None
        else ANY
    )
    known = replace(known, enum=_enum(name, next(iter(known.kinds), ""), list(var.enum)))
    if default is None and not var.required and known.kinds:
        remedy = f"give it one, or let it be required: {name}: {{required: true}}"
        return known.maybe(Absence(f"the variable {name!r} has no default", remedy))
    return known


def _enum(name: str, kind: str, declared: Any) -> frozenset[Any] | None:
    if not isinstance(declared, list) or not declared:
        return None
    var = variable(name, {"type": kind} if kind in TYPES else None)
    try:
        return frozenset(var_value(var, value) for value in declared)
    except (ValueError, TypeError):
        return None
