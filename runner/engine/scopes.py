"""What the expressions of each step see: those of the recipe its names, those of an included file what it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from runner.engine.row_scope import name_values
from runner.recipe.included import typed_var
from runner.recipe.model import Include, Step
from runner.template import EvaluationError, Expression, Lazy, Unknown, render


class StepScopes:
    """The scopes of one row. `outer` is that of the recipe, which gets the results of its steps.

    `results` are those of all steps that are done, by their ids.
    """

    def __init__(self, outer: dict[str, Any]) -> None:
        self._outer = outer
        self._inner: dict[str, dict[str, Any]] = {}
        self.results: dict[str, Any] = {}

    def of(self, include: Include | None) -> dict[str, Any]:
        """Return what expressions see inside an include, or in the recipe itself."""
        if include is None:
            return self._outer
        found = self._inner.get(include.id)
        if found is None:
            found = self._inner[include.id] = self._new(include)
        return found

    def put(self, step: Step, value: Any) -> None:
        """Take the result of a step, for the steps after it."""
        self.results[step.id] = value
        self.of(step.inside)[step.name] = value
        if step.inside is not None:
            around, name = self.of(step.inside.around), step.inside.name
            around[name] = {**(around.get(name) or {}), step.name: value}

    def conditions(
        self, step: Step
    ) -> Iterator[tuple[Expression, Mapping[str, Any], Include | None]]:
        """Yield what has to be true for a step to be done, each with what it sees and the include that says it."""
        for include in step.inside.chain if step.inside is not None else ():
            if include.when is not None:
                yield include.when, self.of(include.around), include
        if step.when is not None:
            yield step.when, self.of(step.inside), None

    def skip(self, include: Include) -> None:
        """None of the steps of an include is done."""
        self.of(include.around)[include.name] = None

    def _new(self, include: Include) -> dict[str, Any]:
        around = self.of(include.around)
        scope = {"run": self._outer["run"], "vars": Lazy(partial(_given, include, around))}
        for name, known in include.lookups.items():
            scope[name] = scope[known] = self._outer.get(known, Unknown(known))
        name_values(scope, include.let)
        return scope


def _given(include: Include, around: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of an included file, as `with` gives them. Raises EvaluationError."""
    found: dict[str, Any] = {}
    for name, var in include.vars.items():
        value = render(include.arguments[name], around) if name in include.arguments else None
        if value is None and var.required:
            raise EvaluationError(f"the variable {name!r} of {include.file} has no value")
        try:
            found[name] = value if isinstance(value, Unknown) else typed_var(var, value)
        except ValueError as error:
            raise EvaluationError(f"{include.file}: {error}") from None
    return found
