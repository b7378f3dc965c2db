"""The long harness: the command is killed a few thousand times, and every promise is looked at after each.

    make torture                                        # all of it: 2,000 kills, every point, 200 lives, 250 years
    python -m faults.torture --seed 7 --kills 5000      # from tests/; also --trials N, --minutes M, -j N
    python -m faults.torture --seed 131 --trials 1      # the trial that seed 131 draws, again
    python -m faults.torture --points                   # only killed at every point of faulty.py, every pass of it
    python -m faults.torture --lives 10                 # only lives of the state machine, 20 of each seed
    python -m faults.torture --years 50                 # only years of projects that change
    python -m faults.torture --fault "late journal"     # a broken mode, which has to be found
    python -m faults.torture --years 10 --fault was     # a variant of broken.py, which has to be found as well

First it is killed at any moment, then at every point of faulty.py and every pass of it, then by a state machine that
also settles and edits (states.py), then in years of projects that change (year.py). Each trial draws a project and a
server with faults, runs the command in it, kills it up to ten times and resumes it until nothing more is sent; see
trial.py, and judge.py and ledger.py for what is checked. A seed draws the same trial each time, except for the moment
at which a kill comes. Ends with 1, and with the seeds, when a promise was not kept.
"""

from __future__ import annotations

import argparse
import atexit
import datetime as dt
import itertools
import multiprocessing
import os
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.pool import AsyncResult, Pool
from pathlib import Path

from hypothesis.errors import HypothesisException

from faults.edits import EDITS
from faults.faulty import POINTS
from faults.forks import Forks
from faults.points import small_shape, try_all_passes
from faults.refusals import REFUSALS
from faults.states import live
from faults.trial import Figures, try_out
from faults.year import live_year

LIVES, LIVES_OF_A_SEED = 10, 20
"""Seeds of the state machine, and the lives that each of them draws."""

YEARS = 250
"""Years of projects that change."""

WAYS = ((1, False, False), (3, True, False), (1, False, True), (3, True, True))
"""How a point is passed: by so many workers, with searches or without, with what is kept in step or without."""

TOLD_EVERY = 10.0
"""Seconds between two lines that say how far it has come."""

_FORKS: list[Forks] = []
"""The process that forks for this process; made once."""


def main() -> int:
    """The command line."""
    options = _options()
    start, total = time.monotonic(), Figures()
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        if options.all or options.moments:
            print(f"killed at any moment, in trials from seed {options.seed} on", flush=True)
            trial = partial(_try_out, fault=options.fault, scratch=options.scratch)
            tried = _tried(
                pool, trial, _seeds(options, options.trials or None),
                over=lambda: _over(total, options, start), jobs=options.jobs,
            )  # fmt: skip
            _gather(total, tried, start)
        if options.all or options.points:
            print("killed at every pass of every point", flush=True)
            series = [(point, *ways) for point in POINTS for ways in WAYS]
            point = partial(_try_point, scratch=options.scratch)
            _gather(total, pool.imap_unordered(point, series), start)
        if options.all or options.lives:
            print("lives of the state machine", flush=True)
            life = partial(_live, scratch=options.scratch)
            seeds = _seeds(options, options.lives or LIVES)
            _gather(total, pool.imap_unordered(life, seeds), start)
        if options.all or options.years:
            print("years of projects that change", flush=True)
            year = partial(_live_year, fault=options.fault, scratch=options.scratch)
            seeds = _seeds(options, options.years or YEARS)
            _gather(total, pool.imap_unordered(year, seeds), start)
        pool.close()
        pool.join()
    for each in total.broken:
        print(f"BROKEN {each}")
    print(f"{dt.date.today()}   {_line(total, start)}")  # noqa: DTZ011 - the day where it ran
    return 1 if total.broken else 0


def _seeds(options: argparse.Namespace, count: int | None) -> Iterator[int]:
    """So many seeds from the one that was asked for, or all of them."""
    return itertools.islice(itertools.count(options.seed), count)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m faults.torture", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="of the first trial"
    )
    parser.add_argument("--kills", type=int, default=2000, help="stop after so many (2000)")
    parser.add_argument(
        "--trials", type=int, default=0, help="so many trials instead, whatever their kills"
    )
    parser.add_argument(
        "--minutes", type=float, default=60, help="stop after so long in any case (60)"
    )
    parser.add_argument(
        "-j", "--jobs", type=int, default=os.cpu_count() or 1, help="trials at a time (one a core)"
    )
    parser.add_argument(
        "--points", action="store_true", help="only every point of faulty.py and every pass of it"
    )
    parser.add_argument(
        "--lives", type=int, default=0, help="only lives of the state machine, of so many seeds"
    )
    parser.add_argument(
        "--years", type=int, default=0, help="only so many years of projects that change"
    )
    parser.add_argument(
        "--fault", default="", help="a fault of faulty.py or broken.py, put into every command"
    )
    memory = Path(
        "/dev/shm"
    )  # a kill loses nothing that was written, so that it need not be a disk
    scratch = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    parser.add_argument(
        "--scratch", type=Path, default=scratch, help="where trials have their folders"
    )
    options = parser.parse_args()
    one = bool(options.points or options.lives or options.years)
    options.moments = not one and bool(options.trials or options.fault)
    options.all = not (one or options.moments)
    return options


def _tried(
    pool: Pool,
    trial: Callable[[int], Figures],
    seeds: Iterable[int],
    *,
    over: Callable[[], bool],
    jobs: int,
) -> Iterator[Figures]:
    """What comes of trials, in their order, until there were enough; a few more than `jobs` are on their way."""
    pending: deque[AsyncResult[Figures]] = deque()
    for seed in seeds:
        pending.append(pool.apply_async(trial, (seed,)))
        if len(pending) > 2 * jobs:
            yield pending.popleft().get()
        if over():
            break
    for each in pending:
        yield each.get()


def _over(total: Figures, options: argparse.Namespace, start: float) -> bool:
    enough = not options.trials and total.kills >= options.kills
    return enough or bool(total.broken) or time.monotonic() - start > options.minutes * 60


def _gather(total: Figures, found: Iterable[Figures], start: float) -> None:
    told = time.monotonic()
    for one in found:
        total.add(one)
        if time.monotonic() - told > TOLD_EVERY:
            told = time.monotonic()
            print(f"   {_line(total, start)}", flush=True)
    print(f"   {_line(total, start)}", flush=True)


def _line(total: Figures, start: float) -> str:
    counts = "   ".join(
        f"{name} {count:,}" for name, count in vars(total).items() if name != "broken"
    )
    return f"{counts}   {time.monotonic() - start:.0f} s"


def _forks() -> Forks:
    if not _FORKS:
        forks = Forks().__enter__()
        atexit.register(forks.__exit__)
        _FORKS.append(forks)
    return _FORKS[0]


def _try_out(seed: int, *, fault: str, scratch: Path | None) -> Figures:
    try:
        return try_out(seed, _forks(), fault=fault, scratch=scratch)
    except AssertionError as error:
        return Figures(1, broken=[f"seed {seed}: {error}"])
    except BaseException as error:
        error.add_note(f"in the trial of seed {seed}")
        raise


def _live_year(seed: int, *, fault: str, scratch: Path | None) -> Figures:
    try:
        return live_year(seed, _forks(), kinds={**EDITS, **REFUSALS}, fault=fault, scratch=scratch)
    except AssertionError as error:
        return Figures(1, broken=[f"year {seed}: {error}"])
    except BaseException as error:
        error.add_note(f"in the year of seed {seed}")
        raise


def _try_point(series: tuple[str, int, bool, bool], *, scratch: Path | None) -> Figures:
    point, workers, searched, kept = series
    shape = small_shape(workers=workers, searched=searched, kept=kept)
    return try_all_passes(point, _forks(), shape=shape, scratch=scratch)


def _live(seed: int, *, scratch: Path | None) -> Figures:
    try:
        return live(LIVES_OF_A_SEED, _forks(), draw=seed, scratch=scratch)
    except (AssertionError, ExceptionGroup, HypothesisException) as error:
        how = "\n".join([str(error), *getattr(error, "__notes__", ())])
        return Figures(LIVES_OF_A_SEED, broken=[f"lives of seed {seed}: {how}"])


if __name__ == "__main__":
    sys.exit(main())
