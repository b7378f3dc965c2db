"""Seeds of the state: the examples of the lists that no operation creates in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from runner.catalogue import Api
from runner.sandbox import exact_json
from runner.sandbox.refusals import EXTENSION
from runner.sandbox.resources import Resource
from runner.sandbox.state import Place, State

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?=\Z|[T ])")


def sow(state: State, api: Api, resource: Resource, today: date) -> None:
    """Store the examples of a resource.

    Objects that no operation changes are replaced by the document's at every start.
    """
    as_of = api.document["info"].get(EXTENSION, {}).get("as_of")
    passed = today - date.fromisoformat(as_of) if as_of else timedelta()
    rows = []
    for number, row in enumerate(resource.seeds, 1):
        key = row.get(resource.id_field)
        object_id = key if isinstance(key, int) and key > 0 else number
        rows.append((object_id, exact_json.encode(_moved(row, passed))))
    if rows or not resource.written:
        state.seed(Place(resource.api, resource.collection), rows, fresh=not resource.written)


def _moved(value: Any, passed: timedelta) -> Any:
    """Return a value with all dates moved by the days that have passed."""
    if isinstance(value, Mapping):
        return {name: _moved(inner, passed) for name, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, passed) for inner in value]
    match = _DAY.match(value) if isinstance(value, str) and passed else None
    if match is None:
        return value
    try:
        return (date.fromisoformat(match[1]) + passed).isoformat() + value[10:]
    except ValueError:
        # Written like a date, but none, such as 2025-02-30.
        return value
