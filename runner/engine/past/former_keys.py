"""Former keys of rows: which row of an input continues what was sent under a key that several rows had."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from runner.engine.context import Context
from runner.engine.events import RowResult
from runner.engine.past.key_columns import former_columns, key_columns, same_key
from runner.engine.past.key_ways import kept, renamed
from runner.engine.past.row_calls import has_sent, shared_former_keys
from runner.engine.totals import EXIT_DATA
from runner.journal import History
from runner.problems import StoppedError
from runner.recipe.model import Recipe, key_text
from runner.rows import Row
from runner.template import same_text

Plan = Callable[[Context, Row], RowResult]
"""The dry run of one row in a context."""


def check_key(history: History, account: str, recipe: Recipe) -> None:
    """Refuse a recipe whose key was another one when it sent something, and that does not name it in `key_was`.

    Raises StoppedError: every row would be a new one, and all of it would be sent again.
    """
    for run, text, columns in history.key_texts(account, recipe.name):
        if not is_known(recipe, text, columns):
            message = (
                f"the key of the recipe was {text!r} in run {run}, and is {key_text(recipe)!r} now"
            )
            remedy = f"{_ways_on(recipe, text, columns)}; or put the key back"
            raise StoppedError(message, remedy=remedy, exit_code=EXIT_DATA)


def _ways_on(recipe: Recipe, text: str, columns: str) -> str:
    """The ways on for a recipe whose key was another one, with the columns of that where the recipe has lost them."""
    names = [column.name for column in recipe.rows.columns] if recipe.rows is not None else []
    now = key_columns(recipe)
    if columns and now and not {*re.findall(r"\brow\.(\w+)", text)} <= {*names}:
        then, made = json.loads(columns), json.loads(now)
        return "; or ".join([*renamed(then, made, ()), kept(then, made, (), names)])
    return f"add key_was: {text!r} beside key, so that what was sent for a row still counts as sent"


def is_known(recipe: Recipe, text: str, columns: str) -> bool:
    """Tell whether a key is that of a recipe, or a former one that it names: by its text, or what it is made of."""
    if any(same_text(text, each) for each in (key_text(recipe), *map(_text, _key_was(recipe)))):
        return True
    now = key_columns(recipe)
    ways = [now, *former_columns(recipe)] if columns and now else []
    return any(same_key(columns, way) for way in ways)


def heirs_of(context: Context, rows: Callable[[], Iterable[Row]], plan: Plan) -> dict[str, str]:
    """The row, by its key, that continues what was sent under each former key that several rows have.

    It is the only one whose requests are those on record; an empty text where none or several are.
    """
    if not _key_was(context.recipe):
        return {}
    contested = shared_former_keys(rows())
    fitting: dict[str, list[str]] = {}
    for row, former in _candidates(context, rows() if contested else (), contested):
        alone = replace(context, heirs=dict.fromkeys(row.former, "") | {former: row.key})
        found = fitting.setdefault(former, [])
        if plan(alone, row).bucket != "changed":
            found.append(row.key)
    return {former: keys[0] if len(keys) == 1 else "" for former, keys in fitting.items()}


def _candidates(
    context: Context, rows: Iterable[Row], contested: set[str]
) -> Iterator[tuple[Row, str]]:
    """The rows with a contested former key under which something is on record, and nothing under their own."""
    for row in rows:
        for former in row.former:
            if former in contested and _is_known(context, former):
                if not _has_own(context, row.key):
                    yield row, former
                break


def _is_known(context: Context, key: str) -> bool:
    return context.history.generation(context.account, context.recipe.name, [key]) is not None


def _has_own(context: Context, key: str) -> bool:
    name = context.account, context.recipe.name
    return has_sent(context.history.calls_of(*name, per="row", key=key))


def _key_was(recipe: Recipe) -> tuple[object, ...]:
    return recipe.rows.key_was if recipe.rows is not None else recipe.key_was


def _text(key: object) -> str:
    return " ".join(str(getattr(key, "text", key)).split())
