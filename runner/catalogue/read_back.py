"""Read-backs: the read that returns, after a write, the object that it created or changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from runner.catalogue.schemas.normalize import operation_name
from runner.template import Unknown

KEY = "x-runner-read-back"


class ReadBack(NamedTuple):
    """The read-back of a write.

    operation   the read, an operation of the same API; its parameters are those of the write by the same names
    entry       for a read of a list: the field of an entry with the id that the write has answered, else ""
    answer      the parameters taken from the answer of the write instead, each with its dotted place there
    unlike      fields of the body, dotted, that are returned in another form than they are sent
    """

    operation: str
    answer: Mapping[str, str] = MappingProxyType({})
    unlike: frozenset[str] = frozenset()
    entry: str = ""

    def arguments(self, given: Mapping[str, Any], answer: Any) -> dict[str, Any]:
        """Return the arguments of the read, from those of a write and its answer. Absent places are null."""
        return {**given, **{name: _inside(answer, place) for name, place in self.answer.items()}}


def entry_of(field: str, items: Iterable[Any], name: Any) -> Mapping[str, Any] | None:
    """Return the entry of a list that has the id `name` in `field`, or None."""
    # Compared as texts: a path or a cell has the id as a text, an answer often as a number.
    entries = (item for item in items if isinstance(item, Mapping))
    return next((entry for entry in entries if str(entry.get(field)) == str(name)), None)


def read_back_of(
    document: Mapping[str, Any], *, method: str, path: str, effect: str, id_field: str
) -> ReadBack | None:
    """Return the read-back that the document declares, else the natural one.

    That is the GET of the same path or, for a create, of the object's own path below it.
    """
    if effect == "read":
        return None
    paths = document["paths"]
    declared = paths[path][method].get(KEY)
    if declared is not None:
        return _declared(declared) if isinstance(declared, Mapping) else None
    if effect == "update" and _reads_one(paths[path]):
        return ReadBack(_name(paths, path))
    below = re.compile(re.escape(path.rstrip("/")) + r"/\{([^{}]+)\}")
    own = [
        (other, match[1])
        for other in paths
        if (match := below.fullmatch(other)) and _reads_one(paths[other])
    ]
    if effect == "create" and id_field and len(own) == 1:
        return ReadBack(_name(paths, own[0][0]), {own[0][1]: id_field})
    return None


def version_of(declared: Any) -> tuple[str, str] | None:
    """Return the place of an object's version, and the parameter of an update that takes it; None without them."""
    known = isinstance(declared, Mapping) and {"field", "parameter"} <= declared.keys()
    return (str(declared["field"]), str(declared["parameter"])) if known else None


def _declared(declared: Mapping[str, Any]) -> ReadBack:
    """Return the declared read-back, limited to its well-formed parts: the others have their own problems."""
    answer, unlike = declared.get("answer"), declared.get("except")
    return ReadBack(
        operation_name("", "", {"operationId": str(declared.get("operation"))}),
        {name: str(place) for name, place in answer.items()} if isinstance(answer, Mapping) else {},
        frozenset(map(str, unlike)) if isinstance(unlike, list) else frozenset(),
        str(declared.get("entry", "")),
    )


def _reads_one(item: Mapping[str, Any]) -> bool:
    """Return whether the GET of a path returns one object."""
    entry = item.get("get")
    return (
        entry is not None
        and "x-runner-items" not in entry
        and entry.get("x-runner-effect", "read") == "read"
    )


def _name(paths: Mapping[str, Any], path: str) -> str:
    return operation_name("get", path, paths[path]["get"])


def _inside(tree: Any, place: str) -> Any:
    """Return the value at a dotted place, or None."""
    for part in place.split("."):
        if isinstance(tree, Unknown):
            return Unknown(f"{tree.origin}.{place}")
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree
