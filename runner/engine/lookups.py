"""Lookups: lists that are read once, whose entries are found by the values of one or several of their fields."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from runner.catalogue import (
    ArgumentError,
    Operation,
    Request,
    first_arguments,
    of_entry,
    parse_json,
    to_json,
)
from runner.engine.calls.dry_reads import may_look
from runner.engine.calls.expected import candidates, fits, unexpected
from runner.engine.context import Context
from runner.engine.events import Noticed
from runner.engine.sending.sender import Sender, Subject
from runner.engine.totals import EXIT_DATA
from runner.journal import CallRecord, Identity
from runner.keys import canonical
from runner.problems import StoppedError, nearest
from runner.recipe.lookups import fixed_of
from runner.recipe.model import Lookup, Recipe
from runner.rows import folded
from runner.template import EvaluationError, Unknown, render, to_text

TRIES = 3

LONGEST_KEPT = 1024 * 1024
"""Bytes of a list that the journal keeps for later runs; a longer one is read by every run."""


def read_lookup(context: Context, lookup: Lookup, reader: Sender | None) -> Any:
    """The entries of a lookup by name: from its file, kept by an earlier run, or read with all its pages.

    Without `by` they are a list, which has to be complete: a search may be made in it; with `expect` one entry.

    Unknown in a dry run that makes no lookups. Raises StoppedError when it cannot be read.
    """
    if lookup.file:
        return table_of(lookup, context.mappings[lookup.name])
    operation = context.catalogue.operation(lookup.operation)
    if reader is None or (context.journal is None and not may_look(operation)):
        return Unknown(lookup.name)
    identity = _identity(context, lookup)
    try:
        arguments, request = _request(context, lookup)
        call = _kept(context, lookup, request)
        if call is not None:
            return _entries_of(lookup, operation, _shown(context, lookup, call), context.scope)
        subject = Subject(identity, 0, "")

        def keep(item: Any) -> bool:
            whole = bool(lookup.keep)  # later runs may want another part of it
            return whole or fits(lookup.where, of_entry(operation, item), context.scope)

        outcome = reader.items(subject, operation, arguments, tries=TRIES, keep=keep)
        if outcome.ok and outcome.doubt and not lookup.by:
            outcome = reader.items(subject, operation, arguments, tries=TRIES, keep=keep)
            outcome = outcome._replace(
                state="not sent" if outcome.doubt else outcome.state,
                reason=outcome.doubt or outcome.reason,
            )
    except (EvaluationError, ArgumentError) as error:
        raise StoppedError(f"lookup {lookup.name}: {error}") from None
    if not outcome.ok:
        raise StoppedError(
            f"lookup {lookup.name}: {outcome.reason}", remedy="nothing was sent; try again later"
        )
    if lookup.keep and not outcome.doubt and len(to_json(outcome.value)) <= LONGEST_KEPT:
        reader.note(
            subject, operation, request, "done", value=outcome.value, reason="kept for later runs"
        )
    return _entries_of(lookup, operation, outcome.value, context.scope)


def _entries_of(
    lookup: Lookup, operation: Operation, listed: list[Any], scope: Mapping[str, Any]
) -> Any:
    """What a lookup is, of the entries that its API lists. Raises StoppedError."""
    try:
        entries = [
            entry
            for entry in (of_entry(operation, each) for each in listed)
            if fits(lookup.where, entry, scope)
        ]
    except EvaluationError as error:
        raise StoppedError(f"lookup {lookup.name}: {error}") from None
    wrong = unexpected(lookup.expect, entries, where=lookup.where, whole=True)
    if wrong:
        remedy = "nothing was sent; let its where say which one is meant"
        raise StoppedError(f"lookup {lookup.name}: {wrong}", remedy=remedy, exit_code=EXIT_DATA)
    if lookup.expect:
        return entries[0]
    return table_of(lookup, entries) if lookup.by else entries


def unread_lookups(context: Context) -> Iterator[str]:
    """Yield the operation of each lookup that a run would read now: not from a file, nor kept by an earlier run."""
    for lookup in context.recipe.lookups:
        if lookup.file:
            continue
        try:
            _, request = _request(context, lookup)
        except (EvaluationError, ArgumentError):
            continue  # the run stops there, and says so
        if not request.known or _kept(context, lookup, request) is None:
            yield lookup.operation


def _identity(context: Context, lookup: Lookup) -> Identity:
    return Identity(context.account, context.recipe.name, "once", "lookups", lookup.name, "")


def _request(context: Context, lookup: Lookup) -> tuple[dict[str, Any], Request]:
    """The arguments of a lookup, and the request of its first page. Raises EvaluationError or ArgumentError."""
    operation = context.catalogue.operation(lookup.operation)
    arguments = render(lookup.arguments, context.scope)
    return arguments, context.request(operation, first_arguments(operation, arguments))


def _kept(context: Context, lookup: Lookup, request: Request) -> CallRecord | None:
    """The same request as an earlier run has kept it with its answer, if it is not too old."""
    if not lookup.keep or context.fresh:
        return None
    identity = _identity(context, lookup)
    calls = context.history.calls_of(
        identity.account, identity.recipe, per=identity.per, key=identity.key
    )
    call = calls.get((identity.step, identity.item))
    if call is None or call.state != "done" or not call.answer or call.digest != request.digest():
        return None
    age = (dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(call.sent_at)).total_seconds()
    return call if 0 <= age <= lookup.keep else None


def _shown(context: Context, lookup: Lookup, call: CallRecord) -> list[Any]:
    """The entries that were kept, with a notice that they are used."""
    entries: list[Any] = parse_json(call.answer.encode())
    when = f"{dt.datetime.fromisoformat(call.sent_at):%Y-%m-%d %H:%MZ}"
    many = "1 entry" if len(entries) == 1 else f"{len(entries):,} entries"
    context.emit(Noticed(f"lookup {lookup.name}: {many}, kept from {when}; --fresh reads it anew"))
    return entries


def check_names(recipe: Recipe, scope: Mapping[str, Any]) -> None:
    """Refuse a name that the recipe or a variable gives, and that its lookup does not have. Raises StoppedError."""
    for fixed in fixed_of(recipe):
        names, entry = fixed.names(scope["vars"]), scope[fixed.lookup]
        missing = missing_name(entry, names) if names and not isinstance(entry, Unknown) else None
        if missing is not None:
            message, remedy = missing
            raise StoppedError(f"{fixed.text}: {message}", remedy=remedy, exit_code=EXIT_DATA)


def missing_name(table: LookupTable, names: Sequence[str]) -> tuple[str, str] | None:
    """Say which of the names, one for each field of a lookup, is not there, with the nearest; None where all are."""
    entry: Any = table
    for name in names:
        if name not in entry:
            return f"there is no {name!r}", nearest(name, map(str, entry), noun="names")
        try:
            entry = entry[name]
        except EvaluationError as error:  # several entries have it
            return str(error), "give each of them a name of its own"
    return None


class LookupTable(dict[str, Any]):
    """Entries by the text of a field; under each, a table by the next field, where there are several.

    A name that two entries share is refused when it is used. `names` are the names as they are written.
    """

    def __init__(
        self,
        lookup: Lookup,
        found: Mapping[str, list[Any]],
        names: Mapping[str, str],
        *,
        last: bool,
    ) -> None:
        super().__init__({key: entries[0] for key, entries in found.items()})
        self._lookup, self._names = lookup, names
        self._shared = {key: entries for key, entries in found.items() if last and len(entries) > 1}

    def __iter__(self) -> Iterator[str]:
        return iter(self._names.values())

    def __contains__(self, key: object) -> bool:
        return _is_name(key) and super().__contains__(_key(self._lookup, str(key)))

    def __getitem__(self, key: Any) -> Any:
        known = _key(self._lookup, str(key))
        if known in self._shared:
            entries = self._shared[known]
            raise EvaluationError(
                f"{len(entries)} entries of {self._lookup.name} are called {str(key)!r}: {candidates(entries)}"
            )
        return super().__getitem__(known)


def table_of(
    lookup: Lookup, entries: Iterable[Mapping[str, Any]], *, by: Sequence[str] = ()
) -> LookupTable:
    """The entries of a lookup by the fields that it names, without those that have no value there."""
    field, *others = by or lookup.by
    found: dict[str, list[Any]] = {}
    names: dict[str, str] = {}
    for entry in entries:
        if _is_name(entry.get(field)):
            name = to_text(entry[field])
            names.setdefault(_key(lookup, name), name)
            found.setdefault(_key(lookup, name), []).append(entry)
    if others:
        return LookupTable(
            lookup,
            {key: [table_of(lookup, some, by=others)] for key, some in found.items()},
            names,
            last=False,
        )
    if (
        lookup.file
    ):  # lines that share a name say the same: that was found out when the file was read
        found = {key: some[:1] for key, some in found.items()}
    return LookupTable(lookup, found, names, last=True)


def _is_name(value: Any) -> bool:
    """Tell whether a value can name an entry: what is null, blank or invisible names none."""
    return value is not None and bool(canonical(str(value)))


def _key(lookup: Lookup, name: str) -> str:
    return folded(name) if lookup.fold else name
