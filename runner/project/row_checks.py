"""What `validate --rows` checks of an input: everything that can be known of it without a network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from runner.catalogue import Catalogue
from runner.engine.context import Connection, Context
from runner.engine.lookups import missing_name, table_of
from runner.engine.once_per import OncePer
from runner.engine.past.names import KnownNames
from runner.engine.requirements import unmet
from runner.engine.row import RowRun
from runner.engine.row_scope import name_values, visible
from runner.engine.sending.retry import Budget
from runner.engine.stop import Stop
from runner.journal import History
from runner.problems import Problem, UsageError
from runner.project.connections import NO_HOST, used_apis
from runner.project.inputs import open_named
from runner.project.progress import watched
from runner.recipe.load import Loaded
from runner.recipe.lookups import fixed_in, indexing_columns, names_in, uses_of
from runner.recipe.model import Column, Recipe, Requirement, Var
from runner.rows import Input, Names, Row, names_not_found, spelled_otherwise
from runner.template import Expression, Unknown, paths_of, references_in

_STANDS_FOR: Mapping[str, Any] = {
    "integer": 0, "decimal": Decimal(0), "boolean": False, "date": dt.date(2000, 1, 1),
}  # fmt: skip
"""What stands for a required variable in the keys of rows: they differ from each other without it too."""


REFUSED = "not-sent"
"""The kind of a problem of a row that is sure to fail."""

Mappings = Mapping[str, Sequence[Mapping[str, Any]]]
"""The entries of lookups from files, by the name of the lookup."""


def check_rows(
    recipe: Recipe, files: Sequence[Path], catalogue: Catalogue, mappings: Mappings, *, runs: Path, account: str,
    piped_as: str = "",
) -> tuple[Input, list[Problem]]:  # fmt: skip
    """The input in `files`, and what is worth knowing about it, and names that no lookup has.

    Its keys are compared with those that the journal in the folder `runs` has of the account.

    Raises InvalidError where something is wrong with more than single rows of it.
    """
    if recipe.rows is None:
        raise UsageError(
            "this recipe has no rows, so --rows has no meaning", remedy="leave --rows out"
        )
    used = indexing_columns(recipe)
    columns = tuple(_named(column, recipe, catalogue, used) for column in recipe.rows.columns)
    values = {name: _value(var) for name, var in recipe.vars.items()}
    scope = {
        "vars": values,
        "run": {"id": Unknown("run.id"), "date": dt.datetime.now().astimezone().date()},
    }
    rows = recipe.rows._replace(columns=columns)
    if any(
        var.required for var in recipe.vars.values()
    ):  # what stands for a value was not announced by anybody
        rows = rows._replace(expect_total=None)
    input_ = open_named(files, rows, scope, piped_as=piped_as, aside=True)
    if not any(
        var.required for var in recipe.vars.values()
    ):  # or else keys may not be those of a run
        with closing(History(runs)) as history:
            input_.check_known(KnownNames(history, account, recipe))
    names = {each.name: Names(each, mappings[each.name]) for each in recipe.lookups if each.file}
    uses = [use for use in uses_of(recipe) if use.lookup in names]
    loose = {each.name for each in recipe.lookups if each.file or each.fold}
    spelled = spelled_otherwise(
        input_, [name for name, lookup in used.items() if lookup not in loose]
    )
    missing = list(names_not_found(input_, uses, names))
    known = {} if any(each.severity == "error" for each in missing) else mappings
    with closing(History(runs)) as history:
        context = _context(recipe, catalogue, scope, known, history=history, account=account)
        refused = _refused_rows(context, input_)
    return input_, [*input_.warnings, *input_.problems, *missing, *spelled, *refused]


def _context(
    recipe: Recipe, catalogue: Catalogue, scope: Mapping[str, Any], mappings: Mappings, *,
    history: History, account: str,
) -> Context:  # fmt: skip
    """What a dry run of the rows sees without a network: other lookups and variables without a value are unknown."""
    values = {
        name: Unknown(f"vars.{name}") if recipe.vars[name].required else value
        for name, value in scope["vars"].items()
    }
    tables = {
        each.name: table_of(each, mappings[each.name])
        if each.name in mappings
        else Unknown(each.name)
        for each in recipe.lookups
    }
    run = {**scope["run"], "previous": Unknown("run.previous")}
    return Context(
        recipe, catalogue, account, 0, {**scope, **tables, "vars": values, "run": run},
        {api: Connection(f"{NO_HOST}/{api}") for api in used_apis(recipe)},
        history, None, lambda _: None, OncePer(), Stop(), Budget(),
    )  # fmt: skip


def _refused_rows(context: Context, input_: Input) -> list[Problem]:
    """Rows that are sure to fail, or that do not meet a requirement, as the check of a run finds them.

    Rows of which something was sent are judged by the run.
    """
    required, found = _decidable(context.recipe), []
    for row in watched(input_, "checked", total=input_.row_count):
        problem = _unmet_requirement(required, context, row, input_)
        if problem is None:
            planning = RowRun(context, row, None)
            result = planning.run()
            if result.bucket == "rejected" and planning.broke_off and not planning.begun:
                problem = input_.problem(
                    row.lines[0], _columns_read(context.recipe, result.reason), message=result.reason,
                    kind=REFUSED,
                )  # fmt: skip
        found += [problem] if problem is not None else []
    return found


def _unmet_requirement(
    required: Sequence[Requirement], context: Context, row: Row, input_: Input
) -> Problem | None:
    recipe = context.recipe
    seen = {**context.scope, "row": visible(row, recipe, context.catalogue)}
    name_values(seen, recipe.let)
    for each in required:
        if reason := unmet(each, seen):
            columns = [str(path[1]) for path in _reads(each.that, recipe) if _is_column(path)]
            return input_.problem(row.lines[0], columns, message=reason, kind="require")
    return None


def _columns_read(recipe: Recipe, reason: str) -> list[str]:
    """The column that the step reads which a reason names, where it reads one alone; else none."""
    name = reason.partition(":")[0]
    trees = [step.arguments for step in recipe.steps if step.id == name]
    paths = [
        ("row", *each.path) for tree in trees for each in references_in(tree) if each.root == "row"
    ]
    found = {str(path[1]) for path in paths if _is_column(path)}
    return list(found) if len(found) == 1 else []


def _decidable(recipe: Recipe) -> list[Requirement]:
    """The requirements of a recipe's rows that read no variable that has to be given."""
    missing = {("vars", name) for name, var in recipe.vars.items() if var.required}
    rows = recipe.rows
    return [
        each
        for each in (rows.require if rows is not None else ())
        if not missing & {path[:2] for path in _reads(each.that, recipe)}
    ]


def _reads(expression: Expression, recipe: Recipe) -> set[tuple[str | int, ...]]:
    """The names that an expression reads, and those that the values named by `let` in it read."""
    paths = set(paths_of(expression.tree))
    for name in {str(path[0]) for path in paths} & recipe.let.keys():
        paths |= _reads(recipe.let[name], recipe)
    return paths


def _is_column(path: Sequence[str | int]) -> bool:
    return path[0] == "row" and len(path) > 1 and path[1] != "lines"


def names_not_there(loaded: Loaded, mappings: Mappings, catalogue: Catalogue) -> list[Problem]:
    """Names that the recipe writes out and that a lookup does not have whose names are known without a network."""
    tables = {}
    for each in loaded.recipe.lookups:
        names = names_in(loaded.recipe, catalogue, each.name)
        if each.file:
            tables[each.name] = table_of(each, mappings[each.name])
        elif names:
            tables[each.name] = table_of(each, [{each.by[0]: name} for name in names])
    problems = []
    known = [each for each in loaded.recipe.lookups if each.name in tables]
    for path, text in loaded.texts.items():
        for offset, expression in text.compiled.placed:
            for fixed in fixed_in(expression, known):
                given = fixed.names({})
                missing = missing_name(tables[fixed.lookup], given) if given else None
                if missing is not None:
                    start, length = fixed.at
                    place = loaded.source.within(path, offset + start, length)
                    message, remedy = missing
                    problems.append(
                        loaded.source.problem(
                            place, f"{fixed.text}: {message}", "unknown-name", remedy=remedy
                        )
                    )
    return problems


def unchecked(loaded: Loaded, catalogue: Catalogue) -> list[Problem]:
    """What is not known of an input without a network, as notes on the recipe: names that only an API knows."""
    columns: dict[str, list[str]] = {}
    for column, lookup in indexing_columns(loaded.recipe).items():
        columns.setdefault(lookup, []).append(repr(column))
    return [
        loaded.source.problem(
            loaded.source.value(("lookups", each.name, "use")),
            f"not checked: whether {each.operation} lists the names in {' and '.join(columns[each.name])}",
            "not-checked", remedy="'runner plan --lookups' asks it", severity="note",
        )
        for each in loaded.recipe.lookups
        if each.name in columns and not each.file and not names_in(loaded.recipe, catalogue, each.name)
    ]  # fmt: skip


def _named(column: Column, recipe: Recipe, catalogue: Catalogue, used: Mapping[str, str]) -> Column:
    """The column, with the names that its cells can be where it finds entries of a lookup whose names are known."""
    if column.name not in used or column.enum:
        return column
    return column._replace(enum=names_in(recipe, catalogue, used[column.name]))


def _value(var: Var) -> Any:
    return _STANDS_FOR.get(var.type, f"({var.name})") if var.required else var.default
