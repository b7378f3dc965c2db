"""`export`: which lines an export has, what they are grouped by, and what is added up over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner.problems import Problem, nearest
from runner.recipe.operations import find_operation
from runner.recipe.texts import Text, Texts, mapping, sequence
from runner.source import Source, TreePath
from runner.template import Template

if TYPE_CHECKING:
    from runner.catalogue import Catalogue

Part = Mapping[str, Any]

COUNT = "count"
KINDS = (COUNT, "sum", "min", "max")
"""What a total can be."""


def total_of(name: str, given: Any) -> tuple[str, str]:
    """Return what a total is, and the output that it is over: that of its own name unless it says another.

    >>> total_of("amount", "sum"), total_of("largest", {"max": "amount"}), total_of("payments", "count")
    (('sum', 'amount'), ('max', 'amount'), ('count', ''))
    """
    if isinstance(given, dict):
        kind, output = next(iter(given.items()), ("", ""))
        return str(kind), str(output)
    return str(given), "" if given == COUNT else name


def groups_of(export: Part) -> tuple[str, ...]:
    """Return the outputs that the lines of an export are grouped by."""
    given = export.get("group_by", ())
    return (given,) if isinstance(given, str) else tuple(map(str, sequence(given)))


def check_export(
    source: Source, recipe: Part, texts: Texts, catalogue: Catalogue
) -> Iterator[Problem]:
    """Yield the problems of an `export` that a schema cannot say."""
    export = mapping(recipe.get("export"))
    if not export:
        return
    if "outputs" not in recipe and "use" not in export:
        message = "'export' says what the lines of the outputs are, and there are no outputs"
        remedy = "add outputs:, a template for each column"
        yield source.problem(source.key(("export",)), message, "export", remedy=remedy)
        return
    yield from _writes(source, sequence(recipe.get("steps")), catalogue)
    outputs = mapping(recipe.get("outputs"))
    groups = groups_of(export)
    used = set(groups)
    for at, name in enumerate(groups):
        place: TreePath = ("export", "group_by")
        place = place if isinstance(export.get("group_by"), str) else (*place, at)
        if name not in outputs:
            yield _no_output(source, place, name, outputs)
        elif name in groups[:at]:
            message = f"the lines are already grouped by {name!r}"
            yield source.problem(
                source.value(place), message, "export", remedy="keep one of the two"
            )
    for name, given in mapping(export.get("totals")).items():
        yield from _total(source, str(name), given, outputs, groups)
        kind, output = total_of(str(name), given)
        used.add(output)
        if kind == "sum" and _is_text(outputs.get(output), texts.get(("outputs", output))):
            message = f"the output {output!r} is text, which cannot be added up"
            remedy = 'write it as one expression and nothing else, as in "{{ item.amount }}"'
            place = source.value(("outputs", output))
            yield source.problem(place, message, "wrong-type", remedy=remedy)
    if "group_by" in export or "totals" in export:
        yield from _unused(source, outputs, used)


def _writes(source: Source, steps: list[Any], catalogue: Catalogue) -> Iterator[Problem]:
    """Yield the problems of the steps of an export that do more than read."""
    for index, step in enumerate(map(mapping, steps)):
        operation = find_operation(source, ("steps", index, "use"), step.get("use"), catalogue)
        if operation and not isinstance(operation, Problem) and operation.effect != "read":
            message = (
                f"an export only reads, and {operation.full_name} {operation.effect}s something"
            )
            remedy = "leave 'export' out, or make the export a recipe of its own"
            yield source.problem(
                source.value(("steps", index, "use")), message, "export", remedy=remedy
            )


def _is_text(given: Any, text: Text | None) -> bool:
    """Return whether an output is text whatever its expressions come to."""
    if text is None:
        return isinstance(given, str)
    return isinstance(text.compiled, Template) and not text.compiled.lone


def _total(
    source: Source, name: str, given: Any, outputs: Part, groups: tuple[str, ...]
) -> Iterator[Problem]:
    path: TreePath = ("export", "totals", name)
    kind, output = total_of(name, given)
    if isinstance(given, dict) and len(given) != 1:
        message = f"the total {name!r} has to be one thing, not {len(given)}"
        yield source.problem(
            source.value(path), message, "export", remedy="write one, as in {max: amount}"
        )
    elif kind in KINDS and kind != COUNT and output not in outputs:
        place = path if isinstance(given, str) else (*path, kind)
        problem = _no_output(source, place, output, outputs)
        if isinstance(given, str) and not problem.remedy.startswith("did you"):
            problem = _no_output(source, path, output, outputs, example=f"{{{kind}: amount}}")
        yield problem
    if name in groups:
        message = f"the lines are grouped by {name!r}, which is one column already"
        remedy = f"give the total another name, as in total_{name}: {{sum: {name}}}"
        yield source.problem(source.key(path), message, "export", remedy=remedy)


def _no_output(
    source: Source, place: TreePath, name: str, outputs: Part, *, example: str = ""
) -> Problem:
    remedy = nearest(name, outputs, noun="outputs")
    if example:
        remedy = f"say which one: {example}; {remedy}"
    return source.problem(
        source.value(place), f"no output is called {name!r}", "unknown-name", remedy=remedy
    )


def _unused(source: Source, outputs: Part, used: set[str]) -> Iterator[Problem]:
    """Warn of outputs that are in no line, since lines are groups."""
    for name in outputs:
        if name not in used:
            message = f"the output {name!r} is in no line: the lines are groups and their totals"
            remedy = "group by it, add it up, or leave it out"
            yield source.problem(
                source.key(("outputs", name)), message, "export", remedy=remedy, severity="warning"
            )
