"""Edits of a project's sheet and recipe: those that change nothing that was sent, and those that lose some of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from faults.changing import LOOKS, SPELLINGS
from faults.chaos import plain
from faults.year import Event, Year
from runner.journal.records import OPEN, SETTLED


def respell(year: Year) -> None:
    """Names come back in another spelling."""
    spellings = list(SPELLINGS)
    orders = tuple(
        replace(each, spelling=year.draw.choice(spellings)) for each in year.draft.orders
    )
    year.edit(replace(year.draft, orders=orders))


def save_as_other(year: Year) -> None:
    """The sheet is saved as a workbook, or the workbook as CSV."""
    year.edit(year.draft.with_form(book=not year.draft.form.book))


def add_row(year: Year) -> None:
    """A row is added."""
    year.add_row()
    year.edit(year.draft)


def run_part(year: Year) -> None:
    """Only one row is run, the first that is left or one by its key: the others are as the journal knows them."""
    order = year.draw.choice(year.draft.orders)
    key = f"{order.client}-{order.ref}" if year.draft.form.improved else order.ref
    year.run_part(*year.draw.choice([("--limit", "1"), ("--only", key)]))


def lose_line(year: Year) -> None:
    """A line is deleted."""
    several = [n for n, order in enumerate(year.draft.orders) if len(order.items) > 1]
    if several:
        number = year.draw.choice(several)
        items = list(year.draft.orders[number].items)
        items.pop(year.draw.randrange(len(items)))
        year.edit(year.draft.with_order(number, items=tuple(items)))


def lose_deposit(year: Year) -> None:
    """The cell of a deposit is emptied."""
    year.edit(year.draft.with_order(_any_row(year), deposit=None))


def close_row(year: Year) -> None:
    """A condition becomes false for a row."""
    year.edit(year.draft.with_order(_any_row(year), open=False))


def close_all(year: Year) -> None:
    """A condition becomes false for all rows."""
    year.edit(year.draft.with_form(closed=True))


def put_back(year: Year) -> None:
    """All that was lost comes back."""
    year.edit(year.completed())


def rename(year: Year) -> None:
    """The step that adds lines is renamed, at times without `was` at first."""
    if year.draft.form.lines == "line":
        if year.draw.random() < 0.4:
            year.edit(year.draft.with_form(lines="undeclared name"))
        year.edit(year.draft.with_form(lines="part"))


def split(year: Year) -> None:
    """The step that adds lines is split, at times without `was` for one of its parts at first."""
    if year.draft.form.lines in ("line", "part"):
        if year.draw.random() < 0.4:
            year.edit(year.draft.with_form(lines="undeclared setups"))
        year.edit(year.draft.with_form(lines="split"))


def improve_key(year: Year) -> None:
    """The key is improved: refused until the recipe declares the former one."""
    if not year.draft.form.improved:
        if _sent_keys(year):
            with year.meanwhile(year.draft.with_form(improved=True, declared=False)):
                year.refuse(3, "add key_was")
        year.edit(year.draft.with_form(improved=True))


def correct_client(year: Year) -> None:
    """A cell of the key that is in no request is corrected: another key, and the same content."""
    if year.draft.form.improved:
        year.edit(year.draft.with_order(_any_row(year), client="Corrected"))


def repeat_alike(year: Year) -> None:
    """A row is there once more, under a key that only looks like its own: refused."""
    order = year.draw.choice(year.draft.orders)
    twin = replace(order, ref=_alike(year, order.ref))
    with year.meanwhile(replace(year.draft, orders=(*year.draft.orders, twin))):
        year.refuse(3, "looks like")


def write_alike(year: Year) -> None:
    """A row of which something was sent comes back under a key that only looks like its own: refused."""
    known = _sent_keys(year)
    rows = [n for n, order in enumerate(year.draft.orders) if known & year.draft.keys(order)]
    if rows:
        number = year.draw.choice(rows)
        ref = _alike(year, year.draft.orders[number].ref)
        with year.meanwhile(year.draft.with_order(number, ref=ref)):
            year.refuse(3, "looks like")


def _any_row(year: Year) -> int:
    return year.draw.randrange(len(year.draft.orders))


def _sent_keys(year: Year) -> set[str]:
    """The keys, as a person reads them, of rows of which something was or may have been sent."""
    records = (call for call in year.judge.records() if call.identity.per == "row")
    return {plain(call.identity.key) for call in records if call.state in (*SETTLED, *OPEN)}


def _alike(year: Year, ref: str) -> str:
    return year.draw.choice([alike for look in LOOKS.values() if (alike := look(ref)) != ref])


EDITS: Mapping[str, Event] = {
    each.__name__: each
    for each in (
        respell, save_as_other, add_row, run_part, lose_line, lose_deposit, close_row, close_all, put_back, rename,
        split, improve_key, correct_client, repeat_alike, write_alike,
    )
}  # fmt: skip
