"""What was there before a write was sent: noted with its intent, so that what is new afterwards can be told apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runner.catalogue import Operation, is_id, parse_json, to_json
from runner.exact import exact_sum

MOST_IDS = 1000
"""Ids that are noted of one list; of a longer one, nobody can say later what is new in it."""


@dataclass(frozen=True)
class Before:
    """The search that was made before a write, with its rendered arguments, so that it can be made again.

    For a payment also all that it listed: `count` objects, their `ids` as text (the first MOST_IDS; None where no
    money moves) and the `total` of their amounts, None where one of them has none. `nameless` objects have no id.
    `seen` are the ids of all objects that the search has listed, which are not kept.
    """

    operation: str
    arguments: Mapping[str, Any]
    ids: tuple[str, ...] | None = None
    count: int = 0
    total: Decimal | None = None
    nameless: int = 0
    seen: Collection[str] = ()

    @property
    def complete(self) -> bool:
        """Whether each of the objects that were there can be recognized."""
        return self.ids is not None and not self.nameless and self.count == len(self.ids)

    def text(self) -> str:
        """As the journal keeps it."""
        known: dict[str, Any] = {"use": self.operation, "with": self.arguments}
        if self.ids is not None:
            known |= {
                "count": self.count,
                "total": self.total,
                "ids": list(self.ids),
                "nameless": self.nameless,
            }
        return to_json(known).decode()


def read_before(text: str) -> Before | None:
    """What `text` made of it; None for a call before which no search was noted."""
    if not text:
        return None
    known = parse_json(text.encode())
    ids = tuple(known["ids"]) if "ids" in known else None
    total = known.get("total")
    return Before(
        known["use"], known["with"], ids, known.get("count", 0), None if total is None else Decimal(total),
        known.get("nameless", 0),
    )  # fmt: skip


@dataclass
class Listed:
    """Takes the objects of a list as they come, and adds them up for a `Before`."""

    operation: Operation
    ids: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    count: int = 0
    nameless: int = 0
    total: Decimal | None = Decimal(0)

    def add(self, item: Any) -> None:
        """One object of the list."""
        self.count += 1
        name = id_of(self.operation, item)
        self.seen.add(name)
        if not name:
            self.nameless += 1
        elif len(self.ids) < MOST_IDS:
            self.ids.append(name)
        amount = item.get(self.operation.money) if isinstance(item, Mapping) else None
        if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
            self.total = None
        elif self.total is not None:
            self.total = exact_sum((self.total, amount))

    def before(self, search: str, arguments: Mapping[str, Any]) -> Before:
        """All of it where the operation moves money, else the search and what it has seen."""
        if not self.operation.money:
            return Before(search, arguments, seen=self.seen)
        ids = tuple(self.ids)
        return Before(search, arguments, ids, self.count, self.total, self.nameless, self.seen)


def id_of(operation: Operation, item: Any) -> str:
    """What the API calls an object that `operation` creates, as text; empty where it does not say."""
    value = item.get(operation.id_field or "id") if isinstance(item, Mapping) else None
    known = is_id(value) or isinstance(
        value, Decimal
    )  # a journal may hold what an older version took
    return str(value) if known else ""


def has_bad_id(operation: Operation, item: Any) -> bool:
    """Return whether an object has the field that names it, with what names nothing: zero, null, an empty text."""
    field = operation.id_field or "id"
    return isinstance(item, Mapping) and field in item and not id_of(operation, item)


def new_since(before: Before, operation: Operation, items: Sequence[Any]) -> list[Any] | None:
    """The objects that were not there before; None when that cannot be told."""
    if before.count == 0 and before.ids is not None:
        return list(items)
    if not before.complete or not all(id_of(operation, item) for item in items):
        return None
    known = frozenset(before.ids or ())
    return [item for item in items if id_of(operation, item) not in known]
