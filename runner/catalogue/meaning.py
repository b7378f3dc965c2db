"""What the extensions of an operation say that does not go with the rest of its document."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runner.catalogue.dialect import operation_names
from runner.catalogue.operation import Operation, build_operation


def read_back_defects(
    document: Mapping[str, Any], write: Operation
) -> Iterator[tuple[str, Collection[str]]]:
    """What keeps a write from being read back as it declares, and the names that there are."""
    back = write.read_back
    if back is None:
        return
    places = {name: place for place, name in operation_names(document).items()}
    if back.operation not in places:
        yield f"no operation is called {back.operation!r}", places
        return
    method, path = places[back.operation]
    read = build_operation(document, "", method=method, path=path)
    if read.effect != "read" or (read.items and not back.entry):
        yield f"{back.operation!r} does not read one object", ()
    elif back.entry and not read.items:
        yield f"{back.operation!r} reads one object, and 'entry' is for a list", ()
    elif back.entry and not (write.effect == "create" and write.id_field):
        yield "'entry' is for a create with x-runner-id, whose id the entry has", ()
    for name in sorted(read.required - {*write.parameters, *back.answer}):
        yield f"{back.operation!r} needs {name!r}, which is no parameter of the write", ()


def paging_defects(declared: Mapping[str, Any] | None, items: str) -> Iterator[str]:
    """What is wrong with the pages of a list."""
    if declared is None:
        return
    if not items:
        yield "pages of what? the operation has no x-runner-items"
    if set(declared) & {"page", "count", "offset", "limit"} not in (
        {"page"},
        {"page", "count"},
        {"offset", "limit"},
    ):
        yield "needs page, with count where there is one, or else offset and limit"
