"""Some years of projects that change, and that a command which breaks one promise is found by them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from faults.broken import VARIANTS
from faults.chaos import Chaos, Name
from faults.edits import EDITS
from faults.forks import Forks
from faults.judge import Judge
from faults.points import small_shape
from faults.refusals import REFUSALS
from faults.server import FaultServer
from faults.shapes import ENVIRONMENT
from faults.trial import RUN
from faults.year import Event, live_year

EVENTS: Mapping[str, Event] = {**EDITS, **REFUSALS}

KINDS: Mapping[str, tuple[str, ...]] = {
    "spellings": ("respell", "save_as_other", "repeat_alike", "write_alike"),
    "losses": ("lose_line", "lose_deposit", "close_row", "close_all", "put_back"),
    "recipes": ("rename", "split", "improve_key", "correct_client", "add_row", "run_part"),
    "names": ("rename_recipe", "change_account", "move_origin", "move_project"),
    "journals": ("lose_runs", "lose_journal", "restore_older", "lose_wal", "copy_project"),
}
SEEDS = range(2)

FOUND: Mapping[str, tuple[tuple[str, ...], str]] = {
    "spellings": (("respell",), "G1: .* arrived [2-9] times"),
    "look-alikes": (("repeat_alike", "write_alike"), "G25: to be refused with 3 and 'looks like'"),
    "lost calls": (KINDS["losses"], "G26: .* is done .*, and nothing asks for"),
    "contents": (("improve_key", "correct_client"), "G1: .* arrived [2-9] times"),
    "was": (("rename", "split"), "G24: .* is changed, and all that was sent is asked for"),
    "key_was": (("improve_key",), "G25: to be refused with 3 and 'add key_was'"),
    "values": (("save_as_other",), "G24: .* is changed, and all that was sent is asked for"),
    "other names": (("rename_recipe", "change_account"), "G25: .* 'was done as torture'"),
    "first run": (("lose_runs",), "G25: .* --first-run"),
    "origins": (("move_origin",), "G25: .* 'is on record at'"),
    "lost runs": (("lose_journal",), "G25: .* 'knows of no such run'"),
    "created": (("restore_older",), "G25: to be refused with 8 and 'journal'"),
    "copies": (("copy_project",), "G25: .*which writes to 'acme'"),
    "connections": (("respell",), "G3: .* the server has made something else"),
}
"""The events that show each variant of broken.py, and the words by which it is found."""


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


def events(*names: str) -> dict[str, Event]:
    return {name: EVENTS[name] for name in names}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS.keys())
def test_a_year(forks: Forks, tmp_path: Path, kinds: tuple[str, ...], seed: int) -> None:
    figures = live_year(seed, forks, kinds=events(*kinds), scratch=tmp_path)
    assert figures.broken == []
    assert figures.deliveries > 0


@pytest.mark.parametrize("variant", FOUND)
def test_a_broken_command_is_found(forks: Forks, tmp_path: Path, variant: str) -> None:
    names, words = FOUND[variant]
    for seed in range(
        12
    ):  # one of the first three does as a rule; nothing chooses the moment of a kill
        figures = live_year(seed, forks, kinds=events(*names), fault=variant, scratch=tmp_path)
        if any(re.search(words, each, re.DOTALL) for each in figures.broken):
            return
    raise AssertionError(f"not found: {figures.broken}")


@pytest.mark.parametrize("fault", ["", "ids"], ids=["kept", "broken"])
def test_an_answer_with_the_id_of_another_create(
    forks: Forks, server: FaultServer, tmp_path: Path, fault: str
) -> None:
    shape = small_shape(workers=1, searched=False)
    shape.write(tmp_path / "project", server.url)
    chaos = Chaos(server, 0, often=0, alone=True)
    chaos.upcoming = [
        *[""] * 5,
        "id again",
    ]  # the order of the second row, which shares its customer
    child = forks.start(
        tmp_path / "project", [*RUN, "--workers", "1"], environment=ENVIRONMENT, fault=fault
    )
    judge = Judge(tmp_path / "project", server, chaos, shape)
    judge.after_end(child.wait())
    found = [each for each in judge.broken if re.match("G(3|21): .*'R1", each)]
    assert bool(found) == bool(fault), judge.broken
    assert bool(fault) or set(judge.unknown()) == {Name("order", "R1")}


def test_every_kind_of_event_and_every_variant_is_tried() -> None:
    assert {*FOUND, "ids"} == set(VARIANTS)
    assert {name for names in KINDS.values() for name in names} == set(EVENTS)
