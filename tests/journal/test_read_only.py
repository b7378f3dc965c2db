"""A journal in a folder that takes no file: read as it is, with all that it holds, and never changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from runner.journal import History, Journal, RunRecord
from runner.journal.store import NAME
from runner.journal.upgrade import RESTORE
from runner.problems import StoppedError

RUN = RunRecord("orders", "live", "acme", "o.yaml", "r1", "o.csv", "i1", "{}", "2024-01-02", "t")
STRANGER = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user of the machine can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def read_only(folder: Path, *, files: int = 0o444) -> Iterator[None]:
    """For a user who may read the folder and no more. Permissions mean nothing to root, who becomes another one."""
    for path in folder.iterdir():
        path.chmod(0o700 if path.is_dir() else files)
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


def runs_in(folder: Path) -> list[str]:
    history = History(folder)
    with closing(history):
        return [run.recipe for run in history.runs()]


def test_it_is_read_where_no_file_can_be_made(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin(RUN)
        journal.end(1, state="finished", exit_code=0, finished_at="t")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with read_only(folder):
        assert runs_in(folder) == ["orders"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_earlier_version_is_read_there_too(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin(RUN)
    with closing(sqlite3.connect(folder / NAME)) as connection:
        connection.execute("ALTER TABLE runs DROP COLUMN who")
        connection.execute("PRAGMA user_version = 3")
        connection.commit()
    with read_only(folder):
        assert runs_in(folder) == ["orders"]


@pytest.mark.parametrize("kept", [["-wal"], ["-wal", "-shm"]])
def test_what_is_only_in_the_wal_is_read_too(folder: Path, tmp_path: Path, kept: list[str]) -> None:
    """As after a kill, or in a copy of the folder made while a run was at work."""
    with Journal(tmp_path) as journal:
        journal.begin(RUN)
        for end in ("", *kept):
            shutil.copyfile(tmp_path / f"{NAME}{end}", folder / f"{NAME}{end}")
    with read_only(folder):
        assert runs_in(folder) == ["orders"]


def test_who_may_not_read_it_is_told_what_is_missing(folder: Path) -> None:
    with Journal(folder):
        pass
    with read_only(folder, files=0o400), pytest.raises(StoppedError) as raised:
        if os.geteuid() != STRANGER:
            (folder / NAME).chmod(0)
        History(folder)
    assert raised.value.message.startswith(f"the journal {folder / NAME} cannot be read: ")
    assert (
        raised.value.remedy == "make the folder and the files in it readable and writable for you"
    )


def test_who_may_not_enter_the_folder_is_told_what_is_missing(folder: Path) -> None:
    runs = folder / "runs"
    with Journal(runs):
        pass
    with read_only(folder), pytest.raises(StoppedError) as raised:
        if os.geteuid() != STRANGER:
            runs.chmod(0)
        History(runs)
    runs.chmod(0o700)
    assert raised.value.message.startswith(f"the journal {runs / NAME} cannot be read: ")


def test_who_may_not_write_is_told_what_is_missing(folder: Path) -> None:
    with Journal(folder):
        pass
    with read_only(folder), pytest.raises(StoppedError) as raised:
        Journal(folder).__enter__()
    assert raised.value.message.endswith("; nothing was sent")
    assert (
        raised.value.remedy == "make the folder and the files in it readable and writable for you"
    )


def tear(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"no database")


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(5000)


@pytest.mark.parametrize("damage", [tear, truncate])
def test_a_copy_is_asked_for_where_the_journal_is_damaged(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    with Journal(folder) as journal:
        journal.begin(RUN)
    damage(folder / NAME)
    for use in (lambda: Journal(folder).__enter__(), lambda: History(folder)):
        with pytest.raises(StoppedError) as raised:
            use()
        assert raised.value.remedy == RESTORE
