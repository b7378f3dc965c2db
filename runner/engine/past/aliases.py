"""Operations that are on record under another name of their API: what counts is where a request went, not its name.

A document that is in `runner.yaml` under two names is one API. So an operation on record is one of a recipe where its
API was at the same origin and its calls have the method and the path of that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from runner.catalogue import Catalogue, Operation
from runner.journal import History
from runner.recipe.model import Recipe

_PARAMETER = re.compile(r"\{[^{}]*\}")


def aliases_of(
    history: History, recipe: Recipe, catalogue: Catalogue, *, bases: Mapping[str, str],
    origin_of: Callable[[str], str],
) -> dict[str, str]:  # fmt: skip
    """Return the operations on record that are ones of a recipe under another name of their API, by their names.

    `bases` are the addresses of the APIs of today, by their names; one that another address belongs to is another API.
    """
    used = {step.operation: catalogue.operation(step.operation) for step in recipe.steps}
    writes = [each for each in used.values() if each.effect != "read" and each.api in bases]
    places = {(account, api): origin_of(origin) for account, api, origin in history.places()}
    found: dict[str, str] = {}
    for account, name, method, url in history.sent_paths() if writes and places else ():
        api = name.partition(".")[0]
        for each in writes if name not in used else ():
            at_home = places.get((account, api)) == origin_of(bases[each.api])
            same = bases.get(api, bases[each.api]) == bases[each.api]
            if at_home and same and each.method == method and _fits(each, url):
                found[name] = each.full_name
    return found


def one_apis(catalogue: Catalogue, bases: Mapping[str, str]) -> dict[str, str]:
    """Return the names of APIs that have the same operations at one address, each with the first of its names."""
    first: dict[tuple[str, frozenset[tuple[str, str, str]]], str] = {}
    found: dict[str, str] = {}
    for api, base in sorted(bases.items()) if len(bases) > 1 else ():
        every = catalogue[api].operations.values()
        shape = frozenset((each.name, each.method, each.path) for each in every)
        found[api] = first.setdefault((base.rstrip("/"), shape), api)
    return found


def _fits(operation: Operation, url: str) -> bool:
    parts = map(re.escape, _PARAMETER.split(operation.path))
    return re.fullmatch("[^/?]+".join(parts), url.partition("?")[0]) is not None
