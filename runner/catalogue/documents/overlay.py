"""Overlays (OpenAPI Overlay 1.0): an API document corrected for one account, without changing its file.

overlay: 1.0.0
info: {title: Our account, version: 1.0.0}
actions:
  - target: $.paths['/orders/jobs'].get.parameters[?@.name=='count'].schema
    update: {maximum: 50}
  - target: $.paths['/orders/jobs'].post.requestBody
    remove: true
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from runner.catalogue.schemas.schema import TreePath, violations
from runner.problems import InvalidError, Problem
from runner.source import Source, read

_SHAPE = {
    "type": "object",
    "required": ["overlay", "info", "actions"],
    "properties": {
        "overlay": {"type": "string", "pattern": r"^1\.0\.\d+$"},
        "info": {"type": "object", "required": ["title", "version"]},
        "extends": {"type": "string"},
        "actions": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["target"],
                "properties": {
                    "target": {"type": "string"},
                    "description": {"type": "string"},
                    "remove": {"type": "boolean"},
                },
            },
        },
    },
}
Check = Callable[[Source], list[Problem]]


_NOTHING = "matches nothing in the document"


def overlaid(source: Source, path: Path, *, check: Check) -> tuple[Source, list[Problem]]:
    """Return the document with the overlay at `path` applied, and its problems then.

    A problem that the overlay caused is reported at the overlay. Raises InvalidError when the file is no overlay, when
    one of its targets is no JSONPath or matches nothing, or when an update does not fit what it matches.
    """
    overlay = read(path, number_keys=True)
    defects = violations(_SHAPE, overlay.data)
    if defects:
        raise InvalidError(
            [
                overlay.problem(overlay.value(own.path), own.message, "overlay", remedy=own.remedy)
                for own in defects
            ]
        )
    tree = {"": deepcopy(source.data)}
    problems = []
    for index, action in enumerate(overlay.data["actions"]):
        message = _apply(tree, action)
        if message:
            place = overlay.value(("actions", index, "target"))
            remedy = ""
            if message.endswith(_NOTHING):
                remedy = f"mend it, or take it away if {source.file} has changed"
            problems.append(overlay.problem(place, message, "overlay", remedy=remedy))
    if problems:
        raise InvalidError(problems)
    corrected = source._replace(data=tree[""])
    if _servers(corrected.data) != _servers(source.data):
        remedy = "write base_url below the API of the target, in runner.yaml"
        message = "an overlay does not say where an API is: its servers are those of the document"
        raise InvalidError(
            [overlay.problem(overlay.key(("actions",)), message, "overlay", remedy=remedy)]
        )
    wrong = check(corrected)
    if not wrong:
        return corrected, []
    # Compared without positions, which an overlay does not have.
    before = {(problem.kind, problem.message) for problem in check(source)}
    return corrected, [
        problem if (problem.kind, problem.message) in before else _brought(overlay, source, problem)
        for problem in wrong
    ]


def _servers(document: Any) -> list[Any]:
    """The servers of a document, of its paths and of their operations."""
    paths = _values(_member(document, "paths"))
    nodes = [document, *paths, *(operation for path in paths for operation in _values(path))]
    return [_member(node, "servers") for node in nodes if _member(node, "servers") is not None]


def _member(node: Any, key: str) -> Any:
    return node.get(key) if isinstance(node, Mapping) else None


def _values(node: Any) -> list[Any]:
    return [*node.values()] if isinstance(node, Mapping) else []


def _brought(overlay: Source, source: Source, problem: Problem) -> Problem:
    """A problem of the corrected document, at the overlay that brought it."""
    message = f"{source.file} with this overlay: {problem.message}"
    return overlay.problem(overlay.key(("actions",)), message, problem.kind, remedy=problem.remedy)


def _apply(tree: dict[str, Any], action: Mapping[str, Any]) -> str:
    """Apply one action to the document that `tree` holds; return why it cannot be applied, else ""."""
    # Imported on use: few projects have an overlay.
    from runner.catalogue.documents.json_path import matches

    target = action["target"]
    if "update" not in action and not action.get("remove"):
        return f"{target} is neither updated nor removed"
    try:
        found = matches(target, tree[""])
    except ValueError as error:
        return f"{target} {error}"
    if not found:
        return f"{target} {_NOTHING}"
    # From the end of a list: a removal moves the entries behind it.
    for parts in sorted(found, key=_position, reverse=True):
        remove = action.get("remove")
        message = _remove(tree, parts) if remove else _update(tree, parts, action["update"])
        if message:
            return f"{target} {message}"
    return ""


def _position(parts: TreePath) -> list[tuple[int, str]]:
    """Return a sort key that orders the entries of one list by their position."""
    return [(part, "") if isinstance(part, int) else (-1, part) for part in parts]


def _remove(tree: dict[str, Any], parts: TreePath) -> str:
    if not parts:
        return "is the whole document, which cannot be removed"
    holder, last = _holder(tree, parts)
    del holder[last]
    return ""


def _update(tree: dict[str, Any], parts: TreePath, update: Any) -> str:
    holder, last = _holder(tree, parts)
    old = holder[last]
    if isinstance(old, list):
        holder[last] = [*old, *(update if isinstance(update, list) else [update])]
    elif not isinstance(old, Mapping):
        return "is a plain value; aim at the object that it stands in"
    elif not isinstance(update, Mapping):
        return "is an object, and its update is none"
    else:
        holder[last] = _merged(old, update)
    return ""


def _holder(tree: dict[str, Any], parts: TreePath) -> tuple[Any, Any]:
    """Return the container of the node at `parts`, and its key in it."""
    node: Any = tree
    last: str | int = ""
    for part in parts:
        node, last = node[last], part
    return node, last


def _merged(old: Any, new: Any) -> Any:
    """Return `new` merged into `old` as the specification says: objects merge, lists grow, the rest is replaced."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        grown = {
            key: _merged(old[key], value) if key in old else deepcopy(value)
            for key, value in new.items()
        }
        return {**old, **grown}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *deepcopy(new)]
    return deepcopy(new)
