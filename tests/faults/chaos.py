"""A server whose faults are drawn from a seed, and the names of what is sent to it, whatever ids it gives.

A fault hangs on what is sent and on how often it came, not on when it comes: threads and kills change the order of
requests from run to run, and the same seed is to mean the same faults all the same.
"""

from __future__ import annotations

import json
import random
import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from faults import actions
from faults.server import Action, Delivery, Exchange, FaultServer, behave, respond

LONGEST_DELAY = 0.03
"""Seconds that a slow answer may take; what it creates is created after them, whether or not somebody waits."""

WRITES: Mapping[str, float] = {
    "slow": 0.06, "answer lost": 0.03, "request lost": 0.02, "reset": 0.02, "500 after": 0.02, "503 before": 0.01,
    "cut short": 0.01, "html": 0.01, "throttled": 0.02, "refused": 0.01, "refusal cut short": 0.01,
    "hinted": 0.03, "twice": 0.03, "twice at once": 0.02, "id again": 0.03,
}  # fmt: skip
"""What happens to a write, and how often; otherwise nothing does."""

READS: Mapping[str, float] = {
    "stale": 0.06, "500": 0.005, "closed": 0.005, "hinted": 0.03, "twice at once": 0.03, "twice soon": 0.03,
}  # fmt: skip

REFUSALS = ("throttled", "refused")
"""Whole answers that say that nothing was carried out: what was refused may be sent again."""


UPDATE = "profile/update"
"""The step whose writes change what is there: what is kept in step."""

_UNSEEN = ("Mn", "Cf", "Cc", "Zs")

_PROFILE = "P-"
"""How the names of customers begin that are kept in step, each for the row whose reference follows."""


class Name(NamedTuple):
    """What a write is for: its step, and the row, item or value in words that the recipe puts into every body."""

    step: str
    what: str


def plain(text: str) -> str:
    """A text as a person reads it, up to the first slash: without accents, case, spaces and kinds of dashes.

    By means of its own: two spellings of what was sent are one here, whatever the command makes of them.
    """
    head, slash, rest = text.partition("/")
    letters = (
        each
        for each in unicodedata.normalize("NFKD", head)
        if unicodedata.category(each) not in _UNSEEN
    )
    shown = "".join("-" if unicodedata.category(each) == "Pd" else each for each in letters)
    return shown.upper() + slash + rest


def name_of(path: str, body: str) -> Name:
    """The name of a write by its path below the API and its body."""
    step, what = _name_of(path, json.loads(body))
    return Name(step, plain(what))


def _name_of(path: str, sent: Mapping[str, str]) -> Name:
    if path == "/customers":
        name: str = sent["name"]
        return (
            Name("profile", name.removeprefix(_PROFILE))
            if name.startswith(_PROFILE)
            else Name("customer", name)
        )
    if re.fullmatch("/customers/[0-9]+", path):
        return Name(UPDATE, sent["notes"].partition(" ")[0])
    if path == "/orders":
        return Name("order", sent["reference"])
    if re.fullmatch("/orders/[0-9]+/lines", path):
        return Name("line", sent["sku"])
    assert re.fullmatch("/orders/[0-9]+/payments", path), path
    return Name("payment", sent["reference"])


class Chaos:
    """The faults of one server, so many times as `often` as usual. `refused`: the numbers of deliveries that were.

    `upcoming` are faults that the next writes meet in any case. `alone`: requests come one after another, so that a
    command which sends one has recorded what came of those before; only then can an answer have the id of another one.
    """

    def __init__(
        self, server: FaultServer, seed: int, *, often: float, alone: bool = False
    ) -> None:
        self.refused: set[int] = set()
        self.upcoming: list[str] = []
        self.recorded: dict[str, int] = {}
        """The id of the last answer to a create in a collection that the present process has received."""
        self.alone = alone
        self._server, self._seed, self._often = server, seed, often
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()
        for method in ("GET", "POST", "PUT"):
            server.on(method, ".*", self)

    def deliveries(self) -> Counter[Name]:
        """How often each write arrived that was not refused, from the server's log."""
        found = (d for d in self._server.writes() if d.number not in self.refused)
        return Counter(name_of(delivery.path, delivery.body) for delivery in found)

    def made(self) -> Counter[Name]:
        """How often each write was carried out; an update once, where it shows."""
        seeded = self._server.shop.seeded
        found = Counter(self.ids().values())
        for each in self._server.shop.objects.get("/customers", ()):
            if str(each["id"]) in seeded and each != seeded[str(each["id"])]:
                found[Name(UPDATE, name_of("/customers", json.dumps(each)).what)] += 1
        return found

    def profile(self, what: str) -> dict[str, Any]:
        """What is kept in step for a row, as it is now; empty where there is nothing yet."""
        found = self._server.shop.objects.get("/customers", ())
        return next((each for each in found if each["name"] == _PROFILE + what), {})

    def ids(self) -> dict[str, Name]:
        """What was carried out, by the id that it got."""
        objects = self._server.shop.objects
        return {
            str(each["id"]): name_of(path, json.dumps(each))
            for path in list(objects)
            for each in objects[path]
        }

    def __call__(self, exchange: Exchange) -> bool:
        request = exchange.request
        fault = self._draw(request)
        if fault in REFUSALS:
            self.refused.add(request.number)
        if request.method == "POST" and self.alone and fault in ("", "id again"):
            return self._create(exchange, again=bool(fault))
        return _ACTIONS.get(fault, behave)(exchange)

    def _create(self, exchange: Exchange, *, again: bool) -> bool:
        """Create an object; with `again` it is answered with the id of the last one in its collection."""
        request = exchange.request
        made = exchange.server.shop.create(request.path, request.json())
        shown = self.recorded.setdefault(request.path, made["id"]) if again else made["id"]
        self.recorded[request.path] = shown
        return respond(exchange, 201, {**made, "id": shown})

    def _draw(self, request: Delivery) -> str:
        write = request.is_write
        name = (
            name_of(request.path, request.body)
            if write
            else (request.path, *sorted(request.query.items()))
        )
        with self._lock:
            self._seen[tuple(map(str, name))] += 1
            nth = self._seen[tuple(map(str, name))]
            if write and self.upcoming:
                return self.upcoming.pop(0)
        kinds = {kind: share * self._often for kind, share in (WRITES if write else READS).items()}
        if random.Random(f"{self._seed} {name}").random() < kinds.pop("refused", 0):
            return "refused"  # for good: what an API does not like today it does not like tomorrow
        names, shares = [*kinds, ""], [*kinds.values(), 1 - sum(kinds.values())]
        return random.Random(f"{self._seed} {name} {nth}").choices(names, shares)[0]


def _slow(exchange: Exchange) -> bool:
    exchange.server.closing.wait(random.uniform(0, LONGEST_DELAY))
    return behave(exchange)


def _stale(exchange: Exchange) -> bool:
    """A list that does not show yet what was created, or an object that does not show yet how it was changed."""
    request, shop = exchange.request, exchange.server.shop
    last = request.path.rpartition("/")[2]
    if last.isdigit():
        return (
            actions.answer(200, shop.before[last])(exchange)
            if last in shop.before
            else behave(exchange)
        )
    if any(str(each["id"]) in shop.seeded for each in shop.find(request.path, request.query)):
        return behave(exchange)  # what was there all the time is shown
    return actions.answer(
        200, [] if last == "payments" else {last: [], "total_results": 0, "links": {}}
    )(exchange)


_ACTIONS: Mapping[str, Action] = {
    "slow": _slow,
    "answer lost": actions.committed(actions.close()),
    "request lost": actions.close(),
    "reset": actions.committed(actions.reset()),
    "500 after": actions.committed(actions.answer(500)),
    "503 before": actions.answer(503),
    "cut short": actions.committed(actions.truncated(201)),
    "html": actions.committed(actions.html(201)),
    "refusal cut short": actions.committed(actions.truncated(422)),
    "hinted": actions.hinted(),
    "twice": actions.twice(delay=0.05),
    "twice at once": actions.twice(),
    "twice soon": actions.twice(delay=0.005),
    "throttled": actions.throttle("0"),
    "refused": actions.answer(422),
    "stale": _stale,
    "500": actions.answer(500),
    "closed": actions.close(),
}
