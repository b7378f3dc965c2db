"""Comparisons of the journal with what is around it, before a run sends: a journal that lacks a part of what was sent
would send that part again.
"""

from __future__ import annotations

from pathlib import Path

from runner.catalogue import Catalogue
from runner.journal import History, Journal
from runner.problems import StoppedError


def check_runs(runs: Path, journal: Journal, history: History, catalogue: Catalogue) -> None:
    """Refuse a journal that the folders of its runs show to be older than they are. Raises StoppedError."""
    refuse_lost_runs(history, runs=runs)
    _check_created(runs, journal, history, catalogue)


def refuse_lost_runs(history: History, *, runs: Path) -> None:
    """Send nothing where a folder is there of a run that the journal does not know."""
    folder = lost_run(history, runs)
    if folder is not None:
        raise StoppedError(
            said_lost(folder),
            remedy=f"restore the journal; else {_without_it(folder)}; then move {folder} away",
        )


def _without_it(folder: Path) -> str:
    """What to do about the rows of a run that the journal has lost, so that none of them is sent twice."""
    from runner.report.files.created import CREATED
    from runner.report.files.results import RESULTS

    results, created = folder / RESULTS, folder / CREATED
    if not results.exists():
        return (
            "look up every row of the run at the API: it has left no results.csv, and what was in flight when it ended "
            f"is not in {created} either; leave out of the next run what is there, in whole or in part, and finish "
            "that by hand"
        )
    return (
        f"leave out of the next run each row that {results} does not call 'not started', unknown and rejected ones "
        f"too, and each that {created} or a later run's files name; look them up at the API, and finish them by hand; "
        "if the run, or a resume of it, was killed, look up all of its rows: those in flight are in neither file"
    )


def lost_run(history: History, runs: Path) -> Path | None:
    """The first folder of a run that the journal does not know; None where it knows them all."""
    known = history.runs()
    last = known[-1].id if known else 0
    names = [each.name for each in runs.iterdir()] if runs.is_dir() else []
    lost = min((int(name) for name in names if _is_number(name) and int(name) > last), default=0)
    return runs / str(lost) if lost else None


def said_lost(folder: Path) -> str:
    """A sentence for people about the folder of such a run."""
    return f"{folder} is there, and the journal beside it knows of no such run: it was lost, or is an older copy"


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _check_created(runs: Path, journal: Journal, history: History, catalogue: Catalogue) -> None:
    """Compare what the runs have created, by their own files, with the journal; files that are as they were are not
    read again.
    """
    checked = history.checked()
    for run in history.runs():
        stamp = stamp_of(runs / str(run.id))
        if not stamp or stamp == checked.get(run.id):
            continue
        from runner.report.files.created import Created

        Created(runs / str(run.id), history, catalogue, run=run.id).check()
        journal.checked(run.id, stamp)


def stamp_of(folder: Path) -> str:
    """Size and time of the created.csv in a run's folder, which change with its content; empty without one."""
    from runner.report.files.created import CREATED

    try:
        status = (folder / CREATED).stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
