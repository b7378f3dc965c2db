"""Objects with an id for the API and a name for people: `payment_types['Check'].id`, and their lookup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.recipe.texts import mapping
from runner.synonyms import words

if TYPE_CHECKING:
    from runner.catalogue import Api


def id_by_name(data: Any, field: str, key: str, api: Api | None, *, lone: bool = False) -> str:
    """Return the advice that gives an id field by `key`, an expression for a name; empty without a list.

    `lone`: the id alone is written.
    """
    name, declared = _lookup(data, field, api)
    if not name:
        return ""
    found = f'"{{{{ {name}[{key}].id }}}}"'
    written = f"write {found}" if lone else f"write {{id: {found}}}"
    return f"{written}, with lookups: {{{declared}}}" if declared else written


def _lookup(data: Any, field: str, api: Api | None) -> tuple[str, str]:
    """Return the lookup of what a field names, and its declaration where the recipe has none."""
    for name, lookup in mapping(mapping(data).get("lookups")).items():
        _, _, listed = str(mapping(lookup).get("use", "")).partition("_")
        if "by" in mapping(lookup) and words(field) in (words(name), words(listed)):
            return name, ""
    for operation in api.operations.values() if api is not None else ():
        _, _, listed = operation.name.partition("_")
        named = "name" in mapping(mapping(operation.entry).get("properties"))
        if operation.items and named and words(listed) == words(field):
            return listed, f"{listed}: {{use: {operation.full_name}, by: name}}"
    return "", ""
