"""A journal and its runs stay in their folder: a link in their place is refused before anything is changed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from .command import Command


@pytest.fixture
def outside(contacts: Command) -> Path:
    """A folder of others, readable by them."""
    folder = contacts.folder / "outside"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def refused(contacts: Command, *arguments: str, link: str) -> None:
    told = contacts(*arguments, code=7).err
    assert f"{contacts.folder / link} is a symbolic link; nothing was changed" in told


COMMANDS = [
    ("run", "contacts.yaml"),
    ("runs",),
    ("resume",),
    ("settle",),
    ("plan", "contacts.yaml"),
    ("sandbox",),
]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_runs_that_are_a_link(contacts: Command, outside: Path, arguments: tuple[str, ...]) -> None:
    contacts.runs.symlink_to(outside)
    refused(contacts, *arguments, link="runs")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert not list(outside.iterdir())


def test_a_dangling_link(contacts: Command) -> None:
    contacts.runs.symlink_to(contacts.folder / "not-there")
    refused(contacts, "run", "contacts.yaml", link="runs")
    assert not (contacts.folder / "not-there").exists()


NAMES = [
    "journal.sqlite",
    "journal.sqlite-wal",
    "journal.sqlite-shm",
    "journal.lock",
    "sandbox",
    "1",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arguments", [("run", "contacts.yaml"), ("runs",)])
def test_what_is_in_it_is_a_link(
    contacts: Command, outside: Path, name: str, arguments: tuple[str, ...]
) -> None:
    contacts.runs.mkdir(mode=0o700)
    (outside / "file").write_bytes(b"kept")
    (contacts.runs / name).symlink_to(outside / "file" if "." in name else outside)
    refused(contacts, *arguments, link=f"runs/{name}")
    assert [each.name for each in outside.iterdir()] == ["file"]
    assert (outside / "file").read_bytes() == b"kept"


@pytest.mark.parametrize("name", ["created.csv", "results.csv"])
def test_a_file_of_a_run_is_a_link(contacts: Command, outside: Path, name: str) -> None:
    contacts("run", "contacts.yaml", "--limit", "1")
    (contacts.runs / "1" / name).unlink()
    (outside / "file").write_bytes(b"kept")
    (contacts.runs / "1" / name).symlink_to(outside / "file")
    refused(contacts, "resume", link=f"runs/1/{name}")
    assert (outside / "file").read_bytes() == b"kept"
    assert len(contacts.delivered()) == 1


def test_a_file_of_the_sandbox_is_a_link(contacts: Command, outside: Path) -> None:
    (contacts.runs / "sandbox").mkdir(parents=True, mode=0o700)
    (contacts.runs / "sandbox" / "deliveries.jsonl").symlink_to(outside / "file")
    contacts("run", "contacts.yaml", code=7)
    assert not list(outside.iterdir())
