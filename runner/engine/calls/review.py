"""What the API shows now of a call whose outcome is unknown: its search made again, for a person. Reads only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from runner.catalogue import (
    ArgumentError,
    Catalogue,
    Operation,
    Request,
    build_request,
    decode_form,
    entry_of,
    parse_json,
    sent_arguments,
    to_json,
    without_credentials,
)
from runner.engine.calls.owners import differing
from runner.engine.calls.snapshot import Before, id_of, new_since, read_before
from runner.engine.context import Connection
from runner.engine.limits import Hits
from runner.engine.sending.outcome import Outcome, classify
from runner.engine.sending.pages import PageWatch, read_pages
from runner.journal import CallRecord
from runner.problems import WITHHELD

IDS_SHOWN = 10
"""Ids that are named of a list that lacks the one that was looked for."""

SHORTEST = 3
"""Characters of a value below which it says nothing that an object has it too."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """What a search shows now: how many objects, and those worth a look, each with the fields it shares with the call.

    `before` is how many there were before the call, None where that was not noted; then the objects are those that have
    a value of the call, else those that are new. `why` says what kept it from being looked up.
    """

    count: int = 0
    before: int | None = None
    objects: tuple[tuple[str, Json], ...] = ()
    why: str = ""


class ReadObject(NamedTuple):
    """The object with an id that a call is to have created, as a read gives it; else why there is none.

    `differs` says how it is not what was sent. `readable` is false where the API has no read for it.
    """

    value: Json | None = None
    why: str = ""
    differs: str = ""
    readable: bool = True


@dataclass(frozen=True)
class Look:
    """Makes the searches of calls again, over connections that are open. `wait` is called with seconds."""

    catalogue: Catalogue
    connections: Mapping[str, Connection]
    hits: Hits
    today: dt.date
    wait: Callable[[float], None]

    def at(self, call: CallRecord) -> Shown:
        """What the API shows of a call now."""
        before = read_before(call.before)
        if before is None:
            return Shown(why="no search was made before it that could be made again")
        try:
            operation, listing = (
                self.catalogue.operation(call.operation),
                self.catalogue.operation(before.operation),
            )
            found: list[Any] = []
            for outcome in self._pages(listing, before.arguments):
                if not outcome.ok:
                    return Shown(why=f"{listing.full_name}: {outcome.reason}")
                found += outcome.value.items
        except (ArgumentError, KeyError):
            return Shown(why=f"the search with {before.operation} cannot be made any more")
        return _shown(call, operation, before, found)

    def read(self, call: CallRecord, name: Any) -> ReadObject:
        """Read what a call has created or changed under the id `name`, or find it in the list of its search."""
        try:
            operation = self.catalogue.operation(call.operation)
            reading = self.catalogue.read_back(operation)
            if reading is None or operation.read_back is None:
                return self._listed(call, operation, name)
            sent = sent_arguments(operation, path=call.url, body=call.body)
            answer = {operation.id_field or "id": name}
            given = operation.read_back.arguments(sent, answer)
            own = {each: given.get(each) for each in reading.parameters}
            if operation.read_back.entry:
                return self._in_list(reading, own, operation.read_back.entry, name, call)
            base_url = self.connections[reading.api].base_url
            request = build_request(reading, own, base_url=base_url, today=self.today)
        except (ArgumentError, KeyError):
            return ReadObject(why=f"no read can follow {call.operation}", readable=False)
        outcome = self._ask(reading, request)
        if not outcome.ok:
            return ReadObject(why=f"{reading.full_name}: {outcome.reason}")
        if not isinstance(outcome.value, Mapping):
            return ReadObject(why=f"{reading.full_name} gave no object")
        return _compared(operation, call, outcome.value, name)

    def _listed(self, call: CallRecord, operation: Operation, name: Any) -> ReadObject:
        """The object with an id in the list of the search before its call, else in that of the path it was sent to."""
        before, field = read_before(call.before), operation.id_field or "id"
        if before is not None:
            listing = self.catalogue.operation(before.operation)
            return self._in_list(listing, before.arguments, field, name, call)
        beside = self.catalogue.listing(operation)
        if beside is None:
            why = f"the API has no read for what {operation.full_name} creates"
            return ReadObject(why=why, readable=False)
        sent = sent_arguments(operation, path=call.url, body="")
        own = {each: sent[each] for each in beside.parameters if each in sent}
        return self._in_list(beside, own, field, name, call)

    def _in_list(
        self, listing: Operation, arguments: Json, field: str, name: Any, call: CallRecord
    ) -> ReadObject:
        """The object that has the id `name` in a field of what a list shows now."""
        others: list[str] = []
        for outcome in self._pages(listing, arguments):
            if not outcome.ok:
                return ReadObject(why=f"{listing.full_name}: {outcome.reason}")
            found = entry_of(field, outcome.value.items, name)
            if found is not None:
                return _compared(self.catalogue.operation(call.operation), call, found, name)
            others += [str(item.get(field, "")) for item in outcome.value.items]
        return ReadObject(why=f"{listing.full_name} does not list it; {_said_ids(others)}")

    def _pages(self, listing: Operation, arguments: Json) -> Iterator[Outcome]:
        base_url = self.connections[listing.api].base_url

        def ask(following: Json) -> Outcome:
            return self._ask(
                listing, build_request(listing, following, base_url=base_url, today=self.today)
            )

        return read_pages(listing, arguments, ask, watch=PageWatch(listing))

    def _ask(self, listing: Operation, request: Request) -> Outcome:
        """One GET at the pace of the account, counted like any other."""
        connection = self.connections[listing.api]
        assert connection.transport is not None  # noqa: S101 - these connections are open
        used_up, when = self.hits.take(listing.api)
        if used_up:
            return Outcome("not sent", f"{used_up}; {when}")
        while connection.pace is not None and (seconds := connection.pace.use()) > 0:
            self.wait(seconds)
        transport = connection.transport
        found = classify(listing, transport.send(transport.prepare(request)), mask=transport.mask)
        return found._replace(value=without_credentials(listing, found.value))


def _said_ids(ids: Sequence[str]) -> str:
    """The ids of what a list has, for people."""
    shown = [each for each in ids if each][:IDS_SHOWN]
    if not shown:
        return "what it lists has no ids" if ids else "it lists nothing"
    more = f" and {len(ids) - len(shown):,} more" if len(ids) > len(shown) else ""
    return f"it lists {', '.join(shown)}{more}"


def _compared(operation: Operation, call: CallRecord, found: Json, name: Any) -> ReadObject:
    """An object beside what was sent, and beside the id that it is to have."""
    differs = differing(operation, call, found)
    own = id_of(operation, found)
    if own and own != str(name):
        differs = f"its id is {own}" + (f"; {differs}" if differs else "")
    return ReadObject(found, differs=differs)


def _shown(call: CallRecord, operation: Operation, before: Before, found: list[Any]) -> Shown:
    body = call.body.encode()
    sent = set(_values(decode_form(body, {}) if operation.form else parse_json(body or b"{}")))
    new = new_since(before, operation, found) if before.ids is not None else None
    worth = new if new is not None else [item for item in found if sent & set(_values(item))]
    objects = []
    for item in worth:
        fields = {
            name: value for name, value in item.items() if not isinstance(value, Mapping | list)
        }
        shared = {name: value for name, value in fields.items() if sent & set(_values(value))}
        objects.append((id_of(operation, item), shared))
    count = before.count if new is not None else None
    return Shown(len(found), count, tuple(objects))


def _values(tree: Any) -> Iterator[str]:
    """The leaves of a tree as text, but for those too short to tell anything."""
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, list):
        for child in tree:
            yield from _values(child)
    elif tree is not None and tree != WITHHELD and not isinstance(tree, bool):
        text = tree if isinstance(tree, str) else to_json(tree).decode()
        text = (
            text.rstrip("0").rstrip(".") if "." in text and not isinstance(tree, str) else text
        )  # 12.10 is 12.1
        if len(text) >= SHORTEST:
            yield text
