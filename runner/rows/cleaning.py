"""What is done to the text of a cell before it is read: trimmed, cut up, replaced, set in upper or lower case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runner.recipe.columns import cased
from runner.recipe.model import Column

Clean = Callable[[str], str]


def compile_cleaning(column: Column) -> Clean | None:
    """What `replace` and `case` make of a text; None where they do nothing."""
    steps: list[Clean] = [_replacing(old, new) for old, new in column.replace]
    if column.case:
        steps.append(lambda text: cased(text, column.case))
    if not steps:
        return None
    trimmed = column.trim or column.type != "string" or bool(column.split)

    def clean(text: str) -> str:
        for step in steps:
            text = step(text)
        return text.strip() if trimmed else text

    return clean


def _replacing(old: str, new: str) -> Clean:
    return lambda text: text.replace(old, new)


def map_key(column: Column, key: str, clean: Clean | None) -> str:
    """A key of `map` as cells are compared with it: cleaned like them."""
    trimmed = column.trim or column.type != "string" or bool(column.split)
    text = key.strip() if trimmed else key
    return clean(text) if clean is not None else text


def cut(cell: Any, separator: str) -> list[Any]:
    """The items of a cell; what is no text is one."""
    return [part.strip() for part in cell.split(separator)] if isinstance(cell, str) else [cell]
