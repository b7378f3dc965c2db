"""Upgrade of the keys of earlier versions to their canonical form, so that `PO-1` finds the calls of `PO-1 `.

Where two keys of the journal have one canonical form and both may have been carried out, neither is taken for the
other: one of them has the canonical key, and the pair is on record in `twins`, so that its row is refused.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from runner.journal.records import OPEN, SETTLED, Identity
from runner.keys import brief, canonical, canonical_shared, mistakable, unpadded

_SENT = f"effect <> 'read' AND state IN {(*SETTLED, *OPEN)!r}"
_OF_KEY = "account = ? AND recipe = ? AND per = ? AND key = ?"
_ASIDE = "\x00"
"""A temporary key for one of two keys that are exchanged; no canonical key is equal to it."""


class _Group(NamedTuple):
    """All calls of one key. `keys` are those that have its canonical form, in the order in which they were sent."""

    account: str
    recipe: str
    per: str
    name: str
    keys: tuple[str, ...]


def bring_up_keys(connection: sqlite3.Connection) -> None:
    """Replace each key on record by its canonical form."""
    connection.create_function("look_of", 1, look_of, deterministic=True)
    connection.create_function("step_of", 1, step_of, deterministic=True)
    connection.execute("CREATE TEMP TABLE called (old TEXT PRIMARY KEY, new TEXT) WITHOUT ROWID")
    for group in list(_groups(connection)):
        _settle(connection, group)
    _rename_items(connection)
    connection.execute(
        "UPDATE attempts SET call = (SELECT new FROM called WHERE old = call) "
        "WHERE call IN (SELECT old FROM called)"
    )
    connection.execute("DROP TABLE called")
    _rename_rows(connection)
    connection.execute(
        "INSERT OR IGNORE INTO identities (account, recipe, step, look, key, run) "
        "SELECT account, recipe, step, look_of(key), key, min(run) FROM ("
        "SELECT account, recipe, key, run, CASE per WHEN 'row' THEN '' ELSE step_of(step) END AS step "
        "FROM calls WHERE effect <> 'read') GROUP BY account, recipe, step, key"
    )


def bring_up_looks(connection: sqlite3.Connection) -> None:
    """Replace the look-alike forms on record, which may be of a time that knew fewer."""
    connection.create_function("look_of", 1, look_of, deterministic=True)
    connection.execute("UPDATE OR REPLACE identities SET look = look_of(key)")


def look_of(key: str) -> str:
    """Return the look-alike form of a key that the journal searches by, without insignificant zeros."""
    return unpadded(brief(mistakable(key)))


def step_of(step: str) -> str:
    """Return the step of a recipe that a call is for: contact/update is one of contact."""
    return step.partition("/")[0]


def name_of(identity: Identity) -> str:
    """Return the identity of a call in one text, as its attempts have it."""
    *parts, generation = identity
    return "\x1f".join([*map(str, parts), *([str(generation)] if generation else [])])


def _groups(connection: sqlite3.Connection) -> Iterator[_Group]:
    """Yield the keys of each recipe that are not in their canonical form, with those that are and mean the same."""
    sql = "SELECT account, recipe, per, key FROM calls GROUP BY account, recipe, per, key"
    wanted: set[tuple[str, str, str, str]] = set()
    for account, recipe, per, key in connection.execute(sql):
        name = _form(per, key)
        if name and name != key:
            wanted.add((account, recipe, per, name))
    if not wanted:
        return
    found: dict[tuple[str, str, str, str], list[str]] = {each: [] for each in sorted(wanted)}
    for account, recipe, per, key in connection.execute(f"{sql} ORDER BY min(id)"):
        place = account, recipe, per, _form(per, key)
        if place in found:
            found[place].append(key)
    for (account, recipe, per, name), keys in found.items():
        yield _Group(account, recipe, per, name, tuple(keys))


def _form(per: str, key: str) -> str:
    return canonical_shared(key) if per == "once" else canonical(key)


def _settle(connection: sqlite3.Connection, group: _Group) -> None:
    """Give the canonical key to the calls that were carried out, or to the first of several."""
    sent = [key for key in group.keys if _was_sent(connection, group, key)]
    heir = next(iter(sent or group.keys))
    if group.name in sent:
        heir = group.name
    others = [key for key in sent if key != heir]
    if others and not (group.per == "once" and "@" in group.name):
        connection.executemany(
            "INSERT OR IGNORE INTO twins (account, recipe, per, key, other) VALUES (?, ?, ?, ?, ?)",
            [(*group[:4], other) for other in others],
        )
    if heir == group.name:
        return
    if group.name in group.keys:
        _rename(connection, group, group.name, _ASIDE)
        _rename(connection, group, heir, group.name)
        _rename(connection, group, _ASIDE, heir)
    else:
        _rename(connection, group, heir, group.name)


def _was_sent(connection: sqlite3.Connection, group: _Group, key: str) -> bool:
    sql = f"SELECT 1 FROM calls WHERE {_OF_KEY} AND {_SENT} LIMIT 1"  # noqa: S608
    return connection.execute(sql, (*group[:3], key)).fetchone() is not None


def _rename(connection: sqlite3.Connection, group: _Group, old: str, new: str) -> None:
    """Give the calls of one key another key."""
    names = ", ".join(Identity._fields)
    sql = f"SELECT {names} FROM calls WHERE {_OF_KEY}"  # noqa: S608
    found = [Identity(*each) for each in connection.execute(sql, (*group[:3], old))]
    sql = f"UPDATE calls SET key = ? WHERE {_OF_KEY}"  # noqa: S608
    connection.execute(sql, (new, *group[:3], old))
    _note(connection, {each: each._replace(key=new) for each in found})


def _note(connection: sqlite3.Connection, renamed: Mapping[Identity, Identity]) -> None:
    """Remember the former identities of calls, which their attempts refer to."""
    for old, new in renamed.items():
        moved = connection.execute(
            "UPDATE called SET new = ? WHERE new = ?", (name_of(new), name_of(old))
        )
        if not moved.rowcount:
            connection.execute("INSERT INTO called VALUES (?, ?)", (name_of(old), name_of(new)))


def _rename_items(connection: sqlite3.Connection) -> None:
    """Give the items of a step their canonical names; of two that mean the same, the later one keeps its name."""
    names = ", ".join(Identity._fields)
    calls = connection.execute(f"SELECT id, {names} FROM calls WHERE item <> '' ORDER BY id")  # noqa: S608
    changed = [
        (number, Identity(*parts)) for number, *parts in calls if canonical(parts[5]) != parts[5]
    ]
    for number, identity in changed:
        new = identity._replace(item=canonical(identity.item))
        moved = connection.execute(
            "UPDATE OR IGNORE calls SET item = ? WHERE id = ?", (new.item, number)
        )
        if moved.rowcount:
            _note(connection, {identity: new})


def _rename_rows(connection: sqlite3.Connection) -> None:
    """Give canonical keys to the rows, the requests to send rows again, and the choices of rows of runs."""
    for table in ("rows", "again"):
        keys = [key for (key,) in connection.execute(f"SELECT DISTINCT key FROM {table}")]  # noqa: S608
        sql = f"UPDATE OR IGNORE {table} SET key = ? WHERE key = ?"  # noqa: S608
        connection.executemany(sql, _changed(keys))
    only = [text for (text,) in connection.execute("SELECT DISTINCT only FROM runs")]
    new = [json.dumps([canonical(key) for key in json.loads(text)]) for text in only]
    connection.executemany(
        "UPDATE runs SET only = ? WHERE only = ?",
        [
            (now, old)
            for old, now in zip(only, new, strict=True)
            if json.loads(now) != json.loads(old)
        ],
    )


def _changed(keys: Iterable[str]) -> list[tuple[str, str]]:
    return [(new, key) for key in keys if (new := canonical(key)) != key and new]
