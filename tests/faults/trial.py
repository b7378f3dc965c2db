"""One trial: a drawn project is run against a drawn server, killed and resumed until it is quiet, and judged."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faults.chaos import Chaos, Name
from faults.forks import Child, Forks
from faults.judge import Judge
from faults.server import FaultServer
from faults.shapes import ENVIRONMENT, Shape, draw_shape

RUN = ("run", "torture.yaml", "--target", "test", "--first-run")
MOST_KILLS = 10
LONGEST_RUN = 0.2
"""Seconds from the start within which a kill that does not wait for requests comes."""

MOST_ROUNDS = 60
"""Resumes after which a trial that is not quiet never will be."""


@dataclass
class Figures:
    """What came of trials. `broken` are the promises that were not kept, each with the seed of its trial."""

    trials: int = 0
    kills: int = 0
    deliveries: int = 0
    duplicates: int = 0
    lost: int = 0
    unknown: int = 0
    settled: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, more: Figures) -> None:
        """Count more trials."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(more, name))


class Life:
    """A project that is run, killed and resumed in its folder below `folder`, which holds the server's log as well.

    `fault` is one of faulty.py or broken.py, put into every command, so that the harness can be tried out itself.
    """

    workers: int

    def __init__(
        self, seed: int, forks: Forks, folder: Path, *, draw: random.Random, fault: str = ""
    ) -> None:
        self._seed, self._forks, self._fault = seed, forks, fault
        self._folder = folder / "project"
        self._log = folder
        self._draw = draw
        self._kills = 0

    def _chaos(self, server: FaultServer, *, often: float) -> Chaos:
        """The faults of the server; every other project with one worker is alone with it."""
        alone = self.workers == 1 and self._seed % 2 == 0
        return Chaos(server, self._seed, often=often, alone=alone)

    def _wanted(self) -> Mapping[str, set[Name]]:
        """Every write that each row needs, by the row's key."""
        raise NotImplementedError

    def _may_resume(self, judge: Judge) -> bool:
        """Return whether the last run can be resumed: recipe and sheet are those that it began with."""
        return bool(judge.runs())

    def _figures(self, judge: Judge, *, settled: int, unknown: int) -> Figures:
        broken = [f"seed {self._seed}: {each}" for each in dict.fromkeys(judge.broken)]
        return Figures(
            1, self._kills, len(judge.server.writes()), len(judge.duplicates), len(judge.lost), unknown, settled,
            broken,
        )  # fmt: skip

    def start(self, *arguments: str) -> Child:
        """The command in the project's folder."""
        return self._forks.start(
            self._folder, arguments, environment=ENVIRONMENT, fault=self._fault
        )

    def _go_on(self, judge: Judge) -> Child:
        """Begin, or go on in one of the two ways there are."""
        self._begin(judge)
        workers = ("--workers", str(self.workers))
        if not self._may_resume(judge) or self._draw.random() < 0.2:
            return self.start(*RUN, *workers)
        return self.start("resume", str(judge.runs()[-1].id), *workers)

    def _begin(self, judge: Judge) -> None:
        """Forget what a process has received that may have been killed before it recorded that."""
        if judge.chaos.alone:
            judge.server.await_idle()
            judge.chaos.recorded.clear()

    def _run_and_kill(self, judge: Judge, server: FaultServer) -> None:
        """Kill it after some requests and a moment, or after some time whatever it does."""
        before, left = len(server.deliveries()), self._left(judge)
        if self._draw.random() < 0.8:
            wanted, moment = (
                before + self._draw.randint(1, 1 + left // 3),
                self._draw.uniform(0, 0.01),
            )
        else:
            wanted, moment = 0, self._draw.uniform(0, LONGEST_RUN)
        child = self._go_on(judge)
        server.await_deliveries(wanted, process=child)
        end = time.monotonic() + moment
        while child.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        child.kill()
        code = child.wait()
        if code == -9:
            self._kills += 1
            judge.after_crash()
        else:
            self._ended(judge, child, code)

    def _left(self, judge: Judge) -> int:
        """About how many writes are still to come."""
        names = set().union(*self._wanted().values())
        return len(names - set(judge.chaos.deliveries()))

    def _until_quiet(self, judge: Judge) -> None:
        """Go on until going on sends nothing more."""
        for _ in range(MOST_ROUNDS):
            before = judge.chaos.deliveries()
            child = self._go_on(judge)
            self._ended(judge, child, child.wait())
            if judge.broken or judge.chaos.deliveries() == before:
                return
        judge.broken.append(f"it is not quiet after going on {MOST_ROUNDS} times")

    def _ended(self, judge: Judge, child: Child, code: int) -> None:
        if code in (0, 4, 5, 8) and judge.results.exists():
            judge.after_end(code)
        else:
            judge.broken.append(f"it ended with {code}: {child.said('err')[-500:]}")

    def _settle(self, judge: Judge) -> int:
        """A person looks up what is unknown and says what is true, until all is done that can be."""
        settled = 0
        for _ in range(MOST_ROUNDS):
            judge.server.await_idle()
            unknown = judge.unknown()
            if not unknown or judge.broken:
                break
            for name, call in unknown.items():
                truth = judge.truth(name)
                judge.absent[name] += truth == ("--absent",)
                child = self.start(
                    "settle", "--call", str(call.id), *truth, "--why", "looked it up", "--yes"
                )
                settled += 1
                if child.wait() != 0:
                    judge.broken.append(f"settle: {child.said('err')}")
            self._until_quiet(judge)
        if not judge.broken:
            self._check_all_done(judge)
        return settled

    def _check_all_done(self, judge: Judge) -> None:
        """Nothing is left but what the API refuses for good, and what hangs on it."""
        made, refused = (
            judge.chaos.made(),
            {name for name, call in judge.calls().items() if call.state == "rejected"},
        )
        for key, wanted in self._wanted().items():
            if not wanted & refused and any(made[name] != 1 for name in wanted):
                judge.broken.append(
                    f"{key} was not finished: {Counter({name: made[name] for name in wanted})}"
                )


class Trial(Life):
    """One trial: a drawn project, and a drawn server."""

    def __init__(
        self, seed: int, forks: Forks, folder: Path, *, fault: str = "", most_rows: int = 40
    ) -> None:
        draw = random.Random(f"trial {seed}")
        super().__init__(seed, forks, folder, draw=draw, fault=fault)
        self._shape: Shape = draw_shape(draw, most_rows=most_rows)
        self.workers = self._shape.workers

    def run(self) -> Figures:
        """The whole trial."""
        with FaultServer(self._log) as server:
            self._shape.write(self._folder, server.url)
            self._shape.seed(server.shop)
            chaos = self._chaos(server, often=self._shape.faults)
            judge = Judge(self._folder, server, chaos, self._shape)
            for _ in range(self._draw.randint(1, MOST_KILLS)):
                if not judge.broken:
                    self._run_and_kill(judge, server)
            if not judge.broken:
                self._until_quiet(judge)
            unknown, settled = len(judge.unknown()), 0
            if self._draw.random() < 0.3:
                settled = self._settle(judge)
            return self._figures(judge, settled=settled, unknown=unknown)

    def _wanted(self) -> Mapping[str, set[Name]]:
        keys = dict.fromkeys(self._shape.lines.values())
        return {key: self._shape.names(key) for key in keys}


def try_out(
    seed: int, forks: Forks, *, fault: str = "", scratch: Path | None = None, most_rows: int = 40
) -> Figures:
    """One trial in a folder of its own below `scratch`, which is taken away afterwards."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix=f"torture-{seed}-") as folder:
        return Trial(seed, forks, Path(folder), fault=fault, most_rows=most_rows).run()
