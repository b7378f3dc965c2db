"""The files of a run: made anew from the journal, copied where they are wanted, as a workbook too."""

from __future__ import annotations

import csv
import io
import subprocess
from pathlib import Path

import pytest
import python_calamine

from .command import HEADER, RECIPE, ROWS, RUNNER, Command, environment
from .conftest import StartStub
from .stub import Answer, Sent

KEY = {"ACME_KEY": "key-of-acme"}


def cells(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def refusing(sent: Sent) -> Answer:
    return Answer(422, b'{"message": "no"}') if b"A-2" in sent.body else Answer(201, b'{"id": 7}')


@pytest.mark.parametrize("flags", [(), ("--xlsx",)])
def test_the_same_files_again(
    contacts: Command, start_stub: StartStub, flags: tuple[str, ...]
) -> None:
    stub = start_stub(refusing)
    ran = contacts(
        "run", "contacts.yaml", "--target", "live", "--first-run", *flags, code=4, env=KEY
    )
    folder = contacts.runs / "1"
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".csv"}
    assert set(before) == {"results.csv", "retry.csv", "created.csv"}
    for path in folder.iterdir():
        path.unlink()
    assert contacts("report", *flags).out == ran.out
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert len(stub.sent) == 2
    assert (folder / "results.xlsx").exists() == bool(flags)


def test_after_a_kill(contacts: Command, start_stub: StartStub) -> None:
    """The second row is in flight, and nobody knows what came of it; the third was not reached."""
    contacts.write("rows.csv", ROWS + "A-3,Coral,3,3,01/02/2027\n")

    def answer(sent: Sent) -> Answer:
        if b"A-2" in sent.body:
            process.kill()
            process.wait()
            return Answer(0)
        return Answer(201, b'{"id": 7}')

    start_stub(answer)
    process = contacts.start(
        "run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1", env=KEY
    )
    with process:
        process.communicate()
    live = contacts.runs / "1" / "created.csv"
    assert len(live.read_text("utf-8-sig").splitlines()) <= 2
    contacts("report")
    found = cells(contacts.runs / "1" / "results.csv")
    assert [(row["key"], row["bucket"]) for row in found] == [
        ("A-1", "done"), ("A-2", "unknown"), ("A-3", "not started"),
    ]  # fmt: skip
    assert [row["id"] for row in cells(live)] == ["7"]
    assert (contacts.runs / "1" / "retry.csv").read_text() == HEADER + "A-3,Coral,3,3,01/02/2027\n"


MOUNTED = "mount -t tmpfs -o size=256k none"


def in_own_mounts(script: str) -> list[str]:
    """A shell whose mounts nobody else sees, and which end with it."""
    return ["unshare", "--map-root-user", "--mount", "/bin/sh", "-c", script]


def may_mount(folder: Path) -> bool:
    """Whether this system lets whoever runs the tests mount something of their own."""
    try:
        ended = subprocess.run(
            in_own_mounts(f"{MOUNTED} ."), cwd=folder, capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return ended.returncode == 0


def test_a_disk_that_is_full_when_the_results_are_written(contacts: Command) -> None:
    """There is room for what waits to be written, and none for the results: all of it is told, and made anew later."""
    if not may_mount(contacts.folder):
        pytest.skip("this system lets nobody mount a file system of their own")
    contacts.write(
        "contacts.yaml", RECIPE.replace("outputs:", 'outputs:\n  name: "{{ row.name }}"')
    )
    contacts.write(
        "rows.csv", HEADER + "".join(f"A-{n},{'x' * 8000},1,1,01/02/2027\n" for n in range(20))
    )
    contacts.write("contacts.yaml", (contacts.folder / "contacts.yaml").read_text().replace(
        'business_name: "{{ row.name }}"', 'business_name: "{{ row.ref }}"'))  # fmt: skip
    contacts("run", "contacts.yaml", "--limit", "1")
    script = f"{MOUNTED} runs/1 && exec {RUNNER} resume"
    ended = subprocess.run(
        in_own_mounts(script),
        cwd=contacts.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 8, ended.stderr
    assert "results.csv cannot be written: no space left on device" in ended.stderr
    assert "make room or repair the folder, then: runner report 1" in ended.stderr
    assert "Traceback" not in ended.stderr
    sent = contacts.delivered()
    assert len(sent) == 20
    contacts("report", "1")
    assert {
        (row["bucket"], len(row["name"])) for row in cells(contacts.runs / "1" / "results.csv")
    } == {("done", 8000)}
    assert contacts.delivered() == sent


def test_copies_in_a_folder(contacts: Command) -> None:
    ran = contacts("run", "contacts.yaml", "--limit", "1", "--xlsx", "--out", "given")
    assert ran.out.split() == [
        "results", "given/results.csv", "workbook", "given/results.xlsx", "created", "given/created.csv",
        "to", "do", "given/retry.csv",
    ]  # fmt: skip
    for path in (contacts.folder / "given").iterdir():
        assert path.read_bytes() == (contacts.runs / "1" / path.name).read_bytes()
    contacts.write("given/notes.txt", "mine")
    contacts("resume", "--out", "given")
    assert {path.name for path in (contacts.folder / "given").iterdir()} == {
        "results.csv",
        "created.csv",
        "notes.txt",
    }


def test_a_folder_that_holds_the_input(contacts: Command) -> None:
    contacts("run", "contacts.yaml", "--limit", "1", "--out", "given")
    refused = contacts(
        "run", "contacts.yaml", "--rows", "given/retry.csv", "--out", "given", code=2
    )
    assert "would overwrite the input, retry.csv" in refused.err
    contacts.write("taken", "a file")
    refused = contacts("run", "contacts.yaml", "--out", "taken", code=2)
    assert "--out taken cannot be used: it is no folder" in refused.err
    assert len(contacts.delivered()) == 1


def test_the_workbook(contacts: Command) -> None:
    contacts("run", "contacts.yaml", "--xlsx")
    book = python_calamine.CalamineWorkbook.from_path(str(contacts.runs / "1" / "results.xlsx"))
    rows = book.get_sheet_by_name("results").to_python()
    made = [one["id"] for one in contacts.delivered()]
    assert sorted(row[7] for row in rows[1:]) == sorted(map(str, made))
    assert sorted(row[5] for row in rows[1:]) == sorted(f"contact {name}" for name in made)
    assert [row[:4] for row in rows[1:]] == [[2, "A-1", 1, "done"], [3, "A-2", 2, "done"]]


def test_files_that_cannot_be_written_in_the_end(contacts: Command) -> None:
    """What was sent is on record, and the files are made when there is room."""
    contacts("run", "contacts.yaml", "--limit", "1")
    (contacts.runs / "1" / "results.csv").unlink()
    (contacts.runs / "1" / "results.csv").mkdir()
    told = contacts("resume", code=8).err
    assert "results.csv cannot be written: is a directory" in told
    assert "then: runner report" in told
    assert "done         2 rows (2 lines)" in told
    (contacts.runs / "1" / "results.csv").rmdir()
    contacts("report")
    assert [row["bucket"] for row in cells(contacts.runs / "1" / "results.csv")] == ["done", "done"]
    assert len(contacts.delivered()) == 2


def test_a_file_that_has_no_room(contacts: Command) -> None:
    """A journal that is read needs 32 KiB of its own: the second line is larger."""
    first, second = ROWS.splitlines()[1:]
    contacts.write("rows.csv", f"Extra,{HEADER}x,{first}\n{'x' * 40_000},{second}\n")
    contacts("run", "contacts.yaml", "--limit", "1")
    for path in (contacts.runs / "1").iterdir():
        path.unlink()
    small = [
        "/bin/sh",
        "-c",
        'ulimit -f 64; PYTHONDONTWRITEBYTECODE=1 exec "$0" report',
        str(RUNNER),
    ]
    full = subprocess.run(
        small, cwd=contacts.folder, env=environment(), capture_output=True, text=True
    )
    assert full.returncode == 8
    assert "retry.csv cannot be written: file too large" in full.stderr
    assert "then: runner report" in full.stderr
    assert sorted(path.name for path in (contacts.runs / "1").iterdir()) == [
        "created.csv",
        "results.csv",
    ]
    contacts("report")
    assert (contacts.runs / "1" / "retry.csv").stat().st_size > 40_000


def test_what_has_changed_is_refused(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    contacts.write("rows.csv", ROWS + "A-3,Coral,3,3,01/02/2027\n")
    assert "rows.csv has changed since run 1 began" in contacts("report", code=2).err
    assert "there is no run 7" in contacts("report", "7", code=2).err
