"""The operations that steps and lookups use, checked against the keys of each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.catalogue import AmountRules, amount_defect
from runner.problems import Problem
from runner.recipe.operations import check_arguments, find_operation, written_number
from runner.recipe.searches import check_list, check_search
from runner.recipe.texts import EXPECTATIONS, mapping
from runner.recipe.variables import seconds
from runner.source import Source, TreePath

if TYPE_CHECKING:
    from runner.catalogue import Catalogue, Operation

Part = Mapping[str, Any]


def amount_rules(amount: Part) -> AmountRules:
    """Return the values that `amount` accepts of a step."""
    allowed = {name for name in ("zero", "negative", "repeated", "found") if name in amount}
    decimals = amount.get("decimals")
    return AmountRules(
        "zero" in allowed,
        "negative" in allowed,
        decimals,
        "repeated" in allowed,
        "found" in allowed,
    )


class Uses(NamedTuple):
    """Checker of every use of an operation. `broken` are the paths whose shape is wrong already."""

    source: Source
    catalogue: Catalogue
    broken: frozenset[TreePath]

    def rows(self, rows: Part) -> Iterator[Problem]:
        """Yield the problems of rows that an API gives: what they use has to list things."""
        yield from self._listing(("rows",), rows, "rows come from a list")

    def lookups(self, declared: Part) -> Iterator[Problem]:
        """Yield the problems of the lookups: what they use has to list things."""
        for name, lookup in declared.items():
            path: TreePath = ("lookups", name)
            yield from self._listing(path, mapping(lookup), "a lookup reads a list")
            for key in ("use", "with", "keep") if "file" in mapping(lookup) else ():
                if key in lookup:
                    message = f"{key!r} and 'file' do not go together: a lookup is read from an API, or from a file"
                    yield self._at_key(
                        (*path, key), message, "lookup", remedy="leave one of them out"
                    )
            if (
                isinstance(lookup, dict)
                and not {"use", "file"} & lookup.keys()
                and path not in self._misspelt
            ):
                message = f"the lookup {name!r} says neither 'use' nor 'file'"
                remedy = "add use: with an operation that lists, or file: with a sheet of your own"
                yield self._at_key(path, message, "lookup", remedy=remedy)
            if path not in self._misspelt:
                yield from check_list(self.source, path, mapping(lookup))

    def steps(self, steps: list[Any]) -> Iterator[Problem]:
        """Yield the problems of the steps: unknown operations, arguments, and keys that do not go together."""
        for index, step in enumerate(steps):
            if "include" not in mapping(step):
                yield from self._step(("steps", index), mapping(step))

    def _step(self, path: TreePath, step: Part) -> Iterator[Problem]:
        if "item_key" in step and "for_each" not in step:
            message = "'item_key' tells the items of for_each apart, and there is no for_each"
            yield self._at_key(
                (*path, "item_key"), message, "item-key", remedy="leave it out, or add for_each"
            )
        if "once_per" in step and "for_each" in step:
            message = "'once_per' and 'for_each' do not go together: a step is done once for a value, or for each item"
            yield self._at_key(
                (*path, "once_per"), message, "once-per", remedy="make two steps of it"
            )
        yield from self._listing(
            (*path, "unless_found"), mapping(step.get("unless_found")), "unless_found searches"
        )
        operation = find_operation(self.source, (*path, "use"), step.get("use"), self.catalogue)
        search: TreePath = (*path, "unless_found")
        if isinstance(step.get("unless_found"), dict) and search not in self._misspelt:
            known = None if isinstance(operation, Problem) else operation
            yield from check_search(self.source, search, step["unless_found"], known)
        if isinstance(operation, Problem):
            yield operation
        elif operation:
            yield from self._arguments(path, step, operation)
            yield from self._effect(path, step, operation)
            yield from self._amount(path, step, operation)
            yield from self._absent(
                (*path, "unless_found"), mapping(step.get("unless_found")), operation
            )
            yield from self._update(
                (*path, "unless_found", "update"), mapping(step.get("unless_found")), operation
            )

    def _listing(self, path: TreePath, part: Part, why: str) -> Iterator[Problem]:
        """Yield the problems of a part whose operation has to list things."""
        operation = find_operation(self.source, (*path, "use"), part.get("use"), self.catalogue)
        if isinstance(operation, Problem):
            yield operation
        elif operation:
            yield from self._arguments(path, part, operation)
            if operation.effect != "read" or not operation.items:
                does = (
                    "returns one thing"
                    if operation.effect == "read"
                    else f"{operation.effect}s something"
                )
                message, remedy = (
                    f"{why}, and {operation.full_name} {does}",
                    "use an operation that lists or searches",
                )
                yield self._at_value((*path, "use"), message, "not-a-list", remedy=remedy)

    @property
    def _misspelt(self) -> frozenset[TreePath]:
        """The parts of which a key is wrong already."""
        return frozenset(other[:-1] for other in self.broken)

    def _arguments(self, path: TreePath, part: Part, operation: Operation) -> Iterator[Problem]:
        if "with" in part or path not in self._misspelt:
            api = self.catalogue[operation.api]
            yield from check_arguments(self.source, path, part, operation, api)

    def _effect(self, path: TreePath, step: Part, operation: Operation) -> Iterator[Problem]:
        """Yield the problems of keys that do not fit the operation's effect."""
        name, expect = operation.full_name, step.get("expect")
        if expect in EXPECTATIONS and not operation.items:
            message = f"'expect: {expect}' is for lists, and {name} returns one thing"
            remedy = "leave it out, or write an expression, as in result.id > 0"
            yield self._at_value((*path, "expect"), message, "expect", remedy=remedy)
        if "unless_found" in step and operation.effect == "read":
            message = f"'unless_found' is for steps that create something, and {name} only reads"
            yield self._at_key(
                (*path, "unless_found"), message, "unless-found", remedy="leave it out"
            )
        if "poll" in step:
            yield from self._poll((*path, "poll"), mapping(step["poll"]), operation)
        if step.get("verify", False) is not False:
            yield from self._verify((*path, "verify"), operation)
        if "retry" in step and operation.effect != "read" and not operation.repeatable:
            message = f"'retry' is for reads: a repeat of {name} might do it twice"
            remedy = "leave it out; unless_found finds what is done already"
            yield self._at_key((*path, "retry"), message, "retry", remedy=remedy)

    def _amount(self, path: TreePath, step: Part, operation: Operation) -> Iterator[Problem]:
        """`amount` where no money moves, and an amount that is written out and would not be sent."""
        if not operation.money:
            if "amount" in step:
                message = (
                    f"'amount' is for steps that move money, and {operation.full_name} moves none"
                )
                yield self._at_key((*path, "amount"), message, "amount", remedy="leave it out")
            return
        amount = written_number(mapping(step.get("with")).get(operation.money))
        rules = amount_rules(mapping(step.get("amount")))
        misshapen = any(other[: len(path) + 1] == (*path, "amount") for other in self.broken)
        if amount is not None and not misshapen:
            defect = amount_defect(amount, rules, decimals=operation.decimals)
            message, _, remedy = defect.partition("; ")
            if defect:
                place = (*path, "with", operation.money)
                message = f"{operation.money!r}: {message}"
                yield self._at_value(place, message, "amount", remedy=remedy)

    def _poll(self, path: TreePath, poll: Part, operation: Operation) -> Iterator[Problem]:
        """`poll` only of what is read, and with more than one read."""
        if operation.effect != "read":
            message = f"'poll' reads again and again, and {operation.full_name} {operation.effect}s something"
            yield self._at_key(
                path, message, "poll", remedy="poll in a step of its own that reads it"
            )
        every, within = poll.get("every", "5s"), poll.get("within", "2m")
        if not {(*path, "every"), (*path, "within")} & self.broken and seconds(every) > seconds(
            within
        ):
            message = f"it is read every {every} and given up after {within}, before it is read a second time"
            yield self._at_key(
                path, message, "poll", remedy="make 'every' shorter, or 'within' longer"
            )

    def _verify(self, path: TreePath, operation: Operation) -> Iterator[Problem]:
        """`verify` only of what is written, and can be read back."""
        name = operation.full_name
        if operation.effect == "read":
            message = f"'verify' reads back what a step has written, and {name} only reads"
            yield self._at_key(
                path, message, "verify", remedy="leave it out; expect is for what is read"
            )
        elif operation.read_back is None:
            message = f"nothing is known to give back what {name} writes"
            remedy = (
                "read it with a step of its own; or an overlay says what does: x-runner-read-back"
            )
            yield self._at_key(path, message, "verify", remedy=remedy)

    def _update(self, path: TreePath, search: Part, creates: Operation) -> Iterator[Problem]:
        """`update` has to be one, and neither it nor the step may move money."""
        update = mapping(search.get("update"))
        operation = find_operation(self.source, (*path, "use"), update.get("use"), self.catalogue)
        if isinstance(operation, Problem):
            yield operation
        elif operation:
            yield from self._arguments(path, update, operation)
            if operation.effect != "update":
                message = f"'update' changes what was found, and {operation.full_name} {operation.effect}s something"
                remedy = "use the operation that changes such an object"
                yield self._at_value((*path, "use"), message, "not-an-update", remedy=remedy)
            elif creates.effect != "create" or creates.money or operation.money:
                message = "'update' is for steps that create something, and where no money moves"
                yield self._at_key(path, message, "update", remedy="make it a step of its own")

    def _absent(self, path: TreePath, search: Part, operation: Operation) -> Iterator[Problem]:
        """`absent_means: retry` only where a second attempt costs nobody money."""
        name = operation.full_name
        if search.get("absent_means") != "retry":
            if "settling" in search:
                message = "'settling' is how long 'absent_means: retry' waits, which is not there"
                yield self._at_key(
                    (*path, "settling"), message, "settling", remedy="add it, or leave settling out"
                )
        elif operation.money:
            message = f"{name} moves money: it is never sent again because a search finds nothing"
            remedy = "leave absent_means out; 'runner settle' says what became of it"
            yield self._at_value((*path, "absent_means"), message, "absent-means", remedy=remedy)
        elif operation.effect == "update":
            message = f"'absent_means: retry' is for steps that create something, and {name} changes what is there"
            yield self._at_value(
                (*path, "absent_means"), message, "absent-means", remedy="leave it out"
            )

    def _at_key(self, path: TreePath, message: str, kind: str, *, remedy: str) -> Problem:
        return self.source.problem(self.source.key(path), message, kind, remedy=remedy)

    def _at_value(self, path: TreePath, message: str, kind: str, *, remedy: str) -> Problem:
        return self.source.problem(self.source.value(path), message, kind, remedy=remedy)
