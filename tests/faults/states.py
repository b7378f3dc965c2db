"""A state machine over the real command: run, killed, resumed, settled, edited and run again in any order."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from faults.chaos import Chaos
from faults.forks import Child, Forks
from faults.judge import Judge
from faults.points import small_shape
from faults.server import Delivery, FaultServer
from faults.shapes import ENVIRONMENT, plain_sheet
from faults.trial import Figures

KINDS = ("answer lost", "request lost", "reset", "500 after", "html", "throttled", "refused")
ROWS = 3
KILL = st.one_of(st.none(), st.integers(1, 6))
"""The request at which the command is killed, before it is answered."""


class Machine(RuleBasedStateMachine):
    """One project and one server over a life; a person looks up what is true before saying so.

    `forks`, `scratch` and `figures` are given by `live`.
    """

    forks: Forks
    scratch: Path | None
    figures: Figures

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(dir=self.scratch)
        self._server = FaultServer(Path(self._folder.name)).__enter__()
        shape, chaos = (
            small_shape(workers=1, searched=False, rows=ROWS),
            Chaos(self._server, 0, often=0),
        )
        self._judge = Judge(Path(self._folder.name) / "project", self._server, chaos, shape)
        self._edited = False
        self._values = 100
        self._kills = self._settled = 0

    @initialize(searched=st.booleans(), kept=st.booleans())
    def begin(self, *, searched: bool, kept: bool) -> None:
        """The project, before its first run. One worker: what a rule does is to follow from the rules before."""
        self._judge.shape = small_shape(workers=1, searched=searched, rows=ROWS, kept=kept)
        self._judge.shape.seed(self._server.shop)
        self._judge.shape.write(self._judge.folder, self._server.url)

    def teardown(self) -> None:
        """End the server, and count."""
        unknown, deliveries = len(self._judge.unknown()), len(self._server.writes())
        self.figures.add(
            Figures(1, self._kills, deliveries, unknown=unknown, settled=self._settled)
        )
        self._server.__exit__()
        self._folder.cleanup()

    @rule(kind=st.sampled_from(KINDS))
    def spoil(self, *, kind: str) -> None:
        """The next write meets a fault."""
        self._judge.chaos.upcoming.append(kind)

    @rule(limit=st.one_of(st.none(), st.integers(1, ROWS)), kill=KILL)
    def run_it(self, *, limit: int | None, kill: int | None) -> None:
        """`runner run`, whether for the first time or again."""
        before = len(self._judge.runs())
        more = [] if limit is None else ["--limit", str(limit)]
        self._judge.partial = limit is not None
        self._take("run", "torture.yaml", "--target", "test", "--first-run", *more, kill=kill)
        self._edited = self._edited and len(self._judge.runs()) == before

    @precondition(lambda self: self._judge.runs() and not self._edited)
    @rule(kill=KILL)
    def resume(self, *, kill: int | None) -> None:
        """`runner resume`."""
        self._take("resume", str(self._judge.runs()[-1].id), kill=kill)

    @precondition(lambda self: self._judge.runs() and self._edited)
    @rule()
    def resume_what_was_edited(self) -> None:
        """Refused, unless all of the run is done, and nothing is sent."""
        before = len(self._server.deliveries())
        child = self._start("resume", str(self._judge.runs()[-1].id), "--workers", "1")
        assert child.wait() == 2 or "nothing to resume" in child.said("out"), child.said("err")
        assert len(self._server.deliveries()) == before

    @rule(row=st.integers(0, ROWS - 1), cell=st.sampled_from(["amount", "sku"]))
    def edit(self, *, row: int, cell: str) -> None:
        """Another value in a cell: used by calls that are done, open or still to come."""
        self._values += 1
        shape = self._judge.shape
        order, orders = shape.orders[row], list(shape.orders)
        skus = {**order.skus, min(order.skus): f"s{self._values}"}
        orders[row] = (
            replace(order, amount=order.amount + 1)
            if cell == "amount"
            else replace(order, skus=skus)
        )
        self._judge.shape = replace(shape, orders=tuple(orders), sheet=plain_sheet(orders))
        (self._judge.folder / "rows.csv").write_text(self._judge.shape.sheet, encoding="utf-8")
        self._edited = True

    @precondition(lambda self: self._judge.unknown())
    @rule(which=st.integers(0, 50))
    def settle(self, *, which: int) -> None:
        """`runner settle`: one call that is open is said to be what it is."""
        self._server.await_idle()
        unknown = sorted(self._judge.unknown().items())
        name, call = unknown[which % len(unknown)]
        truth = self._judge.truth(name)
        self._judge.absent[name] += truth == ("--absent",)
        self._settled += 1
        said = ("--call", str(call.id), *truth, "--why", "looked it up", "--yes")
        child = self._start("settle", *said)
        assert child.wait() == 0, child.said("err")

    @invariant()
    def promises_are_kept(self) -> None:
        """After each rule."""
        self._server.await_idle()
        self._judge.check_deliveries()
        assert not self._judge.broken, self._judge.broken

    def _take(self, *arguments: str, kill: int | None) -> None:
        """A run that may be killed at a request."""
        started, children = threading.Event(), list[Child]()
        at = None if kill is None else len(self._server.deliveries()) + kill

        def look(delivery: Delivery) -> None:
            if delivery.number == at:
                started.wait()
                children[0].kill()

        self._server.on_receipt = look
        children.append(self._start(*arguments, "--workers", "1"))
        started.set()
        code = children[0].wait()
        self._server.on_receipt = None
        if code == -9:
            self._kills += 1
            self._judge.after_crash()
            return
        assert code in (0, 4, 5, 8), children[0].said("err")
        self._judge.after_end(code)

    def _start(self, *arguments: str) -> Child:
        return self.forks.start(self._judge.folder, arguments, environment=ENVIRONMENT)


def live(lives: int, forks: Forks, *, draw: int, scratch: Path | None = None) -> Figures:
    """So many lives of the machine, each of up to 15 rules, by the seed `draw`. Raises with the shortest that fails."""
    chosen = settings(
        max_examples=lives, stateful_step_count=15, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    figures = Figures()
    machine = type("Life", (Machine,), {"forks": forks, "scratch": scratch, "figures": figures})
    run_state_machine_as_test(seed(draw)(machine), settings=chosen)
    return figures
