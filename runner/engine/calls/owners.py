"""An id that the answer of a create has in common with what was there before: it is no new object."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from runner.catalogue import Catalogue, Operation, decode_form, in_url, parse_own_json
from runner.engine.calls.diff import compare_with, unlike
from runner.engine.calls.mentions import Mentions
from runner.engine.calls.snapshot import id_of
from runner.journal import CallRecord, History, Journal

RETURNS_EXISTING = (
    "{} answered with the id of what exists already; where it may do that for good reason, "
    "x-runner-returns-existing: true in its API document says so; where this row is sent again since "
    "its first object was deleted: runner settle --call N --done ID --reused"
)


def made_by(operation: Operation, url: str, answer: Any) -> str:
    """The path of what an operation has made by a request to `url`; empty where the answer does not name it."""
    name = id_of(operation, answer) if operation.effect == "create" else ""
    return f"{url.partition('?')[0].rstrip('/')}/{name}" if name else ""


def given_by(catalogue: Catalogue, read: Operation, url: str, answer: Any) -> str:
    """The path of the one object that a read has given, as a create would have made it; empty where none could."""
    create = catalogue.creation(read)
    if create is None:
        return ""
    collection = url.partition("?")[0].rstrip("/")
    return made_by(create, collection if read.items else collection.rpartition("/")[0], answer)


def said_maker(name: Any, other: CallRecord) -> str:
    """A sentence for people: which call has created the object with this id, or had found it."""
    how = "found" if other.effect == "read" or other.state == "found" else "created"
    return _said(name, other, how)


def said_user(name: Any, other: CallRecord) -> str:
    """A sentence for people: which call has written to the object with this id, or named it, before."""
    within = in_url(name) in other.url.partition("?")[0].split("/")
    return _said(name, other, "written to before" if within else "named before")


def _said(name: Any, other: CallRecord, how: str) -> str:
    where = other.identity.step + (f"[{other.shown_item}]" if other.shown_item else "")
    return f"{name} is what call {other.id} has {how} ({where} of {other.identity.key!r}, run {other.run})"


def sent_by(operation: Operation, call: CallRecord) -> Any:
    """The body of a call on record as plain data."""
    if operation.form:
        return decode_form(call.body.encode(), operation.body or {})
    return parse_own_json(call.body) if call.body else {}


def differing(operation: Operation, call: CallRecord, found: Any) -> str:
    """Say which fields of an object are not as a call has sent them; empty where all that is given back are."""
    return compare_with(sent_by(operation, call), found, unlike=unlike(operation)).still()


class Makers:
    """The calls of an account by what they have made or found, over all runs, this one included."""

    def __init__(self, history: History, journal: Journal, mentions: Mentions) -> None:
        self._history, self._journal, self._mentions = history, journal, mentions

    def read_earlier(self, account: str, catalogue: Catalogue, apis: Collection[str]) -> None:
        """Record what the creates of some APIs have made, or found, that an earlier version has recorded."""
        for call in self._history.unread_creates(account):
            if call.operation.partition(".")[0] not in apis:
                continue
            with suppress(KeyError):  # an operation that its document no longer has
                operation = catalogue.operation(call.operation)
                answer = parse_own_json(call.answer) if call.answer else None
                self._journal.read_made(call.id, made_by(operation, call.url, answer))
        self._journal.flush()

    def doubt(self, operation: Operation, record: CallRecord, answer: Any) -> str:
        """Say why a call cannot have made what it is answered with; else that is its own from now on.

        What another call has made, had found or had written to is no new object, unless the API's document says that
        a create may be answered with an object that exists.
        """
        if operation.effect != "create" or not record.made or operation.returns_existing:
            return ""
        name = id_of(operation, answer)
        one = record._replace(operation=self._history.one_name(record.operation))
        claimed = self._journal.claim(one)
        if claimed is not None or self._journal.is_shown(record.made):
            self._journal.flush()
        other = self._maker(record, claimed) or self._finder(operation, record)
        said = said_maker(name, other) if other is not None else ""
        if (
            not said
            and (other := user_of(self._history, operation, record, name, self._mentions))
            is not None
        ):
            said = said_user(name, other)
        if said and claimed is None:
            self._journal.release(one)
        return said

    def creator(self, account: str, operation: Operation, made: str) -> CallRecord | None:
        """The create that was answered with what a search has found and has noted: so one of the two sees the other."""
        claimed = self._journal.claimed_by(self._history.one_name(operation.full_name), made)
        if claimed is not None:
            self._journal.flush()
            return self._history.call_of(claimed)
        return self._history.maker(account, operation.full_name, made)

    def is_doubted(self, created: CallRecord) -> bool:
        """Tell whether a search has found what a create has made as something else; not once that is sent again."""
        account, recipe, per, key, *_, generation = created.identity
        if not self._history.doubted(account, created.operation, str(created.made)):
            return False
        last = self._history.generation(account, recipe, [key]) if per == "row" else None
        return last is None or last <= generation

    def _maker(self, record: CallRecord, claimed: Any) -> CallRecord | None:
        other = self._history.maker(record.identity.account, record.operation, str(record.made))
        if other is not None and other.identity != record.identity:
            return other
        return self._history.call_of(claimed) if claimed is not None else None

    def _finder(self, operation: Operation, record: CallRecord) -> CallRecord | None:
        """The call that had found what a create is answered with: before it was sent, or as something else."""
        found = self._history.finders(record.identity.account, record.operation, str(record.made))
        return next((each for each in found if was_there(operation, each, record)), None)


def user_of(
    history: History, operation: Operation, created: CallRecord, name: str, mentions: Mentions
) -> CallRecord | None:
    """The call that has written to what a create is answered with, or named it, before anybody could know of it.

    While its answer was on the way, whoever had not read anything cannot have had the id from the API.
    """
    collection = created.url.partition("?")[0].rstrip("/")
    path = f"{collection}/{in_url(name)}"
    within = history.users(created.identity.account, operation.full_name, path)
    for each in [*within, *mentions.of(operation, name)]:
        if each.identity == created.identity:
            continue
        if each.run < created.run or each.sent_at <= created.sent_at:
            return each
        if created.state == "intent" and not _has_looked(history, each):
            return each
    return None


def _has_looked(history: History, call: CallRecord) -> bool:
    """Tell whether a row has read or found something, so that an id in its call may be what the API has shown."""
    account, recipe, per, key, *_, generation = call.identity
    calls = history.calls_of(account, recipe, per=per, key=key, generation=generation)
    return any(each.effect == "read" or each.state == "found" for each in calls.values())


def was_there(operation: Operation, found: CallRecord, created: CallRecord) -> bool:
    """Tell whether what a call has found cannot be what a create has made.

    It was found before that was sent; or, while its answer was on the way, with other values than it was sent with.
    """
    if found.identity == created.identity:
        return False
    if found.run < created.run or found.sent_at <= created.sent_at:
        return True
    if created.state != "intent" or not found.answer:
        return False
    answer = parse_own_json(found.answer)
    sent = sent_by(operation, created)
    return isinstance(answer, Mapping) and bool(
        compare_with(sent, answer, unlike=unlike(operation)).different
    )
