"""A step used for a row or an item, and how far its row has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runner.catalogue import Operation
from runner.engine.claims import Claims
from runner.engine.events import PlannedCall
from runner.journal import CallRecord, Identity
from runner.journal.records import OPEN, SETTLED
from runner.recipe.model import Step
from runner.rows import Row

Scope = Mapping[str, Any]


@dataclass
class Progress:
    """How far a row has come. `writes` are the states of its writes and the runs they were made in.

    `money` is what they moved, `unsettled` what calls may have moved whose outcome is unknown, and `reached` are the
    writes that the row got to, by identity. `keys` are all that the row may be on record under. `adopted` are the
    calls, by step and item, that were unknown before and have been found or sent again since. `remarks`
    are added to the reason of a row that is done.
    """

    row: Row
    prior: Mapping[tuple[str, str], CallRecord]
    claims: Claims
    keys: Sequence[str]
    planned: list[PlannedCall] = field(default_factory=list)
    writes: list[tuple[str, int]] = field(default_factory=list)
    money: Decimal = Decimal(0)
    unsettled: dict[Identity, Decimal] = field(default_factory=dict)
    reached: set[Identity] = field(default_factory=set)
    adopted: set[tuple[str, str]] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for call in self.prior.values():
            if call.is_open:
                self.unsettled[call.identity] = Decimal(call.amount or 0)

    @property
    def open_call(self) -> CallRecord | None:
        """A write of before whose outcome is still unknown, whether or not the recipe or the sheet gets to it."""
        if not self.prior:  # most rows are new
            return None
        writes = (
            call
            for name, call in self.prior.items()
            if call.effect != "read" and name not in self.adopted
        )
        return next((call for call in writes if call.state in OPEN), None)

    @property
    def has_written(self) -> bool:
        """Whether a write of this row may have gone out before this run: then its reads keep their answers."""
        return any(
            call.effect != "read" and call.state in (*SETTLED, *OPEN)
            for call in self.prior.values()
        )


@dataclass
class Use:
    """A step used for one row or item: what it sees, which call it is, and its position under `for_each`.

    `places` are the steps and items that its call may be on record under, its own first; `arguments` are those of its
    `with`, once they are rendered; `search` names its `unless_found` while that is held.
    `body` is what is sent, as plain data.
    """

    step: Step
    operation: Operation
    scope: Scope
    identity: Identity
    position: int | None = None
    undecided: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    places: Sequence[tuple[str, str]] = ()
    body: Any = None
    search: str = ""

    def __post_init__(self) -> None:
        if not self.places:
            item = self.identity.item
            self.places = tuple((name, item) for name in self.step.names)
