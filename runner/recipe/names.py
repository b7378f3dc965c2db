"""The names that a recipe's templates and expressions read: each has to be known where it is read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from runner.problems import Problem, closest, nearest
from runner.recipe.foreign import FIELDS, NAMES
from runner.recipe.texts import EXPECTATIONS, HIT, LINE, Scope, Texts, mapping, section, sequence
from runner.source import Source, TreePath
from runner.synonyms import words
from runner.template import Reference

RESERVED = frozenset({"row", "vars", "item", "run", "result"})
WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "true", "false", "none"})

Wrong = tuple[str, str, str]
"""Message, kind, remedy."""


class Names(NamedTuple):
    """The names that a recipe declares. `columns` is None where only the file gives them."""

    rows: bool
    columns: frozenset[str] | None
    vars: frozenset[str]
    lookups: frozenset[str]
    steps: tuple[str, ...]
    lets: tuple[tuple[str, TreePath], ...] = ()
    changes: bool = False
    """Whether a step creates or updates something, by the name of what it uses."""
    shared: bool = False
    """Whether these are the names of a file of steps, and not of a recipe."""

    @classmethod
    def of(cls, data: Any) -> Names:
        """Return the names in a recipe's data, whatever its shape."""
        recipe = mapping(data)
        rows = mapping(section(recipe, "rows"))
        steps = [mapping(step) for step in sequence(recipe.get("steps"))]
        return cls(
            shared="steps" in recipe and not {"recipe", "name"} & recipe.keys(),
            rows=section(recipe, "rows") is not None,
            columns=frozenset(rows["columns"]) if isinstance(rows.get("columns"), dict) else None,
            vars=frozenset(mapping(section(recipe, "vars"))),
            lookups=frozenset(mapping(section(recipe, "lookups"))),
            steps=tuple(str(step.get("id", "")) for step in steps),
            changes=any(_changes(step.get("use")) for step in steps),
            lets=(
                *((str(name), ("let", name)) for name in mapping(section(recipe, "let"))),
                *(
                    (str(name), ("steps", index, "let", name))
                    for index, step in enumerate(steps)
                    for name in mapping(step.get("let"))
                ),
            ),
        )


def _changes(use: Any) -> bool:
    """Return whether an operation creates or updates something, by its name."""
    return words(str(use).rpartition(".")[2])[:1] in (("create",), ("update",))


def check_names(source: Source, texts: Texts, names: Names) -> Iterator[Problem]:
    """Yield a problem for each name that is not known where it is read, and for each that elements cannot have."""
    yield from _elements(source, texts, names)
    for path, text in texts.items():
        for reference in text.compiled.references:
            wrong = _wrong(source, path, reference, text.scope, names)
            if wrong:
                message, kind, remedy = wrong
                place = source.within(path, reference.offset, reference.length)
                yield source.problem(place, message, kind, remedy=remedy)


def _elements(source: Source, texts: Texts, names: Names) -> Iterator[Problem]:
    """Yield the names that `for_each: {in: ..., as: ...}` gives to elements, and that mean something else already."""
    seen: set[TreePath] = set()
    for text in texts.values():
        for at, (name, place) in enumerate(text.scope.each):
            if place in seen or place[-1] != "in":
                continue
            seen.add(place)
            taken = {*names.steps, *names.lookups, *dict(names.lets), *RESERVED, *WORDS}
            if name in taken or name in dict(text.scope.each[:at]):
                message = f"elements cannot be called {name!r}: that name means something already"
                path = (*place[:-1], "as")
                yield source.problem(
                    source.value(path), message, "reserved-name", remedy="choose another name"
                )


def check_ids(source: Source, names: Names) -> Iterator[Problem]:
    """Yield a problem for each step, lookup or former id that takes a name twice or one that expressions need."""
    first: dict[str, TreePath] = {name: ("lookups", name) for name in names.lookups}
    for name, path in names.lets:
        yield from _reserved(source, path, name, "named value")
        if name in first or name in names.steps:
            other = first.get(name) or ("steps", names.steps.index(name), "id")
            what = {"lookups": "lookup", "let": "named value"}.get(str(other[0]), "step")
            what = "named value" if other[-2] == "let" else what
            line = source.value(other).line
            message = f"{name!r} is already the name of the {what} on line {line}"
            yield source.problem(
                source.key(path), message, "duplicate-id", remedy="choose another name"
            )
        first.setdefault(name, path)
    for name in sorted(names.lookups):
        yield from _reserved(source, ("lookups", name), name, "lookup")
    for index, name in enumerate(names.steps):
        path = ("steps", index, "id")
        if not name:
            continue
        yield from _reserved(source, path, name, "step")
        if name in first and first[name][-2] != "let":
            other = first[name]
            what, line = "lookup" if other[0] == "lookups" else "step", source.key(other).line
            message = f"{name!r} is already the name of the {what} on line {line}"
            yield source.problem(
                source.value(path), message, "duplicate-id", remedy="give this step another id"
            )
        first.setdefault(name, path)


def _reserved(source: Source, path: TreePath, name: str, what: str) -> Iterator[Problem]:
    if name in RESERVED or name in WORDS:
        place = source.value(path) if path[-1] == "id" else source.key(path)
        message = f"a {what} cannot be called {name!r}: expressions use that word already"
        yield source.problem(
            place, message, "reserved-name", remedy=f"choose another name, such as {name}_{what}"
        )


def _wrong(
    source: Source, path: TreePath, reference: Reference, scope: Scope, names: Names
) -> Wrong | None:
    root = reference.root
    if root == "run" and reference.path[:1] == ("previous",) and _is_early(path, scope):
        message = "'run.previous' is not known here: rows are read and told apart without it"
        remedy = "it is known in the search for rows, in lookups, steps and outputs"
        return message, "unknown-name", remedy
    if names.shared and (root == "row" or (root == "vars" and path[0] == "lookups")):
        return _of_the_recipe(root)
    if root in ("vars", "run") or root in dict(scope.lets):
        return None
    if root != "item" and root in dict(scope.each):
        return None
    if root in dict(names.lets) and root not in {*names.steps, *names.lookups}:
        return _unnamed(source, root, scope, names)
    if root == "row":
        if path == ("rows", "where") and not scope.row:
            message = "'row' is not known here: each thing that the search lists is called item"
            return message, "unknown-name", "write item.x"
        return _row(scope, names)
    if root == "item":
        return _item(path, scope, names)
    if root == "result":
        message = "'result' is only known in expect, verify and until"
        return None if scope.result else (message, "unknown-name", "use an earlier step")
    if root == "found" and (scope.found or root not in {*names.steps, *names.lookups}):
        message = "'found' is only known in the update of unless_found"
        return (
            None
            if scope.found
            else (message, "unknown-name", "in its 'where' each hit is called item")
        )
    if root in names.steps[: scope.steps]:
        return None
    if root in names.steps:
        return _not_yet(source, path, root, scope, names)
    if root in names.lookups:
        message = f"the lookup {root!r} is not known here"
        return (
            None
            if scope.lookups
            else (message, "unknown-name", "only vars and run are known before the steps")
        )
    return _unknown(path, reference, scope, names)


def _of_the_recipe(root: str) -> Wrong:
    """Check a file of steps for names that it cannot know."""
    if root == "row":
        message = "'row' is not known in a file of steps: a recipe gives it what it needs"
        remedy = "declare it under vars, read vars.x, and let the recipe give it: with: {x: ...}"
        return message, "unknown-name", remedy
    message = "a lookup is read before the first row, and what a recipe gives by 'with' may differ for each"
    return message, "unknown-name", "only run is known; choose with where in a step"


def _is_early(path: TreePath, scope: Scope) -> bool:
    """Return whether a text is read before the run begins, or identifies something."""
    if path[-1] in ("once_per", "item_key") or path[0] in ("key", "key_was"):
        return True
    searched = path[1:2] in (("with",), ("require",)) or (path[1:2] == ("where",) and not scope.row)
    return path[0] == "rows" and not searched


def _unnamed(source: Source, root: str, scope: Scope, names: Names) -> Wrong:
    """Return a value that `let` names somewhere else."""
    place = dict(names.lets)[root]
    if not scope.lookups:
        return (
            f"the named value {root!r} is not known here",
            "unknown-name",
            "only vars and run are known before the steps",
        )
    line = source.key(place).line
    return f"{root!r} is named later, on line {line}", "later-step", "move its let up"


def _row(scope: Scope, names: Names) -> Wrong | None:
    if not names.rows:
        return (
            "there is no 'row': the recipe has no rows",
            "unknown-name",
            "add rows: with the file, or use vars",
        )
    if not scope.row:
        message = "'row' is not known here: this is read before the first row"
        return message, "unknown-name", "only vars and run are known"
    return None


def _item(path: TreePath, scope: Scope, names: Names) -> Wrong | None:
    if path[-1] == "when":
        message = "'item' is not known in 'when', which decides on the whole step"
        return (
            message,
            "unknown-name",
            "choose the items: for_each: row.lines | where('item.x > 0')",
        )
    if path[0] == "rows" and scope.row:
        return (
            "'item' is what an API lists, and these rows are lines of a file",
            "unknown-name",
            "write row.x",
        )
    if not scope.item and path[0] == "outputs":
        message = "'item' is not known here: there is a line for each row"
        row = "write row.x; " if scope.row else ""
        if names.changes:
            remedy = f"{row}leave out what is of each item"
            return message, "unknown-name", remedy
        remedy = f"{row}for a line for each of a list: export: {{lines: row.payments}}"
        return message, "unknown-name", remedy
    if not scope.item:
        return (
            "'item' is only known in for_each steps and in where",
            "unknown-name",
            "give the step a for_each" + ("; or write row.x" if scope.row else ""),
        )
    return None


def _not_yet(source: Source, path: TreePath, root: str, scope: Scope, names: Names) -> Wrong:
    index = names.steps.index(root)
    line = source.value(("steps", index, "id")).line
    if path[:2] == ("steps", index):
        remedy = "use result" if scope.result else "use an earlier step"
        return f"{root!r} is this step itself: its result is not there yet", "later-step", remedy
    if path[0] != "steps":
        message = f"no step is done here yet, and {root!r} is one"
        return (
            message,
            "later-step",
            "only vars and run are known" + (", and row" if scope.row else ""),
        )
    return f"step {root!r} comes later, on line {line}", "later-step", "move it before this one"


def _unknown(path: TreePath, reference: Reference, scope: Scope, names: Names) -> Wrong:
    """Return the advice on an unknown name: perhaps a column, a variable or an expectation that lacks its prefix."""
    root = reference.root
    earlier = [name for name in names.steps[: scope.steps] if name]
    if (
        path[-1] == "expect"
        and not reference.path
        and difflib.get_close_matches(root, EXPECTATIONS)
    ):
        return f"{root!r} is nothing to expect", "unknown-name", nearest(root, EXPECTATIONS)
    remedy = _with_prefix(root, scope, names)
    if remedy:
        return f"nothing is called {root!r} here", "unknown-name", remedy
    known = {"vars", "run", *earlier}
    known |= {"row"} if scope.row else set()
    known |= {"item"} if scope.item else set()
    known |= {"result"} if scope.result else set()
    known |= names.lookups if scope.lookups else set()
    if root in NAMES and root not in known:
        remedy = _read_here(reference, earlier, names) or NAMES[root]
        return f"nothing is called {root!r} here", "unknown-name", remedy
    close, later = closest(root, known), closest(root, names.steps)
    remedy = nearest(root, known)
    if close and close in earlier:
        return f"no earlier step is called {root!r}", "unknown-step", remedy
    if not close and later and scope.steps:
        return (
            f"no earlier step is called {root!r}",
            "unknown-step",
            f"step {later!r} comes later: move it up",
        )
    return f"nothing is called {root!r} here", "unknown-name", remedy


def _read_here(reference: Reference, earlier: Sequence[str], names: Names) -> str:
    """Return the recipe's form of steps.job.outputs.id or inputs.since of other tools; empty for other names."""
    first, *rest = reference.path or ("",)
    if reference.root == "matrix" and first:
        members = ".".join(map(str, (first, *rest)))
        return f"write {members}; for_each: {{in: ..., as: {first}}} gives it that name"
    if first in earlier:
        parts = [part for part in rest if part not in FIELDS]
        members = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
        return f"write {first}{members}"
    return f"write vars.{first}" if first in names.vars else ""


def _with_prefix(root: str, scope: Scope, names: Names) -> str:
    if scope.item == HIT and not closest(root, ["item", *names.steps]):
        return f"did you mean 'item.{root}'?"
    places: list[tuple[bool, str, frozenset[str] | None]] = [
        (scope.item == LINE, "item", names.columns),
        (scope.row, "row", names.columns),
        (True, "vars", names.vars),
    ]
    found = [
        f"{prefix}.{root}" for here, prefix, known in places if here and known and root in known
    ]
    return f"did you mean {found[0]!r}?" if found else ""
