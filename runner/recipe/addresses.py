"""E-mail addresses that identify something: one address in two cases is two identities unless its case is set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.problems import Problem
from runner.recipe.texts import Texts, mapping, sequence
from runner.source import Place, Source, TreePath
from runner.template import Node

_ADDRESS = re.compile(r"e[-_ ]?mail|(?:\b|_)mail(?:\b|_)", re.IGNORECASE)
_CASES = ("lower", "upper")
_SET = ("filter", "call")


def check_addresses(source: Source, recipe: Mapping[str, Any], texts: Texts) -> Iterator[Problem]:
    """Warn where a key, a group, a shared value or an item is identified by a case-sensitive address."""
    rows = mapping(recipe.get("rows"))
    named = {
        "row": {name for name, each in mapping(rows.get("columns")).items() if _is_address(name, each)},
        "vars": {name for name, each in mapping(recipe.get("vars")).items() if _is_address(name, each)},
    }  # fmt: skip
    named["item"] = named["row"]
    group_by = rows.get("group_by")
    if isinstance(group_by, str) and group_by in named["row"]:
        yield _warning(source, source.value(("rows", "group_by")), f"{group_by!r}", column=group_by)
    for path in texts:
        if path in (("key",), ("rows", "key")) or _tells_apart(path):
            yield from _in_text(source, texts, path, named)


def _tells_apart(path: TreePath) -> bool:
    return len(path) == 3 and path[0] == "steps" and path[2] in ("once_per", "item_key")


def _is_address(name: str, given: Any) -> bool:
    """Return whether a column or variable holds addresses in any case: by its name, its headers or its pattern."""
    declared = mapping(given)
    if declared.get("type", "string") != "string" or declared.get("case") in _CASES:
        return False
    if "lower" in str(declared.get("value", "")):
        return False
    headers = declared.get("from")
    called = [name, headers, *sequence(headers)]
    pattern = declared.get("pattern")
    return (isinstance(pattern, str) and "@" in pattern) or any(
        isinstance(each, str) and _ADDRESS.search(each) for each in called
    )


def _in_text(
    source: Source, texts: Texts, path: TreePath, named: Mapping[str, set[str]]
) -> Iterator[Problem]:
    for base, expression in texts[path].compiled.placed:
        for node in _as_written(expression.tree):
            root, name = node.parts[0], node.value
            if root.kind == "name" and name in named.get(root.value, ()):
                place = source.within(path, base + node.offset, node.length)
                text = f"'{root.value}.{name}'"
                column = name if root.value != "vars" else ""
                yield _warning(source, place, text, column=column)


def _as_written(node: Node) -> Iterator[Node]:
    """Yield the members of an expression whose case nothing sets."""
    if node.kind in _SET and node.value in _CASES:
        return
    if node.kind == "member":
        yield node
    for part in node.parts:
        yield from _as_written(part)


def _warning(source: Source, place: Place, what: str, *, column: str) -> Problem:
    message = f"{what} is an e-mail address, and one address in two cases would be two"
    remedy = "compare its lower case: | lower"
    if column:
        remedy = f"give the column {column!r} case: lower, or write | lower behind it"
    return source.problem(place, message, "address-case", remedy=remedy, severity="warning")
