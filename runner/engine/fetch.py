"""Rows from an API: what a search finds, written to a file that the run and every resume of it read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.catalogue import ArgumentError, Request, first_arguments, to_json
from runner.durable import WholeFile, stopping
from runner.engine.context import Context
from runner.engine.events import Noticed, RowsRead
from runner.engine.pages import MAX_ROW_PAGES, PageWatch
from runner.engine.reading import words
from runner.engine.send import Sender, Subject
from runner.journal import Identity
from runner.problems import InvalidError, Problem, StoppedError
from runner.recipe.model import Search
from runner.template import EvaluationError, render

_REMEDY = "nothing was sent; go on later: runner resume"
TRIES = 3


def fetch_rows(context: Context, sender: Sender, search: Search, path: Path) -> None:
    """Write all that `search` finds to `path`, as JSON Lines. Raises StoppedError when it cannot be had whole.

    Only a page is in memory at a time. Whether the list held still meanwhile goes to the reporters.
    """
    operation = context.operation(search.operation)
    identity = Identity(context.account, context.recipe.name, "once", "rows", "rows", "")
    count = 0
    watch = PageWatch(operation)
    with _explained(context), stopping(path):
        arguments = render(search.arguments, context.scope)
        with WholeFile(path) as file:
            pages = sender.pages(
                Subject(identity, 0, ""), operation, arguments, tries=TRIES, watch=watch, most=MAX_ROW_PAGES
            )
            for page in pages:
                if not page.ok:
                    stop = context.stop
                    reason = stop.reason if stop.requested else f"the rows cannot be read: {page.reason}"
                    raise StoppedError(reason, remedy=stop.remedy or _REMEDY, exit_code=stop.exit_code or 8)
                kept = [item for item in page.value.items if _wanted(search, item, context)]
                file.writelines(to_json(item) + b"\n" for item in kept)
                count += len(kept)
                context.emit(RowsRead(operation.full_name, count))
    for notice in watch.notices:
        context.emit(Noticed(notice))


def search_request(context: Context, search: Search) -> Request:
    """The request for the first page of the rows. Raises InvalidError."""
    operation = context.operation(search.operation)
    with _explained(context):
        return context.request(operation, first_arguments(operation, render(search.arguments, context.scope)))


@contextmanager
def _explained(context: Context) -> Iterator[None]:
    """A search that cannot be made is the recipe's fault, or that of its variables."""
    try:
        yield
    except (EvaluationError, ArgumentError) as error:
        message = f"the search for the rows cannot be made: {words(error)}"
        raise InvalidError([Problem(context.recipe.file, 1, 1, message, "rows")]) from None


def _wanted(search: Search, item: object, context: Context) -> bool:
    return search.where is None or bool(search.where.evaluate({**context.scope, "item": item}))
