"""A year of a project: its sheet, its recipe and its journal change between runs that are killed, and it is judged.

Good edits (another spelling, a workbook for a CSV file, a step renamed or split with `was`, a key improved with
`key_was`) have to change nothing; an edit that loses something that was sent has to set its row aside (edits.py); and a
run whose journal does not know the past has to be refused before its first request (refusals.py). After each edit the
command is run, killed and resumed as in trial.py.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from faults.changing import Draft, Form, Item, Order
from faults.chaos import Name, plain
from faults.forks import Child, Forks
from faults.judge import Judge
from faults.ledger import Ledger
from faults.server import FaultServer
from faults.shapes import ENVIRONMENT, Shape
from faults.trial import RUN, Figures, Life

SEARCHED = ("customer", "order", "payment")
MOST_EVENTS = 7
REMEDIES = {"undeclared name": "part", "undeclared setups": "split"}
"""Forms of the step that adds the lines, and the form that adds the missing `was`."""


class Year(Life):
    """One year. `draft` is the project as it is now, `folder` its folder and `log` the folder around it."""

    judge: Ledger

    def __init__(
        self, seed: int, forks: Forks, folder: Path, *, kinds: Mapping[str, Event], fault: str = ""
    ) -> None:
        self.draw = random.Random(f"year {seed}")
        super().__init__(seed, forks, folder, draw=self.draw, fault=fault)
        self.log = folder
        self.draft = self._complete = draw_draft(self.draw)
        self.workers = self.draft.workers
        self._runs = 0
        self._kinds = kinds

    def run(self) -> Figures:
        """The whole year."""
        with FaultServer(self.log) as server:
            self.draft.write(self.folder, server.url)
            chaos = self._chaos(server, often=self.draft.faults)
            shape = Shape(self.workers, (), frozenset(), False, (), "", 0)  # noqa: FBT003 - in order
            self.judge = Ledger(self.folder, server, chaos, shape, draft=self.draft)
            self._use()
            for _ in range(self.draw.randint(3, MOST_EVENTS)):
                if not self.judge.broken:
                    self._kinds[self.draw.choice(list(self._kinds))](self)
            unknown, settled = len(self.judge.unknown()), 0
            if not self.judge.broken:
                self.edit(self.completed())
            if not self.judge.broken:
                self._until_quiet(self.judge)
                settled = self._settle(self.judge)
            return self._figures(self.judge, settled=settled, unknown=unknown)

    @property
    def folder(self) -> Path:
        """Where the project is now."""
        return self._folder

    def start(self, *arguments: str, folder: Path | None = None) -> Child:
        """The command in the project's folder, or in another one of the same machine."""
        environment = {**ENVIRONMENT, "XDG_STATE_HOME": str(self.log / "state")}
        return self._forks.start(
            folder or self.folder, arguments, environment=environment, fault=self._fault
        )

    def edit(self, draft: Draft) -> None:
        """Change the project, run it, kill it, and resume it, at times until it is quiet."""
        if not self.judge.broken:
            self._change(draft)
            self._use()

    def add_row(self) -> None:
        """Add a row to the sheet, so that there is something left to send."""
        added = draw_order(self.draw, len(self._complete.orders), like=self.draft.orders[0])
        self._complete = replace(self._complete, orders=(*self._complete.orders, added))
        self._change(replace(self.draft, orders=(*self.draft.orders, added)))

    def kill_once(self) -> None:
        """Begin or resume a run, and kill it."""
        if not self.judge.broken:
            self.judge.server.await_idle()
            self._run_and_kill(self.judge, self.judge.server)

    def run_part(self, *arguments: str) -> None:
        """Run the rows that these arguments name, to the end."""
        if not self.judge.broken:
            self.judge.partial = True
            self._begin(self.judge)
            child = self.start(*RUN, "--workers", str(self.workers), *arguments)
            self._ended(self.judge, child, child.wait())
            self.judge.partial = False

    def move(self, folder: Path) -> None:
        """Move the project, with its runs."""
        self.judge.server.await_idle()
        self._folder = self.judge.folder = self._folder.rename(folder)

    def completed(self) -> Draft:
        """The project with all that was lost from its sheet, in the present form of its recipe with all of `was`."""
        form = self.draft.form
        form = replace(form, closed=False, lines=REMEDIES.get(form.lines, form.lines))
        return replace(self.draft, orders=self._complete.orders, form=form)

    def refuse(
        self, code: int, words: str, *, command: tuple[str, ...] = RUN, folder: Path | None = None
    ) -> None:
        """Run it, which has to end with `code` and these words before the first request."""
        before = len(self.judge.server.deliveries())
        child = self.start(*command, "--workers", str(self.workers), folder=folder)
        ended, said = child.wait(), child.said("err")
        self.judge.server.await_idle()
        sent = len(self.judge.server.deliveries()) - before
        if ended != code or words not in said or sent:
            self.judge.broken.append(
                f"G25: to be refused with {code} and {words!r}, and it ended with {ended} after {sent} "
                f"requests: {said[-500:]}"
            )

    @contextmanager
    def meanwhile(self, draft: Draft, *, url: str = "", account: str = "acme") -> Iterator[None]:
        """Another project in the place of the project, for a while."""
        draft.write(self.folder, url or self.judge.server.url, account=account)
        yield
        self.draft.write(self.folder, self.judge.server.url)

    def _change(self, draft: Draft) -> None:
        self.judge.server.await_idle()
        self.draft = self.judge.draft = draft
        draft.write(self.folder, self.judge.server.url)
        self._runs = len(self.judge.runs())
        self.judge.begin()

    def _use(self) -> None:
        for _ in range(self.draw.randint(0, 2)):
            if not self.judge.broken:
                self._run_and_kill(self.judge, self.judge.server)
        if self.draw.random() < 0.5 and not self.judge.broken:
            self._until_quiet(self.judge)

    def _may_resume(self, judge: Judge) -> bool:
        return len(judge.runs()) > self._runs

    def _wanted(self) -> Mapping[str, set[Name]]:
        """As ever, but for rows that hold what nothing asks for: they stay as they are."""
        unclaimed = self.judge.unclaimed()
        orders = (each for each in self.draft.orders if not unclaimed.get(plain(each.ref)))
        return {order.ref: set(self.draft.names(order)) for order in orders}


Event = Callable[[Year], None]
"""Something that happens to a project in its year."""


def draw_draft(draw: random.Random) -> Draft:
    """A project of a few rows, with accents, dashes and spaces in what names them, or with numbers."""
    first = draw_order(draw, 0, like=None)
    orders = (first, *(draw_order(draw, n, like=first) for n in range(1, draw.randint(2, 6))))
    form = Form(frozenset(each for each in SEARCHED if draw.random() < 0.3), draw.random() < 0.5)
    return Draft(draw.choice([1, 1, 2, 4]), draw.choice([0, 0.5, 1, 2]), form, orders)


def draw_order(draw: random.Random, number: int, *, like: Order | None) -> Order:
    """The row of a number, its reference written `like` that of another row."""
    digits = draw.random() < 0.3 if like is None else like.ref.isdigit()
    kinds = ["product", *draw.choices(["product", "setup"], k=draw.randint(0, 3))]
    draw.shuffle(kinds)
    items = tuple(Item(f"s{at}", kind) for at, kind in enumerate(kinds))
    amounts = [Decimal(draw.randint(1, 99999)) / 100 for _ in range(2)]
    amount, deposit = draw.choice([Decimal(0), amounts[0]]), draw.choice([None, amounts[1]])
    customer = f"Kundé {draw.randrange(number + 1)}"
    ref = str(1000 + number) if digits else f"PÖ-{number}"
    return Order(ref, f"Clïent {number}", customer, amount, deposit, items)


def live_year(
    seed: int, forks: Forks, *, kinds: Mapping[str, Event], fault: str = "", scratch: Path | None = None
) -> Figures:  # fmt: skip
    """One year in a folder of its own below `scratch`, which is removed afterwards. `kinds` are drawn from."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix=f"year-{seed}-") as folder:
        return Year(seed, forks, Path(folder), kinds=kinds, fault=fault).run()
