"""Lines grouped to rows: the values of a row's lines, and the key of the row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import compress
from operator import ne
from types import MappingProxyType
from typing import Any, NamedTuple

from runner.keys import canonical
from runner.problems import said_line
from runner.recipe.model import Rows
from runner.template import EvaluationError, Template, identity_of, identity_scope, to_text

_is_column = re.compile(
    r"""\{\{ *row(?:\.[A-Za-z0-9_]+|\[(?:'[^'\\]*'|"[^"\\]*")\]) *\}\}"""
).fullmatch


class Row(NamedTuple):
    """Row for which the steps run once. `number` counts rows from 1; `lines` are the numbers of its input lines.

    `values` is `row` in expressions. In a grouped input it has the values that agree on all lines and, as `lines`, the
    values of each line; `differing` names the columns that do not agree, each with two lines that differ. `former` are
    other keys that the row may be on record under: those of `key_was`, and the key in the form of earlier versions,
    with decimals as the sheet writes them. `raw` has its lines as they are read. `wrong` says which of its cells are
    wrong; such a row has no values, and is not sent.
    """

    number: int
    key: str
    values: Mapping[str, Any]
    lines: tuple[int, ...]
    differing: Mapping[str, tuple[int, int]] = MappingProxyType({})
    former: tuple[str, ...] = ()
    raw: tuple[bytes, ...] = ()
    wrong: str = ""


class RowKeyError(Exception):
    """Error in the key of a row: a message, a kind and a remedy."""

    def __init__(self, message: str, kind: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.remedy = remedy


class Keys:
    """The keys of rows."""

    def __init__(self, key: Template | str, scope: Mapping[str, Any], *, rows: Rows) -> None:
        self._key = key
        self._was = rows.key_was
        self._scope = scope
        references = () if isinstance(key, str) else key.references
        paths = [ref.path for ref in references if ref.root == "row"]
        self.columns = tuple(str(path[0]) for path in paths if path)
        was = [
            ref.path
            for each in self._was
            if isinstance(each, Template)
            for ref in each.references
            if ref.root == "row"
        ]
        self._read = frozenset(str(path[0]) for path in (*paths, *was) if path)
        self._uses_all = not all((*paths, *was))
        # Most keys are one column: looking it up instead of rendering halves the time of the first pass.
        is_column = not isinstance(key, str) and _is_column(key.text)
        self._column = self.columns[0] if is_column else ""
        self._has_decimals = not rows.columns or any(
            column.type == "decimal" for column in rows.columns
        )
        by_group = self._column == rows.group_by and bool(rows.columns) and not rows.key_was
        self.early = not rows.group_by or by_group
        """True when each line has its row's key: where lines are grouped by the key, all of a group have the same."""

    def uses(self, name: str) -> bool:
        """Return whether the key, or a former one, depends on this column."""
        return self._uses_all or name in self._read

    def of(self, values: Mapping[str, Any], *, differing: Mapping[str, tuple[int, int]]) -> str:
        """Return the key of a row in its canonical form. Raises RowKeyError when it is empty or cannot be rendered."""
        if isinstance(self._key, str):
            return self._filled(canonical(self._key), repr(self._key))
        for name in self.columns if differing else ():
            if name in differing:
                lines = " and ".join(map(said_line, differing[name]))
                message = (
                    f"the key uses {name}, which is not the same on lines {lines} of one group"
                )
                raise RowKeyError(
                    message, "bad-key", f"make {name} the same, or leave it out of the key"
                )
        try:
            column, template = self._column, self._key
            value = values[column] if column in values else self._rendered(template, values)
            key = "" if value is None else identity_of(value)
        except EvaluationError as error:
            raise RowKeyError(f"the key cannot be made: {error}", "bad-key") from None
        return self._filled(key, self._key.text)

    def former(self, values: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """Return the other keys of a row on record. Raises RowKeyError when one of `key_was` cannot be rendered."""
        if not self._was and (isinstance(self._key, str) or not self._has_decimals):
            return ()
        scope = {**self._scope, "row": values}
        former = [self._former(was, scope) for was in self._was]
        if not isinstance(self._key, str) and self._has_decimals:
            # Earlier versions wrote 8.40 as the sheet does, not as 8.4.
            value = self._key.render(scope)
            former.append("" if value is None else canonical(to_text(value)))
        return tuple(name for name in dict.fromkeys(former) if name not in ("", key))

    def _former(self, was: Template | str, scope: Mapping[str, Any]) -> str:
        if isinstance(was, str):
            return canonical(was)
        try:
            value = was.render(identity_scope(scope, was.references))
        except EvaluationError as error:
            raise RowKeyError(f"key_was cannot be made: {error}", "bad-key") from None
        return "" if value is None else identity_of(value)

    def _rendered(self, key: Template, values: Mapping[str, Any]) -> Any:
        scope: Mapping[str, Any] = {**self._scope, "row": values}
        if self._has_decimals:
            scope = identity_scope(scope, key.references)
        return key.render(scope)

    def _filled(self, key: str, text: str) -> str:
        if not key:
            raise RowKeyError(
                f"the key {text} is empty", "empty-key", "fill in what the key is made of"
            )
        return key


def merge(
    numbers: Sequence[int], lines: Sequence[Mapping[str, Any]], *, unpivoted: bool = False
) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    """Return the values of a group, with its `lines`, and the columns that differ, with the numbers of two such lines.

    `numbers` are those of the lines. Texts that differ in spaces and format characters only agree: the row has that of
    the first line. Where columns are `unpivoted`, each line of the input has several in `lines`.
    """
    merged = lines
    if unpivoted:
        merged = [inner for line in lines for inner in line["lines"]]
        lines = [{name: value for name, value in line.items() if name != "lines"} for line in lines]
    first = lines[0]
    alike = dict(first)
    names = tuple(first)
    differing: dict[str, tuple[int, int]] = {}
    for number, line in zip(numbers[1:], lines[1:], strict=True):
        if tuple(line) == names:
            # The usual case, in loops that run in C.
            unequal = list(compress(names, map(ne, first.values(), line.values())))
        else:
            # Records of JSON need not have the same fields.
            unequal = [name for name in {**first, **line} if line.get(name) != first.get(name)]
        for name in unequal:
            if name not in differing and not is_same(first.get(name), line.get(name)):
                differing[name] = numbers[0], number
                alike.pop(name, None)
    alike["lines"] = list(merged)
    return alike, differing


def is_same(one: Any, other: Any) -> bool:
    """Return whether two cells hold one value, regardless of spaces and the form of accents."""
    if isinstance(one, str) and isinstance(other, str):
        return canonical(one) == canonical(other)
    return bool(one == other)
