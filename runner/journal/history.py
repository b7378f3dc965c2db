"""Queries on the journal: done and open calls, and the events of a run. A missing journal is not created."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from runner.journal.lock import is_held
from runner.journal.queries import CALL, WAS_SENT, call_from, places
from runner.journal.records import (
    AgainRecord,
    AttemptRecord,
    CallRecord,
    Identity,
    KeyRun,
    MadeCall,
    NoticeRecord,
    RunRecord,
    SentCall,
    SentLine,
    SentWrite,
    SettlementRecord,
)
from runner.journal.row_queries import RowQueries

_RUN = ", ".join(RunRecord._fields)
_PARTS = len(Identity._fields)
_OF_KEY = "account = ? AND recipe = ? AND per = ? AND key = ?"
_SETTLEMENT = ", ".join(SettlementRecord._fields)
_AGAIN = ", ".join(AgainRecord._fields)
_PAGE = 500
_SENT = ", ".join(
    [*(f"c.{name}" for name in CALL.split(", ")), *(f"a.{name}" for name in AttemptRecord._fields)]
)
_NAME = " || char(31) || ".join(f"c.{name}" for name in Identity._fields[:-1])
_NAMED = f"a.call = {_NAME} || CASE c.generation WHEN 0 THEN '' ELSE char(31) || c.generation END"
_LAST_RUN = 2**62
_API = "substr(operation, 1, instr(operation, '.') - 1)"
_SENT_WRITES = (
    f"SELECT {', '.join(SentWrite._fields)} FROM calls "  # noqa: S608
    f"WHERE effect <> 'read' AND {WAS_SENT}"
)


class History(RowQueries):
    """All queries on the journal of one folder. Without a journal, every result is empty."""

    aliases: Mapping[str, str] = MappingProxyType({})
    """Operations on record that are others by now, as their API has another name."""

    one_apis: Mapping[str, str] = MappingProxyType({})
    """The names of APIs of today that are one API, each with the first name of that."""

    def calls_of(
        self, account: str, recipe: str, *, per: str, key: str, generation: int = 0
    ) -> dict[tuple[str, str], CallRecord]:
        """Return the calls of one row key (`per` row) or once_per value (`per` once), by (step, item).

        Only those of its last generation, or of `generation` if that is later still; and whatever is open.
        """
        found = self._calls(f"{_OF_KEY} ORDER BY generation", account, recipe, per, key)
        last = max([generation, *(call.identity.generation for call in found)])
        found = [call for call in found if call.is_open or call.identity.generation == last]
        return {
            (call.identity.step, call.identity.item): call
            for call in sorted(found, key=attrgetter("is_open"))
        }

    def earlier(
        self, identity: Identity, places: Collection[tuple[str, str]] = ()
    ) -> list[CallRecord]:
        """Return the calls of earlier generations that were done or found, under one of these steps and items."""
        where = (
            f"{_OF_KEY} AND step = ? AND item = ? AND generation < ? AND state IN ('done', 'found')"
        )
        return [
            call
            for step, item in places or [(identity.step, identity.item)]
            for call in self._calls(where, *identity[:4], step, item, identity.generation)
        ]

    def has_sent(self, account: str, recipe: str, *, besides: int) -> bool:
        """Return true if runs other than `besides` have, or may have, carried out a write of a recipe."""
        where = "account = ? AND recipe = ? AND run <> ? AND effect <> 'read' LIMIT 1"
        return bool(self._select(f"SELECT 1 FROM calls WHERE {where}", account, recipe, besides))  # noqa: S608

    def of_content(self, content: str, *, besides: int) -> Iterator[CallRecord]:
        """Yield the creates of other runs than `besides` that have or may have sent this content, oldest first."""
        where = (
            "content = ? AND run <> ? AND effect <> 'read' "
            "AND state IN ('done', 'intent', 'unknown') AND id > ? ORDER BY id LIMIT 100"
        )
        last = 0
        while page := self._calls(where, content, besides, last):
            yield from page
            last = page[-1].id

    def generation(self, account: str, recipe: str, keys: Collection[str]) -> int | None:
        """Return the last generation of a row with these keys; None where nothing is on record under any of them."""
        sql = (
            "SELECT max(generation) FROM calls WHERE account = ? AND recipe = ? AND per = 'row' "  # noqa: S608
            f"AND key IN ({places(keys)})"
        )
        return next((last for (last,) in self._select(sql, account, recipe, *keys)), None)

    def alike(
        self, account: str, recipe: str, steps: Collection[str], looks: Collection[str]
    ) -> list[tuple[str, str]]:
        """Return the keys of writes that look like one of `looks`, a few hundred at most: the look and the key.

        `steps` are the names of a `once_per` step, or only the empty one for the keys of rows.
        """
        sql = (
            f"SELECT look, key FROM identities WHERE account = ? AND recipe = ? "  # noqa: S608
            f"AND step IN ({places(steps)}) AND look IN ({places(looks)})"
        )
        return self._select(sql, account, recipe, *steps, *looks)

    def twins(self, account: str, recipe: str) -> dict[tuple[str, str], str]:
        """Return the keys, by row or once, that are one identity with another key that was used, and that one."""
        sql = (
            "SELECT per, key, other FROM twins WHERE account = ? AND recipe = ? ORDER BY other DESC"
        )
        return {(per, key): other for per, key, other in self._select(sql, account, recipe)}

    def once_steps(self, account: str, recipe: str) -> list[str]:
        """Return the steps of a recipe that were, or may have been, done once for a value."""
        sql = "SELECT DISTINCT step FROM calls WHERE account = ? AND recipe = ? AND per = 'once' AND effect <> 'read'"
        return [str(step) for (step,) in self._select(f"{sql} AND {WAS_SENT}", account, recipe)]

    def shared_values(
        self, account: str, recipe: str, steps: Collection[str], values: Collection[str]
    ) -> set[str]:
        """Return those of a few hundred values for which a step was, or may have been, done once."""
        sql = (
            "SELECT DISTINCT key FROM calls WHERE account = ? AND recipe = ? AND per = 'once' AND effect <> 'read' "  # noqa: S608
            f"AND {WAS_SENT} "
            f"AND key IN ({places(values)}) AND step IN ({places(steps)})"
        )
        return {key for (key,) in self._select(sql, account, recipe, *values, *steps)}

    def sent_keys(self, account: str, recipe: str, keys: Collection[str]) -> set[str]:
        """Return those of a few hundred keys under which something was, or may have been, sent for a row."""
        sql = (
            "SELECT DISTINCT key FROM calls WHERE account = ? AND recipe = ? AND per = 'row' AND effect <> 'read' "  # noqa: S608
            f"AND {WAS_SENT} AND key IN ({places(keys)})"
        )
        return {key for (key,) in self._select(sql, account, recipe, *keys)}

    def key_runs(
        self, account: str, recipe: str, keys: Collection[str], *, steps: Collection[str] = ()
    ) -> dict[str, set[int]]:
        """Return the runs that have, or may have, sent something for a row by each of a few hundred keys.

        With `steps`, keys are values for which one of these was done once.
        """
        of_steps = f"AND per = 'once' AND step IN ({places(steps)})" if steps else "AND per = 'row'"
        sql = (
            "SELECT DISTINCT key, run FROM calls WHERE account = ? AND recipe = ? AND effect <> 'read' "  # noqa: S608
            f"AND {WAS_SENT} {of_steps} AND key IN ({places(keys)})"
        )
        found: dict[str, set[int]] = {}
        for key, run in self._select(sql, account, recipe, *steps, *keys):
            found.setdefault(str(key), set()).add(int(run))
        return found

    def key_texts(self, account: str, recipe: str) -> list[tuple[int, str, str]]:
        """Return the texts of the key under which runs of a recipe have sent something, with what it was made of.

        Each has its last run.
        """
        sql = (
            "SELECT max(id), key_text, key_columns FROM runs WHERE account = ? AND recipe = ? AND key_text <> '' "
            "AND EXISTS (SELECT 1 FROM calls WHERE calls.run = runs.id AND effect <> 'read') "
            "GROUP BY key_text, key_columns ORDER BY 1"
        )
        found = self._select(sql, account, recipe)
        return [(int(run), str(text), str(columns)) for run, text, columns in found]

    def key_columns(self, account: str, recipe: str) -> list[KeyRun]:
        """Return the runs of a recipe with what their keys were made of."""
        sql = (
            "SELECT id, key_columns, new_identity FROM runs "
            "WHERE account = ? AND recipe = ? AND key_columns <> '' ORDER BY id"
        )
        found = self._select(sql, account, recipe)
        return [KeyRun(int(run), str(text), bool(declared)) for run, text, declared in found]

    def sent_in(self, run: int, *, per: Collection[str]) -> bool:
        """Return true if a run has sent, or may have sent, something for rows or for what they share."""
        sql = (
            "SELECT 1 FROM calls WHERE run = ? AND effect <> 'read' "  # noqa: S608
            f"AND {WAS_SENT} AND per IN ({places(per)}) LIMIT 1"
        )
        return bool(self._select(sql, run, *per))

    def has_other_texts(self, account: str, recipe: str, *, recipe_digest: str) -> bool:
        """Return true if a recipe was run with another text."""
        sql = "SELECT 1 FROM runs WHERE account = ? AND recipe = ? AND recipe_digest <> ? LIMIT 1"
        return bool(self._select(sql, account, recipe, recipe_digest))

    def hits(self, account: str, api: str, *, day: str) -> int:
        """Return the number of requests of an account to an API on a day (ISO, UTC)."""
        sql = "SELECT count FROM hits WHERE account = ? AND api = ? AND day = ?"
        return int(next((count for (count,) in self._select(sql, account, api, day)), 0))

    def again(self, run: int) -> list[AgainRecord]:
        """Return the rows that a run was asked to send again."""
        found = self._select(f"SELECT {_AGAIN} FROM again WHERE run = ? ORDER BY key", run)  # noqa: S608
        return [AgainRecord(*values) for values in found]

    def notices(self, run: int) -> list[NoticeRecord]:
        """Return the notifications of the ends of a run, oldest first."""
        found = self._select(
            "SELECT run, at, name, reason FROM notices WHERE run = ? ORDER BY rowid", run
        )
        return [NoticeRecord(*values) for values in found]

    def journal_id(self) -> str:
        """Return the id of this journal, regardless of its folder; empty before it has written to an account."""
        return next((str(found) for (found,) in self._select("SELECT id FROM journal")), "")

    def origins(self, account: str) -> dict[str, str]:
        """Return the origins of an account by API: scheme, host and port."""
        found = self._select("SELECT api, origin FROM origins WHERE account = ?", account)
        return {str(api): str(origin) for api, origin in found}

    def places(self) -> list[tuple[str, str, str]]:
        """Return each account with an API and the origin where it is."""
        found = self._select("SELECT account, api, origin FROM origins ORDER BY account, api")
        return [(str(account), str(api), str(origin)) for account, api, origin in found]

    def sent_operations(self, account: str, recipe: str) -> set[str]:
        """Return the operations of the writes that a recipe has, or may have, carried out."""
        sql = f"SELECT DISTINCT operation FROM ({_SENT_WRITES} AND account = ? AND recipe = ?)"  # noqa: S608
        return {self._now(str(name)) for (name,) in self._select(sql, account, recipe)}

    def sent_paths(self) -> list[tuple[str, str, str, str]]:
        """Each operation that an account has written by, with the method and the path of one of its calls."""
        sql = (
            "SELECT account, operation, min(method), min(url) FROM calls WHERE effect <> 'read' "
            "GROUP BY account, operation"
        )
        return self._select(sql)

    def _now(self, operation: str) -> str:
        return self.aliases.get(operation, operation)

    def one_name(self, operation: str) -> str:
        """Return an operation by the first name that its API has today."""
        api, _, name = operation.partition(".")
        return f"{self.one_apis.get(api, api)}.{name}"

    def _then(self, operation: str) -> list[str]:
        """The names that an operation has, or had."""
        name = operation.partition(".")[2]
        own = [f"{api}.{name}" for api in self._names_of(_api_of(operation))]
        return [*own, *(then for then, now in self.aliases.items() if now in own)]

    def _names_of(self, api: str) -> list[str]:
        """The names that an API has today."""
        first = self.one_apis.get(api, api)
        return [
            *dict.fromkeys([api, *(each for each, one in self.one_apis.items() if one == first)])
        ]

    def _write(self, values: Sequence[Any]) -> SentWrite:
        found = SentWrite(*values)
        return found._replace(operation=self._now(found.operation))

    def declared_runs(self, account: str, recipe: str) -> frozenset[int]:
        """Return the runs of a recipe of which a person has declared that their rows are other work."""
        sql = "SELECT id FROM runs WHERE account = ? AND recipe = ? AND new_identity = 1"
        return frozenset(int(run) for (run,) in self._select(sql, account, recipe))

    def sent_writes(self, run: int) -> Iterator[tuple[SentWrite, tuple[int, ...]]]:
        """Yield the writes of a run that were carried out, or may have been, each with the input lines of its row.

        There are no lines where the run did not record the row.
        """
        sql = f"SELECT w.*, coalesce(r.lines, '[]') FROM ({_SENT_WRITES} AND run = ?) w "  # noqa: S608
        for *values, lines in self._each(
            f"{sql} LEFT JOIN rows r ON r.run = w.run AND r.number = w.row", run
        ):
            yield self._write(values), tuple(json.loads(lines))

    def sent_for(
        self, account: str, recipe: str, looks: Collection[str], *, once: Collection[str]
    ) -> list[tuple[str, SentWrite]]:
        """Return the writes of a recipe for rows and shared values that look like one of `looks`, each with that look.

        `looks` are a few hundred at most, `once` the steps of the recipe that were done once for a value.
        """
        steps = ["", *once]
        sql = (
            f"SELECT i.look, {', '.join(f'c.{name}' for name in SentWrite._fields)} FROM identities i "  # noqa: S608
            "CROSS JOIN calls c ON c.account = i.account AND c.recipe = i.recipe AND c.key = i.key "
            "AND c.per = CASE i.step WHEN '' THEN 'row' ELSE 'once' END "
            f"WHERE i.account = ? AND i.recipe = ? AND i.step IN ({places(steps)}) "
            f"AND i.look IN ({places(looks)}) AND c.effect <> 'read' "
            f"AND c.{WAS_SENT}"
        )
        found = self._select(sql, account, recipe, *steps, *looks)
        return [(str(look), self._write(values)) for look, *values in found]

    def sent_lines(self, account: str, recipe: str, lines: Collection[str]) -> list[SentLine]:
        """Return the keys under which a recipe has sent something for these lines, a few hundred at most."""
        sql = (
            "SELECT line, step, key, run FROM sent_lines s "  # noqa: S608
            f"WHERE account = ? AND recipe = ? AND line IN ({places(lines)}) "
            "AND EXISTS (SELECT 1 FROM calls c WHERE c.account = s.account AND c.recipe = s.recipe AND c.key = s.key "
            "AND c.per = CASE s.step WHEN '' THEN 'row' ELSE 'once' END AND c.effect <> 'read' "
            f"AND c.{WAS_SENT})"
        )
        return [SentLine(*values) for values in self._select(sql, account, recipe, *lines)]

    def sent_bodies(
        self, account: str, recipe: str, operation: str
    ) -> Iterator[tuple[SentWrite, str, str, str]]:
        """Yield the creates of an operation that were, or may have been, carried out: method, path and body of each."""
        names, names_then = ", ".join(SentWrite._fields), self._then(operation)
        sql = (
            f"SELECT {names}, method, url, body FROM calls WHERE account = ? AND recipe = ? "  # noqa: S608
            f"AND operation IN ({places(names_then)}) AND effect <> 'read' AND state IN ('done', 'intent', 'unknown')"
        )
        for *values, method, url, body in self._each(sql, account, recipe, *names_then):
            yield self._write(values), str(method), str(url), str(body)

    def sent_amounts(
        self, account: str, recipe: str, operation: str
    ) -> Iterator[tuple[int, str, str, str]]:
        """Yield the calls of an operation that have moved money, or may have: number, path, body and amount of each."""
        then = self._then(operation)
        sql = (
            "SELECT id, url, body, amount FROM calls WHERE account = ? AND recipe = ? "  # noqa: S608
            f"AND operation IN ({places(then)}) AND amount <> '' AND effect <> 'read' "
            "AND state IN ('done', 'intent', 'unknown')"
        )
        yield from self._each(sql, account, recipe, *then)

    def was_at(self, account: str, api: str) -> bool:
        """Return true if a request to an API of an account succeeded, or may have been carried out."""
        sql = f"SELECT EXISTS (SELECT 1 FROM calls WHERE account = ? AND {WAS_SENT} AND operation GLOB ?)"  # noqa: S608
        return any(bool(found) for (found,) in self._select(sql, account, f"{api}.*"))

    def writes_to(self, account: str) -> bool:
        """Return true if a run that writes to an account is on record."""
        origin = "SELECT 1 FROM origins WHERE account = ?1 AND writes"
        call = "SELECT 1 FROM calls WHERE account = ?1 AND effect <> 'read'"
        sql = f"SELECT EXISTS ({origin}) OR EXISTS ({call})"
        return any(bool(found) for (found,) in self._select(sql, account))

    def checked(self) -> dict[int, str]:
        """Return the created.csv of each run as it was when the journal was last found to know all of it."""
        return {
            int(run): str(stamp) for run, stamp in self._select("SELECT run, stamp FROM checked")
        }

    def calls_of_run(self, run: int) -> list[CallRecord]:
        """Return the calls that a run touched last, in the order of its rows."""
        return self._calls("run = ? ORDER BY row, id", run)

    def has_written(self, run: int) -> bool:
        """Return true if a run has made, or was about to make, a call that writes."""
        sql = "SELECT 1 FROM calls WHERE run = ? AND effect <> 'read' AND state <> 'found' LIMIT 1"
        return bool(self._select(sql, run))

    def sent(self, run: int, row: int | None = None) -> Iterator[SentCall]:
        """Yield the calls that a run sent, in the order of its rows, or of one row alone; one after the other.

        Then those that a later run has sent again since, and those of earlier runs that this one has concluded.
        """
        rows = (-1, _LAST_RUN) if row is None else (row, row)
        sql = (
            f"SELECT {_SENT} FROM calls c LEFT JOIN attempts a ON {_NAMED} AND a.run = ?1 "  # noqa: S608
            "WHERE c.run = ?1 AND c.row BETWEEN ?2 AND ?3 OR c.run > ?1 AND a.call IS NOT NULL OR c.concluded = ?1 "
            "ORDER BY c.run <> ?1, c.run, c.row"
        )
        width = len(CALL.split(", "))
        for _, found in groupby(self._each(sql, run, *rows), key=lambda values: values[width - 1]):
            each = list(found)
            call = call_from(each[0][:width])
            yield SentCall(
                call,
                tuple(
                    AttemptRecord(*values[width:]) for values in each if values[width] is not None
                ),
            )

    def mark(self, run: int) -> str:
        """Return a text that changes when something has happened in a run."""
        sql = (
            "SELECT (SELECT max(rowid) FROM attempts), (SELECT sum(reached) FROM rows WHERE run = ?1), "
            "(SELECT finished_at FROM runs WHERE id = ?1), "
            "(SELECT count(*) FROM calls WHERE run = ?1 AND state = 'intent')"
        )
        state = next((record.state for record in [self.run(run)] if record is not None), "")
        return "-".join(map(str, (*next(iter(self._select(sql, run)), ()), state)))

    def concluded_by(self, run: int) -> list[int]:
        """Return the earlier runs whose calls a run has found to be carried out."""
        sql = "SELECT DISTINCT run FROM calls WHERE concluded = ? AND run <> concluded ORDER BY run"
        return [int(number) for (number,) in self._select(sql, run)]

    def open_calls(self, account: str, recipe: str) -> list[CallRecord]:
        """Return the writes of a recipe whose outcome is unknown, oldest first."""
        where = "account = ? AND recipe = ? AND state IN ('intent', 'unknown') AND effect <> 'read' ORDER BY id"
        return self._calls(where, account, recipe)

    def all_open_calls(self) -> list[CallRecord]:
        """Return the writes whose outcome is unknown, over all runs, recipes and accounts, oldest first."""
        return self._calls("state IN ('intent', 'unknown') AND effect <> 'read' ORDER BY id")

    def calls_answered(self, account: str, operation: str, *, text: str) -> list[CallRecord]:
        """Return the calls of an operation that were carried out, or found, and whose answer has a text somewhere."""
        where = (
            "account = ? AND operation = ? AND state IN ('done', 'found') AND instr(answer, ?) > 0"
        )
        return self._calls(where, account, operation, text)

    def maker(self, account: str, operation: str, made: str) -> CallRecord | None:
        """Return the first call of an operation that has made the object with this path, as far as it is committed."""
        names = self._then(operation)
        where = f"made = ? AND account = ? AND operation IN ({places(names)}) AND state = 'done' ORDER BY id LIMIT 1"
        return next(iter(self._calls(where, made, account, *names)), None)

    def finders(self, account: str, operation: str, made: str) -> list[CallRecord]:
        """Return the calls that have found the object with this path, by a search of an operation or by a read."""
        names, apis = self._then(operation), self._apis(operation)
        where = (
            f"made = ? AND account = ? AND (operation IN ({places(names)}) AND state = 'found' "
            f"OR effect = 'read' AND {_API} IN ({places(apis)})) ORDER BY id"
        )
        return self._calls(where, made, account, *names, *apis)

    def doubted(self, account: str, operation: str, made: str) -> bool:
        """Return true if a search has found the object with this path, and a row was refused for it."""
        names = self._then(operation)
        where = f"made = ? AND account = ? AND operation IN ({places(names)}) AND state = 'rejected' LIMIT 1"
        return bool(self._select(f"SELECT 1 FROM calls WHERE {where}", made, account, *names))  # noqa: S608

    def users(self, account: str, operation: str, path: str) -> list[CallRecord]:
        """Return the writes to the object with this path, or inside of it, that were or may have been carried out.

        `path` is as it stands in a URL; `operation` is one of its API.
        """
        apis = self._apis(operation)
        where = (
            "(url = ?1 OR url > ?1 || '/' AND url < ?1 || '0' OR url > ?1 || '?' AND url < ?1 || '@') "
            "AND account = ? AND effect <> 'read' AND state IN ('done', 'intent', 'unknown') "
            f"AND {_API} IN ({places(apis)}) ORDER BY id"
        )
        return self._calls(where, path, account, *apis)

    def last_call(self) -> int:
        """Return the number of the last call; 0 without one."""
        return next(
            (int(last) for (last,) in self._select("SELECT coalesce(max(id), 0) FROM calls")), 0
        )

    def bodies(
        self, account: str, operation: str, texts: Collection[str], *, after: int, until: int
    ) -> list[tuple[int, str]]:
        """Return the next bodies (JSON) of writes to the API of an operation that have one of these texts in them.

        Each with the number of its call, in their order: from the one behind `after` to the call `until`.
        """
        apis = self._apis(operation)
        having = " OR ".join(["instr(body, ?) > 0"] * len(texts))
        sql = (
            f"SELECT id, body FROM calls WHERE id > ? AND id <= ? AND +account = ? AND effect <> 'read' AND ({having}) "  # noqa: S608
            f"AND body LIKE '{{%' AND {_API} IN ({places(apis)}) ORDER BY id LIMIT {_PAGE}"
        )
        return self._select(sql, after, until, account, *texts, *apis)

    def _apis(self, operation: str) -> list[str]:
        """The names that the API of an operation has, or had."""
        own = self._names_of(_api_of(operation))
        known = (then for then, now in self.aliases.items() if _api_of(now) in own)
        return [*dict.fromkeys([*own, *map(_api_of, known)])]

    def unread_creates(self, account: str) -> list[CallRecord]:
        """Return the creates of earlier versions of which it is not recorded what they have made or found."""
        where = "made IS NULL AND account = ? AND effect = 'create' AND state IN ('done', 'found')"
        return self._calls(where, account)

    def writes_since(self, call: CallRecord, moment: str) -> list[CallRecord]:
        """Return the other writes of the row of a call that were sent after a moment, as the journal writes times."""
        account, recipe, per, key, *_ = call.identity
        where = f"{_OF_KEY} AND effect <> 'read' AND id <> ? AND sent_at > ? ORDER BY id"
        return self._calls(where, account, recipe, per, key, call.id, moment)

    def requested_since(self, account: str, recipe: str, moment: str) -> int | None:
        """Return a run that has sent a request of a recipe after a moment, reads among them; None where none has."""
        sql = "SELECT run FROM attempts WHERE at > ? AND instr(call, ?) = 1 ORDER BY at LIMIT 1"
        found = self._select(sql, moment, f"{account}\x1f{recipe}\x1f")
        return next((int(run) for (run,) in found), None)

    def settlements(self, call: int) -> list[SettlementRecord]:
        """Return the decisions of people about a call, oldest first."""
        sql = f"SELECT {_SETTLEMENT} FROM settlements WHERE call = ? ORDER BY rowid"  # noqa: S608
        return [SettlementRecord(*values) for values in self._select(sql, call)]

    def settled_and_undone(self) -> Iterator[tuple[CallRecord, str]]:
        """Yield the calls that were settled as done and are not so now, with the id of that settlement."""
        sql = "SELECT DISTINCT call, name FROM settlements WHERE verdict = 'undone' AND name <> ''"
        names = self._select(sql)
        calls = self.calls_by_number([call for call, _ in names]) if names else {}
        yield from ((calls[call], str(name)) for call, name in names if call in calls)

    def settlements_of_run(self, run: int) -> list[SettlementRecord]:
        """Return the decisions of people about the calls of a run, oldest first."""
        sql = f"SELECT {_SETTLEMENT} FROM settlements WHERE call IN (SELECT id FROM calls WHERE run = ?) ORDER BY rowid"  # noqa: S608
        return [SettlementRecord(*values) for values in self._select(sql, run)]

    def call(self, number: int) -> CallRecord | None:
        """Return one call by its number."""
        return next(iter(self._calls("id = ?", number)), None)

    def call_of(self, identity: Identity) -> CallRecord | None:
        """Return one call by its identity, as it is committed."""
        where = " AND ".join(f"{name} = ?" for name in Identity._fields)
        return next(iter(self._calls(where, *identity)), None)

    def answers(self, account: str, recipe: str, operation: str) -> Iterator[str]:
        """Yield the answers of the writes of an operation that a recipe has carried out, over all of its runs."""
        sql = (
            "SELECT answer FROM calls WHERE account = ? AND recipe = ? AND operation = ? "
            "AND state = 'done' AND effect <> 'read' AND answer <> ''"
        )
        return (answer for (answer,) in self._each(sql, account, recipe, operation))

    def made(self, run: int) -> Iterator[CallRecord]:
        """Yield the writes that a run has carried out, in the order in which they were sent."""
        for page in self.made_in_short(run):
            found = self.calls_by_number([call.id for call in page])
            yield from (found[call.id] for call in page)

    def made_in_short(self, run: int) -> Iterator[list[MadeCall]]:
        """Yield the same in pages, with the columns that name and count them."""
        where = "run = ? AND state = 'done' AND effect <> 'read' ORDER BY sent_at, id"
        calls = self._each(f"SELECT {', '.join(MadeCall._fields)} FROM calls WHERE {where}", run)  # noqa: S608
        while page := [MadeCall(*values) for values in islice(calls, _PAGE)]:
            yield page

    def made_by(self, operations: Sequence[str]) -> Iterator[CallRecord]:
        """Return the writes that were carried out by these operations, in any run and recipe."""
        names = ", ".join("?" * len(operations))
        sql = f"SELECT {CALL} FROM calls WHERE state = 'done' AND operation IN ({names})"  # noqa: S608
        for values in self._each(sql, *operations):
            yield call_from(values)

    def answered(self, run: int) -> Iterator[Identity]:
        """Return the calls that were carried out by an attempt of a run, regardless of later ones."""
        sql = "SELECT call FROM attempts WHERE run = ? AND state = 'done'"
        for (name,) in self._each(sql, run):
            *parts, last = str(name).split("\x1f")
            if len(parts) == _PARTS - 1 and last.isdigit():
                yield Identity._make([*parts, int(last)])
            elif len(parts) == _PARTS - 2:
                yield Identity._make([*parts, last, 0])

    def calls_by_number(self, numbers: Collection[int]) -> dict[int, CallRecord]:
        """Return calls by their numbers, a few hundred at most."""
        return {
            call.id: call
            for call in self._calls(f"id IN ({', '.join('?' * len(numbers))})", *numbers)
        }

    def count_done(self, account: str, recipe: str) -> Iterator[tuple[str, int]]:
        """Yield the number of writes done or found by the key of their row; a shared one counts once."""
        sql = (
            "SELECT CASE c.per WHEN 'row' THEN c.key ELSE coalesce(r.key, '') END AS of_row, count(*) "
            "FROM calls c LEFT JOIN rows r ON c.per = 'once' AND r.run = c.run AND r.number = c.row "
            "WHERE c.account = ? AND c.recipe = ? AND c.state IN ('done', 'found') AND c.effect <> 'read' "
            "GROUP BY of_row"
        )
        return self._each(sql, account, recipe)

    def _is_at_work(self, run: int) -> bool:
        record = self.run(run)
        return record is not None and record.state == "running"

    def runs(self) -> list[RunRecord]:
        """Return every run, oldest first."""
        return self._runs("true")

    def finished_runs(self, account: str, recipe: str, *, values: str) -> Iterator[RunRecord]:
        """Yield the finished runs of a recipe over all rows, with these values of its variables, newest first."""
        where = "account = ? AND recipe = ? AND vars = ? AND state = 'finished' AND only = '[]'"
        sql = f"SELECT {_RUN} FROM runs WHERE {where} ORDER BY id DESC"  # noqa: S608
        return (RunRecord(*row) for row in self._each(sql, account, recipe, values))

    def run(self, number: int) -> RunRecord | None:
        """Return one run by its number."""
        return next(iter(self._runs("id = ?", number)), None)

    def _runs(self, where: str, *values: Any) -> list[RunRecord]:
        sql = f"SELECT {_RUN} FROM runs WHERE {where} ORDER BY id"  # noqa: S608
        found = [RunRecord(*row) for row in self._select(sql, *values)]
        if any(run.state == "running" for run in found) and not is_held(self.path.parent):
            found = [
                RunRecord(*row) for row in self._select(sql, *values)
            ]  # it may have ended before it was looked at
            return [
                run._replace(state="killed") if run.state == "running" else run for run in found
            ]
        return found

    def sent_again(self, account: str, recipe: str, *, besides: int) -> set[str]:
        """Return the keys of the rows that other runs than `besides` were asked to send again."""
        sql = "SELECT DISTINCT key FROM again JOIN runs ON runs.id = again.run WHERE account = ? AND recipe = ?"
        return {
            str(key) for (key,) in self._select(f"{sql} AND run <> ?", account, recipe, besides)
        }

    def knows(self, account: str, recipe: str) -> bool:
        """Return true if rows or calls of a recipe are on record."""
        rows = "SELECT 1 FROM rows JOIN runs ON runs.id = rows.run WHERE account = ? AND recipe = ? LIMIT 1"
        return bool(self._select(rows, account, recipe)) or self.has_sent(
            account, recipe, besides=0
        )

    def attempts(self, run: int) -> int:
        """Return the number of requests that a run sent."""
        return int(
            next(iter(self._select("SELECT count(*) FROM attempts WHERE run = ?", run)), (0,))[0]
        )


def _api_of(operation: str) -> str:
    return operation.partition(".")[0]
