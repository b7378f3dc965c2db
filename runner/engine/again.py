"""`--again`: rows that are done and are to be sent once more, because somebody says so and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from runner.journal import AgainRecord, History
from runner.rows import Row


def asked_again(
    history: History,
    account: str,
    recipe: str,
    keys: Mapping[str, Sequence[str]],
    *,
    why: str,
    who: str,
    at: str,
) -> list[AgainRecord]:
    """What is recorded of the wish to send rows again: the generation that comes after all that their calls have.

    `keys` are those of the rows, each with the former keys that the row may be on record under. A run that is resumed
    takes the same record, so that what it has sent of that generation is not sent twice.
    """
    found = []
    for key, former in keys.items():
        last = history.generation(account, recipe, [key, *former])
        found.append(AgainRecord(key, 0 if last is None else last + 1, why, who, at))
    return found


def after_former_keys(
    history: History, account: str, recipe: str, records: Sequence[AgainRecord], rows: Iterable[Row]
) -> list[AgainRecord]:
    """The records with generations that come after all that is on record under the former keys of their rows, too.

    For rows that were not known when they were asked for.
    """
    wanted = by_key(records)
    former = {row.key: row.former for row in rows if row.key in wanted} if wanted else {}
    found = []
    for record in records:
        last = history.generation(account, recipe, [record.key, *former.get(record.key, ())])
        found.append(record._replace(generation=0 if last is None else last + 1))
    return found


def by_key(records: Sequence[AgainRecord]) -> dict[str, AgainRecord]:
    """The records by the key of their row."""
    return {record.key: record for record in records}
