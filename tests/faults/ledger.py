"""The judge of a project that changes: by the content of what the server was sent, whatever it was recorded under.

G1   no content is sent twice, under whatever key, step, item or spelling
G24  another spelling, another file format and a declared change of the recipe change nothing
G26  a write on record that is no longer asked for sets its row aside, and nothing more is sent for that row
G27  the results agree with the journal, and no row is changed, rejected or unknown without a reason
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from faults.changing import Draft, Order
from faults.chaos import Name, name_of, plain
from faults.judge import Judge
from runner.journal import CallRecord, History
from runner.journal.records import OPEN, SETTLED


@dataclass
class Ledger(Judge):
    """Judges a project in its present draft. `closed`: what was sent for the rows of which nothing more may be sent."""

    draft: Draft = field(kw_only=True)
    closed: dict[str, Counter[Name]] = field(default_factory=dict)

    def records(self) -> list[CallRecord]:
        """Every write in the journal."""
        history = History(self.folder / "runs")
        try:
            found = [call for run in history.runs() for call in history.calls_of_run(run.id)]
        finally:
            history.close()
        return [call for call in found if call.effect != "read"]

    def calls(self) -> dict[Name, CallRecord]:
        """The outcome of each write; of several identities the one that was, or may have been, carried out."""
        found = self.records()
        found.sort(key=lambda call: (call.state in SETTLED, call.state in OPEN))
        return {name_of(call.url, call.body): call for call in found}

    def begin(self) -> None:
        """Note what was sent so far for the rows that the project in its present draft has to set aside."""
        unclaimed, sent = self.unclaimed(), self.chaos.deliveries()
        self.closed = {
            ref: Counter({name: count for name, count in sent.items() if _is_of(name, ref)})
            for ref in (plain(order.ref) for order in self.draft.orders)
            if unclaimed.get(ref) and not self._may_be_found(unclaimed[ref])
        }

    def unclaimed(self) -> dict[str, list[CallRecord]]:
        """The writes that were or may have been carried out and that nothing asks for now, by row."""
        orders = {plain(order.ref): order for order in self.draft.orders}
        found: dict[str, list[CallRecord]] = {}
        for call in self.records():
            name = name_of(call.url, call.body)
            ref = name.what.partition("/")[0]
            sent = call.state == "done" or call.state in OPEN
            if call.identity.per == "row" and sent and not self._claims(orders[ref], name, call):
                found.setdefault(ref, []).append(call)
        return found

    def _claims(self, order: Order, name: Name, call: CallRecord) -> bool:
        step = call.identity.step.partition("/")[0]
        if step not in self.draft.names(order).get(name, ()):
            return False
        if plain(call.identity.key) not in self.draft.keys(order):
            return False
        return name.step != "line" or call.identity.item == self.draft.item(order, name, step)

    def _may_be_found(self, unclaimed: Collection[CallRecord]) -> bool:
        """Return whether the row's search may find what these created: nothing but their keys has changed."""
        asked = {plain(order.ref): self.draft.names(order) for order in self.draft.orders}
        names = (name_of(call.url, call.body) for call in unclaimed)
        return "order" in self.draft.form.searched and all(
            name in asked[name.what.partition("/")[0]] for name in names
        )

    def check_deliveries(self) -> None:
        """G1 and G4 by content, and G26: nothing was sent for a row that is set aside."""
        super().check_deliveries()
        sent = self.chaos.deliveries()
        for ref, before in self.closed.items():
            more = Counter({name: n for name, n in sent.items() if _is_of(name, ref)}) - before
            if more:
                self.broken.append(f"G26: {sorted(more)} were sent for {ref}, which is set aside")

    def check_results(self, code: int) -> None:
        """G3, G4, G15, G22, G24, G26 and G27 by the results of the last run."""
        with self.results.open(encoding="utf-8-sig", newline="") as file:
            lines = {int(line["line"]): line for line in csv.DictReader(file)}
        numbered = self.draft.numbered()
        if set(lines) != set(numbered):
            self.broken.append("G15: the lines of the results are not those of the sheet")
            return
        calls, unclaimed = self.calls(), self.unclaimed()
        unknown = {name for name, call in calls.items() if call.state in OPEN}
        done = {name for name, call in calls.items() if call.state in SETTLED}
        for number, line in lines.items():
            order = numbered[number]
            lost = unclaimed.get(plain(order.ref), ())
            if plain(line["key"]) not in self.draft.keys(order):
                self.broken.append(f"G15: line {number} is of {order.ref}, not of {line['key']}")
            if line["bucket"] in ("changed", "rejected", "unknown") and not line["reason"]:
                self.broken.append(f"G27: {order.ref} is {line['bucket']} without a reason")
            if lost and code != 8 and not self.partial:
                self._check_set_aside(order, line, lost)
            elif not lost and not self.partial:
                self._check_row(order, line, done)
            self._check_unknown(order, line["bucket"], lost, unknown)
        buckets = Counter(line["bucket"] for line in lines.values())
        if (buckets["unknown"] > 0) != (code == 5):
            self.broken.append(f"G4: exit code {code} with {buckets}")
        if buckets["changed"] + buckets["rejected"] and code == 0:
            self.broken.append(f"G26: exit code 0 with {buckets}")

    def _check_set_aside(
        self, order: Order, line: Mapping[str, str], lost: Collection[CallRecord]
    ) -> None:
        due = {"changed", "unknown", *(["rejected"] if self._may_be_found(lost) else [])}
        if line["bucket"] not in due:
            places = [(call.identity.step, call.identity.item, call.identity.key) for call in lost]
            self.broken.append(
                f"G26: {order.ref} is {line['bucket']} ({line['reason']}), and nothing asks for {places} any more"
            )

    def _check_row(self, order: Order, line: Mapping[str, str], done: Collection[Name]) -> None:
        bucket, names = line["bucket"], set(self.draft.names(order))
        if bucket == "changed":
            self.broken.append(
                f"G24: {order.ref} is changed, and all that was sent is asked for: {line['reason']}"
            )
        if bucket in ("done", "found") and names - set(done):
            self.broken.append(f"G3: {order.ref} is {bucket} without {sorted(names - set(done))}")
        paid, due = self.paid(plain(order.ref)), _due(order, names)
        if bucket == "done" and paid != due:
            self.broken.append(f"G22: {paid} was paid for {order.ref} and {due} was due")

    def _check_unknown(
        self, order: Order, bucket: str, lost: Collection[CallRecord], unknown: Collection[Name]
    ) -> None:
        """As in Judge: a row is unknown when something of it is, or of what it shares with other rows.

        Of what is unknown under another key, as before a cell of the key was corrected, the row need not be unknown.
        """
        keys = self.draft.keys(order)
        others = {
            name_of(each.url, each.body) for each in lost if plain(each.identity.key) not in keys
        }
        own = {name for name in unknown if _is_of(name, plain(order.ref))} - others
        shared = set(unknown) & set(self.draft.names(order)) - own
        if own and bucket != "unknown":
            self.broken.append(f"G4: {order.ref} is {bucket}, unknown are {sorted(own)}")
        if bucket == "unknown" and not (own or shared or lost or self._shares(order)):
            self.broken.append(f"G4: {order.ref} is unknown, and nothing of it is")

    def _shares(self, order: Order) -> bool:
        """Return whether another row may have settled meanwhile what this one shares."""
        return sum(plain(each.customer) == plain(order.customer) for each in self.draft.orders) > 1

    def paid(self, key: str) -> Decimal:
        """The sum that was paid for a row, its deposit included, by what the server has created."""
        collections = self.server.shop.objects.items()
        payments = [each for path, made in collections if "payments" in path for each in made]
        own = (each for each in payments if plain(each["reference"]).partition("/")[0] == key)
        return sum((Decimal(str(each["amount"])) for each in own), Decimal(0))


def _is_of(name: Name, ref: str) -> bool:
    return name.step != "customer" and name.what.partition("/")[0] == ref


def _due(order: Order, names: Collection[Name]) -> Decimal:
    payment = Name("payment", plain(order.ref))
    return (order.amount if payment in names else Decimal(0)) + (order.deposit or Decimal(0))
