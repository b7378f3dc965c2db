"""The type of an expression, from the types of the names it reads; what cannot work in it is noted on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from runner.problems import nearest
from runner.recipe.foreign import FIELDS, LENGTHS
from runner.recipe.typecheck.filters import (
    DEFINED,
    GROUP,
    LISTS,
    filtered,
    for_each,
    guards_of,
    parts_of,
    tested,
)
from runner.recipe.typecheck.messages import Findings
from runner.recipe.typecheck.narrowing import NOTHING, Facts, facts_of, verdict
from runner.recipe.typecheck.operators import compare, operation
from runner.recipe.typecheck.types import (
    ANY,
    BOOLEAN,
    DATE,
    INTEGER,
    LIST,
    NULL,
    NUMBERS,
    OBJECT,
    STRING,
    Path,
    Type,
    join,
    joined,
    list_of,
    object_of,
    of_kind,
    type_of,
)
from runner.synonyms import among, meant
from runner.template import Node, path_of
from runner.template.check import EXPRESSION_FILTERS
from runner.template.dates import PARTS
from runner.template.filters import FILTERS
from runner.template.methods import METHODS
from runner.template.registry import TAKES

COLUMNS = {"row", "line"}
_KINDS = {
    **dict.fromkeys(COLUMNS, "unknown-column"),
    "vars": "unknown-var",
    "run": "unknown-member",
}


_LOOP = {
    **{name: of_kind(INTEGER) for name in ("index", "index0", "revindex", "revindex0", "length")},
    **{name: of_kind(BOOLEAN) for name in ("first", "last")},
}
"""The members of `loop`, but for the elements beside the one of the round."""


class Inference(NamedTuple):
    """Type inference in one scope.

    `guards` are the paths that some condition around the text looks at, `facts` what these conditions say.
    """

    names: Mapping[str, Type]
    findings: Findings
    guards: frozenset[Path] = frozenset()
    facts: Facts = NOTHING
    own: frozenset[str] = frozenset()
    """The names that the statements of the template have set."""
    around: frozenset[str] = frozenset()
    """Those of them that are set outside of the loop which is read."""
    loop: Node | None = None
    """That loop; without the names of its elements where only some are read."""

    def of(self, node: Node, *, tolerant: bool = False) -> Type:
        """Return the type of an expression. Where it is `tolerant`, its reader handles a missing value."""
        if node.kind == "literal":
            return type_of(node.value)
        if node.kind == "name":
            return self._guarded(node, self.names.get(node.value, ANY))
        if node.kind == "member":
            return self._guarded(node, self._member(node, tolerant=tolerant))
        if node.kind in ("and", "or", "choose"):
            return self._either(node)
        if node.kind == "list":
            return (
                list_of(joined(self.of(part) for part in node.parts))
                if node.parts
                else of_kind(LIST)
            )
        if node.kind == "object":
            return object_of(
                {name: self.of(part) for name, part in zip(node.value, node.parts, strict=True)}
            )
        return self._applied(node)

    def _applied(self, node: Node) -> Type:
        """Return the type of the result of an operator, filter or test."""
        if node.kind == "each":
            return self._each(node)
        if (node.kind, node.value) in _ASKED:
            self._asked(node)
            return of_kind(BOOLEAN)
        forgiving = (node.kind, node.value) == ("filter", "default")
        parts = [
            (part, self.of(part, tolerant=forgiving and not at))
            for at, part in enumerate(_operands(node))
        ]
        if node.kind == "operation":
            return operation(node, parts, self.findings)
        if node.kind == "compare":
            return compare(node, parts, self.findings)
        if node.kind in ("filter", "call"):
            return filtered(node, parts, self.findings)
        if node.kind == "slice":
            return self._cut(parts)
        if node.kind == "range":
            for part, type_ in parts:
                self.findings.need(part, type_, NUMBERS, where="range")
            return list_of(of_kind(INTEGER))
        if (node.kind, node.value) == ("test", "none"):
            self._listed(node.parts[0])
        return tested(node, parts, self.findings) if node.kind == "test" else of_kind(BOOLEAN)

    def _listed(self, asked: Node) -> None:
        """Note where a list that a search has given is asked whether it is null: it may be empty."""
        type_ = self.names.get(asked.value, ANY) if asked.kind == "name" else ANY
        if type_.absent is None and type_.kinds == {LIST} and type_.of.endswith(LISTS):
            whole = self.findings.quoted(asked)
            message = f"{whole} is a list, and never null: where nothing was found it is empty"
            remedy = f"write {whole} | length == 0, or {whole} | length > 0"
            self.findings.add(asked, message, "always-defined", remedy=remedy, sure=False)

    def _asked(self, node: Node) -> None:
        """`is defined` and `is undefined`: note where what is asked always is, or can never be."""
        asked = node.parts[0]
        whole, not_null = self.findings.quoted(asked), node.value == "defined"
        if asked.kind != "member":
            self.of(asked)
            if asked.kind == "name" and asked.value in self.names and asked.value not in self.own:
                # By itself: whoever asks in an earlier branch does not know that it is there.
                skipped = self.names[asked.value].absent is not None
                why = ": without a result it is null" if skipped else ""
                remedy = _not_null(whole, holds=not_null) if skipped else "leave it out"
                message = f"{whole!r} is always defined{why}"
                self.findings.add(node, message, "always-defined", remedy=remedy, sure=False)
            return
        owner = self.of(asked.parts[0])
        known = isinstance(asked.value, str) and asked.value in owner.fields
        if known and owner.fields[asked.value].absent is not None:
            what = "an empty cell" if owner.of in COLUMNS else "what is left out"
            message = f"{whole} is always defined: {what} is null"
            remedy = _not_null(whole, holds=not_null)
            self.findings.add(node, message, "always-defined", remedy=remedy, sure=False)
        elif not known and owner.closed and owner.fields and owner.of in _KINDS:
            self._unknown(asked, owner)

    def _cut(self, parts: Sequence[tuple[Node, Type]]) -> Type:
        """`a[1:3]`, of a list or a text."""
        for part, type_ in parts[1:]:
            if not (part.kind == "literal" and part.value is None):
                self.findings.need(part, type_, NUMBERS, where="[:]")
        of, type_ = parts[0]
        fine = self.findings.need(of, type_, {LIST, STRING}, where="[:]")
        return type_.present() if fine else ANY

    def written(self, block: Node) -> Inference:
        """Judge the statements of a template, in their order; what comes back knows the names that they set."""
        inside = self
        for statement in block.parts:
            inside = inside._statement(statement)
        return inside

    def _statement(self, node: Node) -> Inference:
        if node.kind == "show":
            self.findings.text_of(node.parts[0], self.of(node.parts[0]))
        elif node.kind == "set":
            (value,) = node.parts
            if node.value in self.around and self.loop is not None:
                self._lost(node, self.loop)
            text = value.kind == "block"
            if text:
                self.written(value)
            return self._replace(
                names={**self.names, node.value: of_kind(STRING) if text else self.of(value)},
                own=self.own | {node.value},
            )
        elif node.kind == "if":
            return self._branches(node)
        elif node.kind == "for":
            self._loop(node)
        return self

    def _branches(self, node: Node) -> Inference:
        """`if`: each branch is read with its condition in mind, and those before it that do not hold."""
        some = self.loop._replace(value=()) if self.loop is not None else None
        inside, ends = self._replace(loop=some), []
        parts = list(node.parts)
        while len(parts) > 1:
            condition, body = parts[:2]
            parts = parts[2:]
            inside.of(condition)
            looked_at = inside.guards.union(guards_of(condition))
            known = inside._replace(guards=looked_at)
            holds = {**inside.facts, **facts_of(condition)}
            ends.append(known._replace(facts=holds).written(body))
            inside = known._replace(facts={**inside.facts, **facts_of(condition, holds=False)})
        ends.append(inside.written(parts[0]) if parts else inside)
        names = dict(self.names)
        for name in dict.fromkeys(name for end in ends for name in end.names):
            names[name] = joined(end.names.get(name, ANY) for end in ends)
        return self._replace(names=names, own=self.own.union(*(end.own for end in ends)))

    def _lost(self, node: Node, loop: Node) -> None:
        """Note that a name which is set in a loop is another one than the one outside, as in Jinja."""
        (value,) = node.parts
        name, items = node.value, self.findings.quoted(loop.parts[0])
        message = (
            f"{name!r} is set for one round of the loop alone: the one outside keeps its value"
        )
        remedy = (
            "take it from the list: | sum('field'), | where('item.x > 0'), | join(', ') or | last"
        )
        added = next((each for each in value.parts if path_of(each) != (name,)), value)
        all_of_them = loop.parts[1].kind == "literal" and len(loop.value) == 1
        element = loop.value[0] if all_of_them else ""
        adds = (value.kind, value.value) == ("operation", "+") and (name,) in map(
            path_of, value.parts
        )
        if adds and self.of(added).can_be(NUMBERS) and element:
            text = self.findings.text[added.offset : added.offset + added.length]
            each = re.sub(rf"\b{element}\b", "item", text)
            remedy = f"write it without the loop: {items} | total({each!r})"
        self.findings.add(node, message, "set-in-a-loop", remedy=remedy, sure=False)

    def _loop(self, node: Node) -> None:
        """`for`: the names of its target are the elements, or the parts of each."""
        items, condition, body, otherwise = node.parts
        type_ = self.of(items)
        fine = self.findings.need(items, type_, {LIST, OBJECT}, where="'for'")
        element = ANY
        if fine and type_.kinds:
            element = of_kind(STRING) if type_.solid == {OBJECT} else type_.element
        names = node.value
        types = [element] if len(names) == 1 else self._taken_apart(items, element, len(names))
        inside = self._replace(names={**self.names, **dict(zip(names, types, strict=True))})
        inside.of(condition)
        guards = self.guards.union(guards_of(condition))
        facts = {**self.facts, **facts_of(condition)}
        inside = inside._replace(guards=guards, facts=facts)
        loop = object_of({**_LOOP, "previtem": element, "nextitem": element}, of="loop")
        inside = inside._replace(around=self.own, own=frozenset(), loop=node)
        inside._replace(names={**inside.names, "loop": loop}).written(body)
        self.written(otherwise)

    def _taken_apart(self, items: Node, element: Type, count: int) -> list[Type]:
        if not element.can_be({LIST}):
            message = f"'for' takes elements of {count} parts apart, and {self.findings.quoted(items)} holds {element}"
            advice = (
                "write one name"
                if element.solid != {OBJECT}
                else "write one name, and .x for its fields"
            )
            self.findings.add(items, message, "wrong-type", remedy=advice, sure=element.sure)
            return [ANY] * count
        return parts_of(element, count)

    def _guarded(self, node: Node, type_: Type) -> Type:
        """Return the type: without null where a condition has checked for it, null where the condition says so."""
        path = path_of(node)
        if type_.absent is None or not path:
            return type_
        if type_.absent.when is not None and verdict(type_.absent.when, self.facts) is False:
            return replace(of_kind(NULL), of=f"{type_.absent.reason}, and it is here")
        if path in self.guards or type_.absent.unless & self.guards:
            return type_.present()
        if (*path, DEFINED) in self.guards:  # that null is defined is said there
            return type_.present()
        return type_

    def _either(self, node: Node) -> Type:
        """`and`, `or` and `a if b else c`: what comes second is read with the first in mind."""
        first = self.of(node.parts[0])
        looked_at = guards_of(node.parts[0])
        known = (self.names.get(str(path[0]), ANY).absent for path in looked_at)
        decided = (
            absent.unless for absent in known if absent is not None
        )  # of a step: what its `when` looks at
        inside = self._replace(guards=self.guards.union(looked_at, *decided))
        others = []
        for part, holds in zip(node.parts[1:], (node.kind != "or", False), strict=False):
            facts = {**self.facts, **facts_of(node.parts[0], holds=holds)}
            others.append(inside._replace(facts=facts).of(part))
        if node.kind == "or":  # one that is there is what it is for
            return join(first.present(), others[0].present())
        return join(*others) if node.kind == "choose" else join(first, *others)

    def _each(self, node: Node) -> Type:
        """`total` and `where`, whose expression sees each element as `item`."""
        subject = node.parts[0], self.of(node.parts[0])
        fine = self.findings.need(*subject, {LIST}, where=node.value)
        item = subject[1].element if fine else ANY
        inside = self._replace(names={**self.names, "item": item})
        self._hidden(node)
        if not fine:
            inside.of(node.parts[1])
            return of_kind(*NUMBERS) if node.value == "total" else list_of(ANY)
        return for_each(node, subject, (node.parts[1], inside.of(node.parts[1])), self.findings)

    def _hidden(self, node: Node) -> None:
        """Note that `item` inside `where` and `total` is not the one around them, where there is one."""
        inner = next((each for each in node.parts[1].walk() if path_of(each) == ("item",)), None)
        if inner is not None and "item" in self.names:
            of = self.findings.quoted(node.parts[0])
            message = f"'item' is an element of {of} here, and hides the item around it"
            remedy = "name the outer one: for_each: {in: ..., as: line}"
            self.findings.add(inner, message, "hidden-item", remedy=remedy, sure=False)

    def _member(self, node: Node, *, tolerant: bool) -> Type:
        of, key = node.parts
        owner = self.of(of)
        by = self.of(key) if key.kind != "literal" else type_of(key.value)
        if owner.kinds and not owner.solid:
            if tolerant:
                return of_kind(NULL)
            message = f"{self.findings.quoted(of)} is null" + (f": {owner.of}" if owner.of else "")
            self.findings.add(
                of, message, "wrong-type", remedy="read it from another step", sure=owner.sure
            )
            return ANY
        if not owner.kinds:
            return ANY
        if not tolerant and not self._is_wrong(node, owner):
            self.findings.absent(
                of,
                owner,
                f"and null has no {node.value!r}" if node.value else "and null has nothing",
            )
        if owner.can_be({OBJECT}):
            if not tolerant:
                self._other_forms(node, owner)
            return self._field(node, owner, tolerant=tolerant)
        if owner.can_be({LIST}):
            if isinstance(node.value, str):
                return self._of_list(node, owner, by)
            if not tolerant:
                self._may_be_empty(node, owner)
            return owner.fields.get(str(node.value), owner.element)
        if owner.can_be({STRING}) and not isinstance(node.value, str) and by.can_be({INTEGER}):
            return of_kind(STRING)
        if owner.can_be({DATE}) and node.value in PARTS:
            return of_kind(INTEGER)
        message = f"{self.findings.quoted(of)} is {Type(owner.solid)}, which has no {node.value!r}"
        remedy = _called(node.value, owner) or f"leave {node.value!r} out"
        if node.value == "days" and owner.solid == {INTEGER}:
            remedy = "leave it out: dates apart are a number of days"
        if node.value in LENGTHS and owner.can_be({STRING}):
            empty = " | default('')" if owner.absent is not None else ""
            remedy = _length(f"{self.findings.quoted(of)}{empty}")
        self.findings.add(key, message, "wrong-type", remedy=remedy, sure=owner.sure)
        return ANY

    def _is_wrong(self, node: Node, owner: Type) -> bool:
        """Return whether a member is read of a value that is never an object: then only that is reported."""
        return (
            isinstance(node.value, str)
            and not owner.can_be({OBJECT})
            and not (owner.can_be({DATE}) and node.value in PARTS)
        )

    def _other_forms(self, node: Node, owner: Type) -> None:
        """Note that what has the field may as well be text, or a list, which have none. Asking what it is will do."""
        others = owner.solid - {OBJECT}
        if not others or owner.of == GROUP or path_of(node.parts[0]) in self.guards:
            return
        whole = self.findings.quoted(node.parts[0])
        message = f"{whole} is {Type(owner.solid)}, and {Type(others)} has no {node.value!r}"
        remedy = f"ask first which it is: ... if {whole} is string else ..."
        self.findings.add(node.parts[1], message, "may-be-missing", remedy=remedy, sure=False)

    def _field(self, node: Node, owner: Type, *, tolerant: bool) -> Type:
        """Return a field of an object."""
        name = node.value
        if isinstance(name, str) and name in owner.fields:
            found = owner.fields[name]
            if not tolerant and not self._told_apart(node):
                self.findings.missing(node.parts[1], found)
            return replace(found, missing=None) if found.missing else found
        if owner.rest is not None and owner.of in COLUMNS:
            return replace(owner.rest, column=str(name))
        if (
            owner.rest is not None
            or not isinstance(name, str)
            or not (owner.fields or owner.closed)
        ):
            if (
                isinstance(name, int)
                and owner.rest is None
                and owner.fields
                and not owner.can_be({LIST})
            ):
                message = (
                    f"{self.findings.quoted(node.parts[0])} is an object, and [{name}] is for lists"
                )
                self.findings.add(
                    node.parts[1],
                    message,
                    "wrong-type",
                    remedy=f"leave [{name}] out",
                    sure=owner.sure,
                )
            return owner.rest or ANY
        self._unknown(node, owner)
        return ANY

    def _told_apart(self, node: Node) -> bool:
        """Return whether a condition has checked the field, or another field of the object, which tells its form."""
        path = path_of(node)
        looked_at = (each[:-1] if each[-1] == DEFINED else each for each in self.guards)
        return any(each[:-1] == path[:-1] for each in looked_at if len(each) > 1)

    def _unknown(self, node: Node, owner: Type) -> None:
        name, of, sure = str(node.value), owner.of, owner.closed
        kind = _KINDS.get(of, "unknown-field")
        if of in COLUMNS:
            if name == "lines":
                message, remedy = (
                    "there is no 'row.lines': the rows are not grouped",
                    "add group_by: to rows",
                )
            else:
                message, remedy = (
                    f"no column is called {name!r}",
                    nearest(name, owner.fields, noun="columns"),
                )
        elif of == "vars":
            message, remedy = (
                f"no variable is called {name!r}",
                nearest(name, owner.fields, noun="vars"),
            )
            remedy = remedy or f"declare it: vars: {{{name}: ...}}"
        elif of == "run":
            message, remedy = f"a run has no {name!r}", nearest(name, owner.fields, noun="names")
        else:
            whose = f"{self.findings.quoted(node.parts[0])}{f' ({of})' if of else ''}"
            message = (
                f"{whose} has no field {name!r}"
                if sure
                else f"{whose} is not known to have a field {name!r}"
            )
            remedy = nearest(name, owner.fields, noun="fields")
            same = meant(name, dict.fromkeys(owner.fields, ""))
            if name in FIELDS:
                remedy = f"leave {name!r} out: {self.findings.quoted(node.parts[0])} is the answer"
            elif same and not remedy.startswith("did you mean"):
                remedy = among(same)
        self.findings.add(node.parts[1], message, kind, remedy=remedy, sure=sure)

    def _of_list(self, node: Node, owner: Type, by: Type) -> Type:
        """Return a field of a list, which has none."""
        whole = self.findings.quoted(node.parts[0])
        if node.value in LENGTHS:
            message = f"{whole} is a list, which has no {node.value!r}"
            self.findings.add(node.parts[1], message, "wrong-type", remedy=_length(whole))
            return ANY
        why = f": {owner.of}" if owner.of else ""
        result = why and not owner.of.endswith(FOR_EACH)
        what = f"the result of {whole!r} is a list" if result else f"{whole} is a list"
        message, remedy = f"{what}{why}", self._which(node, owner, by)
        if self._is_itself(node, owner):
            message = f"{whole!r} is the list itself, without {node.value!r}"
            remedy = f"leave {node.value!r} out: {self._without(node)}"
        self.findings.add(node.parts[0], message, "list-result", remedy=remedy, sure=owner.sure)
        return ANY

    def _may_be_empty(self, node: Node, owner: Type) -> None:
        """Note the element of what a search has found, which may be nothing, where no condition looks at the list."""
        path = path_of(node.parts[0])
        if not path or not owner.of.endswith(LISTS):
            return
        if any(each[: len(path)] == path for each in self.guards):
            return
        of, operation = self.findings.quoted(node.parts[0]), owner.of.removesuffix(LISTS)
        message = f"{operation} may list nothing, and then there is no {self.findings.quoted(node)}"
        remedy = f"ask first, as in when: {of} | length > 0; or let {of!r} expect: one"
        self.findings.add(node, message, "may-be-empty", remedy=remedy, sure=False)

    def _which(self, node: Node, owner: Type, by: Type) -> str:
        """Return the expression for a field of a list's elements."""
        whole, written = self.findings.quoted(node.parts[0]), str(node.value)
        if owner.item is not None and owner.item.solid == {LIST}:
            return f"put its lists into one: {whole} | flatten | map(attribute={written!r})"
        if owner.of.endswith(FOR_EACH):
            return "put these lists into one where they are gone through: | flatten"
        field = f".{written}" if not by.enum or written.isidentifier() else f"[{written!r}]"
        if not path_of(node):
            return f"say which: | first, and {field} after it"
        one = f"; or let {whole!r} expect: one" if owner.of.endswith(LISTS) else ""
        return f"say which: {whole}[0]{field}{one}"

    def _is_itself(self, node: Node, owner: Type) -> bool:
        """Return whether a member of a list is what other tools call the list: `find.results`, `existing.payments`."""
        name, fields = str(node.value), owner.element.fields
        if not path_of(node) or name in fields:
            return False
        after = self.findings.text[node.offset + node.length :].lstrip()
        called = re.match(r"\|\s*([a-z_]+)", after)
        listed = {*FILTERS, *EXPRESSION_FILTERS}
        return name in FIELDS or after.startswith("[") or bool(called and called[1] in listed)

    def _without(self, node: Node) -> str:
        """Return the complete expression without a member that does not exist."""
        text, whole = self.findings.text.strip(), self.findings.quoted(node.parts[0])
        member = self.findings.text[node.offset : node.offset + node.length]
        envelopes = "|".join(sorted(FIELDS))
        bare = re.compile(rf"{re.escape(member)}(?:\.(?:{envelopes})\b)*(\.(?=\w))?")
        written = bare.sub(lambda found: f"{whole}[0]." if found[1] else whole, text)
        return written if len(written) <= LONGEST else f"{whole} in place of {member}"


LONGEST = 100
"""The characters of an expression that a remedy repeats."""

FOR_EACH = " lists, for each"
"""The same of an element of a list of such lists."""


def _operands(node: Node) -> Sequence[Node]:
    """Return the parts of an operator, filter or test; of a text that is filled in, what is put into it one by one."""
    parts = node.parts
    fills = (node.kind, node.value) == ("operation", "%") and parts[1].kind == "list"
    texts = fills and parts[0].kind == "literal" and isinstance(parts[0].value, str)
    return (parts[0], *parts[1].parts) if texts else parts


_ASKED = {("test", "defined"), ("test", "undefined")}
"""Whether something is there at all."""


def _not_null(whole: str, *, holds: bool) -> str:
    return f"write {whole} is {'not ' if holds else ''}none"


def _length(whole: str) -> str:
    return f"write {whole} | length"


def _called(name: object, owner: Type) -> str:
    """Return the form of a method or filter that was written as a field; empty where there is none."""
    if not isinstance(name, str):
        return ""
    if name in METHODS and owner.can_be(TAKES[METHODS[name].takes]):
        return f"write it with brackets: .{METHODS[name].usage}"
    return f"it is a filter: | {FILTERS[name].usage}" if name in FILTERS else ""
