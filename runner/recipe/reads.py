"""Keys of reads: `once: run`, and `where` of steps and lookups that list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner.problems import Problem
from runner.recipe.operations import find_operation
from runner.recipe.texts import Texts, mapping, over, sequence
from runner.source import Source, TreePath
from runner.template import Expression, Node, path_of

if TYPE_CHECKING:
    from runner.catalogue import Catalogue, Operation

Part = Mapping[str, Any]

A_RUN = "run"
"""What `once` can say."""


def check_reads(source: Source, texts: Texts, catalogue: Catalogue) -> Iterator[Problem]:
    """Yield the problems of `once` and `where` that a schema cannot say."""
    recipe = mapping(source.data)
    for name, lookup in mapping(recipe.get("lookups")).items():
        yield from _lookup(source, ("lookups", name), mapping(lookup))
        yield from _narrower(source, ("lookups", name), mapping(lookup), texts, catalogue)
    for index, step in enumerate(map(mapping, sequence(recipe.get("steps")))):
        path: TreePath = ("steps", index)
        operation = find_operation(source, (*path, "use"), step.get("use"), catalogue)
        known = None if isinstance(operation, Problem) else operation
        if step.get("once") == A_RUN:
            yield from _once(source, path, step, known)
            if known is None or known.effect == "read":
                yield from _rows_apart(source, path, texts)
        if "where" in step:
            yield from _where(source, path, step, known)
            if step.get("once") != A_RUN:  # one answer for all rows is what it is for
                yield from _narrower(source, path, step, texts, catalogue)


def _once(
    source: Source, path: TreePath, step: Part, operation: Operation | None
) -> Iterator[Problem]:
    """Return the problems of a step that runs once per run."""
    place = source.key((*path, "once"))
    if operation is not None and operation.effect != "read":
        message = (
            f"'once: run' is for reads, and {operation.full_name} {operation.effect}s something"
        )
        remedy = (
            "write once_per with what it is done once for, over all runs, as in row.customer_id"
        )
        yield source.problem(place, message, "once", remedy=remedy)
        return
    others = {
        "once_per": "a step is done once a run, or once for each value",
        "for_each": "a step is done once a run, or once for each item",
    }
    for key, why in others.items():
        if key in step:
            message, remedy = (
                f"'once' and {key!r} do not go together: {why}",
                "leave one of them out",
            )
            yield source.problem(place, message, "once", remedy=remedy)


def _rows_apart(source: Source, path: TreePath, texts: Texts) -> Iterator[Problem]:
    """Yield the arguments of a shared read that differ by row."""
    data = mapping(source.data)
    steps = [mapping(step) for step in sequence(data.get("steps"))]
    apart = {str(step.get("id")) for step in steps if step.get("once") != A_RUN} | {"row", "item"}
    apart -= set(mapping(data.get("lookups")))
    for place, text in texts.items():
        given = place[: len(path)] == path and place[len(path)] in ("with", "poll")
        if not given:
            continue
        for reference in text.compiled.references:
            read = _behind(reference.root, dict(text.scope.lets), texts)
            made = {name for name, _ in text.scope.each}
            if reference.root in made or not read & apart:
                continue
            message = f"it is read once for all rows, and {reference.root!r} is another thing for each of them"
            remedy = "write once_per in place of once: a read for each value in a run; or compare in where"
            at = source.within(place, reference.offset, reference.length)
            yield source.problem(at, message, "once", remedy=remedy)


def _behind(name: str, lets: Mapping[str, TreePath], texts: Texts) -> set[str]:
    """Return a name, and those that the value it names is made of."""
    found: set[str] = set()
    left = [name]
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            text = texts.get(lets[each]) if each in lets else None
            left += [inner.root for inner in text.compiled.references] if text else []
    return found


def _lookup(source: Source, path: TreePath, lookup: Part) -> Iterator[Problem]:
    """Yield the problems of `where` and `expect` of a lookup."""
    for key in ("where", "expect") if "file" in lookup else ():
        if key in lookup:
            message = f"{key!r} is about what an API lists, and this lookup is a file of your own"
            remedy = "leave it out, and keep the file as it should be"
            yield source.problem(source.key((*path, key)), message, "lookup", remedy=remedy)
    if "expect" in lookup and "by" in lookup:
        message = "'expect: one' makes the lookup its only entry, and 'by' finds one among several"
        remedy = "leave one of them out"
        yield source.problem(source.key((*path, "expect")), message, "lookup", remedy=remedy)


def _where(
    source: Source, path: TreePath, step: Part, operation: Operation | None
) -> Iterator[Problem]:
    """Yield the problems of a step's `where`: there has to be a list, and one thing that `item` is."""
    place = source.key((*path, "where"))
    if operation is not None and operation.effect != "read":
        message = f"'where' chooses from what is read, and {operation.full_name} {operation.effect}s something"
        remedy = "choose what is sent with when, or before with for_each: row.lines | where('...')"
        yield source.problem(place, message, "where", remedy=remedy)
    elif operation is not None and not operation.items:
        message = f"'where' chooses from a list, and {operation.full_name} returns one thing"
        remedy = "say what has to be true of it: expect: result.status == 'Open'"
        yield source.problem(place, message, "where", remedy=remedy)
    if "for_each" in step and over((), step["for_each"])[2] == "item":
        message = "'item' could mean an entry of what is read, or one of for_each"
        remedy = "name those of for_each: {in: row.lines, as: line}"
        yield source.problem(place, message, "where", remedy=remedy)


def _narrower(
    source: Source, path: TreePath, part: Part, texts: Texts, catalogue: Catalogue
) -> Iterator[Problem]:
    """Warn where the API itself can choose by a field that a `where` compares: fewer pages are read."""
    text = texts.get((*path, "where"))
    operation = find_operation(source, (*path, "use"), part.get("use"), catalogue)
    if text is None or operation is None or isinstance(operation, Problem):
        return
    there = mapping(part.get("with"))
    assert isinstance(text.compiled, Expression)  # noqa: S101 - what stands under where is one
    for node in _conjuncts(text.compiled.tree):
        name, other = _compared(node)
        parameter = operation.parameters.get(name)
        if parameter is None or name in there or parameter.conditions is not None:
            continue
        written = text.compiled.text[other.offset : other.offset + other.length]
        message = f"{operation.full_name} takes {name!r} itself, and every page is read to compare it here"
        given = str(other.value) if other.kind == "literal" else f'"{{{{ {written} }}}}"'
        remedy = f"add it to with: {name}: {given}; and keep where, in case it finds more than that"
        place = source.within((*path, "where"), node.offset, node.length)
        yield source.problem(place, message, "narrower", remedy=remedy, severity="warning")


def _conjuncts(node: Node) -> Iterator[Node]:
    if node.kind == "and":
        for part in node.parts:
            yield from _conjuncts(part)
    else:
        yield node


def _compared(node: Node) -> tuple[str, Node]:
    """Return the field of `item` that is compared for equality, and the other side; else an empty name."""
    if node.kind == "compare" and node.value == ("==",):
        for one, other in (node.parts, node.parts[::-1]):
            path = path_of(one)
            apart = all(each.value != "item" for each in other.walk() if each.kind == "name")
            if len(path) == 2 and path[0] == "item" and apart:
                return str(path[1]), other
    return "", node
