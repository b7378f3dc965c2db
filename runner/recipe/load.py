"""A recipe file to a frozen Recipe: parsed, checked against its schema_errors, its names and the APIs it uses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.problems import InvalidError, Problem
from runner.recipe import model, schema_errors
from runner.recipe.check import check
from runner.recipe.chosen import single_steps
from runner.recipe.columns import column
from runner.recipe.constant_names import check_constant_names
from runner.recipe.containment import check_containment, check_shared_searches
from runner.recipe.corrected import corrected
from runner.recipe.declarations import variable
from runner.recipe.exports import groups_of, total_of
from runner.recipe.include import check_alone, read_included
from runner.recipe.included import Files, Included, is_steps_file
from runner.recipe.shorthand import written_out
from runner.recipe.texts import (
    EXPECTATIONS,
    Text,
    Texts,
    compile_texts,
    is_each,
    over,
)
from runner.recipe.uses import amount_rules
from runner.recipe.variables import seconds, var_value
from runner.source import Source, TreePath, parse, read
from runner.template import Each, Expression, Tree, compile_template

if TYPE_CHECKING:
    from runner.catalogue import Catalogue


class Loaded(NamedTuple):
    """A recipe that can be run, the text it came from, and what is worth knowing about it all the same.

    `texts` are its templates and expressions by their paths.
    """

    recipe: model.Recipe
    source: Source
    texts: Texts
    warnings: tuple[Problem, ...]
    included: tuple[Included, ...] = ()

    @property
    def all_texts(self) -> Iterator[Text]:
        """The templates and expressions of the recipe and of the files that it includes."""
        for texts in (self.texts, *(each.texts for each in self.included)):
            yield from texts.values()


def load(path: Path, *, catalogue: Catalogue, name: str | None = None) -> Loaded:
    """Return the recipe in the file at `path`, which messages call `name`. Raises InvalidError with every problem."""
    return _load(read(path, name=name), catalogue, path)


def load_text(text: str, *, file: str, catalogue: Catalogue) -> Loaded:
    """Return the recipe in `text`. `file` is what messages call it. Raises InvalidError with every problem."""
    return _load(parse(text, file=file), catalogue, None)


def _load(source: Source, catalogue: Catalogue, path: Path | None) -> Loaded:
    source = written_out(source)
    if is_steps_file(source.data) and not {"rows", "outputs"} & source.data.keys():
        raise InvalidError(check_alone(source, path, catalogue))
    judged = _judged(source, catalogue, path)
    fixed = corrected(source, catalogue) if judged.problems else ()
    problems = _all_told(judged.problems, [_judged(e, catalogue, path).problems for e in fixed])
    if judged.recipe is None or _wrong(problems):
        raise InvalidError(problems)
    included = tuple(each for file in judged.files.values() for each in file.all())
    return Loaded(judged.recipe, source, judged.texts, tuple(sorted(set(problems))), included)


class _Judged(NamedTuple):
    """Every problem of a recipe, its templates, and the files that it includes.

    `recipe` is None where what is wrong leaves none that could be looked at as a whole.
    """

    problems: list[Problem]
    texts: Texts
    files: Files
    recipe: model.Recipe | None


def _judged(source: Source, catalogue: Catalogue, path: Path | None) -> _Judged:
    misshapen, broken = schema_errors.check(source)
    if () in broken:  # not even a mapping: nothing else can be said
        raise InvalidError(misshapen)
    texts, malformed = compile_texts(source)
    files, unread = read_included(source, path, catalogue)
    checked = check(source, texts, catalogue, broken=broken, files=files)
    problems = [*misshapen, *malformed, *unread, *checked]
    recipe = None
    if not misshapen and {each.kind for each in _wrong(problems)} <= OF_VALUES:
        builder = _Builder(source, texts, catalogue, files)
        recipe = builder.recipe()
        recipe = recipe._replace(steps=single_steps(recipe, catalogue))
        places = [(of, at) for _, of, at in builder.placed_steps()]
        problems += check_containment(places, recipe, catalogue)
        problems += check_shared_searches(places, recipe)
        problems += check_constant_names(places, recipe)
    return _Judged(_told_once(problems), texts, files, recipe)


OF_VALUES = frozenset(
    {
        *("argument", "later-step", "list-result", "may-be-null", "missing-parameter", "retry"),
        *("template", "type", "unknown-column", "unknown-name", "unknown-parameter"),
        *("unknown-step", "unknown-var", "dollar"),
    }
)
"""Kinds of errors in what a step is given, which leave to be seen what the steps do and what they search."""

SLIPS = frozenset(
    {
        *("unknown-field", "unknown-key", "unknown-operation", "unknown-api", "unknown-parameter"),
        *("value", "template", "expression"),
    }
)
"""Kinds of problems that are slips, so that there is a next level that shows what they hide."""


OF_SLIPS = frozenset({"unknown-name", "unknown-step"})
"""Kinds of errors that a slip brings about: `name: find` in a step, and then nothing is called find."""


def _all_told(told: Sequence[Problem], stages: Sequence[Sequence[Problem]]) -> list[Problem]:
    """Return the problems of a recipe, the slips of each stage of correction, and what the last stage still has.

    A warning that a slip has brought about is none; nor is a slip of a key that, corrected, has to be left out.
    """
    if not stages:
        return list(told)
    left = set(stages[-1])
    kept = [
        e
        for e in told
        if e in left or (e.kind not in OF_SLIPS and (e.severity == "error" or e.kind in SLIPS))
    ]
    for hidden in [*([e for e in each if e.kind in SLIPS] for each in stages[:-1]), stages[-1]]:
        needless = {_place(each) for each in hidden if each.remedy.startswith("leave it out")}
        kept = [e for e in kept if e.kind != "unknown-key" or _place(e) not in needless]
        places = {_place(each) for each in kept}
        kept += [each for each in hidden if _place(each) not in places]
    return _told_once(kept)


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.file, problem.line, problem.column


def _wrong(problems: Sequence[Problem]) -> list[Problem]:
    return [each for each in problems if each.severity == "error"]


def _told_once(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems without the warnings that stand where something is an error already."""
    wrong = {_place(each) for each in _wrong(problems)}
    return [each for each in problems if each.severity == "error" or _place(each) not in wrong]


def _digest(source: Source, files: Files) -> str:
    """Return the SHA-256 of the text of a recipe, and of those of the files that it includes."""
    texts = [each.source.text for file in files.values() for each in file.all()]
    own = hashlib.sha256(source.text.encode()).hexdigest()
    if not texts:
        return own
    parts = [own, *(hashlib.sha256(text.encode()).hexdigest() for text in texts)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


class _Builder(NamedTuple):
    """Frozen values from the data of a recipe in which nothing is wrong."""

    source: Source
    texts: Texts
    catalogue: Catalogue
    files: Files = MappingProxyType({})
    inside: model.Include | None = None
    starts: tuple[str, ...] = ("",)
    """What the ids of its steps begin with, and after that what they began with before."""
    were: Mapping[str, Sequence[str]] = MappingProxyType({})
    """What its steps were called in the recipe, by what they are called now."""

    @property
    def start(self) -> str:
        """The prefix of the ids of its steps."""
        return self.starts[0]

    def placed_steps(self) -> Iterator[tuple[model.Step, Source, TreePath]]:
        """Yield the steps, those of included files among them, each with where it stands."""
        for index, step in enumerate(self.source.data.get("steps", ())):
            path: TreePath = ("steps", index)
            if "include" in step:
                yield from self.included(index).placed_steps()
            else:
                yield self.step(path, step), self.source, path

    def included(self, index: int) -> _Builder:
        """Return the builder of the steps of the file that a step includes."""
        step, file, path = self.source.data["steps"][index], self.files[index], ("steps", index)
        id_ = self.start + step["id"]
        data = file.source.data
        inner = _Builder(file.source, file.texts, self.catalogue, file.files)
        include = model.Include(
            id_,
            file=file.source.file,
            arguments=self.tree((*path, "with"), step.get("with", {})),
            vars={name: _var(var) for name, var in file.vars.items()},
            let=inner.let(("let",), data.get("let", {})),
            lookups={name: f"{id_}.{name}" for name in data.get("lookups", {})},
            when=self.expression((*path, "when")),
            around=self.inside,
        )
        names = (step["id"], *([step["was"]] if "was" in step else []))
        starts = tuple(f"{start}{name}." for start in self.starts for name in names)
        were = {
            name: [start + former for start in self.starts]
            for name, former in step.get("were", {}).items()
        }
        return inner._replace(inside=include, starts=starts, were=were)

    def lookups(self) -> Iterator[model.Lookup]:
        """Yield the lookups, those of included files among them."""
        data = self.source.data
        for name, lookup in data.get("lookups", {}).items():
            yield self.lookup(name, lookup)
        for index in self.files:
            yield from self.included(index).lookups()

    def recipe(self) -> model.Recipe:
        data: dict[str, Any] = self.source.data
        return model.Recipe(
            name=data["name"],
            file=self.source.file,
            text=self.source.text,
            digest=_digest(self.source, self.files),
            steps=tuple(step for step, _, _ in self.placed_steps()),
            description=data.get("description", ""),
            vars={
                name: _var(variable(name, value)) for name, value in data.get("vars", {}).items()
            },
            rows=self.rows(data["rows"]) if "rows" in data else None,
            key=self.tree(("key",), data.get("key")),
            key_was=self.key_was((), data.get("key_was", ())),
            exact=data.get("keys") == model.EXACT,
            lookups=tuple(self.lookups()),
            outputs=self.tree(("outputs",), data.get("outputs", {})),
            let=self.let(("let",), data.get("let", {})),
            export=self.export(data["export"]) if "export" in data else None,
        )

    def export(self, export: Mapping[str, Any]) -> model.Export:
        place, _, item = over(("export", "lines"), export.get("lines"))
        totals = export.get("totals", {})
        return model.Export(
            lines=self.expression(place),
            item_name=item,
            group_by=groups_of(export),
            totals={name: model.Total(*total_of(name, given)) for name, given in totals.items()},
        )

    def rows(self, rows: Mapping[str, Any]) -> model.Rows:
        group_by, unpivot = rows.get("group_by", ""), rows.get("unpivot")
        own = compile_template(f"{{{{ row[{group_by!r}] }}}}") if group_by else None
        key = self.tree(("rows", "key"), rows["key"]) if "key" in rows else own
        files = rows.get("file", ())
        return model.Rows(
            file=(files,) if isinstance(files, str) else tuple(files),
            delimiter=rows.get("delimiter", ""),
            encoding=rows.get("encoding", ""),
            header=rows.get("header", 0),
            sheet=rows.get("sheet", ""),
            group_by=group_by,
            key=key,
            columns=tuple(
                self.column(name, given) for name, given in rows.get("columns", {}).items()
            ),
            search=self.search(("rows",), rows) if "use" in rows else None,
            where=self.expression(("rows", "where")) if "use" not in rows else None,
            unpivot=model.Unpivot(**{**unpivot, "columns": tuple(unpivot["columns"])})
            if unpivot
            else None,
            expect_total=self.tree(("rows", "expect_total"), rows.get("expect_total")),
            require=tuple(
                self.requirement(("rows", "require", index), each["message"])
                for index, each in enumerate(rows.get("require", ()))
            ),
            exact=rows.get("keys") == model.EXACT,
            shared=dict(self.shared()),
            key_was=self.key_was(("rows",), rows.get("key_was", ())),
            aside=rows.get("bad_rows") == model.ASIDE,
        )

    def key_was(self, path: TreePath, given: Any) -> tuple[Any, ...]:
        """Return the former keys of rows, or of a recipe without rows: one, or a list of them."""
        place = (*path, "key_was")
        if isinstance(given, str):
            return (self.tree(place, given),)
        return tuple(self.tree((*place, index), each) for index, each in enumerate(given))

    def shared(self) -> Iterator[tuple[str, Expression]]:
        """Yield the values of `once_per`, by their steps, that a line of the input shows without anything else."""
        for index, step in enumerate(self.source.data.get("steps", ())):
            value = self.expression(("steps", index, "once_per"))
            if (
                "include" in step
                or value is None
                or self.catalogue.operation(step["use"]).effect == "read"
            ):
                continue
            names = {(each.root, *each.path[:1]) for each in value.references}
            if {name[0] for name in names} <= {"row", "vars", "run", "item"} and not (
                names & {("row",), ("row", "lines")}
            ):
                yield step["id"], value

    def requirement(self, path: TreePath, message: str) -> model.Requirement:
        that = self.expression((*path, "that"))
        assert that is not None  # noqa: S101 - a recipe in which nothing is wrong
        return model.Requirement(that, self.tree((*path, "message"), message))

    def column(self, name: str, given: Mapping[str, Any]) -> model.Column:
        value = self.tree(("rows", "columns", name, "value"), given.get("value"))
        return column(name, given)._replace(value=value)

    def lookup(self, name: str, lookup: Mapping[str, Any]) -> model.Lookup:
        arguments = self.tree(("lookups", name, "with"), lookup.get("with", {}))
        by: str | list[str] = lookup.get("by", ())
        return model.Lookup(
            self.start + name,
            operation=lookup.get("use", ""),
            arguments=arguments,
            by=(by,) if isinstance(by, str) else tuple(by),
            fold=lookup.get("fold", False),
            file=lookup.get("file", ""),
            keep=seconds(lookup.get("keep", "0s")),
            where=self.expression(("lookups", name, "where")),
            expect=lookup.get("expect", ""),
        )

    def step(self, path: TreePath, step: Mapping[str, Any]) -> model.Step:
        expect = step.get("expect", "")
        return model.Step(
            id=self.start + step["id"],
            inside=self.inside,
            operation=step["use"],
            arguments=self.tree((*path, "with"), step.get("with", {})),
            when=self.expression((*path, "when")),
            for_each=self.expression(over((*path, "for_each"), step.get("for_each"))[0]),
            item_name=over((*path, "for_each"), step.get("for_each"))[2],
            let=self.let((*path, "let"), step.get("let", {})),
            item_key=self.expression((*path, "item_key")),
            once_per=self.expression((*path, "once_per")),
            expect=expect if expect in EXPECTATIONS else self.expression((*path, "expect")) or "",
            unless_found=self.search((*path, "unless_found"), step.get("unless_found")),
            under_found=step.get("under_found", ""),
            verify=step.get("verify") is True or self.expression((*path, "verify")) or False,
            poll=self.poll((*path, "poll"), step.get("poll", {})),
            on_error=step.get("on_error", model.ON_ERROR),
            retry=step.get("retry", model.RETRIES),
            was=(*self.was((*path, "was"), step.get("was", ())), *self.former(step["id"])),
            description=step.get("description", ""),
            amount=amount_rules(step.get("amount", {})),
            once=step.get("once", ""),
            where=self.expression((*path, "where")),
        )

    def let(self, path: TreePath, let: Mapping[str, Any]) -> Mapping[str, Expression]:
        """Return the named values of a `let`."""
        named = {name: self.expression((*path, name)) for name in let}
        return {name: value for name, value in named.items() if value is not None}

    def former(self, name: str) -> Iterator[model.Was]:
        """Yield the former identities of a step of an included file, as the including step gives them."""
        yield from (model.Was(start + name) for start in self.starts[1:])
        yield from (model.Was(former) for former in self.were.get(name, ()))

    def was(self, path: TreePath, was: Any) -> tuple[model.Was, ...]:
        """Return the former identities of a step: an id, an id with the identity of its items, or a list of these."""
        if isinstance(was, list | tuple):
            return tuple(each for at, one in enumerate(was) for each in self.was((*path, at), one))
        if isinstance(was, str):
            return tuple(model.Was(start + was) for start in self.starts)
        return tuple(
            model.Was(
                start + was["step"],
                for_each=self.expression((*path, "for_each")),
                item_key=self.expression((*path, "item_key")),
            )
            for start in self.starts
        )

    def poll(self, path: TreePath, poll: Mapping[str, Any]) -> model.Poll | None:
        until = self.expression((*path, "until"))
        given = {name: seconds(poll[name]) for name in ("every", "within") if name in poll}
        return model.Poll(until, **given) if until is not None else None

    def search(self, path: TreePath, search: Mapping[str, Any] | None) -> model.Search | None:
        if search is None:
            return None
        listed: str = search.get("in", "")
        at: TreePath = ("lookups", listed) if listed else path
        given = self.source.data["lookups"][listed] if listed else search
        return model.Search(
            given["use"],
            arguments=self.tree((*at, "with"), given.get("with", {})),
            lookup=self.start + listed if listed else "",
            where=self.expression((*path, "where")),
            absent_means=search.get("absent_means", model.ABSENT_MEANS),
            update=self.update((*path, "update"), search["update"]) if "update" in search else None,
            settling=seconds(search["settling"]) if "settling" in search else model.SETTLING,
        )

    def update(self, path: TreePath, update: Mapping[str, Any]) -> model.Update:
        """Return the update of an object that a search has found (upsert)."""
        return model.Update(update["use"], arguments=self.tree((*path, "with"), update["with"]))

    def expression(self, path: TreePath) -> Expression | None:
        text = self.texts.get(path)
        return text.compiled if text and isinstance(text.compiled, Expression) else None

    def tree(self, path: TreePath, value: Any) -> Tree:
        """Return the value with its compiled templates in place of their texts."""
        if path in self.texts:
            return self.texts[path].compiled
        if is_each(value):
            place, _, name = over((*path, "for_each"), value["for_each"])
            if (items := self.expression(place)) is not None:
                return Each(items, self.tree((*path, "value"), value["value"]), name)
        if isinstance(value, dict):
            return {key: self.tree((*path, key), child) for key, child in value.items()}
        if isinstance(value, list):
            return [self.tree((*path, index), child) for index, child in enumerate(value)]
        return value


def _var(var: model.Var) -> model.Var:
    """Return the variable with its default in its type."""
    return var._replace(default=var_value(var, var.default))
