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

RETRY = """\
recipe: 1
name: refused
rows: {file: in.csv, key: "{{ row.ref }}", columns: {ref: {from: Ref}}}
steps: [{id: job, use: syncore.get_job, with: {job_id: 999999}}]
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
    "report 1 --html site.html": "is there already, and is not a page of a run",
    "run contacts.yaml --junit pytest.xml": "is there already, and is not JUnit XML of this program",
    "plan contacts.yaml --out notes.md": "is there already, and is not a plan",
    "plan contacts.yaml --out notes.txt": "is there already, and is not a plan",
    "plan contacts.yaml --out other.xml": "is there already, and is not JUnit XML of this program",
    "run copy.yaml --export other.csv": "is there already, and is not an export with these columns",
    "run copy.yaml --export other.jsonl": "is there already, and is not an export with these columns",
    "run copy.yaml --export other.xlsx": "is there already, and is not an export with these columns",
    "run copy.yaml --out of-an-export": "is there already, and is not an export with these columns",
    "run contacts.yaml --out with-results": "would replace results.csv, which no run has written",
    "run contacts.yaml --out with-created": "would replace created.csv, which no run has written",
    "run contacts.yaml --out with-retry": "would replace retry.csv, which no run has written",
    "run contacts.yaml --out with-book": "would replace results.xlsx, which no run has written",
    "report 1 --out with-results": "would replace results.csv, which no run has written",
    "report 1 --out with-created": "would replace created.csv, which no run has written",
    "report 1 --out with-retry": "would replace retry.csv, which no run has written",
    "report 1 --xlsx --out with-book": "would replace results.xlsx, which no run has written",
}


FOREIGN = {
    **dict.fromkeys(
        (
            "in.csv", "names.csv", "in.json", "other.xml", "other.html", "notes.md", "notes.txt", "other.csv",
            "other.jsonl", "other.xlsx", "of-an-export/export.csv", "with-results/results.csv",
            "with-created/created.csv", "with-retry/retry.csv", "with-book/results.xlsx",
        ),
        "K\na\n",
    ),
    "site.html": "<!doctype html>\n<html lang=\"en\"><head><title>my shop</title></head></html>\n",
    "pytest.xml": '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n  <testsuite name="pytest"/>\n</testsuites>',
}  # fmt: skip


@pytest.mark.parametrize("command", REFUSED)
def test_a_file_that_is_something_else_stays(contacts: Command, command: str) -> None:
    contacts("run", "contacts.yaml")
    for name in FOREIGN:
        (contacts.folder / name).parent.mkdir(exist_ok=True)
        contacts.write(name, FOREIGN[name])
    contacts.write("copy.yaml", EXPORT)
    before = files(contacts)
    said = contacts(*command.split(), code=2).err
    assert REFUSED[command] in said
    assert "name a" in said
    assert files(contacts) == before


def test_an_output_of_before_is_replaced(contacts: Command) -> None:
    contacts.write("in.csv", "K\na\n")
    contacts.write("names.csv", "K\na\n")
    contacts.write("copy.yaml", EXPORT)
    plans = [each for name in ("json", "xml", "md", "txt") for each in ("--out", f"plan.{name}")]
    for _ in range(2):
        contacts("run", "contacts.yaml", "--junit", "rows.xml", "--xlsx", "--out", "copies")
        contacts("plan", "contacts.yaml", *plans)
        contacts("report", "1", "--html", "page.html")
        contacts("report", "1", "--xlsx", "--out", "copies")
        for ending in ("csv", "jsonl", "xlsx"):
            contacts("run", "copy.yaml", "--export", f"copy.{ending}", "--out", "copies")
    contacts.write("contacts.yaml", "recipe: 2\n")
    contacts("plan", "contacts.yaml", *plans[2:], code=3)
    contacts("plan", "contacts.yaml", *plans[2:], code=3)


@pytest.mark.parametrize(
    ("ending", "rows"),
    [
        ("csv", "Ref\nA\nB\n"),
        ("json", '[{"Ref": "A"}, {"Ref": "B"}]'),
        ("jsonl", '{"Ref": "A"}\n{"Ref": "B"}\n'),
    ],
)
def test_the_retry_file_of_before_is_replaced(contacts: Command, ending: str, rows: str) -> None:
    contacts.write("retry.yaml", RETRY.replace("csv", ending))
    contacts.write(f"in.{ending}", rows)
    for _ in range(2):
        contacts("run", "retry.yaml", "--out", "copies", code=4)
        assert (contacts.folder / "copies" / f"retry.{ending}").exists()
    (contacts.folder / "copies" / f"retry.{ending}").write_text("mine\n")
    assert "retry." in contacts("run", "retry.yaml", "--out", "copies", code=2).err


def files(contacts: Command) -> dict[str, bytes]:
    """All files by name, but those that SQLite keeps beside a journal that is read."""
    return {
        str(path): path.read_bytes()
        for path in contacts.folder.rglob("*")
        if path.is_file() and not path.name.startswith("journal.sqlite-")
    }
