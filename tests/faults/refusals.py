"""Runs whose journal does not know the past, each of which has to be refused before its first request.

Other names of the recipe, accounts and origins; a journal that was lost, is an older copy, or lacks its -wal file; a
project that was copied. A project that was moved goes on.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from faults.changing import Draft
from faults.chaos import name_of, plain
from faults.server import FaultServer
from faults.trial import RUN
from faults.year import Event, Year
from runner.journal.records import OPEN

JOURNAL = "journal.sqlite"


def rename_recipe(year: Year) -> None:
    """The recipe has another name, and its sheet at times another spelling."""
    if _has_unguarded(year):
        with year.meanwhile(_respelled(year).with_form(name="spring")):
            year.refuse(8, "was done as torture")


def change_account(year: Year) -> None:
    """The target has another account at the same origin."""
    if _has_unguarded(year):
        with year.meanwhile(_respelled(year), account="beta"):
            year.refuse(8, "was done as torture")


def move_origin(year: Year) -> None:
    """The account is at another origin."""
    if any(call.state == "done" for call in year.judge.records()):
        with FaultServer(year.log, "elsewhere") as other:
            with year.meanwhile(year.draft, url=other.url):
                year.refuse(7, "is on record at")
            if other.connections:
                year.judge.broken.append("G25: another origin was connected to")


def lose_runs(year: Year) -> None:
    """The folder of the runs is gone, and nothing says that this is the first run."""
    if year.judge.runs():
        runs, aside = year.folder / "runs", year.log / "aside"
        runs.rename(aside)
        command = tuple(each for each in RUN if each != "--first-run")
        year.refuse(8, "if it is the first run to this account: --first-run", command=command)
        shutil.rmtree(runs, ignore_errors=True)
        aside.rename(runs)


def lose_journal(year: Year) -> None:
    """The journal is gone, and the folders of its runs are there."""
    if any(each.name.isdigit() for each in (year.folder / "runs").glob("*")):
        with _other_journal(year, {}):
            year.refuse(8, "knows of no such run")


def restore_older(year: Year) -> None:
    """A copy that was taken in the middle of a run takes the place of the journal."""
    year.add_row()
    year.kill_once()
    older = _files(year)
    year.kill_once()
    _refuse_where_it_lacks(year, older)


def lose_wal(year: Year) -> None:
    """The -wal file is lost, which has what a killed run has committed and not yet moved into the journal."""
    year.add_row()
    year.kill_once()
    _refuse_where_it_lacks(
        year, {name: each for name, each in _files(year).items() if name == JOURNAL}
    )


def copy_project(year: Year) -> None:
    """The project is copied on this machine, with its journal or without, after a run where it is."""
    registry = year.log / "state" / "recipe-runner" / "journals.json"
    journal = str((year.folder / "runs" / JOURNAL).resolve())
    if year.judge.runs() and registry.exists() and journal in registry.read_text(encoding="utf-8"):
        copy = year.log / "copy"
        shutil.copytree(year.folder, copy)
        if year.draw.random() < 0.5:
            shutil.rmtree(copy / "runs")
        year.refuse(8, "which writes to 'acme'", folder=copy)
        shutil.rmtree(copy)


def move_project(year: Year) -> None:
    """The project is moved, with its journal: nothing changes."""
    year.move(year.folder.with_name(f"moved-{year.draw.randrange(10**6)}"))
    year.edit(year.draft)


def _has_unguarded(year: Year) -> bool:
    """Return whether a create that no search guards is on record for a row, and the recipe would send it."""
    orders = {plain(order.ref): order for order in year.draft.orders}
    for call in year.judge.records():
        name = name_of(call.url, call.body)
        order = orders.get(name.what.partition("/")[0])
        if call.identity.per == "row" and call.state in ("done", *OPEN) and order is not None:
            steps = year.draft.names(order).get(name, set()) - year.draft.form.searched
            if call.identity.step in steps:
                return True
    return False


def _respelled(year: Year) -> Draft:
    spelling = "" if year.draft.orders[0].spelling else "trailing space"
    return year.draft.with_order(0, spelling=spelling)


def _files(year: Year) -> dict[str, bytes]:
    """The files of the journal."""
    found = (year.folder / "runs").glob(f"{JOURNAL}*")
    return {each.name: each.read_bytes() for each in found}


@contextmanager
def _other_journal(year: Year, files: Mapping[str, bytes]) -> Iterator[None]:
    """Another journal in the place of the journal, for a while."""
    own = _files(year)
    _put(year.folder / "runs", files)
    yield
    _put(year.folder / "runs", own)


def _put(runs: Path, files: Mapping[str, bytes]) -> None:
    for each in runs.glob(f"{JOURNAL}*"):
        each.unlink()
    for name, content in files.items():
        (runs / name).write_bytes(content)


def _refuse_where_it_lacks(year: Year, files: Mapping[str, bytes]) -> None:
    year.judge.server.await_idle()
    if files and not year.judge.broken and _lacks(year, files):
        with _other_journal(year, files):
            year.refuse(8, "journal")


def _lacks(year: Year, files: Mapping[str, bytes]) -> bool:
    """Return whether the folders of the runs show that a journal of these files lacks a part of what was sent."""
    folder = year.log / "read"
    folder.mkdir()
    _put(folder, files)
    with closing(sqlite3.connect(folder / JOURNAL)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchall():
            runs, ids = 0, set()
        else:
            ((runs,),) = connection.execute("SELECT coalesce(max(id), 0) FROM runs")
            answers = connection.execute("SELECT answer FROM calls WHERE answer <> ''").fetchall()
            ids = {str(json.loads(answer)["id"]) for (answer,) in answers if '"id"' in answer}
    shutil.rmtree(folder)
    numbers = {int(each.name) for each in (year.folder / "runs").glob("*") if each.name.isdigit()}
    return bool(_created(year.folder / "runs") - ids) or max(numbers, default=0) > runs


def _created(runs: Path) -> set[str]:
    """The ids in the files that list what was created."""
    found = set()
    for path in runs.glob("*/created.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            found |= {line["id"] for line in csv.DictReader(file) if line["id"]}
    return found


REFUSALS: Mapping[str, Event] = {
    each.__name__: each
    for each in (
        rename_recipe, change_account, move_origin, lose_runs, lose_journal, restore_older, lose_wal,
        copy_project, move_project,
    )
}  # fmt: skip
