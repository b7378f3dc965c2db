"""Proof that tests notice when a defence is gone: it is taken out of a copy of the sources, and its test has to be red.

make defences
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

TREE = Path(__file__).resolve().parents[1]


class Defence(NamedTuple):
    """What is taken out: a text that stands once in a file below `runner/`, what is put in its place, and the test."""

    name: str
    file: str
    text: str
    without: str
    test: str


DEFENCES = (
    Defence(
        "a key goes to its own origin only", "transport/client.py",
        "if _origin(str(prepared.url)) != self._origin:", "if False:",
        "tests/transport/test_transport.py::test_a_request_to_another_origin_is_refused",
    ),
    Defence(
        "YAML has no tags", "source.py",
        "        elif tag:\n", "        elif tag and False:\n",
        "tests/test_source.py::test_what_is_more_than_data_is_refused",
    ),
    Defence(
        "a segment leads nowhere else", "catalogue/values/parameters.py",
        'if any(part in ("", ".", "..") for part in text.split("/")):', "if False:",
        "tests/catalogue/test_build_request.py::test_a_segment_leads_nowhere_else",
    ),
    Defence(
        "a header is printable ASCII", "catalogue/values/parameters.py",
        'if place == "header" and (', 'if place == "none" and (',
        "tests/catalogue/test_build_request.py::test_a_header_is_one",
    ),
    Defence(
        "files of a recipe lie below its folder", "project/own_files.py",
        "if not place.is_relative_to(root):", "if False:",
        "tests/cli/test_cli_own_files.py",
    ),
    Defence(
        ".env is its owner's alone", "config/__init__.py",
        "if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:", "if False:",
        "tests/test_config.py::test_a_dotenv_file_that_others_can_read_is_refused",
    ),
    Defence(
        "files of another user are refused", "config/ownership.py",
        "if not is_trusted(owner, environ) and not _is_safe(place, environ):", "if False:",
        "tests/cli/test_cli_projects.py",
    ),
    Defence(
        "the sandbox answers its own host only", "sandbox/app.py",
        'if environ.get("HTTP_HOST") not in self._hosts:', "if False:",
        "tests/sandbox",
    ),
    Defence(
        "a folder of runs has no links", "durable.py",
        "for link in [folder] if folder.is_symlink() else links:", "for link in links[:0]:",
        "tests/cli/test_cli_links.py",
    ),
    Defence(
        "an archive does not unpack to gigabytes", "rows/formats/xlsx/archive.py",
        "elif sum(part.file_size for part in parts) > MOST_BYTES:", "elif False:",
        "tests/rows/test_workbooks.py",
    ),
    Defence(
        "no cell is a formula", "report/files/cells.py",
        "        return escape_formula(value)\n", "        return value\n",
        "tests/report/test_report_files.py",
    ),
    Defence(
        "secrets are masked in every spelling", "config/masking.py",
        "content = self._encoded.sub(BLOT.encode(), content)", "pass",
        "tests/test_masking.py::test_the_corpus",
    ),
)  # fmt: skip


def copy_tree(folder: Path) -> None:
    """Copy what the tests need."""
    for name in ("runner", "recipes", "schemas", "tests", "docs", "benchmarks", "requirements"):
        shutil.copytree(TREE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in TREE.iterdir():
        if path.is_file():
            shutil.copy(path, folder / path.name)


def take_out(defence: Defence, folder: Path) -> None:
    """Take a defence out of a copy of the tree."""
    path = folder / "runner" / defence.file
    text = path.read_text("utf-8")
    assert text.count(defence.text) == 1, f"{defence.file} has {defence.text!r} no more"
    path.write_text(text.replace(defence.text, defence.without), "utf-8")


def tested(tests: Sequence[str], folder: Path) -> int:
    """Return the exit code of these tests in a copy of the tree: 0 for green, 1 for red."""
    # The copy, and not the installed package, is imported.
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
    ]
    done = subprocess.run(
        [*command, "-n", "0", *tests],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode


def main() -> int:
    """Take each defence out in turn. Returns 1 if one is missed by nobody."""
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(Path(folder))
        if tested([defence.test for defence in DEFENCES], Path(folder)):
            sys.stdout.write("the tests are red with all defences in place\n")
            return 1
    for defence in DEFENCES:
        with tempfile.TemporaryDirectory() as folder:
            copy_tree(Path(folder))
            take_out(defence, Path(folder))
            noticed = tested([defence.test], Path(folder)) == 1
        sys.stdout.write(f"{'red  ' if noticed else 'GREEN'}  {defence.name}: {defence.test}\n")
        sys.stdout.flush()
        missed += not noticed
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
