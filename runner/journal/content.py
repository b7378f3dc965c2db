"""Content digests of calls: two calls with equal content create the same object twice.

8.40 and 8.4 are one number, texts are compared in their canonical form, and a field of a body that is null is one that
is not there, in any order. Headers are no content: they say how it is sent.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from runner.keys import canonical

_DIGITS = 32
"""Hexadecimal digits of the SHA-256 that are stored: the index has one digest per call."""


def content_of(method: str, url: str, body: str) -> str:
    """Return the digest of a call by value: method, path and query below the API's base URL, and body."""
    text = f"{method} {url}\n{_normal(body)}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def bring_up_contents(connection: sqlite3.Connection) -> None:
    """Give the writes on record their content, and the items that were told apart by position their number.

    Items are sent in their order, so that positions are 0, 1, 2 without a gap: by that they differ from other keys.
    """
    connection.create_function("content_of", 3, content_of, deterministic=True)
    connection.execute(
        "UPDATE calls SET content = content_of(method, url, body) WHERE effect <> 'read' AND content = ''"
    )
    items = connection.execute(
        "SELECT account, recipe, per, key, step, generation, item, id FROM calls WHERE item <> '' "
        "ORDER BY account, recipe, per, key, step, generation"
    ).fetchall()
    numbers: list[tuple[int, int]] = []
    for _, each in groupby(items, itemgetter(slice(6))):
        named = {str(item): int(number) for *_, item, number in each}
        if named.keys() == {str(position) for position in range(len(named))}:
            numbers += [(int(item) + 1, number) for item, number in named.items()]
    connection.executemany("UPDATE calls SET position = ? WHERE id = ?", numbers)


def bring_up_made(connection: sqlite3.Connection) -> None:
    """Leave open what the creates on record have made or found: the next run reads it from their answers."""
    connection.execute(
        "UPDATE calls SET made = '' WHERE made IS NULL AND (effect <> 'create' OR state NOT IN ('done', 'found'))"
    )


def bring_up_found(connection: sqlite3.Connection) -> None:
    """Leave open what the creates on record have found: the next run reads it from what they have noted."""
    connection.execute(
        "UPDATE calls SET made = NULL WHERE made = '' AND effect = 'create' AND state = 'found'"
    )


def _normal(body: str) -> str:
    """Return a JSON body in a form that is equal for equal values; any other body unchanged."""
    try:
        tree = json.loads(body, parse_float=Decimal) if body[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        tree = None
    return body if tree is None else json.dumps(_plain(tree), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return plain data in a form that is identical for equal values."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return canonical(value)
    if isinstance(value, bool) or value is None:
        return value
    digits = f"{Decimal(value):f}"
    return {"number": digits.rstrip("0").rstrip(".") if "." in digits else digits}
