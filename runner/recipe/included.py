"""Files of steps that recipes include, and checks of the steps that include them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from runner.problems import Problem, nearest
from runner.recipe.declarations import variable
from runner.recipe.model import Var
from runner.recipe.texts import Texts, mapping, sequence
from runner.recipe.variables import var_value
from runner.source import Source, TreePath

Part = Mapping[str, Any]

_OF_ONE = frozenset(
    {
        *("use", "for_each", "item_key", "once", "once_per", "where", "expect", "unless_found"),
        *("under_found", "verify", "poll", "amount", "on_error", "retry", "let"),
    }
)
"""What only a step that is one operation can say."""


class Included(NamedTuple):
    """A file of steps: its text, its templates, and the files that it includes, by the indexes of their steps."""

    source: Source
    texts: Texts
    files: Mapping[int, Included]

    @property
    def vars(self) -> Mapping[str, Var]:
        """The variables that it is given by `with`."""
        declared = mapping(mapping(self.source.data).get("vars"))
        return {name: variable(name, value) for name, value in declared.items()}

    def all(self) -> Iterator[Included]:
        """Return this file and the files that it includes."""
        yield self
        for each in self.files.values():
            yield from each.all()


Files = Mapping[int, Included]
"""The files that a recipe, or one of its files, includes, by the indexes of the steps that say so."""


def is_steps_file(data: Any) -> bool:
    """Return whether what a file holds is steps for recipes, and no recipe."""
    return isinstance(data, dict) and "steps" in data and not {"recipe", "name"} & data.keys()


def check_included(source: Source, files: Files) -> Iterator[Problem]:
    """Yield the problems of the steps that include others, and of `were` in one that does not."""
    steps = [mapping(step) for step in sequence(mapping(source.data).get("steps"))]
    for index, step in enumerate(steps):
        path: TreePath = ("steps", index)
        if "include" not in step:
            if "were" in step:
                message = "'were' is for a step with 'include'"
                remedy = "write was: the id that the step had"
                place = source.key((*path, "were"))
                yield source.problem(place, message, "was", remedy=remedy)
            continue
        yield from _other_keys(source, path, step)
        if index in files:
            yield from _given(source, path, step, files[index])
            yield from _was(
                source, path, step, files[index], {str(each.get("id")) for each in steps}
            )


def _other_keys(source: Source, path: TreePath, step: Part) -> Iterator[Problem]:
    """Yield the problems of keys that a step with `include` cannot have."""
    for key in step:
        if key in _OF_ONE:
            message = f"{key!r} and 'include' do not go together: each step of the file says it for itself"
            remedy = "write it in the file; what differs from recipe to recipe is given by with"
            if key == "use":
                message = "'use' and 'include' do not go together: a step is one operation, or those of a file"
                remedy = "leave one of them out"
            yield source.problem(source.key((*path, key)), message, "include", remedy=remedy)


def _given(source: Source, path: TreePath, step: Part, file: Included) -> Iterator[Problem]:
    """Check the values in `with` against the variables of the file."""
    given, known = mapping(step.get("with")), file.vars
    for name in given:
        if name not in known:
            message = f"{file.source.file} has no variable {name!r}"
            remedy = nearest(str(name), known, noun="variables") or "leave it out"
            place = source.key((*path, "with", name))
            yield source.problem(place, message, "unknown-var", remedy=remedy)
        elif not isinstance(given[name], str) or "{" not in given[name]:
            try:
                typed_var(known[name], given[name])
            except ValueError as error:
                place = source.value((*path, "with", name))
                yield source.problem(place, str(error), "variable")
    for name, var in known.items():
        if var.required and given.get(name) is None:
            means = f" ({' '.join(var.description.split())})" if var.description else ""
            message = f"{file.source.file} needs the variable {name!r}{means}"
            remedy = f"give it: with: {{{name}: ...}}"
            yield source.problem(
                source.key((*path, "include")), message, "missing-var", remedy=remedy
            )


def typed_var(var: Var, value: Any) -> Any:
    """Return a value as the variable of a file of steps has it: in its type, or as it is. Raises ValueError."""
    if value is None or (not var.type and var.default is None and not var.enum):
        return var.default if value is None else value
    return var_value(var, value)


def _was(
    source: Source, path: TreePath, step: Part, file: Included, ids: set[str]
) -> Iterator[Problem]:
    """Yield the problems of former ids: of the step (`was`), and of the steps of the file in this recipe (`were`)."""
    inside = [
        str(mapping(each).get("id")) for each in sequence(mapping(file.source.data).get("steps"))
    ]
    for name, old in mapping(step.get("were")).items():
        place: TreePath = (*path, "were", name)
        if name not in inside:
            remedy = nearest(str(name), inside, noun="steps")
            message = f"{file.source.file} has no step {name!r}"
            yield source.problem(source.key(place), message, "was", remedy=remedy)
        elif old in ids:
            message = f"{old!r} is a step of this recipe: what that one did is its own"
            remedy = "name an id that no step has any more"
            yield source.problem(source.value(place), message, "was", remedy=remedy)
    if "was" in step and not isinstance(step["was"], str):
        message = "'was' of a step with 'include' is the id that it had"
        remedy = "write were for what its steps were in this recipe: were: {contact: contact}"
        yield source.problem(source.value((*path, "was")), message, "was", remedy=remedy)
