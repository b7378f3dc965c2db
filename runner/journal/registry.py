"""Registry of the journals on this machine that write to an account, in one small file of the user's state folder.

    {"journals": [{"account": "acme", "origin": "https://api.example.com:443", "id": "5f0c...",
                   "path": "/home/dana/orders/runs/journal.sqlite", "run": 12}]}

A journal is known by an id that it holds, so that one that was moved is the same journal, and a copy of one that is
still there is found out. An entry whose journal was moved or deleted no longer counts. `run` is the last one that the
journal has begun there, so that an older copy of it, put back in its place, is found out, too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from runner.durable import WholeFile
from runner.problems import RunnerError

NAME = "journals.json"

_PATIENCE = 5.0
"""Seconds that another process may hold the registry; it does so for a few milliseconds."""


class Entry(NamedTuple):
    """A journal that writes to an account at an origin, with the number of its last run there."""

    account: str
    origin: str
    id: str
    path: str
    run: int = 0


class RegistryError(RunnerError):
    """The registry cannot be read or written; only a warning depends on it."""


def registry_folder() -> Path:
    """Return the folder of the registry (`XDG_STATE_HOME`). Raises RegistryError if there can be none."""
    from platformdirs import user_state_path  # imported on use: only a run that sends needs it

    folder = user_state_path("recipe-runner", appauthor=False)
    if not folder.is_absolute():  # nobody's home is known
        raise RegistryError("neither HOME nor XDG_STATE_HOME is set")
    return folder


class Registry:
    """The registry in a folder. Raises RegistryError if it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def others(
        self, account: str, origins: Collection[str], *, id_: str, journal: Path
    ) -> list[Entry]:
        """Return the other journals that write to an account at these origins, oldest first; none if this is known."""
        with self._guarded():
            return _others(self._entries(), account, origins, id_=id_, journal=journal)

    def claim(
        self, account: str, origins: Collection[str], *, id_: str, journal: Path, beside: bool
    ) -> list[Entry]:
        """Register a journal that writes there, unless there are others; with `beside`, in spite of them.

        Returns the others that kept it from being noted.
        """
        with self._guarded(), self._locked():
            entries = self._entries()
            others = _others(entries, account, origins, id_=id_, journal=journal)
            if others and not beside:
                return others
            here = [e for e in entries if e.account == account and e.origin in origins]
            run = max((e.run for e in here if e.id == id_), default=0)
            own = [Entry(account, each, id_, str(journal), run) for each in sorted(origins)]
            gone = [e for e in here if not is_there(e) or _same(e.path, journal)]
            kept = [e for e in entries if e not in gone]
            if kept + own != entries:
                self._write([*kept, *own])
            return []

    def at(self, origins: Collection[str]) -> list[Entry]:
        """Return all entries of these origins, for any account, of journals that exist and that are gone."""
        with self._guarded():
            return [entry for entry in self._entries() if entry.origin in origins]

    def note_run(self, account: str, origins: Collection[str], *, id_: str, run: int) -> None:
        """Record that a journal has begun a run that writes there."""
        with self._guarded(), self._locked():
            entries = self._entries()
            noted = [
                e._replace(run=max(run, e.run))
                if (e.account, e.id) == (account, id_) and e.origin in origins
                else e
                for e in entries
            ]
            if noted != entries:
                self._write(noted)

    def _entries(self) -> list[Entry]:
        if not self.path.exists():
            return []
        found = json.loads(self.path.read_text(encoding="utf-8"))["journals"]
        names = Entry._fields[:-1]
        return [
            Entry(**{name: str(each[name]) for name in names}, run=int(each.get("run", 0)))
            for each in found
        ]

    def _write(self, entries: Sequence[Entry]) -> None:
        text = json.dumps({"journals": [each._asdict() for each in entries]}, indent=1)
        with WholeFile(self.path) as file:
            file.write(text.encode() + b"\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock

        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock"), timeout=_PATIENCE, mode=0o600):
            yield

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        from filelock import Timeout

        try:
            yield
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            if isinstance(error, Timeout):
                why = "another process holds its lock"
            raise RegistryError(f"{self.path} cannot be used: {why}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RegistryError(f"{self.path} is damaged: remove it") from None


def _others(
    entries: Sequence[Entry], account: str, origins: Collection[str], *, id_: str, journal: Path
) -> list[Entry]:
    """Return the entries of other existing journals; none if one of them is this journal at this place."""
    others: dict[str, Entry] = {}
    for origin in sorted(origins):
        here = [e for e in entries if (e.account, e.origin) == (account, origin)]
        if not any(_same(e.path, journal) and e.id == id_ for e in here):
            found = [e for e in here if not _same(e.path, journal) and is_there(e)]
            others |= {e.path: e for e in reversed(found)}
    return list(reversed(others.values()))


def _same(path: str, journal: Path) -> bool:
    """Return true if both paths lead to one file."""
    try:
        return Path(path) == journal or Path(path).samefile(journal)
    except OSError:
        return False


def is_there(entry: Entry) -> bool:
    """Return true if the journal of an entry is still at its place, or cannot be read."""
    path = Path(entry.path)
    try:
        if not path.exists():
            return False
    except OSError:
        return True
    uri = f"{path.as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=1)) as connection:
            found: list[Any] = connection.execute("SELECT id FROM journal").fetchall()
    except sqlite3.Error:
        return True
    return not found or str(found[0][0]) == entry.id
