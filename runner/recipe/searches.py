"""Lists that are read once per run: lookups without `by`, and the searches of `unless_found` that are made in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner.problems import Problem, nearest
from runner.recipe.texts import mapping
from runner.source import Source, TreePath

if TYPE_CHECKING:
    from runner.catalogue import Operation

Part = Mapping[str, Any]


def check_list(source: Source, path: TreePath, lookup: Part) -> Iterator[Problem]:
    """Yield the problems of a lookup without `by`, which is a list."""
    if "by" in lookup or not {"use", "file"} & lookup.keys():
        return
    if "file" in lookup:
        message = f"the lookup {path[-1]!r} has no 'by': entries of a file are found by a field"
        remedy = "add 'by': the field that entries are found by, as in name"
        yield source.problem(source.key(path), message, "missing-key", remedy=remedy)
    elif "fold" in lookup:
        message = "'fold' is about names, and a lookup without 'by' is a list without any"
        remedy = "add by:, or leave fold out"
        yield source.problem(source.key((*path, "fold")), message, "lookup", remedy=remedy)


def check_search(
    source: Source, path: TreePath, search: Part, operation: Operation | None
) -> Iterator[Problem]:
    """Yield the problems of the place where an `unless_found` searches: an operation, or the list of a lookup."""
    if "in" not in search:
        if "use" not in search:
            message = "'unless_found' says neither 'use' nor 'in'"
            remedy = "add use: with an operation that searches, or in: with a lookup that is a list"
            yield source.problem(source.key(path), message, "missing-key", remedy=remedy)
        return
    for key in ("use", "with"):
        if key in search:
            message = f"{key!r} and 'in' do not go together: the lookup says what is read"
            remedy = "leave one of them out"
            yield source.problem(source.key((*path, key)), message, "lookup", remedy=remedy)
    yield from _lookup(source, (*path, "in"), search["in"])
    yield from _stale(source, path, search, operation)


def _lookup(source: Source, path: TreePath, name: Any) -> Iterator[Problem]:
    """Yield the problems of the lookup that a search is made in."""
    lookups = mapping(mapping(source.data).get("lookups"))
    if not isinstance(name, str):
        return
    if name not in lookups:
        remedy = nearest(name, lookups, noun="lookups") or "declare it under lookups, without by"
        yield source.problem(
            source.value(path), f"no lookup is called {name!r}", "unknown-name", remedy=remedy
        )
        return
    unfit = {
        "by": "its entries are found by names",
        "expect": "it is one entry",
        "file": "it is a file of your own",
        "keep": "it may be one of an earlier run, which knows nothing of what was created since",
    }
    for key, why in unfit.items():
        if key in mapping(lookups[name]):
            message = f"no search can be made in the lookup {name!r}: {why}"
            remedy = f"declare a lookup without {key!r}"
            yield source.problem(source.value(path), message, "lookup", remedy=remedy)


def _stale(
    source: Source, path: TreePath, search: Part, operation: Operation | None
) -> Iterator[Problem]:
    """Yield the problems of a step for which a list from the beginning of the run is too old."""
    reason = ""
    if operation is not None and operation.money:
        reason = f"{operation.full_name} moves money, and is compared with what was there right before it"
    elif "update" in search:
        reason = "what is updated is compared as it is right before it"
    elif search.get("absent_means") == "retry":
        reason = "'absent_means: retry' needs to know what is not there right before it"
    if reason:
        remedy = "search with use:"
        yield source.problem(source.key((*path, "in")), reason, "lookup", remedy=remedy)
