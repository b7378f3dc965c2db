"""One row: its steps in order. A run and a dry run are this same path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from runner.catalogue import Operation, of_answer, of_entry
from runner.engine.calls.dry_reads import Looker
from runner.engine.calls.expected import chosen
from runner.engine.calls.identity_changes import Past, choices, done_calls, renamed, reshaped
from runner.engine.calls.live import Caller
from runner.engine.calls.objects import Objects
from runner.engine.context import Context, Progress, Use
from runner.engine.events import SENT_WHOLE, Bucket, OutputFault, RowResult
from runner.engine.exported import exported
from runner.engine.once_per import A_RUN, item_name, shared_value
from runner.engine.past.claims import (
    Claims,
    Place,
    places_of,
    said_calls,
    said_place,
    step_of,
)
from runner.engine.past.row_calls import calls_of_row
from runner.engine.past.rows import LATEST, newest_first, posted, with_reported
from runner.engine.requirements import unmet
from runner.engine.row_scope import name_values, visible
from runner.engine.scopes import StepScopes
from runner.engine.sending.outcome import Outcome
from runner.engine.sending.sender import Sender
from runner.exact import exact_sum
from runner.journal import CallRecord, Identity, RowRecord
from runner.journal.records import OPEN, SETTLED
from runner.keys import apart, mistakable
from runner.recipe.model import Include, Step, steps_behind
from runner.rows import Row
from runner.template import (
    Answer,
    EvaluationError,
    Expression,
    Lazy,
    Unknown,
    names_read,
    one_row,
    takeable,
)

_BUCKETS: Mapping[str, Bucket] = {"rejected": "rejected", "unknown": "unknown"}
"""The bucket of a row by the state its last step ended in; in any other state it has not got there yet."""

_AHEAD = frozenset({"to send", "to read", "read", "undecided"})
"""The states of planned calls that a run makes."""


class RowRun:
    """The way of one row through the steps. Made for one row and used once."""

    def __init__(
        self, context: Context, row: Row, sender: Sender | None, *, looker: Looker | None = None
    ) -> None:
        self._context, self._row, self._planning = context, row, sender is None
        self._scope: dict[str, Any] = {
            **context.scope,
            "row": visible(row, context.recipe, context.catalogue),
        }
        name_values(self._scope, context.recipe.let)
        self._scopes = StepScopes(self._scope)
        self._skipped: list[Include] = []
        self._again = context.again.get(row.key)
        self._record = calls_of_row(
            context.history, context.account, context.recipe.name, row, heirs=context.heirs,
            again=self._again.generation if self._again is not None else None,
        )  # fmt: skip
        prior = self._record.calls
        generations = [call.identity.generation for call in prior.values()]
        self._generation = max(
            [self._again.generation if self._again is not None else 0, *generations]
        )
        self._identity = partial(
            Identity,
            context.account,
            context.recipe.name,
            "row",
            self._record.key,
            generation=self._generation,
        )
        self._claims = Claims(context.recipe, prior)
        self._progress = Progress(row, prior, self._claims, self._record.keys)
        # Without any call of before, and without what earlier runs leave to be careful about, nothing is looked for.
        self._new = not prior and not context.past.once
        self._caller = Caller(context, self._progress, sender, looker=looker)
        self._objects = Objects()
        self.broke_off = False
        """Whether a step ended the row before its last one."""
        self.unmet = ""
        """The requirement of the recipe's rows that a plan finds the row not to meet."""
        self._refused_by: tuple[str, int] | None = None

    @property
    def begun(self) -> bool:
        """Whether a write of the row may have been sent before."""
        return self._progress.has_written

    @property
    def _on_record(self) -> str:
        """The former key that the row is on record under; empty where that is its own."""
        return self._record.key if self._record.key != self._row.key else ""

    def run(self) -> RowResult:
        """Take the row through all its steps, or as far as it gets."""
        with one_row():
            return self._run()

    def _run(self) -> RowResult:
        if self._record.contested and self._again is None:
            return self._result("changed", self._said_contested())
        if not self._new and (unsettled := self._unsettled()):
            return self._result("not started", unsettled)  # it is unknown, by that call
        twin = next(filter(None, (self._ambiguous("row", key) for key in self._record.keys)), "")
        if not self._new and (orphan := twin or self._orphan(self._progress.prior)):
            return self._result("changed", orphan)
        if self._planning and not self.begun and (unmet := self._unmet()):
            return self._result("rejected", unmet)
        trouble: tuple[Bucket, str] | None = None
        for step in self._context.recipe.steps:
            outcome = self._step(step)
            if step.shared:
                self._let_go(step, outcome)
            if outcome.ok:
                continue
            bucket = _bucket(outcome)
            # What was or may have been sent outweighs a refusal before it.
            if trouble is None or bucket in ("changed", "unknown"):
                trouble = bucket, f"{step.id}: {outcome.reason}"
                self._refused_by = self._refusal(step, outcome)
            if step.on_error == "stop_run" and bucket in ("changed", "rejected"):
                reason = f"step {step.id!r} failed for {self._row.key} and says on_error: stop_run"
                self._context.stop.ask(
                    reason, exit_code=8, remedy=f"correct it, then: {self._context.stop.resume}"
                )
            if step.on_error != "continue" or bucket != "rejected":
                self.broke_off = True
                break
            self._scopes.put(step, None)
        if not self.broke_off and (forgotten := self._claims.forgotten()):
            self.broke_off = True
            return self._result("changed", self._lost(forgotten))
        return self._result(*trouble) if trouble is not None else self._finished()

    def _said_contested(self) -> str:
        """Why a row is set aside whose former key is that of several rows, none or several of which fit."""
        return (
            f"{self._record.contested!r} was the key of several rows of this input, and what was sent under it does "
            f"not show which; {choices(self._row.key)}"
        )

    def _unmet(self) -> str:
        """Say which requirement of the rows this one does not meet; empty where it meets all that are known."""
        rows = self._context.recipe.rows
        for requirement in rows.require if rows is not None else ():
            self.unmet = unmet(requirement, self._scope)
            if self.unmet:
                break
        return self.unmet

    def _refusal(self, step: Step, outcome: Outcome) -> tuple[str, int] | None:
        """The step and the status by which an API refuses a row; a read that finds nothing is no refusal."""
        answered = outcome.status >= 400
        written = self._context.catalogue.operation(step.operation).effect != "read"
        refused = outcome.state == "rejected" and (answered or (written and outcome.status > 0))
        return (step.id, outcome.status) if refused else None

    def _lost(self, calls: Sequence[CallRecord]) -> str:
        """Why calls set their row aside that neither the sheet nor the recipe asks for any more."""
        asks = f"{said_calls(calls)} and the sheet no longer asks for {'it' if len(calls) == 1 else 'them'}"
        steps = {step.id for step in self._context.recipe.steps}
        gone = next((call for call in calls if step_of(call.identity.step) not in steps), None)
        if gone is None:
            return asks
        former = step_of(gone.identity.step)
        return (
            f"{asks}; where another step does it now, that step needs 'was: {{step: {former}, ...}}' with the "
            f"for_each or the item_key that {former} had"
        )

    def _let_go(self, step: Step, outcome: Outcome) -> None:
        """A once_per value that this row did not get done passes on, with what the journal knows of it on the disk."""
        if not outcome.ok and self._context.journal is not None:
            self._context.journal.flush()
        self._context.once.release(self._row.number, step=step.id)

    def _finished(self) -> RowResult:
        """All steps are through."""
        if self._planning and any(call.state in _AHEAD for call in self._progress.planned):
            unmet = self._unmet()  # what is left of a row that has begun is not sent either
            return self._result("rejected" if unmet else "not started", unmet)
        writes = self._progress.writes
        if writes and all(state == "found" for state, _ in writes):
            return self._result("found", "all of it was there already")
        if writes and self._context.run not in {run for _, run in writes}:
            earlier = max(run for _, run in writes)
            reason = "; ".join([f"done in run {earlier}", *self._progress.remarks])
            return self._result("done", reason, earlier_run=earlier)
        return self._result("done", "; ".join(self._progress.remarks))

    def _result(self, bucket: Bucket, reason: str, *, earlier_run: int = 0) -> RowResult:
        forgotten = self._progress.open_call
        if (
            forgotten is not None and bucket != "unknown"
        ):  # the row did not get to it, or has no use for it any more
            also = f"; and {reason}" if reason else ""
            bucket, reason = "unknown", f"{forgotten.said_open}{also}"
        if bucket == "changed":
            reason = f"{reason}; {choices(self._row.key, self._on_record)}"
        outputs, faults = self._outputs(complete=bucket in ("done", "found"))
        if bucket == "changed" and self._planning and self._context.run:
            # The row ends here, in a run: what its plan would have led to is not what it has.
            outputs = dict.fromkeys(outputs)
        self._add_recorded(through=bucket in ("done", "found"))
        refused = self._context.strict or self._context.recipe.exports
        if faults and refused and bucket not in ("changed", "unknown"):
            whole = bucket in ("done", "found") and bool(self._progress.writes)
            bucket, reason = "rejected", faults[0].text + SENT_WHOLE * whole
        elif faults:
            reason = "; ".join(filter(None, (reason, *(fault.text for fault in faults))))
        found = RowResult(
            self._row.number, self._row.key, self._row.lines, bucket, reason, outputs,
            tuple(self._progress.planned), earlier_run, self._progress.money, ids=self._objects.ids,
            links=self._objects.links, faults=tuple(faults),
            named=self._named() if self._planning and self._context.named else {},
            refused_by=self._refused_by if bucket == "rejected" else None, on_record=self._on_record,
            unsettled=exact_sum(self._progress.unsettled.values()),
        )  # fmt: skip
        last = self._last() if bucket not in ("done", "found") else None
        return found if last is None else with_reported(found, last)

    def _add_recorded(self, *, through: bool) -> None:
        """Count what was sent for the row before and its steps did not get to, or ask for no more.

        A row that is `through` with its steps and was sent once has the objects of all of its calls.
        """
        progress, context = self._progress, self._context
        writes = [call for call in progress.prior.values() if call.effect != "read"]
        several = bool(self._generation or self._on_record)
        if several:  # what was sent the first time, or under another key, is on record as well
            keys = self._record.keys
            found = context.history.writes_of(context.account, context.recipe.name, keys)
            writes = [call for calls in found.values() for call in calls]
        for call in newest_first(writes) if several or not through else ():
            self._objects.add_recorded(call, context.catalogue)
        left = posted(call for call in writes if call.identity not in progress.reached)
        progress.money = exact_sum((progress.money, left))

    def _last(self) -> RowRecord | None:
        """The row as the last run has it on record, where something was sent for it before."""
        if not self._progress.prior:
            return None
        context = self._context
        names = (context.account, context.recipe.name, self._record.keys)
        found = context.history.last_rows(*names, until=context.run or LATEST).values()
        return max(found, key=attrgetter("run"), default=None)

    def _outputs(self, *, complete: bool) -> tuple[dict[str, Any], list[OutputFault]]:
        """The outputs of the row, and why some cannot be computed; then the cell names the reason.

        A cell is empty, and no fault, where the row did not get far enough, or reads a step that was skipped. The dry
        run of an export or of a strict run computes what it can, so that a fault rejects the row before it is sent.
        """
        found, faults = exported(self._context, self._scope)
        early = self._planning and not self.broke_off
        outputs = self._context.recipe.outputs
        told = [
            fault
            for fault in faults
            if (complete or early) and not self._without_result(outputs.get(fault.output))
        ]
        missing = {fault.output for fault in faults} - {fault.output for fault in told}
        return {name: None if name in missing else value for name, value in found.items()}, told

    def _named(self) -> dict[str, Any]:
        """The values that `let` names, as far as the row got to them; the reason in place of one that is none."""
        found: dict[str, Any] = {}
        for name, value in self._scope.items():
            if isinstance(value, Lazy):
                try:
                    found[name] = value.value()
                except EvaluationError as error:
                    found[name] = f"(not computed: {error})"
        return found

    def _without_result(self, tree: Any) -> bool:
        """Whether an output reads a step that has no result."""
        read = steps_behind(self._context.recipe, names_read(tree))
        return any(self._scopes.results.get(step) is None for step in read)

    def _unsettled(self) -> str:
        """Why a row is not sent again: what an earlier generation of it left unknown has to be settled first."""
        left = self._progress.open_call
        if left is None or left.identity.generation == self._generation:
            return ""
        return "the row is not sent again before that is settled"

    def _ambiguous(self, per: str, key: str) -> str:
        """Why nothing is sent under a key that earlier versions knew as two, both of which were carried out."""
        other = self._context.twins.get((per, key))
        if other is None or self._again is not None:
            return ""
        return (
            f"{key!r} was also sent as {other!r}, which is the same key: see what is there twice, and cancel there by "
            "hand what is too much; nothing is to be sent for it"
        )

    def _orphan(self, prior: Mapping[tuple[str, str], CallRecord]) -> str:
        """A write among those before whose step the recipe no longer has: going on could do it twice."""
        if not prior:
            return ""
        known = {name for step in self._context.recipe.steps for name in step.names}
        for (step, _), call in prior.items():
            if (
                step.partition("/")[0] not in known
                and call.effect != "read"
                and call.state in (*SETTLED, *OPEN)
            ):
                heir = f"write 'was: {step}' in the step that took its place"
                return (
                    f"step {step!r} was sent in run {call.run} and is gone from the recipe: {heir}"
                )
        return ""

    def _step(self, step: Step) -> Outcome:
        """One step; its result is in scope under its id afterwards, and so are the values that it names."""
        outside, self._scope = self._scope, self._scopes.of(step.inside)
        self._skipped = []
        try:
            outcome = self._step_in_scope(step)
        finally:
            self._scope = outside
        self._scopes.put(step, outcome.value)
        for include in self._skipped:
            self._scopes.skip(include)
        return outcome

    def _step_in_scope(self, step: Step) -> Outcome:
        name_values(self._scope, step.let)
        operation = self._context.catalogue.operation(step.operation)
        self._claims.begin(step)
        try:
            undecided, untrue = self._condition(step)
            if untrue is not None:
                return self._skip(step, untrue)
            if not self._new and (set_aside := self._reshaped(step, operation)) is not None:
                return set_aside
            if step.once:
                outcome = self._once_a_run(step, operation, undecided=undecided)
            elif step.once_per is not None:
                outcome = self._once(step, operation, undecided=undecided)
            elif step.for_each is not None:
                outcome = self._each(step, operation, undecided=undecided)
            else:
                outcome = self._alone(step, operation, undecided=undecided)
        except EvaluationError as error:
            self._caller.plan(step, "invalid", reason=str(error))
            return Outcome("rejected", str(error))
        return outcome

    def _condition(self, step: Step) -> tuple[str, Expression | None]:
        """What the run decides about a step, empty where nothing; and the condition that is false of it, if one is."""
        undecided = ""
        for when, scope, include in self._scopes.conditions(step):
            decided = when.evaluate(scope)
            if isinstance(decided, Unknown):
                undecided = undecided or when.text
            elif not decided:
                self._skipped += [include] if include is not None else []
                return undecided, when
        return undecided, None

    def _skip(self, step: Step, when: Expression) -> Outcome:
        """A step whose `when` is false: nothing to do, unless something was sent for it."""
        if forgotten := self._claims.forgotten(step):
            return self._set_aside(step, f"{self._lost(forgotten)}: {when.text} is false")
        self._caller.plan(step, "skipped", reason=f"{when.text} is false")
        return Outcome("done")

    def _alone(self, step: Step, operation: Operation, *, undecided: str) -> Outcome:
        """A step that is done once for its row."""
        found, reason = self._places(step, [None], [""], dict(self._scope))
        if reason:
            return self._set_aside(step, reason)
        identity = self._identity(step.id, "")
        return self._call(
            Use(step, operation, self._scope, identity, undecided=undecided, places=found[0])
        )

    def _places(
        self,
        step: Step,
        items: Sequence[Any],
        names: Sequence[str | Unknown],
        scope: dict[str, Any],
    ) -> tuple[list[Sequence[Place]], str]:
        """Where the call of each item may be on record, which claims it, and why the step is not sent, if so.

        `scope` is a copy to put items in; a step without items has one that is None.
        """
        if self._new:
            return [() for _ in items], ""
        reads = self._context.catalogue.operation(step.operation).effect == "read"
        if not reads and any(isinstance(each, Unknown) for each in (*names, *items)):
            self._claims.release(step.names)
            return [() for _ in items], ""
        found: list[Sequence[Place]] = []
        for position, (name, item) in enumerate(zip(map(str, names), items, strict=True)):
            if step.for_each is not None:
                scope[step.item_name] = item
            places = places_of(step, scope, name, before=items[:position])
            number = name if step.item_key is not None or not name else str(position + 1)
            if places is None:
                self._claims.release(step.names)
            elif reads:  # it asks for nothing that was sent
                pass
            elif reason := self._claims.claim(places, said_place((step.id, number))):
                return [], reason
            found.append(places or ())
        forgotten = self._claims.forgotten(step)
        return found, self._lost(forgotten) if forgotten else ""

    def _call(self, use: Use) -> Outcome:
        outcome = self._caller.call(use)
        if outcome.ok:
            self._objects.add(use.step.id, use.operation, outcome.value)
            seen = self._declared(use, outcome.value)
            outcome = outcome if seen is outcome.value else outcome._replace(value=seen)
        return outcome

    def _declared(self, use: Use, value: Any) -> Any:
        """The result of a call with its declared fields: of what the operation answers, or its search lists."""
        if isinstance(value, Unknown):
            return value
        search = use.step.unless_found
        found = of_answer(use.operation, value)
        if search is None:
            return found
        listed = of_entry(self._context.catalogue.operation(search.operation), value)
        if isinstance(listed, Answer) and isinstance(found, Answer):
            return Answer({**listed, **found}, {*listed.declared, *found.declared})
        return listed if isinstance(listed, Answer) else found

    def _reshaped(self, step: Step, operation: Operation) -> Outcome | None:
        """What keeps a step from being sent under identities that nobody has seen; None where nothing does."""
        if (
            operation.effect == "read" or step.once_per is not None
        ):  # a shared value may be done already
            return None
        past = self._context.past if self._again is None else Past()
        reason = reshaped(step, self._progress.prior, past, keys=self._record.keys)
        return self._set_aside(step, reason) if reason else None

    def _set_aside(self, step: Step, reason: str) -> Outcome:
        self._caller.plan(step, "changed", reason=reason)
        return Outcome("rejected", reason, set_aside=True)

    def _once(self, step: Step, operation: Operation, *, undecided: str) -> Outcome:
        """A step that is done once for each value: this row does it, or shares what another row got."""
        assert step.once_per is not None  # noqa: S101 - the caller's condition
        once, context = self._context.once, self._context
        self._claims.release(step.names)
        value = shared_value(step, self._scope)
        if isinstance(value, Unknown):  # whether another row shares the value is known by the run
            identity = self._identity(step.id, "")._replace(
                per="once", key=str(value), generation=0
            )
            undecided = undecided or f"{step.once_per.text} is new"
            return self._call(Use(step, operation, self._scope, identity, undecided=undecided))
        claim = once.claim(step.id, value, row=self._row.number, key=self._row.key)
        identity = Identity(context.account, context.recipe.name, "once", value, step.id, "")
        use = Use(step, operation, self._scope, identity, undecided=undecided)
        if not claim.mine:
            if (misfit := self._caller.beside(use, claim)) is not None:
                return misfit
            self._caller.plan(
                step, "skipped", reason=f"once per {value}: together with {claim.done_by}"
            )
            self._objects.add(step.id, operation, claim.value)
            return Outcome("done", value=claim.value)
        shared = context.history.calls_of(
            context.account, context.recipe.name, per="once", key=value
        )
        orphan = self._ambiguous("once", value) or self._orphan(shared)
        if orphan and self._again is None:
            return Outcome("rejected", orphan, set_aside=True)
        reason = (
            ""
            if self._new
            else reshaped(step, self._progress.prior, context.past, keys=self._record.keys)
        )
        if reason and operation.effect != "read" and not done_calls(step, shared):
            return self._set_aside(step, reason)
        outcome = self._call(use)
        if outcome.ok:
            once.finish(step.id, value, outcome.value, body=use.body)
        return outcome

    def _once_a_run(self, step: Step, operation: Operation, *, undecided: str) -> Outcome:
        """A read that is made once a run: by this row, or another row has made it. Each row takes what it wants of it.

        A refusal is shared like an answer; what did not reach the API is tried again by the next row.
        """
        once, context = self._context.once, self._context
        claim = once.claim(step.id, A_RUN, row=self._row.number, key=self._row.key)
        if claim.mine:
            identity = Identity(context.account, context.recipe.name, "once", A_RUN, step.id, "")
            outcome = self._call(Use(step, operation, self._scope, identity, undecided=undecided))
            if outcome.ok or outcome.state == "rejected":
                once.finish(step.id, A_RUN, outcome)
        else:
            outcome = claim.value
            reason = f"once a run: together with {claim.done_by}"
            self._caller.plan(step, "skipped", reason=reason)
        return chosen(step, outcome, self._scope) if outcome.ok else outcome

    def _each(self, step: Step, operation: Operation, *, undecided: str) -> Outcome:
        """A step for each item of a list, in order; it ends at the first that fails."""
        assert step.for_each is not None  # noqa: S101 - the caller's condition
        items = takeable(step.for_each.evaluate(self._scope))
        if isinstance(items, Unknown):
            items = [Unknown(f"each of {items.origin}")]
        if not isinstance(items, list | tuple):
            raise EvaluationError(f"{step.for_each.text}: a list is needed")
        scope = dict(self._scope)
        names = self._item_names(step, items, scope)
        settled = not any(isinstance(each, Unknown) for each in (*names, *items))
        reason = renamed(step, self._progress.prior, list(map(str, names)))
        if reason and operation.effect != "read" and settled:
            return self._set_aside(step, reason)
        if not undecided and not settled and done_calls(step, self._progress.prior):
            undecided = f"{step.item_key.text if step.item_key else 'the item'} was not sent before"
        places, reason = self._places(step, items, names, scope)
        if reason:
            return self._set_aside(step, reason)
        results: list[Any] = []
        for position, (name, item) in enumerate(zip(names, items, strict=True)):
            scope[step.item_name] = item
            identity = self._identity(step.id, str(name))
            use = Use(step, operation, scope, identity, position, undecided, {}, places[position])
            outcome = self._call(use)
            if not outcome.ok:
                return outcome._replace(reason=f"item {position + 1}: {outcome.reason}")
            results.append(outcome.value)
        return Outcome("done", value=results)

    def _item_names(
        self, step: Step, items: Sequence[Any], scope: dict[str, Any]
    ) -> list[str | Unknown]:
        """The identity of each item: its item_key, or its position. `scope` is a copy to put items in.

        A key that depends on an answer is Unknown in a dry run: the run tells whether two items share it.
        """
        if step.item_key is None:
            return [str(position) for position in range(len(items))]
        names: list[str | Unknown] = []
        rows = self._context.recipe.rows
        known = _ItemNames(exact=rows is not None and rows.exact)
        for item in items:
            scope[step.item_name] = item
            name = item_name(step.item_key, scope)
            if isinstance(name, str):
                known.add(name, len(names))
            names.append(name)
        return names


class _ItemNames:
    """The keys of the items of a row: none twice, and none that looks like another one unless keys are `exact`."""

    def __init__(self, *, exact: bool) -> None:
        self._exact = exact
        self._known: dict[str, tuple[str, int]] = {}

    def add(self, name: str, position: int) -> None:
        """The item at `position` has this key. Raises EvaluationError."""
        first, at = self._known.setdefault(
            name if self._exact else mistakable(name), (name, position)
        )
        if at == position:
            return
        if first == name:
            raise EvaluationError(f"two items have the item_key {name!r}")
        message = f"the item_key {name!r} looks like {first!r} of item {at + 1}: they differ {apart(name, first)}"
        raise EvaluationError(f"{message}; write both the same, or say `keys: exact` under rows")


def _bucket(outcome: Outcome) -> Bucket:
    """The bucket of a row whose step came to this."""
    if outcome.set_aside and outcome.state == "rejected":
        return "changed"
    return _BUCKETS.get(outcome.state, "not started")
