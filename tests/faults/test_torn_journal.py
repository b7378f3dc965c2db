"""The power goes: what the journal is then, torn in every way that a disk may tear it, and going on from there.

What was synced before a send is on the disk; of what was written after it, any part may be. So whatever was sent is
known, and the call that was last sent is unknown. A disk that says that it has synced and has not is not covered.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from faults.bench import Bench, table
from faults.server import Delivery, FaultServer
from runner.journal.records import OPEN

STEPS = """\
steps:
  - id: customer
    use: shop.create_customer
    once_per: "'all'"
    with: {name: "everybody"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: 12.10, reference: "{{ row.ref }}"}
"""
SHEET = table("ref", *"AB")


@dataclass(frozen=True)
class State:
    """The files of the journal at one moment."""

    database: bytes
    log: bytes

    @staticmethod
    def of(folder: Path) -> State:
        """As it is now."""
        return State(*((folder / f"journal.sqlite{end}").read_bytes() for end in ("", "-wal")))

    def write(self, folder: Path) -> None:
        """A journal in this state."""
        folder.mkdir()
        (folder / "journal.sqlite").write_bytes(self.database)
        (folder / "journal.sqlite-wal").write_bytes(self.log)


def torn(state: State, following: State) -> Iterator[State]:
    """What the disk may hold when the power goes between two syncs."""
    assert following.database == state.database  # nothing was moved out of the log meanwhile
    assert following.log.startswith(state.log)
    synced, written = len(state.log), len(following.log)
    draw = random.Random(synced)
    for length in {
        synced,
        synced + 1,
        written - 1,
        *(draw.randrange(synced, written) for _ in range(4)),
    }:
        yield State(state.database, following.log[:length])
        unwritten = following.log[:length] + bytes(written - length)
        if unwritten != following.log:
            yield State(state.database, unwritten)
    yield State(state.database, following.log[:synced] + draw.randbytes(written - synced))


def test_going_on_from_a_torn_journal_sends_nothing_twice(
    server: FaultServer, bench: Bench, tmp_path: Path
) -> None:
    states: list[State] = []

    def look(delivery: Delivery) -> None:
        states.append(State.of(bench.folder))

    server.on_receipt = look
    bench.run(STEPS, SHEET)
    server.on_receipt = None
    writes = server.writes()
    assert len(states) == len(writes) == 5
    for count, (state, following) in enumerate(itertools.pairwise(states), start=1):
        sent = {(write.path, write.body) for write in writes[:count]}
        for number, each in enumerate(torn(state, following)):
            folder = tmp_path / f"{count}-{number}"
            each.write(folder)
            before = len(server.writes())
            other = Bench(folder, server.url)
            ran = other.run(STEPS, SHEET, resume=1)
            again = {(write.path, write.body) for write in server.writes()[before:]}
            assert not again & sent, "sent before the power went, and again after it"
            last = writes[count - 1]
            (call,) = (
                c for c in other.calls().values() if (c.url, c.body) == (last.path, last.body)
            )
            assert call.state in OPEN
            assert ran.ended.exit_code == 5
            other.close()
