"""`--again`: rows that are done and are to be sent once more, because somebody says so and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from runner.journal import AgainRecord, History


def asked_again(
    history: History,
    account: str,
    recipe: str,
    keys: Collection[str],
    *,
    why: str,
    who: str,
    at: str,
) -> list[AgainRecord]:
    """What is recorded of the wish to send rows again: the generation that comes after all that their calls have.

    A run that is resumed takes the same record, so that what it has sent of that generation is not sent twice.
    """
    found = []
    for key in dict.fromkeys(keys):
        last = history.generation(account, recipe, key)
        found.append(AgainRecord(key, 0 if last is None else last + 1, why, who, at))
    return found


def by_key(records: Sequence[AgainRecord]) -> dict[str, AgainRecord]:
    """The records by the key of their row."""
    return {record.key: record for record in records}
