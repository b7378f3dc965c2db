"""Every expression of a recipe, judged with the types of what it can read where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runner.catalogue import note_of_day
from runner.problems import Problem, nearest
from runner.recipe.by_name import id_by_name
from runner.recipe.exports import total_of
from runner.recipe.included import Files
from runner.recipe.texts import HIT, Text, Texts, is_each, mapping, sequence
from runner.recipe.typecheck.assignable import check_fit, schema_at
from runner.recipe.typecheck.filters import DEFINED, LISTS, guards_of
from runner.recipe.typecheck.inference import FOR_EACH, Inference
from runner.recipe.typecheck.messages import Findings
from runner.recipe.typecheck.narrowing import Facts, facts_of, present
from runner.recipe.typecheck.scopes import Scopes
from runner.recipe.typecheck.types import (
    ANY,
    DATE,
    LIST,
    NUMBERS,
    STRING,
    Path,
    Type,
    object_of,
    of_kind,
)
from runner.source import Source, TreePath
from runner.template import Expression, Node, Template, path_of

if TYPE_CHECKING:
    from runner.catalogue import Catalogue, Operation

_OF_NAMES = {"row", "vars", "run", "item", "result"}
"""Names that are always there: a condition that looks at one alone says nothing of its members."""


def check_types(
    source: Source, texts: Texts, catalogue: Catalogue, files: Files = MappingProxyType({})
) -> list[Problem]:
    """Return a problem for everything in the recipe's expressions that cannot work, or may not for some rows."""
    return list(_once(_Flow(source, texts, catalogue, files).problems()))


def _once(problems: Iterator[Problem]) -> Iterator[Problem]:
    """Of the warnings that a value may be null, the first for each reason and step: the remedy is one for all."""
    told: set[tuple[str, ...]] = set()
    for problem in problems:
        mark = (problem.kind, problem.remedy, problem.message.partition(",")[0])
        if problem.kind not in ("may-be-null", "may-be-empty") or mark not in told:
            told.add(mark)
            yield problem


class _Flow:
    def __init__(self, source: Source, texts: Texts, catalogue: Catalogue, files: Files) -> None:
        self.source, self.texts, self.catalogue, self.files = source, texts, catalogue, files
        self._values: dict[TreePath, Type] = {}

    @cached_property
    def scopes(self) -> Scopes:
        recipe = mapping(self.source.data)
        skipped = {
            index: self._looked_at(("steps", index, "when")) for index in range(len(self._steps))
        }
        key = self.texts.get(("rows", "key"))
        keyed = (
            guards_of(*(expression.tree for _, expression in key.compiled.placed))
            if key
            else frozenset()
        )
        where = self.texts.get(("rows", "where"))
        kept = (
            where.compiled.tree
            if where is not None and isinstance(where.compiled, Expression)
            else None
        )
        included = {
            index: object_of(
                dict(_Flow(file.source, file.texts, self.catalogue, file.files).scopes.steps),
                of=file.source.file,
            )
            for index, file in self.files.items()
        }
        return Scopes(
            recipe, self.catalogue, skipped=skipped, keyed=keyed, whens=self._whens, kept=kept, included=included,
        )  # fmt: skip

    @cached_property
    def _whens(self) -> Mapping[int, Node]:
        """The conditions of the steps that have one, by their index."""
        texts = {
            index: self.texts.get(("steps", index, "when")) for index in range(len(self._steps))
        }
        return {
            index: text.compiled.tree
            for index, text in texts.items()
            if text is not None and isinstance(text.compiled, Expression)
        }

    @cached_property
    def _steps(self) -> list[Mapping[str, Any]]:
        return [mapping(step) for step in sequence(mapping(self.source.data).get("steps"))]

    @cached_property
    def _index(self) -> Mapping[str, int]:
        """Return the index of each step by its id."""
        return {str(step.get("id")): index for index, step in enumerate(self._steps)}

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of every text, in the order of the recipe."""
        yield from self._lookups()
        for path, text in self.texts.items():
            names, guards = self._names(path, text), self._guards(path, text)
            yield from self._blocks(path, text, names, guards)
            for offset, expression in _lone_expressions(text):
                findings = Findings(expression.text, skipped=path[0] == "outputs")
                type_ = Inference(names, findings, guards, self._facts(path)).of(expression.tree)
                self._judge(path, text, expression.tree, type_, findings)
                yield from self._dollar(path, text, offset, type_)
                yield from self._reported(path, findings, offset)

    def _dollar(self, path: TreePath, text: Text, offset: int, type_: Type) -> Iterator[Problem]:
        """`${{ x }}`, which is how GitHub writes {{ x }}. Before a number in a longer text it is an amount."""
        whole = text.compiled.text
        at = whole.rfind("{{", 0, offset + 1) - 1
        if not isinstance(text.compiled, Template) or at < 0 or whole[at] != "$":
            return
        end = whole.find("}}", offset) + 2
        alone = whole.strip() == whole[at:end]
        if alone or not type_.solid or not type_.solid <= NUMBERS:
            written = whole[at + 1 : end]
            message = "the '$' before '{{' is text, and is sent as it stands"
            remedy = f"write {written}; where a dollar sign is meant: {{{{ '$' }}}}{written}"
            severity = "error" if alone else "warning"
            place = self.source.within(path, at, 3)
            yield self.source.problem(place, message, "dollar", remedy=remedy, severity=severity)

    def _blocks(
        self, path: TreePath, text: Text, names: Mapping[str, Type], guards: frozenset[Path]
    ) -> Iterator[Problem]:
        """Yield the problems of a template with blocks, which is checked as a unit: its statements name values."""
        if not isinstance(text.compiled, Template) or text.compiled.blocks is None:
            return
        findings = Findings(text.compiled.text, skipped=path[0] == "outputs")
        tree = text.compiled.blocks._replace(length=len(text.compiled.text))
        Inference(names, findings, guards, self._facts(path)).written(tree)
        if _is_sent(path) and not findings.wrong:
            self._argument(path, tree, of_kind(STRING), findings)
        yield from self._reported(path, findings, 0)

    def _reported(self, path: TreePath, findings: Findings, offset: int) -> Iterator[Problem]:
        for found in findings.found:
            place = self.source.within(path, offset + found.offset, found.length)
            yield self.source.problem(
                place, found.message, found.kind, remedy=found.remedy, severity=found.severity
            )

    def _lookups(self) -> Iterator[Problem]:
        """Lookups that go by a field that their entries do not have."""
        for name, part in mapping(mapping(self.source.data).get("lookups")).items():
            entry = self.scopes.entry(mapping(part))
            path: TreePath = ("lookups", name, "by")
            by = mapping(part).get("by")
            for at, field in enumerate(by) if isinstance(by, list) else [(-1, by)]:
                if isinstance(field, str) and entry.fields and field not in entry.fields:
                    lacks = "have no field" if entry.closed else "are not known to have a field"
                    message = f"the entries of {entry.of} {lacks} {field!r}"
                    place = self.source.value(path if at < 0 else (*path, at))
                    remedy = nearest(field, entry.fields, noun="fields")
                    severity = "error" if entry.closed else "warning"
                    yield self.source.problem(
                        place, message, "unknown-field", remedy=remedy, severity=severity
                    )

    def _judge(
        self, path: TreePath, text: Text, node: Node, type_: Type, findings: Findings
    ) -> None:
        """Note where the whole expression is not what is wanted of it in its place."""
        if isinstance(text.compiled, Template) and not text.compiled.lone:
            findings.text_of(node, type_)
        elif path[-1] == "for_each" or path[-2:] == ("for_each", "in"):
            findings.need(node, type_, {LIST}, where="for_each")
        elif path[0] == "steps" and path[1] in self.files and len(path) == 4 and path[2] == "with":
            self._given(path, node, type_, findings)
        elif path[:2] == ("export", "lines"):
            findings.need(node, type_, {LIST}, where="lines")
        elif path[:1] == ("outputs",) and len(path) > 1 and (wanted := self._totaled(str(path[1]))):
            findings.need(node, type_.present(), wanted, where="a total")  # null is in none
        elif path[-1] in ("once_per", "item_key") or path in (("key",), ("rows", "key")):
            findings.text_of(node, type_)
        elif path[:2] == ("rows", "expect_total"):
            wanted = NUMBERS | {STRING}  # what is not given is not compared
            findings.need(node, type_.present(), wanted, where="an announced total")
        elif _is_sent(path) and isinstance(text.compiled, Template) and not findings.wrong:
            self._argument(path, node, type_, findings)

    def _given(self, path: TreePath, node: Node, type_: Type, findings: Findings) -> None:
        """Note where a variable of an included file is not given what it is declared to be."""
        file, name = self.files[int(path[1])], str(path[3])
        var = file.vars.get(name)
        if var is None or not var.type:
            return
        kinds = {var.type, STRING} if var.type != STRING else {STRING, *NUMBERS, DATE}
        seen = type_ if var.required else type_.present()
        findings.need(node, seen, kinds, where=f"the variable {name!r} of {file.source.file}")

    def _totaled(self, output: str) -> frozenset[str]:
        """Return the kinds that an output can have which an export adds up or compares; none where it does not."""
        totals = mapping(mapping(mapping(self.source.data).get("export")).get("totals"))
        over = [total_of(str(name), given) for name, given in totals.items()]
        kinds = {kind for kind, of in over if of == output}
        if "sum" in kinds:
            return frozenset(NUMBERS)
        return frozenset({*NUMBERS, STRING, DATE}) if kinds & {"min", "max"} else frozenset()

    def _argument(self, path: TreePath, node: Node, type_: Type, findings: Findings) -> None:
        """Note where an argument cannot become what the operation asks for."""
        at = path.index("with")
        part: Any = self.source.data
        for key in path[:at]:
            part = part[key]
        inside = _sent(mapping(part).get("with"), path[at + 1 :])
        operation = self.scopes.operation(mapping(part).get("use"))
        if operation is not None and inside and type_.solid == {DATE}:
            self._day(node, _note(operation, mapping(part).get("with"), inside), findings)
        schema = schema_at(operation, inside) if operation is not None and inside else None
        if schema is not None:
            name = next(str(part) for part in reversed(inside) if isinstance(part, str))
            told = len(findings.found)
            check_fit(node, type_, name, schema, findings)
            if operation is not None and len(findings.found) > told and type_.solid == {STRING}:
                self._by_name(operation, inside, findings)

    def _by_name(self, operation: Operation, inside: TreePath, findings: Findings) -> None:
        """Let what was found last say how a text names an object that the API knows by its id."""
        *parent, last = inside
        field = str(parent[0]) if len(inside) == 2 and last == "id" else str(last)
        whole = mapping(operation.fields.get(field)).get("properties", {})
        if "id" not in whole or len(inside) > 2 or (len(inside) == 2 and last != "id"):
            return
        finding = findings.found[-1]
        key = findings.text[finding.offset : finding.offset + finding.length]
        api = self.scopes.catalogue[operation.api]
        advice = id_by_name(self.source.data, field, key, api, lone=len(inside) == 2)
        if advice:
            findings.found[-1] = finding._replace(remedy=advice)

    def _day(self, node: Node, note: str, findings: Findings) -> None:
        """Note a date that is compared with its first second."""
        message, _, remedy = note.partition("; ")
        if message:
            findings.add(node, message, "bare-day", remedy=remedy or "give it a time", sure=False)

    def _names(self, path: TreePath, text: Text) -> Mapping[str, Type]:
        """Return the types of the names that a text can read."""
        scope, scopes = text.scope, self.scopes
        names = {**scopes.fixed, **(scopes.lookups if scope.lookups else {})}
        names |= dict(scopes.steps[: scope.steps])
        if scope.row:
            names["row"] = (
                scopes.line(before=str(path[2])) if path[:2] == ("rows", "columns") else scopes.row
            )
            if path == ("rows", "where"):
                names["row"] = scopes.line()
        if scope.result:
            step = self._step(path)
            names["result"] = (
                scopes.read_back(step) if path[-1] == "verify" else scopes.answer(step)
            )
        if scope.found:
            names["found"] = scopes.entry(mapping(self._step(path).get("unless_found")))
        for name, place in scope.lets:
            names[name] = self._value(place)
        for name, place in scope.each:
            names[name] = self._element(path, place, names)
        if scope.item == HIT:
            names["item"] = scopes.entry(self._searched(path))
        return names

    def _searched(self, path: TreePath) -> Mapping[str, Any]:
        """Return the part whose entries the `where` at `path` filters: rows, a lookup, a step or its search."""
        part: Any = self.source.data
        for key in path[:-1]:
            part = part[key]
        return mapping(part)

    def _value(self, place: TreePath) -> Type:
        """Return the type of a value that a `let` names."""
        if place not in self._values:
            text = self.texts.get(place)
            self._values[place] = ANY
            if text is not None and isinstance(text.compiled, Expression):
                names, guards = self._names(place, text), self._guards(place, text)
                inside = Inference(names, Findings(text.compiled.text), guards, self._facts(place))
                self._values[place] = inside.of(text.compiled.tree)
        return self._values[place]

    def _element(self, path: TreePath, place: TreePath, names: Mapping[str, Type]) -> Type:
        """Return an element of the list at `place`, which a `for_each` goes through."""
        text = self.texts.get(place)
        if text is None or not isinstance(text.compiled, Expression):
            return ANY
        guards, facts = self._guards(place, text), self._facts(path)
        inside = Inference(names, Findings(text.compiled.text), guards, facts)
        element = inside.of(text.compiled.tree).element
        lists = element.of.endswith(LISTS)
        return (
            replace(element, of=f"{element.of.removesuffix(LISTS)}{FOR_EACH}") if lists else element
        )

    def _step(self, path: TreePath) -> Mapping[str, Any]:
        return self._steps[path[1]] if path[0] == "steps" and isinstance(path[1], int) else {}

    def _guards(self, path: TreePath, text: Text) -> frozenset[Path]:
        """Return the paths checked before the text is read: by the step's `when`, and by earlier expectations."""
        guards: set[Path] = set()
        if path[0] == "steps" and path[2] != "when":
            guards |= self._looked_at((*path[:2], "when"), whole=False)
            asked = [
                self._index[str(path[0])]
                for path in guards
                if len(path) == 1 and path[0] in self._index
            ]
            guards |= {
                each for index in asked for each in self.scopes.skipped[index]
            }  # what decided on that step
        if path[0] == "rows" and path[1] in ("key", "key_was"):  # an empty key is refused as one
            guards |= guards_of(*(expression.tree for _, expression in text.compiled.placed))
        guards |= self._expected[text.scope.steps]
        return frozenset(guards)

    @cached_property
    def _expected(self) -> list[frozenset[Path]]:
        """Return the expectations that hold before each step, and before the end."""
        found: list[frozenset[Path]] = [frozenset()]
        for index, step in enumerate(self._steps):
            expected = self._looked_at(("steps", index, "expect"), whole=False)
            expected |= self._looked_at(("steps", index, "poll", "until"), whole=False)
            name = str(step.get("id", ""))
            found.append(
                found[-1] | {(name, *seen[1:]) for seen in expected if seen[0] == "result"}
            )
        return found

    def _facts(self, path: TreePath) -> Facts:
        """Return the facts for the text at `path`: its step's `when`, and those of steps that `when` reads."""
        when = self._whens.get(int(path[1])) if path[0] == "steps" and path[2] != "when" else None
        facts = dict(facts_of(when)) if when is not None else {}
        for index in reversed([index for index in self._whens if facts and index < int(path[1])]):
            if present((str(self._steps[index].get("id")),), facts):
                facts = {**facts_of(self._whens[index]), **facts}
        return facts

    def _looked_at(self, path: TreePath, *, whole: bool = True) -> frozenset[Path]:
        """Return the paths that the condition at `path` checks; if `whole`, only those that decide alone."""
        text = self.texts.get(path)
        if text is None or not isinstance(text.compiled, Expression):
            return frozenset()
        tree = text.compiled.tree
        if not whole:
            return guards_of(tree)
        return frozenset(
            found for found in _longest(tree) if len(found) > 1 or found[0] not in _OF_NAMES
        )


def _lone_expressions(text: Text) -> Sequence[tuple[int, Expression]]:
    """Return the expressions of a text that are read one by one: all where it has no blocks."""
    compiled = text.compiled
    if isinstance(compiled, Template) and compiled.blocks is not None:
        return ()
    return compiled.placed


def _is_sent(path: TreePath) -> bool:
    """Return whether the value at the path is sent to an operation."""
    return path[0] in ("steps", "lookups") or path[:2] == ("rows", "with")


def _sent(given: Any, path: TreePath) -> TreePath:
    """Return the path in the request of a path in `with`: the `value` of a built list is each of its elements."""
    sent: list[str | int] = []
    for part in path:
        sent.append(0 if is_each(given) and part == "value" else part)
        given = _inside(given, part)
    return tuple(sent)


def _note(operation: Operation, given: Any, path: TreePath) -> str:
    """Return the note on a day at a path of `with`, in a search condition; "" elsewhere."""
    parameter = operation.parameters.get(str(path[0]))
    if parameter is None or parameter.conditions is None:
        return ""
    for part in path[:-1]:
        given = _inside(given, part)
    return note_of_day(parameter.conditions, mapping(given), str(path[-1]))


def _inside(given: Any, part: str | int) -> Any:
    if isinstance(given, list) and isinstance(part, int):
        return given[part]
    return mapping(given).get(str(part))


def _longest(node: Node) -> Iterator[Path]:
    """Yield the paths of a tree that are no part of a longer one."""
    path = path_of(node)
    asked = path_of(node.parts[0]) if node.kind == "test" else ()
    if path:
        yield path
    elif asked and node.value in ("defined", "undefined"):
        yield (*asked, DEFINED)
    else:
        for part in node.parts:
            yield from _longest(part)
