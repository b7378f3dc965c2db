"""What every row of a run shares. Nothing in it changes from row to row but the once_per results and the pace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from runner.catalogue import (
    ArgumentError,
    Catalogue,
    Operation,
    Request,
    build_request,
    container_of,
    credentials_sent,
)
from runner.config.masking import Mask
from runner.engine.calls.identity_changes import Past
from runner.engine.calls.parents import Created
from runner.engine.calls.searches import Searches
from runner.engine.events import PlannedCall, Reporter
from runner.engine.limits import Pace
from runner.engine.once_per import OncePer
from runner.engine.paid import Paid
from runner.engine.past.claims import Asked, Claims
from runner.engine.past.other_uses import Others
from runner.engine.sending.retry import Budget
from runner.engine.stop import Stop
from runner.journal import AgainRecord, CallRecord, History, Identity, Journal
from runner.journal.records import OPEN, SETTLED
from runner.problems import WITHHELD
from runner.recipe.containment import Parents, possible_parents, searched_parents
from runner.recipe.model import Recipe, Step
from runner.rows import Row
from runner.template import Tree, renderer

if TYPE_CHECKING:
    from runner.transport.client import Transport


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


WITHHELD_REASON = (
    "a credential of an earlier answer is needed, and none is kept: only the run that was given it has it; "
    "an operation that signs in is declared to read (x-runner-effect: read), and is sent again"
)


class Connection(NamedTuple):
    """The way to one API of the target. A dry run has no transport and no pace.

    `hits_per_day` is how many requests the account may make in a UTC day, None where there is no such limit.
    """

    base_url: str
    transport: Transport | None = None
    pace: Pace | None = None
    hits_per_day: int | None = None


@dataclass(frozen=True)
class Context:
    """A run or a dry run. `journal` is None in a dry run, which therefore cannot send."""

    recipe: Recipe
    catalogue: Catalogue
    account: str
    run: int
    scope: Mapping[str, Any]
    connections: Mapping[str, Connection]
    history: History
    journal: Journal | None
    emit: Reporter
    once: OncePer
    stop: Stop
    budget: Budget
    again: Mapping[str, AgainRecord] = field(default_factory=dict)
    """The rows, by key, that somebody wants to be sent once more."""
    twins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The keys, by row or once, that are one identity with another key under which something was sent, too."""
    heirs: Mapping[str, str] = field(default_factory=dict)
    """The key of the row that continues each former key that several rows have; empty where that is not known."""
    past: Past = field(default_factory=Past)
    others: Others = field(default_factory=Others)
    """Other recipe names and accounts that may have sent what this recipe sends."""
    asked: Asked | None = None
    """What the run asks for, where earlier runs have sent something."""
    fresh: bool = False
    """Whether lists that earlier runs have kept are read anew."""
    created: Created = field(default_factory=Created, repr=False)
    """What this recipe has created, now and before."""
    paid: Paid = field(default_factory=Paid, repr=False)
    """The money that other recipe names have moved."""
    searches: Searches = field(default_factory=Searches, repr=False)
    """The searches before creates that are in flight."""
    named: bool = False
    """Whether the result of a planned row has the values that `let` names."""
    strict: bool = False
    """Whether a row is rejected when one of its outputs cannot be computed."""
    mask: Mask = field(default_factory=Mask, repr=False)
    """What takes secrets, and credentials that answers bring, out of all that is stored and told."""
    mappings: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """The entries of lookups from files, by the names of the lookups."""

    _renderers: dict[int, tuple[Callable[[Mapping[str, Any]], Any], Tree]] = field(
        default_factory=dict, repr=False
    )

    _parents: dict[str, Parents] = field(default_factory=dict, repr=False)

    def parents(self, step: Step, operation: Operation) -> Parents:
        """What a step may create something in."""
        found = self._parents.get(step.id)
        if found is None:
            named = searched_parents(self.recipe, step, operation)
            others = possible_parents(self.recipe, step, self.catalogue, named=named)
            found = self._parents[step.id] = Parents(container_of(operation), named, others)
        return found

    def render(self, tree: Tree, scope: Mapping[str, Any]) -> Any:
        """A tree of the recipe rendered, which every row does. Raises EvaluationError."""
        found = self._renderers.get(id(tree))
        if found is None:  # the tree is kept with it, so that its id stays its own
            found = self._renderers[id(tree)] = renderer(tree), tree
        return found[0](scope)

    def request(self, operation: Operation, arguments: Mapping[str, Any]) -> Request:
        """The request for an operation of the target, on the day of the run. Raises ArgumentError.

        Its credentials are taken out of all that is stored and told from now on.
        """
        for each in credentials_sent(operation, arguments):
            self.mask.learn(each)
        base_url = self.connections[operation.api].base_url
        request = build_request(
            operation, arguments, base_url=base_url, today=self.scope["run"]["date"]
        )
        if request.known and (WITHHELD in (request.text or "") or quote(WITHHELD) in request.url):
            named = [name for name, value in arguments.items() if WITHHELD in str(value)]
            raise ArgumentError([((name,), WITHHELD_REASON) for name in named])
        return request
