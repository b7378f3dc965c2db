"""Killed at every point of faulty.py and at every pass of it, in a small run; then gone on with and judged."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

from faults.chaos import Chaos
from faults.forks import Forks
from faults.judge import Judge
from faults.server import FaultServer
from faults.shapes import ENVIRONMENT, PROFILES, SEARCHES, STEPS, Order, Shape, plain_sheet
from faults.trial import Figures

MOST_PASSES = 200
"""Passes of a point; more would be a run that does not end."""


def small_shape(*, workers: int, searched: bool, rows: int = 3, kept: bool = False) -> Shape:
    """Every step and every way of identity, in few rows: two lines for each row, a customer for every two.

    `kept`: with a step that keeps something in step, verified and read until it shows.
    """
    orders = tuple(
        Order(
            f"R{n}", f"C{n // 2}", Decimal(n + 1), {2 + 2 * n: "s0", 3 + 2 * n: "s1"},
            PROFILES[n % len(PROFILES)] if kept else "",
        )
        for n in range(rows)
    )  # fmt: skip
    steps = frozenset(SEARCHES if searched else ())
    verified = frozenset({"customer", "profile"} if kept else ())
    return Shape(workers, STEPS, steps, True, orders, plain_sheet(orders), 0, verified, kept)  # noqa: FBT003 - in order


def try_point(
    point: str, nth: int, forks: Forks, *, shape: Shape, scratch: Path | None = None
) -> tuple[bool, Figures]:
    """Killed at the nth pass of a point: whether the run got there, and what came of it."""
    figures = Figures(trials=1)
    with tempfile.TemporaryDirectory(dir=scratch) as name, FaultServer(Path(name)) as server:
        folder = Path(name) / "project"
        shape.write(folder, server.url)
        shape.seed(server.shop)
        judge = Judge(folder, server, Chaos(server, nth, often=0), shape)
        begin = [
            "run",
            "torture.yaml",
            "--target",
            "test",
            "--first-run",
            "--workers",
            str(shape.workers),
        ]
        code = forks.start(folder, begin, environment=ENVIRONMENT, fault=point, nth=nth).wait()
        killed = code == -9
        if killed:
            figures.kills = 1
            judge.after_crash()
        go_on(judge, forks, shape)
        unknown = judge.unknown()
        if len(unknown) > shape.workers:
            judge.broken.append(
                f"one kill left {len(unknown)} calls unknown with {shape.workers} workers"
            )
        figures.deliveries, figures.unknown = len(server.writes()), len(unknown)
        figures.duplicates, figures.lost = len(judge.duplicates), len(judge.lost)
        where = f"{point} {nth}, {shape.workers} workers, {'with' if shape.searched else 'without'} searches"
        where += ", with what is kept in step" if shape.polled else ""
        figures.broken = [f"{where}: {each}" for each in dict.fromkeys(judge.broken)]
    return killed, figures


def go_on(judge: Judge, forks: Forks, shape: Shape) -> None:
    """Go on until going on sends nothing more."""
    for _ in range(10):
        before = judge.chaos.deliveries()
        begin = ["run", "torture.yaml", "--target", "test", "--first-run"]
        if runs := judge.runs():
            begin = ["resume", str(runs[-1].id)]
        child = forks.start(
            judge.folder, [*begin, "--workers", str(shape.workers)], environment=ENVIRONMENT
        )
        code = child.wait()
        if code not in (0, 4, 5, 8):
            judge.broken.append(f"it ended with {code}: {child.said('err')[-500:]}")
        else:
            judge.after_end(code)
        if judge.broken or judge.chaos.deliveries() == before:
            return
    judge.broken.append("it is not quiet after going on 10 times")


def try_all_passes(
    point: str, forks: Forks, *, shape: Shape, scratch: Path | None = None
) -> Figures:
    """Every pass of a point that a run of the shape has."""
    figures = Figures()
    for nth in range(1, MOST_PASSES):
        killed, one = try_point(point, nth, forks, shape=shape, scratch=scratch)
        figures.add(one)
        if not killed:
            return figures
    figures.broken.append(f"{point}: passed {MOST_PASSES} times")
    return figures
