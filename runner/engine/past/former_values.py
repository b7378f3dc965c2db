"""Keys and shared values of the lines of an input as an earlier recipe made them.

The journal has how they were made: a text, and the columns behind it. The same file is read once more by those
columns. Where it cannot be, since the sheet has lost a column or the record is of an earlier version, nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from runner.engine.past.key_columns import WHOLE
from runner.problems import RunnerError
from runner.recipe.model import Column, Numbers
from runner.rows import Input, read_as
from runner.template import (
    EvaluationError,
    Expression,
    Template,
    Unknown,
    compile_expression,
    compile_template,
    identity_of,
    identity_scope,
)

Made = Mapping[str, Any]
"""How a key or a shared value was made, as the journal has it."""

_PLACE = re.compile(r"\brow\.<([0-9]+)>")


class FormerValues(NamedTuple):
    """The names of lines then; a line without one is left out. Of `unread` lines the columns of then read no values."""

    names: Mapping[int, str]
    unread: frozenset[int]


def former_values(input_: Input, made: Made, scope: Mapping[str, Any]) -> FormerValues | None:
    """Return what the lines of an input were called then; None where nothing is known of it.

    `scope` has the variables, which are those of today.
    """
    columns: list[Column] = []
    source = _source(made, columns)
    if source is None or not columns:
        return None
    try:
        former = read_as(input_, columns, scope=scope)
    except RunnerError:
        return None
    unread = frozenset(line for line in former.wrong if input_.has_record(line))
    return FormerValues(dict(_named(former, source, scope)), unread)


def _named(
    former: Input, source: Template | Expression, scope: Mapping[str, Any]
) -> Iterator[tuple[int, str]]:
    for row in former.rows():
        seen = identity_scope({**scope, "row": row.values}, source.references)
        with suppress(EvaluationError):
            value = source.render(seen) if isinstance(source, Template) else source.evaluate(seen)
            name = "" if value is None or isinstance(value, Unknown) else identity_of(value)
            if name:
                yield row.lines[0], name


def _source(made: Made, columns: list[Column]) -> Template | Expression | None:
    """The text of a value over columns that are added to `columns`; None where they are not known whole."""
    names = []
    for each in made["columns"]:
        column = _column(each, columns)
        if column is None:
            return None
        columns.append(column)
        names.append(column.name)
    text = "{{ row.<0> }}" if made["text"] == "{}" else made["text"]
    if any(int(place) >= len(names) for place in _PLACE.findall(text)):
        return None
    text = _PLACE.sub(lambda found: f"row.{names[int(found[1])]}", text)
    source = compile_template(text) if "{{" in text else compile_expression(text)
    if isinstance(source, str):
        return None
    reads = {reference.root for reference in source.references}
    return source if reads <= {"row", "vars"} else None


def _column(made: Made, columns: list[Column]) -> Column | None:
    """A column as it was, with a name of its own; None where the record lacks a part of it."""
    if not made.keys() >= WHOLE or (made["type"] != "string" and (made["map"] or made["default"])):
        return None
    computed = _source(made, columns) if "from" not in made else None
    if "from" not in made and not isinstance(computed, Template):
        return None
    value = computed if isinstance(computed, Template) else None
    header, *others = made.get("from", [""])
    part = made["part"]
    return Column(
        f"former{len(columns)}", header, made["type"], tuple(others), tuple(made["format"]), made["locale"],
        made["serial"], made["drop_time"], _numbers(made["numbers"]), tuple(made["empty"]), made["trim"],
        made["case"], tuple((str(a), str(b)) for a, b in made["replace"]), made["map"], made["default"], value,
        made["split"], tuple(part) if part else None,
    )  # fmt: skip


def _numbers(written: list[Any]) -> Numbers:
    mark, thousands, currency, percent, accounting = written
    return Numbers(mark, thousands, tuple(currency), percent, accounting)
