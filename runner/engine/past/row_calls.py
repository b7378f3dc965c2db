"""The keys of a row, and the calls that are on record under them: the one place that knows both.

A row is on record under its key, and under the former keys that `key_was` and earlier versions give it, unless another
row of the input continues those. What was sent under any of them was sent for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from runner.journal import CallRecord, History
from runner.journal.records import OPEN, SETTLED
from runner.rows import Row

Heirs = Mapping[str, str]
"""The key of the row that continues a former key that several rows have; empty where that is not known."""


class RowCalls(NamedTuple):
    """The calls of a row by step and item: those of its last revision, and what is open.

    `key` is the one under which more is put on record, `keys` are all that it may be on record under. `contested`
    is a former key that something is on record under and that several rows have, none of which fits.
    """

    key: str
    keys: tuple[str, ...]
    calls: Mapping[tuple[str, str], CallRecord]
    contested: str = ""


def keys_of(row: Row, heirs: Heirs) -> tuple[str, ...]:
    """The keys that a row may be on record under, its own first."""
    if not row.former:
        return (row.key,)
    return (row.key, *(key for key in row.former if heirs.get(key, row.key) == row.key))


def shared_former_keys(rows: Iterable[Row]) -> set[str]:
    """The former keys that several rows have, so that it takes their requests to see which one continues them."""
    counts = Counter(former for row in rows for former in row.former)
    return {former for former, count in counts.items() if count > 1}


def calls_of_row(
    history: History, account: str, recipe: str, row: Row, *, heirs: Heirs, again: int | None = None
) -> RowCalls:
    """The calls on record for a row. `again` is the revision that a person asks for: it has the row's own key."""
    keys, last = keys_of(row, heirs), again or 0
    found = [history.calls_of(account, recipe, per="row", key=key, generation=last) for key in keys]
    if sum(map(bool, found)) > 1:  # one revision of all of them
        last = max(call.identity.generation for calls in found for call in calls.values())
        found = [
            history.calls_of(account, recipe, per="row", key=key, generation=last) for key in keys
        ]
    sent = [key for key, calls in zip(keys, found, strict=True) if has_sent(calls)]
    contested = ""
    if row.former and row.key not in sent:
        left = (key for key in row.former if heirs.get(key) == "")
        contested = next(
            (k for k in left if history.generation(account, recipe, [k]) is not None), ""
        )
    heir = row.key if again is not None or row.key in sent or not sent else sent[0]
    return RowCalls(heir, keys, found[0] if len(keys) == 1 else _merged(found), contested)


def has_sent(calls: Mapping[tuple[str, str], CallRecord]) -> bool:
    """Tell whether one of some calls is a write that was, or may have been, carried out."""
    return any(call.effect != "read" and call.state in (*SETTLED, *OPEN) for call in calls.values())


def _merged(
    found: Sequence[Mapping[tuple[str, str], CallRecord]],
) -> dict[tuple[str, str], CallRecord]:
    """The calls of several keys as those of one row; of two in one place, the one that says most of what was sent."""
    calls = [each for of_key in reversed(found) for each in of_key.items()]
    return dict(sorted(calls, key=lambda each: _weight(each[1])))  # the last one stays


def _weight(call: CallRecord) -> int:
    if call.state in OPEN:
        return 2
    return 1 if call.state in SETTLED else 0
