"""An output never replaces a file that is something else: the journal, a recipe, an input, another run's files."""

from __future__ import annotations

import pytest

from .command import Command

EXPORT = """\
recipe: 1
name: copy
rows: {file: in.csv, columns: {k: {from: K}}}
lookups: {names: {file: names.csv, by: K}}
outputs: {k: "{{ row.k }}!"}
"""

REFUSED = {
    "run contacts.yaml --junit runs/journal.sqlite": "does not end in .xml",
    "run contacts.yaml --junit runs/rows.xml": "where the journal and the files of runs are",
    "run contacts.yaml --junit contacts.yaml": "does not end in .xml",
    "run contacts.yaml --junit other.xml": "is there already, and is not JUnit XML",
    "run contacts.yaml --out runs/1": "where the journal and the files of runs are",
    "run copy.yaml --export in.csv": "would overwrite in.csv",
    "run copy.yaml --export names.csv": "would overwrite names.csv",
    "run copy.yaml --export runs/1/created.csv": "where the journal and the files of runs are",
    "plan contacts.yaml --out in.json": "is there already, and is not a plan",
    "plan contacts.yaml --out runs/1/plan.json": "where the journal and the files of runs are",
    "report 1 --junit runs/1/results.csv": "does not end in .xml",
    "report 1 --out runs/1": "where the journal and the files of runs are",
    "report 1 --html other.html": "is there already, and is not a page of a run",
    "report 1 --html runs/1/page.html": "where the journal and the files of runs are",
}


@pytest.mark.parametrize("command", REFUSED)
def test_a_file_that_is_something_else_stays(contacts: Command, command: str) -> None:
    contacts("run", "contacts.yaml")
    for name in ("in.csv", "names.csv", "in.json", "other.xml", "other.html"):
        contacts.write(name, "K\na\n")
    contacts.write("copy.yaml", EXPORT)
    before = files(contacts)
    said = contacts(*command.split(), code=2).err
    assert REFUSED[command] in said
    assert "name a" in said
    assert files(contacts) == before


def test_an_output_of_before_is_replaced(contacts: Command) -> None:
    for _ in range(2):
        contacts("run", "contacts.yaml", "--junit", "rows.xml", "--out", "copies")
        contacts("plan", "contacts.yaml", "--out", "plan.json", "--out", "plan.xml", code=0)
        contacts("report", "1", "--html", "page.html")


def files(contacts: Command) -> dict[str, bytes]:
    """All files by name, but those that SQLite keeps beside a journal that is read."""
    return {
        str(path): path.read_bytes()
        for path in contacts.folder.rglob("*")
        if path.is_file() and not path.name.startswith("journal.sqlite-")
    }
