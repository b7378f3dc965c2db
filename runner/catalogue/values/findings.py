"""Findings about the values of a step's `with`: problems and notes with their paths, collected while converting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from runner.catalogue.schemas.alternatives import chosen
from runner.catalogue.schemas.schema import TreePath


class ArgumentError(Exception):
    """Arguments that cannot be sent. `problems` pairs the path inside `with` with a message for people."""

    def __init__(self, problems: Sequence[Note]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{dotted(path)}: {message}" for path, message in self.problems))


Note = tuple[TreePath, str]
"""A path inside `with`, and a message about the value there."""


class Findings:
    """Problems of converted arguments, and notes on values that the document does not confirm.

    `known` is false where one of the values is only known after the run.
    """

    __slots__ = ("known", "notes", "problems")

    def __init__(self) -> None:
        self.problems: list[Note] = []
        self.notes: list[Note] = []
        self.known = True

    def refuse(self, path: TreePath, message: str) -> None:
        """Add a problem."""
        self.problems.append((path, message))

    def require(self, missing: Iterable[str], *, path: TreePath = ()) -> None:
        """Refuse names that are missing inside `path`, except those that are refused already."""
        for name in sorted(missing):
            here = (*path, name)
            if not any(refused[: len(here)] == here for refused, _ in self.problems):
                self.refuse(here, "is required")

    def require_form(
        self, schema: Mapping[str, Any], given: Mapping[str, Any], *, path: TreePath = ()
    ) -> None:
        """Refuse an object that lacks a field of each of its possible forms, or has a field of another form."""
        # A value that is wrong already would select the wrong form.
        if self.problems or not has_forms(schema):
            return
        values = {name: (value,) for name, value in given.items() if isinstance(value, str | int)}
        forms = chosen(schema, values)
        where = f" where {forms.why}" if forms.why else ""
        first, *others = forms.lacking(given) or [[]]
        if first:
            instead = "".join(f", or {' and '.join(map(repr, names))}" for names in others)
            self.refuse((*path, first[0]), f"is required{instead}{where}")
        for name in forms.strange(given):
            self.refuse(
                (*path, name), f"is no field{where}; the fields there: {', '.join(forms.names)}"
            )

    def take(self, inside: Findings, *, path: TreePath) -> None:
        """Add the findings about the value at `path`, whose paths begin there."""
        if inside.problems:
            self.problems += [((*path, *inner), message) for inner, message in inside.problems]
        if inside.notes:
            self.notes += [((*path, *inner), message) for inner, message in inside.notes]
        self.known = self.known and inside.known


def has_forms(schema: Mapping[str, Any]) -> bool:
    """Return whether an object has to have one of several forms, by more than inferred evidence."""
    return "anyOf" in schema and schema.get("x-runner-evidence") != "inferred"


@lru_cache(maxsize=4096)
def texts_of(notes: tuple[Note, ...]) -> tuple[str, ...]:
    """Return notes as texts. Cached, as most requests of an operation have the same notes."""
    return tuple(f"{dotted(path)}: {message}" for path, message in notes)


@lru_cache(maxsize=4096)
def dotted(path: TreePath) -> str:
    """Return a path in dotted form: `lines[0].sku`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
