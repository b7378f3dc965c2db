"""Rows from an API: what a search finds, written to a file that the run and every resume of it read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.catalogue import (
    ArgumentError,
    Request,
    first_arguments,
    of_entry,
    to_json,
    without_credentials,
)
from runner.durable import WholeFile, stopping
from runner.engine.context import Context
from runner.engine.events import Noticed, RowsRead
from runner.engine.sending.pages import MAX_ROW_PAGES, PageWatch
from runner.engine.sending.sender import Sender, Subject
from runner.journal import Identity
from runner.problems import InvalidError, Problem, StoppedError, shell_word
from runner.recipe.model import Search
from runner.source import TreePath, parse
from runner.template import EvaluationError, render

TRIES = 3
PART = "rows.part.jsonl"
"""What a search found that did not give all that it said it has."""


def fetch_rows(context: Context, sender: Sender, search: Search, path: Path) -> None:
    """Write all that `search` finds to `path`, as JSON Lines. Raises StoppedError when it cannot be had whole.

    A list that did not hold still, or gave less than it said it has, is read once more. Only a page is in memory at a
    time. Whether the list held still meanwhile goes to the reporters.
    """
    part = path.with_name(PART)
    with _explained(context, search), stopping(path):
        arguments = render(search.arguments, context.scope)
        watch = _read(context, sender, search, arguments, part)
        if watch.doubt:
            watch = _read(context, sender, search, arguments, part)
        if watch.doubt:
            raise StoppedError(
                f"{watch.doubt}: the rows are not all there", remedy=_remedy(context, part)
            )
        part.replace(path)


def _remedy(context: Context, part: Path) -> str:
    if context.journal is None:
        return "nothing was sent; plan again"
    rows = shell_word(str(part), bare=True)
    again = f"read it again: {context.stop.resume}; with what it gave and no more: --rows {rows}"
    return f"nothing was sent; {again}"


def _read(
    context: Context, sender: Sender, search: Search, arguments: Mapping[str, Any], path: Path
) -> PageWatch:
    """Read the list once, into the file at `path`; what was seen of it meanwhile."""
    operation = context.catalogue.operation(search.operation)
    identity = Identity(context.account, context.recipe.name, "once", "rows", "rows", "")
    count = 0
    watch = PageWatch(operation)
    with WholeFile(path) as file:
        pages = sender.pages(
            Subject(identity, 0, ""),
            operation,
            arguments,
            tries=TRIES,
            watch=watch,
            most=MAX_ROW_PAGES,
        )
        for page in pages:
            if not page.ok:
                stop = context.stop
                reason = (
                    stop.reason if stop.requested else f"the rows cannot be read: {page.reason}"
                )
                raise StoppedError(
                    reason,
                    remedy=stop.remedy or f"nothing was sent; go on later: {stop.resume}",
                    exit_code=stop.exit_code or 8,
                )
            kept = [item for item in page.value.items if _wanted(search, item, context)]
            stored = (context.mask.tree(without_credentials(operation, item)) for item in kept)
            file.writelines(to_json(item) + b"\n" for item in stored)
            count += len(kept)
            context.emit(RowsRead(operation.full_name, count))
    for notice in watch.notices:
        context.emit(Noticed(notice))
    return watch


def search_request(context: Context, search: Search) -> Request:
    """The request for the first page of the rows. Raises InvalidError."""
    operation = context.catalogue.operation(search.operation)
    with _explained(context, search):
        return context.request(
            operation, first_arguments(operation, render(search.arguments, context.scope))
        )


@contextmanager
def _explained(context: Context, search: Search) -> Iterator[None]:
    """A search that cannot be made is the recipe's fault, or that of its variables: told at the argument's place."""
    try:
        yield
    except ArgumentError as error:
        found = [
            _problem(context, path, f"{'.'.join(map(str, path))}: {text}")
            for path, text in error.problems
        ]
        raise InvalidError(found) from None
    except EvaluationError as error:
        raise InvalidError([_problem(context, _culprit(context, search), str(error))]) from None


def _problem(context: Context, path: TreePath, what: str) -> Problem:
    source = parse(context.recipe.text, file=context.recipe.file)
    message = f"the search for the rows cannot be made: {what}"
    return source.problem(source.value(("rows", "with", *path)), message, "rows")


def _culprit(context: Context, search: Search) -> TreePath:
    """The argument that cannot be computed; all of them where it was none of them."""
    for name, argument in search.arguments.items():
        try:
            render(argument, context.scope)
        except EvaluationError:
            return (name,)
    return ()


def _wanted(search: Search, item: object, context: Context) -> bool:
    if search.where is None:
        return True
    seen = of_entry(context.catalogue.operation(search.operation), item)
    return bool(search.where.evaluate({**context.scope, "item": seen}))
