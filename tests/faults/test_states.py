"""Some lives of the state machine, the same ones each time; the long harness has many more."""

from __future__ import annotations

from pathlib import Path

from faults.forks import Forks
from faults.states import live


def test_whatever_is_done_in_whatever_order(tmp_path: Path) -> None:
    with Forks() as forks:
        figures = live(12, forks, draw=4, scratch=tmp_path)
    assert figures.kills > 0
    assert figures.settled > 0
