"""The names that a recipe's templates and expressions read: each has to be known where it is read."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runner.problems import Problem, nearest
from runner.recipe.texts import EXPECTATIONS, LINE, Scope, Texts, mapping, section, sequence
from runner.source import Source, TreePath
from runner.template import Reference

RESERVED = frozenset({"row", "vars", "item", "run", "result"})
WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "true", "false", "none"})
RUN = ("id", "date")

Wrong = tuple[str, str, str]
"""Message, kind, remedy."""

_OF_A_MEMBER = {"unknown-column", "unknown-var", "unknown-member"}
"""Kinds of what is wrong with the name after the dot."""


@dataclass(frozen=True)
class Names:
    """What a recipe declares. `columns` is None where the file alone says which there are; `lists` says of each
    step whose result is a list why it is one."""

    rows: bool
    grouped: bool
    columns: frozenset[str] | None
    vars: frozenset[str]
    lookups: frozenset[str]
    steps: tuple[str, ...]
    lists: Mapping[str, str]

    @classmethod
    def of(cls, data: Any, *, lists: Mapping[str, str]) -> Names:
        """The names in a recipe's data, whatever its shape."""
        recipe = mapping(data)
        rows = mapping(section(recipe, "rows"))
        steps = [mapping(step) for step in sequence(recipe.get("steps"))]
        return cls(
            rows=section(recipe, "rows") is not None,
            grouped="group_by" in rows,
            columns=frozenset(rows["columns"]) if isinstance(rows.get("columns"), dict) else None,
            vars=frozenset(mapping(section(recipe, "vars"))),
            lookups=frozenset(mapping(section(recipe, "lookups"))),
            steps=tuple(str(step.get("id", "")) for step in steps),
            lists=lists,
        )


def check_names(source: Source, texts: Texts, names: Names) -> Iterator[Problem]:
    """A problem for each name that is not known where it is read."""
    for path, text in texts.items():
        for reference in text.compiled.references:
            wrong = _wrong(source, path, reference, text.scope, names)
            if wrong:
                message, kind, remedy = wrong
                offset, length = reference.offset, reference.length
                member = str(reference.path[0]) if kind in _OF_A_MEMBER else ""
                at = text.compiled.text.find(member, offset + length) if member else -1
                if at >= 0:
                    offset, length = at, len(member)
                place = source.within(path, offset, length)
                yield source.problem(place, message, kind, remedy=remedy)


def check_ids(source: Source, names: Names) -> Iterator[Problem]:
    """A problem for each step, lookup or former id that takes a name twice or one that expressions need."""
    first: dict[str, TreePath] = {name: ("lookups", name) for name in names.lookups}
    for name in sorted(names.lookups):
        yield from _reserved(source, ("lookups", name), name, "lookup")
    for index, name in enumerate(names.steps):
        path: TreePath = ("steps", index, "id")
        if not name:
            continue
        yield from _reserved(source, path, name, "step")
        if name in first:
            other = first[name]
            what, line = "lookup" if other[0] == "lookups" else "step", source.key(other).line
            message = f"{name!r} is already the name of the {what} on line {line}"
            yield source.problem(source.value(path), message, "duplicate-id", remedy="give this step another id")
        first.setdefault(name, path)


def _reserved(source: Source, path: TreePath, name: str, what: str) -> Iterator[Problem]:
    if name in RESERVED or name in WORDS:
        place = source.value(path) if path[-1] == "id" else source.key(path)
        message = f"a {what} cannot be called {name!r}: expressions use that word already"
        yield source.problem(place, message, "reserved-name", remedy=f"choose another name, such as {name}_{what}")


def _wrong(source: Source, path: TreePath, reference: Reference, scope: Scope, names: Names) -> Wrong | None:
    root, after = reference.root, reference.path
    if root == "vars":
        return _member(after, names.vars, "no variable is called {!r}", "unknown-var", "vars")
    if root == "run":
        return _member(after, RUN, "a run has no {!r}", "unknown-member", "names")
    if root == "row":
        return _row(after, scope, names)
    if root == "item":
        return _item(path, after, scope, names)
    if root == "result":
        return None if scope.result else ("'result' is only known in expect", "unknown-name", "use an earlier step")
    if root in names.steps[: scope.steps]:
        return _result(root, after, names)
    if root in names.steps:
        return _not_yet(source, path, root, scope, names)
    if root in names.lookups:
        message = f"the lookup {root!r} is not known here"
        return None if scope.lookups else (message, "unknown-name", "only vars and run are known before the steps")
    return _unknown(path, reference, scope, names)


def _member(after: tuple[str | int, ...], known: Collection[str], message: str, kind: str, noun: str) -> Wrong | None:
    if not after or str(after[0]) in known:
        return None
    name = str(after[0])
    remedy = nearest(name, known, noun=noun) or f"declare it: vars: {{{name}: ...}}"
    return message.format(name), kind, remedy


def _row(after: tuple[str | int, ...], scope: Scope, names: Names) -> Wrong | None:
    if not names.rows:
        return "there is no 'row': the recipe has no rows", "unknown-name", "add rows: with the file, or use vars"
    if not scope.row:
        message = "'row' is not known here: this is read before the first row"
        return message, "unknown-name", "only vars and run are known"
    if names.grouped and after[:1] == ("lines",):
        rest = after[2:] if len(after) > 1 and isinstance(after[1], int) else ()
        return _column(rest, names)
    if after[:1] == ("lines",) and names.columns is not None and "lines" not in names.columns:
        return "there is no 'row.lines': the rows are not grouped", "unknown-column", "add group_by: to rows"
    return _column(after, names, extra=("lines",) if names.grouped else ())


def _column(after: tuple[str | int, ...], names: Names, *, extra: tuple[str, ...] = ()) -> Wrong | None:
    if names.columns is None:
        return None
    return _member(after, {*names.columns, *extra}, "no column is called {!r}", "unknown-column", "columns")


def _item(path: TreePath, after: tuple[str | int, ...], scope: Scope, names: Names) -> Wrong | None:
    if path[-1] == "when":
        message = "'item' is not known in 'when', which decides on the whole step"
        return message, "unknown-name", "choose the items: for_each: row.lines | where('item.x > 0')"
    if not scope.item:
        return "'item' is only known in for_each steps and in where", "unknown-name", "give the step a for_each"
    return _column(after, names) if scope.item == LINE else None


def _result(root: str, after: tuple[str | int, ...], names: Names) -> Wrong | None:
    if root in names.lists and after and isinstance(after[0], str):
        message = f"the result of {root!r} is a list: {names.lists[root]}"
        remedy = f"say which: {root}[0].{after[0]}"
        return message, "list-result", remedy + ("" if "for_each" in message else f"; or let {root!r} expect: one")
    return None


def _not_yet(source: Source, path: TreePath, root: str, scope: Scope, names: Names) -> Wrong:
    index = names.steps.index(root)
    line = source.value(("steps", index, "id")).line
    if path[:2] == ("steps", index):
        remedy = "use result" if scope.result else "use an earlier step"
        return f"{root!r} is this step itself: its result is not there yet", "later-step", remedy
    if path[0] != "steps":
        message = f"no step is done here yet, and {root!r} is one"
        return message, "later-step", "only vars and run are known" + (", and row" if scope.row else "")
    return f"step {root!r} comes later, on line {line}", "later-step", "move it before this one"


def _unknown(path: TreePath, reference: Reference, scope: Scope, names: Names) -> Wrong:
    """A name that means nothing: perhaps a column, a variable or an expectation written without what it needs."""
    root = reference.root
    earlier = [name for name in names.steps[: scope.steps] if name]
    if path[-1] == "expect" and not reference.path and difflib.get_close_matches(root, EXPECTATIONS):
        return f"{root!r} is nothing to expect", "unknown-name", nearest(root, EXPECTATIONS)
    remedy = _with_prefix(root, scope, names)
    if remedy:
        return f"nothing is called {root!r} here", "unknown-name", remedy
    known = {"vars", "run", *earlier}
    known |= {"row"} if scope.row else set()
    known |= {"item"} if scope.item else set()
    known |= {"result"} if scope.result else set()
    known |= names.lookups if scope.lookups else set()
    close = difflib.get_close_matches(root, sorted(known), n=1)
    later = difflib.get_close_matches(root, names.steps, n=1)
    remedy = nearest(root, known)
    if close and close[0] in earlier:
        return f"no earlier step is called {root!r}", "unknown-step", remedy
    if not close and later and scope.steps:
        return f"no earlier step is called {root!r}", "unknown-step", f"step {later[0]!r} comes later: move it up"
    return f"nothing is called {root!r} here", "unknown-name", remedy


def _with_prefix(root: str, scope: Scope, names: Names) -> str:
    places: list[tuple[bool, str, frozenset[str] | None]] = [
        (scope.item == LINE, "item", names.columns),
        (scope.row, "row", names.columns),
        (True, "vars", names.vars),
    ]
    found = [f"{prefix}.{root}" for here, prefix, known in places if here and known and root in known]
    return f"did you mean {found[0]!r}?" if found else ""
