"""Lookups: lists that are read once, whose entries are found by the values of one or several of their fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from runner.recipe.model import Lookup
from runner.rows import folded
from runner.template import EvaluationError, to_text

CANDIDATES_SHOWN = 3
FIELDS_SHOWN = 3


class LookupTable(dict[str, Any]):
    """Entries by the text of a field; under each, a table by the next field, where there are several.

    A name that two entries share is refused when it is used. `names` are the names as they are written.
    """

    def __init__(self, lookup: Lookup, found: Mapping[str, list[Any]], names: Mapping[str, str], *, last: bool) -> None:
        super().__init__({key: entries[0] for key, entries in found.items()})
        self._lookup, self._names = lookup, names
        self._shared = {key: entries for key, entries in found.items() if last and len(entries) > 1}

    def __iter__(self) -> Iterator[str]:
        return iter(self._names.values())

    def __contains__(self, key: object) -> bool:
        return super().__contains__(_key(self._lookup, str(key)))

    def __getitem__(self, key: Any) -> Any:
        known = _key(self._lookup, str(key))
        if known in self._shared:
            entries = self._shared[known]
            raise EvaluationError(
                f"{len(entries)} entries of {self._lookup.name} are called {str(key)!r}: {_candidates(entries)}"
            )
        return super().__getitem__(known)


def table_of(lookup: Lookup, entries: Iterable[Mapping[str, Any]], *, by: Sequence[str] = ()) -> LookupTable:
    """The entries of a lookup by the fields that it names, without those that have no value there."""
    field, *others = by or lookup.by
    found: dict[str, list[Any]] = {}
    names: dict[str, str] = {}
    for entry in entries:
        if entry.get(field) is not None:
            name = to_text(entry[field])
            names.setdefault(_key(lookup, name), name)
            found.setdefault(_key(lookup, name), []).append(entry)
    if others:
        return LookupTable(
            lookup, {key: [table_of(lookup, some, by=others)] for key, some in found.items()}, names, last=False
        )
    if lookup.file:  # lines that share a name say the same: that was found out when the file was read
        found = {key: some[:1] for key, some in found.items()}
    return LookupTable(lookup, found, names, last=True)


def _key(lookup: Lookup, name: str) -> str:
    return folded(name) if lookup.fold else name


def _candidates(entries: Sequence[Mapping[str, Any]]) -> str:
    shown = []
    for entry in entries[:CANDIDATES_SHOWN]:
        fields = {name: value for name, value in entry.items() if isinstance(value, str | int) and value != ""}
        shown.append(" ".join(f"{name} {value}" for name, value in list(fields.items())[:FIELDS_SHOWN]))
    more = len(entries) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
