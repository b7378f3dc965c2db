"""Reader of a plan file, row by row, and the differences between a plan and what would be sent now."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path
from typing import Any

from runner.catalogue import to_json
from runner.problems import PlanError
from runner.report.plan.calls import flatten, literal
from runner.report.plan.json import VERSION, Header, unmarked

MAX_LINE = 64 * 1024 * 1024
"""Maximum size of one row of a plan, in bytes."""

_REMEDY = "make it with: runner plan RECIPE --out plan.json"


_NOUNS = {
    "target": "target",
    "account": "account",
    "apis": "way to the APIs",
    "recipe": "recipe",
    "input": "input",
    "vars": "variables",
    "only": "choice of rows",
    "limit": "limit",
    "lookups": "way lookups are made",
    "run_date": "day of the run",
    "run_previous": "run before it",
}
"""Members of the header as messages name them, the most important first."""


class Number(str):
    """A number of a plan as text, with all its digits."""

    __slots__ = ()


class PlanFile:
    """The plan in the file at `path`, a context manager. Raises PlanError if the file is not a plan."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BufferedReader
        self.header: Mapping[str, Any] = {}

    def __enter__(self) -> PlanFile:
        with ExitStack() as failing:
            try:
                self._file = failing.enter_context(self.path.open("rb"))
                head = [self._file.readline(MAX_LINE) for _ in range(3)]
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                message = f"the plan {self.path} cannot be read: {reason}"
                raise PlanError(message, remedy=_REMEDY) from None
            self.header = self._header(head)
            failing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _header(self, head: list[bytes]) -> Mapping[str, Any]:
        """Return the header in the first three lines. Raises PlanError unless they are a plan's."""
        is_plan = re.fullmatch(rb'{"plan":[0-9]+,\n', head[0]) is not None
        if is_plan and head[0] != b'{"plan":%d,\n' % VERSION:
            message = f"the plan {self.path} is of another version of the format"
            raise PlanError(message, remedy=_REMEDY)
        is_plan = is_plan and head[1].endswith(b",\n") and head[2] == b'"rows":[\n'
        tree = self._parsed(b"{" + head[1].removesuffix(b",\n") + b"}") if is_plan else {}
        header = tree.get("header")
        if list(tree) != ["header"] or not isinstance(header, dict):
            message = f"{self.path} is not a plan, or was written anew by another program"
            raise PlanError(message, remedy=_REMEDY)
        return header

    def rows(self) -> Iterator[tuple[int, bytes]]:
        """Yield the offset of each row in the file (bytes), and its text."""
        while True:
            place = self._file.tell()
            line = self._file.readline(MAX_LINE)
            if line == b"],\n":
                self._check_end()
                break
            if not line.startswith(b'{"row":') or not line.endswith((b"}\n", b"},\n")):
                raise PlanError(f"the plan {self.path} is cut off", remedy=_REMEDY)
            yield place, line.rstrip(b",\n")

    def _check_end(self) -> None:
        """Raise PlanError unless only the totals follow the rows."""
        line, rest = self._file.readline(MAX_LINE), self._file.read(1)
        tree = self._parsed(b"{" + line) if line.startswith(b'"totals":') else {}
        if not isinstance(tree.get("totals"), dict) or rest or not line.endswith(b"}\n"):
            raise PlanError(
                f"the plan {self.path} does not end as one does: it is cut off, or something was added",
                remedy=_REMEDY,
            )

    def row(self, place: int) -> bytes:
        """Return the text of the row at an offset."""
        self._file.seek(place)
        return self._file.readline(MAX_LINE).rstrip(b",\n")

    def parsed(self, line: bytes) -> dict[str, Any]:
        """Return a row as plain data, with its numbers as text. Raises PlanError if it is damaged."""
        return self._parsed(line)

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            tree = json.loads(line, parse_float=Number, parse_int=Number)
        except ValueError:
            tree = None
        if not isinstance(tree, dict):
            raise PlanError(f"the plan {self.path} is damaged", remedy=_REMEDY)
        return tree


def header_differences(
    old: Mapping[str, Any], new: Header, *, besides: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yield the differences between a plan's header and the current one, the most important first.

    Members in `besides` are not compared.
    """
    tree = json.loads(to_json(new.tree()), parse_float=Number, parse_int=Number)
    for name, noun in _NOUNS.items():
        changed = [
            f"{at} was {was}, is {now}"
            for at, was, now in differences({name: old.get(name)}, {name: tree.get(name)})
        ]
        if changed and name not in besides:
            yield f"the {noun} changed: {'; '.join(changed[:3])}"


def row_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the differences of a row, call by call, with old and new values.

    The row's number and its lines are not compared: rows may move in the file.
    """
    before, after = _calls(old), _calls(new)
    own = [
        {key: value for key, value in row.items() if key not in ("row", "lines", "calls")}
        for row in (old, new)
    ]
    yield from (f"{at} was {was}, is {now}" for at, was, now in differences(*own))
    for name, call in before.items():
        if name not in after:
            yield f"{name} was {_place(call)}, is no longer there"
    for name, call in after.items():
        if name not in before:
            yield f"{name} is new: {_place(call)}"
        else:
            yield from (
                f"{name}: {at} was {was}, is {now}"
                for at, was, now in differences(before[name], call)
            )
    # Only names are compared here: values may be Unknown.
    shared = [name for name in before if name in after]
    if shared != [name for name in after if name in before]:
        yield "the calls are in another order"


def differences(old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the leaves in which two trees differ: the path, and both values as in JSON."""
    before, after = dict(flatten(old)), dict(flatten(new))
    for place in dict.fromkeys((*before, *after)):
        was, now = (_literal(leaves, place) for leaves in (before, after))
        if was != now:
            yield place, was, now


def _literal(leaves: Mapping[str, Any], place: str) -> str:
    if place not in leaves:
        return "absent"
    value = leaves[place]
    return str(value) if isinstance(value, Number) else literal(value)


def _place(call: Mapping[str, Any]) -> str:
    return f"{call['method']} {call['path']}" if "path" in call else str(call.get("state"))


def _calls(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the calls of a row by step and item, without notes, which are not sent."""
    calls = {}
    for call in row.get("calls", ()):
        name = call["step"] + (f"[{call['item']}]" if "item" in call else "")
        calls[name] = unmarked(
            {key: value for key, value in call.items() if key not in ("step", "item", "notes")}
        )
    return calls
