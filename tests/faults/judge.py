"""Whether the promises were kept: what the server was sent and made against what the command has said and recorded.

G1   no write reached the server twice, unless a person has said that it had not arrived; an update that keeps
     something in step not twice in a run, and not while what became of it is not known
G3   what was reported as done is done, and stays so whatever happens next
G4   what may have arrived is done or unknown, and nothing else; unknown is listed, and is exit code 5
G15  every line of the sheet is in exactly one bucket, under its own number and key
G21  what is made for a row is made in what was made for that row
G22  what is paid for a row that is done is what its sheet says
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from faults.chaos import UPDATE, Chaos, Name, name_of
from faults.server import FaultServer
from faults.shapes import Shape
from runner.journal import CallRecord, History
from runner.journal.records import OPEN, SETTLED, RunRecord

BUCKETS = {"done", "found", "changed", "rejected", "unknown", "not started"}


@dataclass
class Judge:
    """Looks after each crash and each end. `broken` are the promises that were not kept, in words.

    `partial`: the last run did not reach every row, and shows the others as the journal knows them, not the sheet.
    """

    folder: Path
    server: FaultServer
    chaos: Chaos
    shape: Shape
    broken: list[str] = field(default_factory=list)
    absent: Counter[Name] = field(default_factory=Counter)
    reported: dict[Name, str] = field(default_factory=dict)
    duplicates: set[Name] = field(default_factory=set)
    lost: set[Name] = field(default_factory=set)
    open_updates: Counter[Name] = field(default_factory=Counter)
    partial: bool = False

    def runs(self) -> list[RunRecord]:
        """The runs that are recorded."""
        history = History(self.folder / "runs")
        try:
            return history.runs()
        finally:
            history.close()

    def calls(self) -> dict[Name, CallRecord]:
        """Every write in the journal."""
        history = History(self.folder / "runs")
        try:
            found = [call for run in history.runs() for call in history.calls_of_run(run.id)]
        finally:
            history.close()
        return {name_of(call.url, call.body): call for call in found if call.effect != "read"}

    def unknown(self) -> dict[Name, CallRecord]:
        """The writes whose outcome is not known."""
        return {name: call for name, call in self.calls().items() if call.state in OPEN}

    @property
    def results(self) -> Path:
        """The results of the last run."""
        return self.folder / "runs" / str(self.runs()[-1].id) / "results.csv"

    def after_crash(self) -> None:
        """What was done before is done, as it was."""
        calls = self.calls()
        for name, answer in self.reported.items():
            if (
                name not in calls
                or calls[name].state not in SETTLED
                or calls[name].answer != answer
            ):
                self.broken.append(f"G3: {name} was done and is not any more")
        settled = {
            name: call.answer
            for name, call in calls.items()
            if call.state in SETTLED and name.step != UPDATE
        }
        self.reported |= settled

    def after_end(self, code: int) -> None:
        """The whole account, after a run that has ended by itself with an exit code."""
        self.server.await_idle()
        self.after_crash()
        self.check_deliveries()
        self.check_places()
        self.check_results(code)

    def check_deliveries(self) -> None:
        """G1 and G4 by the server's log, G3 by what it has made."""
        calls, delivered, made = self.calls(), self.chaos.deliveries(), self.chaos.made()
        runs = len(self.runs())
        for name, count in delivered.items():
            if count > (runs if name.step == UPDATE else 1) + self.absent[name] or made[name] > 1:
                self.duplicates.add(name)
                self.broken.append(
                    f"G1: {name} arrived {count} times and was carried out {made[name]} times"
                )
            state = calls[name].state if name in calls else "not in the journal"
            # What a person has found to be absent may since have been sent again, and refused.
            if count > self.absent[name] and state not in (*SETTLED, *OPEN):
                self.lost.add(name)
                self.broken.append(f"G4: {name} may have been carried out and is {state}")
        for name, count in self.open_updates.items():
            if delivered[name] > count + self.absent[name]:
                self.broken.append(f"G1: {name} was sent again while it was unknown")
        unknown = {
            name for name, call in calls.items() if call.state in OPEN and name.step == UPDATE
        }
        self.open_updates = Counter({name: delivered[name] - self.absent[name] for name in unknown})
        self._check_made(calls)

    def _check_made(self, calls: Mapping[Name, CallRecord]) -> None:
        """G3: what is said to be done is what the server has made or changed."""
        ids = self.chaos.ids()
        for name, call in calls.items():
            if name.step == UPDATE:
                shown = self.chaos.profile(name.what).get("notes") == json.loads(call.body)["notes"]
                if call.state in SETTLED and not shown:
                    self.broken.append(f"G3: {name} is said to be done, and does not show")
            elif call.state in SETTLED and ids.get(str(json.loads(call.answer)["id"])) != name:
                self.broken.append(
                    f"G3: {name} is said to be done, and the server has made something else"
                )

    def check_places(self) -> None:
        """G21 by what the server has made: lines and payments lie in the order of their row."""
        ids, objects = self.chaos.ids(), self.server.shop.objects
        for path in list(objects):
            _, _, order, *_ = [*path.split("/"), ""]
            for each in objects[path] if order else ():
                name = name_of(path, json.dumps(each))
                if ids.get(order) != Name("order", name.what.partition("/")[0]):
                    self.broken.append(f"G21: {name} was made in {ids.get(order)}")

    def truth(self, name: Name) -> tuple[str, ...]:
        """What a person finds who looks up what became of a write, as `runner settle` takes it."""
        made = {name: number for number, name in self.chaos.ids().items()}
        if name.step == UPDATE:
            return (
                ("--done", str(self.chaos.profile(name.what)["id"]))
                if self.chaos.made()[name]
                else ("--absent",)
            )
        return ("--done", made[name]) if name in made else ("--absent",)

    def paid(self, key: str) -> Decimal:
        """What was paid for a row, by what the server has made."""
        found = [
            each
            for path, made in self.server.shop.objects.items()
            if "payments" in path
            for each in made
        ]
        return sum(
            (Decimal(str(each["amount"])) for each in found if each["reference"] == key), Decimal(0)
        )

    def check_results(self, code: int) -> None:
        """G3, G4 and G15 by the results of the last run."""
        calls = self.calls()
        unknown = {name for name, call in calls.items() if call.state in OPEN}
        done = {name for name, call in calls.items() if call.state in SETTLED}
        with self.results.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
        if [(int(line["line"]), line["key"]) for line in lines] != sorted(self.shape.lines.items()):
            self.broken.append("G15: the lines of the results are not those of the sheet")
        buckets = {line["key"]: line["bucket"] for line in lines}
        if (
            len(buckets) != len({(line["key"], line["bucket"]) for line in lines})
            or set(buckets.values()) - BUCKETS
        ):
            self.broken.append("G15: a row is in more than one bucket, or in none that there is")
        for key, bucket in buckets.items():
            names = self.shape.names(key)
            if bucket in ("done", "found") and not self.partial:
                self._check_finished(key, bucket, names - done)
            shared = {
                name for name in names if name.step == "customer"
            }  # another row may have settled it meanwhile
            wrong = not (names & unknown or shared) if bucket == "unknown" else names & unknown
            # A row whose own try was refused stays rejected when another row's try at what they share is unknown.
            if wrong and not (bucket in ("not started", "rejected") and wrong == shared):
                self.broken.append(f"G4: {key} is {bucket}, unknown are {sorted(names & unknown)}")
        if ("unknown" in buckets.values()) != (code == 5) and code < 128:
            self.broken.append(f"G4: exit code {code} with {Counter(buckets.values())}")

    def _check_finished(self, key: str, bucket: str, missing: Collection[Name]) -> None:
        """G3 and G22: a row that is done or found is what its sheet says."""
        if missing:
            self.broken.append(f"G3: {key} is {bucket} without {sorted(missing)}")
        kept = next(order for order in self.shape.orders if order.ref == key)
        if kept.profile and self.chaos.profile(key).get("notes") != kept.notes:
            self.broken.append(f"G3: {key} is {bucket}, and is not in step")
        if bucket == "done" and self.paid(key) != self.shape.due(key):
            self.broken.append(
                f"G22: {self.paid(key)} was paid for {key} and {self.shape.due(key)} was due"
            )
