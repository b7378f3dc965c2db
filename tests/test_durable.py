"""Files that are there whole or not at all, and what a killed process leaves of them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner.durable import WholeFile, beside
from runner.report.files.workbook import open_book

KILLED = """
import os, signal, sys
from pathlib import Path
from runner.durable import WholeFile
from runner.report.files.workbook import open_book
with WholeFile(Path(sys.argv[1])) as file, open_book(file) as book:
    sheet = book.sheet("results", ["a"])
    for number in range(1000):
        sheet.row([number])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_what_a_killed_process_left_goes_with_the_next_one_that_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "results[1].xlsx"
    path.write_text("before")
    (tmp_path / ".results[1].xlsx.part-mine").write_text("not one of ours")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, path], check=False, env={"TMPDIR": str(tmp_path)}
    )
    assert ended.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 4  # with an unfinished file and its folder
    assert path.read_text() == "before"
    with WholeFile(path) as file, open_book(file) as book:
        book.sheet("results", ["a"]).row([1])
        assert len(names(tmp_path)) == 4
    assert names(tmp_path) == [".results[1].xlsx.part-mine", "results[1].xlsx"]
    assert path.read_bytes().startswith(b"PK")


def test_what_somebody_else_is_writing_is_left_alone(tmp_path: Path) -> None:
    first, second = WholeFile(tmp_path / "a"), WholeFile(tmp_path / "a")
    first.file.write(b"first")
    second.file.write(b"second")
    second.commit()
    first.commit()
    assert (tmp_path / "a").read_bytes() == b"first"
    assert names(tmp_path) == ["a"]


def test_what_goes_wrong_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("before")

    def write() -> None:
        with WholeFile(path) as file:
            beside(file.name).mkdir()
            (beside(file.name) / "rows").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert (names(tmp_path), path.read_text()) == (["a.xlsx"], "before")
