"""The long harness in short, and that it finds out what it is there to find out."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from faults.chaos import UPDATE, Chaos, Name
from faults.faulty import POINTS
from faults.forks import Forks
from faults.judge import Judge
from faults.points import small_shape, try_all_passes
from faults.server import FaultServer
from faults.shapes import PROFILES, draw_shape
from faults.trial import try_out

TESTS = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_any_moment_and_gone_on_with_until_it_is_quiet(
    forks: Forks, tmp_path: Path, seed: int
) -> None:
    figures = try_out(seed, forks, scratch=tmp_path, most_rows=12)
    assert figures.broken == []
    assert figures.deliveries > 0


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_pass_of_a_point(forks: Forks, tmp_path: Path, point: str) -> None:
    figures = try_all_passes(
        point, forks, shape=small_shape(workers=1, searched=False, rows=1), scratch=tmp_path
    )
    assert figures.broken == []
    assert figures.kills == figures.trials - 1 == PASSES.get(point, 5)
    expected = {"before intent": 4, "in commit": 5, "before results": 0, "before end": 0}.get(
        point, figures.kills
    )
    assert figures.unknown == expected - (point == "after commit") * 4


PASSES = {"in commit": 9, "after commit": 9, "after row": 1, "before results": 1, "before end": 1}
"""How often a run of one row (a customer, an order, two lines, a payment) passes a point; the others once a write."""


def test_a_journal_that_is_written_after_the_send_is_found_out(
    forks: Forks, tmp_path: Path
) -> None:
    for seed in range(10):  # the first does as a rule; the moment of a kill is nobody's choice
        figures = try_out(seed, forks, fault="late journal", scratch=tmp_path, most_rows=12)
        if figures.duplicates:
            break
    assert any(re.search(r"G1: .* arrived \d+ times", each) for each in figures.broken)


def test_a_child_has_a_number_of_its_own_where_process_ids_come_again(tmp_path: Path) -> None:
    with Forks() as forks:
        children = [forks.start(tmp_path, ["--version"], environment={}) for _ in range(2)]
        assert [child.wait() for child in children] == [0, 0]
        third = forks.start(tmp_path, ["--nonsense"], environment={})
        assert ([each.number for each in children], third.number, third.wait()) == ([0, 1], 2, 2)


def test_what_is_made_in_the_wrong_place_is_found_out(server: FaultServer, tmp_path: Path) -> None:
    shape = small_shape(workers=1, searched=False)
    judge = Judge(tmp_path, server, Chaos(server, 0, often=0), shape)
    order = server.shop.create("/orders", {"reference": "R0"})["id"]
    server.shop.create(f"/orders/{order}/payments", {"reference": "R0", "amount": 1})
    judge.check_places()
    assert judge.broken == []
    assert judge.paid("R0") == shape.due("R0")
    server.shop.create(f"/orders/{order}/lines", {"sku": "R1/s0"})
    judge.check_places()
    assert [each[:4] for each in judge.broken] == ["G21:"]
    server.shop.create(f"/orders/{order}/payments", {"reference": "R0", "amount": 0.1})
    assert judge.paid("R0") != shape.due("R0")


def test_an_update_that_no_run_knows_of_is_found_out(server: FaultServer, tmp_path: Path) -> None:
    shape = small_shape(workers=1, searched=False, kept=True)
    shape.seed(server.shop)
    judge = Judge(tmp_path / "project", server, Chaos(server, 0, often=0), shape)
    judge.check_deliveries()
    assert judge.broken == []
    url = f"{server.url}/customers/{judge.chaos.profile('R2')['id']}"
    assert requests.put(url, json={"notes": "R2 3"}, timeout=30).status_code == 200
    judge.check_deliveries()
    assert [each[:4] for each in judge.broken] == ["G1: ", "G4: "]
    assert judge.truth(Name(UPDATE, "R2")) == ("--done", str(judge.chaos.profile("R2")["id"]))
    assert judge.truth(Name(UPDATE, "R1")) == ("--absent",)


def test_the_trials_have_all_that_keeps_verifies_and_polls() -> None:
    shapes = [draw_shape(random.Random(f"trial {seed}"), most_rows=12) for seed in SEEDS]
    assert {order.profile for shape in shapes for order in shape.orders} == {"", *PROFILES}
    assert {step for shape in shapes for step in shape.verified} == {"customer", "profile"}
    assert {shape.polled for shape in shapes} == {True, False}


COMMANDS = {
    "trials": (("--trials", "1"), 0),
    "broken": (("--trials", "10", "--fault", "late journal"), 1),
    "years": (("--years", "1"), 0),
}


@pytest.mark.parametrize(("more", "code"), COMMANDS.values(), ids=COMMANDS.keys())
def test_the_command_that_runs_it(tmp_path: Path, more: tuple[str, ...], code: int) -> None:
    command = [sys.executable, "-m", "faults.torture", "--seed", "3", "-j", "1", *more]
    done = subprocess.run(
        [*command, "--scratch", str(tmp_path)],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("BROKEN seed" in done.stdout) == bool(code)
    assert re.match(
        r"20\d\d-\d\d-\d\d   trials [1-9]\d*   kills \d+   ", done.stdout.splitlines()[-1]
    )
