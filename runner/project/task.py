"""A recipe with its values, target and rows, ready to be planned or run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

from runner.catalogue import Catalogue, Request, to_json
from runner.config import SANDBOX, Target
from runner.engine.api_rows import fetch_rows, search_request
from runner.engine.calls.dry_reads import Looker
from runner.engine.context import Context
from runner.engine.events import Reporter, RunEnded, RunStarted
from runner.engine.lookups import unread_lookups
from runner.engine.once_per import OncePer
from runner.engine.past.aliases import aliases_of, one_apis
from runner.engine.past.claims import KeySet
from runner.engine.past.names import KnownNames
from runner.engine.past.other_columns import check_columns, check_shared
from runner.engine.past.other_names import Beside, OtherNames
from runner.engine.past.other_uses import Others, others_of
from runner.engine.past.previous import previous_run, said, visible
from runner.engine.past.same_lines import SameLines
from runner.engine.run import EVERY_ROW, Reporters, Run, Selection, scope_of
from runner.engine.sending.retry import Budget
from runner.engine.sending.sender import Sender
from runner.engine.stop import Stop
from runner.journal import AgainRecord, History, Journal, RunRecord, now
from runner.keys import canonical
from runner.problems import InvalidError, UsageError, nearest
from runner.project import connections
from runner.project.destination import destination_of, place_of
from runner.project.inputs import input_of
from runner.project.output_settings import Wanted
from runner.project.progress import watched
from runner.project.projects import Project, user
from runner.project.signals import stopping_on_signals
from runner.rows import MOST_WRONG, OF_CELLS, Input, Row, open_input
from runner.template import (
    EvaluationError,
    Template,
    Unknown,
    identity_of,
    identity_scope,
    plain,
    to_text,
)


def asked_again(
    history: History,
    account: str,
    recipe: str,
    keys: Mapping[str, Sequence[str]],
    *,
    why: str,
    who: str,
    at: str,
) -> list[AgainRecord]:
    """What is recorded of the wish to send rows again: the generation that comes after all that their calls have.

    `keys` are those of the rows, each with the former keys that the row may be on record under. A run that is resumed
    takes the same record, so that what it has sent of that generation is not sent twice.
    """
    found = []
    for key, former in keys.items():
        last = history.generation(account, recipe, [key, *former])
        found.append(AgainRecord(key, 0 if last is None else last + 1, why, who, at))
    return found


def after_former_keys(
    history: History, account: str, recipe: str, records: Sequence[AgainRecord], rows: Iterable[Row]
) -> list[AgainRecord]:
    """The records with generations that come after all that is on record under the former keys of their rows, too.

    For rows that were not known when they were asked for.
    """
    wanted = by_key(records)
    former = {row.key: row.former for row in rows if row.key in wanted} if wanted else {}
    found = []
    for record in records:
        last = history.generation(account, recipe, [record.key, *former.get(record.key, ())])
        found.append(record._replace(generation=0 if last is None else last + 1))
    return found


def by_key(records: Sequence[AgainRecord]) -> dict[str, AgainRecord]:
    """The records by the key of their row."""
    return {record.key: record for record in records}


FOUND = "rows.jsonl"
"""In the folder of a run: the rows that it read from an API."""

KEYS_COMPARED = 10_000
"""Keys that a misspelt one is compared with."""


class Planning(NamedTuple):
    """The way of a dry run, what stops it, and whether it reads what it can."""

    way: connections.Way
    stop: Stop
    lookups: bool = False


class Job(NamedTuple):
    """A recipe with its values, target and selection of rows: what a run and its dry run have in common.

    `again` are the keys of rows that are sent once more although they are done, and `why` the reason for it.
    `new_identity` says that its rows are other work than that of other recipe names and accounts. With `aside`, rows
    that cannot be sent as they are do not keep the others from being sent.
    """

    project: Project
    catalogue: Catalogue
    target: Target
    values: dict[str, Any]
    date: dt.date
    selection: Selection
    wanted: Wanted = Wanted()
    again: tuple[str, ...] = ()
    why: str = ""
    fresh: bool = False
    strict: bool = False
    named: bool = False
    new_identity: bool = False
    piped_as: str = ""
    aside: bool = False

    def open_input(self, rows_files: Sequence[Path]) -> Input | None:
        """The checked input, as `runner.project.inputs` finds it, with all the keys that are asked for."""
        with self._told_ways_on():
            opened = input_of(
                self.project,
                rows_files,
                self._scope(),
                piped_as=self.piped_as,
                aside=self._looks_on,
            )
            if opened is not None:
                self._check_taken(opened)
        return opened

    @property
    def _looks_on(self) -> bool:
        """Whether a wrong cell does not refuse the input: its row may be set aside, or not be taken at all."""
        return self.aside or bool(self.selection.only) or self.selection.limit is not None

    @contextmanager
    def _told_ways_on(self) -> Iterator[None]:
        """Add to the problems of an input what can be done beside mending them."""
        try:
            yield
        except InvalidError as error:
            of_cells = all(each.kind in OF_CELLS for each in error.problems)
            if self.aside and error.total > MOST_WRONG:
                error.add_note(f"more than {MOST_WRONG:,} wrong cells are not set aside")
            elif self.aside:
                error.add_note(
                    "this is no matter of single rows, which --bad-rows aside sets aside"
                )
            elif of_cells:
                error.add_note("to send the rows that are right: --bad-rows aside")
            raise

    def _check_taken(self, input_: Input) -> None:
        """Refuse keys that no row has and, unless they are set aside, rows to take with wrong cells."""
        self.check_keys(input_)
        refusal = None
        if not self.aside and input_.wrong:
            refusal = input_.refusal(self.selection.of(input_.every_row()))
        if refusal is not None:
            raise refusal

    def check_keys(self, input_: Input | None) -> None:
        """Refuse keys that no row has: a run that finds nothing to do would look like one that is done."""
        only = set(self.selection.only)
        left = only | set(self.again)
        if not left:
            return
        if only and not only.issuperset(self.again):
            key = next(key for key in self.again if key not in only)
            raise UsageError(
                f"--again {key!r} is not among the rows of --only", remedy="name it there too"
            )
        known = [self.single().key] if input_ is None else (row.key for row in input_.every_row())
        near: list[str] = []
        for key in known:
            left.discard(key)
            if len(near) < KEYS_COMPARED:
                near.append(key)
        if left:
            missing = min(left)
            raise UsageError(
                f"no row has the key {missing!r}", remedy=nearest(missing, near, noun="keys")
            )

    def check_known(self, input_: Input | None, history: History, account: str) -> None:
        """Refuse keys and shared values that look like others that are on record. Raises InvalidError."""
        known = KnownNames(history, account, self.project.recipe)
        if input_ is not None:
            input_.check_known(known)
        elif not self.search:
            single = self.single()
            known.check_single(single.key, single.former)

    @contextmanager
    def planned(self, *, lookups: bool) -> Iterator[Planning]:
        """What a dry run needs: the way to the target, which only with `lookups` leads anywhere, and then by GETs."""
        stop = Stop()
        if not lookups:
            yield Planning(connections.planned_way(self.project, self.target, self.catalogue), stop)
            return
        way = connections.open_way(self.project, self.target, self.catalogue, gets_only=True)
        with way as opened, stopping_on_signals(stop):
            yield Planning(opened, stop, lookups=True)

    def plan(self, input_: Input | None, planning: Planning, reporters: list[Reporter]) -> RunEnded:
        """The dry run, told to `reporters`. Nothing in it can send."""
        history = History(self.project.config.runs)
        if input_ is None and not self.search:
            self.check_keys(None)
        self.check_known(input_, history, planning.way.account)
        context = self.context(
            planning.way, Unknown("run.id"), history, None, reporters, planning.stop
        )
        context = replace(context, again=by_key(self.asked_again(history, planning.way, input_)))
        selection = EVERY_ROW if input_ is None else self.selection
        job = Run(
            context, input_, single=self.single(), selection=selection, lookups=planning.lookups,
            aside=self.aside,
        )  # fmt: skip
        reads = self._reads(context) if input_ is None else None
        started = self.started(planning.way, 0, input_, history, reads=reads, again=context.again)
        return job.execute(started._replace(lookups=tuple(unread_lookups(context))))

    @property
    def search(self) -> str:
        """The operation that gives the rows; empty where they come from a file, or there are none."""
        rows = self.project.recipe.rows
        return rows.search.operation if rows is not None and rows.search is not None else ""

    def single(self) -> Row:
        """The one row where there is no input: that of a recipe without rows, or what a dry run shows for all rows."""
        if self.project.recipe.rows is None:
            key = self._key()
            return Row(1, key, {}, (), former=self._former_keys(key))
        return Row(1, "each row", cast("Mapping[str, Any]", Unknown("row")), ())

    def _reads(self, context: Context) -> Request | None:
        """The request that a dry run will not send for its rows."""
        rows = self.project.recipe.rows
        if rows is None or rows.search is None:
            return None
        return search_request(context, rows.search)

    def look_up_rows(self, planning: Planning, folder: Path) -> Input:
        """The rows that an API has now, for a dry run, in a file in `folder`."""
        history = History(self.project.config.runs)
        context = self.context(planning.way, Unknown("run.id"), history, None, [], planning.stop)
        return self.fetched(context, Looker(context), folder)

    def fetched(self, context: Context, sender: Sender, folder: Path) -> Input:
        """The rows that the API gives to `sender`, checked, in a file in `folder`."""
        rows = self.project.recipe.rows
        assert rows is not None and rows.search is not None  # noqa: S101 - the caller's condition
        fetch_rows(context, sender, rows.search, folder / FOUND)
        with self._told_ways_on():
            found = open_input(
                folder / FOUND, rows, scope=self._scope(), name=rows.search.operation,
                aside=self._looks_on,
            )  # fmt: skip
            self._check_taken(found)
        return found

    def check_other_names(
        self,
        history: History,
        way: connections.Way,
        input_: Input | None,
        again: Sequence[AgainRecord],
    ) -> None:
        """Refuse rows that were sent under another recipe name, account or key. Raises StoppedError."""
        context = self.context(way, Unknown("run.id"), history, None, [], Stop())
        context = replace(context, again=by_key(again))
        destination = destination_of(self.project.recipe, self.target, self.catalogue, way)
        elsewhere: set[tuple[str, str]] = set()
        if destination is not None and not self.new_identity:
            elsewhere = {
                (run.account, run.recipe)
                for run in history.runs()
                if run.recipe == context.recipe.name
                and run.account != way.account
                and run.target != SANDBOX
            }
        self._check_names(OtherNames(context, elsewhere=elsewhere), input_)
        if input_ is not None and not self.new_identity:
            self._check_lines(SameLines(context, input_, values=self.recorded_values), input_)
            for check in (check_columns, check_shared):
                check(context, input_, self.selection.of)
        if destination is None or self.new_identity:
            return
        for folder in destination.beside(self.project.config.runs):
            with closing(History(folder)) as there:
                names = {(run.account, run.recipe) for run in there.runs()}
                known = frozenset(name for name in names if name[0] == way.account)
                self._check_names(OtherNames(context, Beside(there, known)), input_)

    def _check_lines(self, same: SameLines, input_: Input) -> None:
        what = "looked for under other keys, nothing is sent yet"
        rows = watched(input_, what, total=input_.row_count, quiet=self.wanted.quiet)
        same.check(self.selection.of(iter(rows)))

    def _check_names(self, others: OtherNames, input_: Input | None) -> None:
        rows = iter([self.single()]) if input_ is None else iter(input_)
        digest = "" if input_ is None else input_.digest
        total = 1 if input_ is None else input_.row_count
        rows = watched(
            rows, "looked for under other names, nothing is sent yet", total=total, quiet=self.wanted.quiet,
        )  # fmt: skip
        others.check(self.selection.of(rows), digest=digest)

    def _others(self, history: History, way: connections.Way) -> Others:
        """The other names whose rows count as sent; none where the rows are declared to be other work."""
        recipe, accounts = self.project.recipe, {way.account}
        destination = destination_of(recipe, self.target, self.catalogue, way)
        if destination is not None:
            accounts |= destination.accounts(history)
            bases = {api: each.base_url for api, each in way.connections.items()}
            history.one_apis = one_apis(self.catalogue, bases)
            history.aliases = aliases_of(
                history, recipe, self.catalogue, bases=bases, origin_of=place_of
            )
        if self.new_identity:
            return Others()
        return others_of(history, recipe, self.catalogue, account=way.account, accounts=accounts)

    def asked_again(
        self, history: History, way: connections.Way, input_: Input | None
    ) -> list[AgainRecord]:
        """The calls of the rows that are asked for once more."""
        if not self.again:
            return []
        keys: dict[str, tuple[str, ...]] = dict.fromkeys(self.again, ())
        rows = input_ if input_ is not None else () if self.search else [self.single()]
        keys |= {row.key: row.former for row in rows if row.former and row.key in keys}
        name = self.project.recipe.name
        return asked_again(history, way.account, name, keys, why=self.why, who=user(), at=now())

    def context(
        self, way: connections.Way, number: int | Unknown, history: History, journal: Journal | None,
        reporters: list[Reporter], stop: Stop,
    ) -> Context:  # fmt: skip
        """What the rows of this job share; `number` is the run's, unknown in a dry run."""
        begun = history.run(number) if isinstance(number, int) else None
        previous = (
            history.run(begun.previous)
            if begun is not None
            else self.previous(history, way.account)
        )
        run = {"id": number, "date": self.date, "previous": visible(previous)}
        return Context(
            recipe=self.project.recipe,
            catalogue=self.catalogue,
            account=way.account,
            run=number if isinstance(number, int) else 0,
            scope=self._scope() | {"run": run},
            connections=way.connections,
            history=history,
            journal=journal,
            emit=Reporters(reporters),
            once=OncePer(),
            stop=stop,
            budget=Budget(),
            fresh=self.fresh,
            twins=history.twins(way.account, self.project.recipe.name),
            others=self._others(history, way),
            strict=self.strict,
            named=self.named,
            mappings=self.project.mappings,
            mask=way.mask,
        )

    @property
    def recorded_values(self) -> str:
        """The values of the recipe's variables as the journal has them, a JSON object."""
        return to_json(self.values).decode()

    def previous(self, history: History, account: str) -> RunRecord | None:
        """The run that expressions of a new one see as run.previous."""
        name, values = self.project.recipe.name, self.recorded_values
        return previous_run(history, account, name, values=values, searched=bool(self.search))

    @property
    def reads_previous(self) -> bool:
        """Whether an expression of the recipe reads run.previous."""
        return any(
            reference.root == "run" and reference.path[:1] in ((), ("previous",))
            for text in self.project.loaded.all_texts
            for reference in text.compiled.references
        )

    def said_previous(self, history: History, account: str, number: int) -> str:
        """The run that a run, or a dry run (number 0), sees as run.previous; empty where its recipe does not ask."""
        if not self.reads_previous:
            return ""
        begun = history.run(number) if number else None
        if begun is None:
            return said(self.previous(history, account))
        return said(history.run(begun.previous))

    def _scope(self) -> dict[str, Any]:
        """What expressions see before there is a run."""
        return scope_of(
            self.project.recipe,
            values=self.values,
            run={"id": Unknown("run.id"), "date": self.date},
        )

    def _key(self) -> str:
        """The key of a recipe without rows: what it says, or else the values of its variables."""
        key = self.project.recipe.key
        if self.project.recipe.rows is not None:
            return ""
        try:
            text = self._made(key, identical=True)
        except EvaluationError as error:
            raise UsageError(f"the recipe's key cannot be made: {error}") from None
        if not text:
            shown = key.text if isinstance(key, Template) else repr(key)
            remedy = "give the variables it is made of a value"
            raise UsageError(f"the recipe's key {shown} is empty", remedy=remedy)
        return text

    def _former_keys(self, key: str) -> tuple[str, ...]:
        """Other keys that a recipe without rows may be on record under. Raises UsageError."""
        recipe = self.project.recipe
        try:
            found = [self._made(was, identical=True) for was in recipe.key_was]
            found.append(self._made(recipe.key, identical=False))
        except EvaluationError as error:
            raise UsageError(f"the recipe's key_was cannot be made: {error}") from None
        return tuple(name for name in dict.fromkeys(found) if name not in ("", key))

    def _made(self, key: Template | str | None, *, identical: bool) -> str:
        """The text of a key in its canonical form; with `identical`, 8.40 is 8.4 in it. Raises EvaluationError."""
        if key is None:
            return canonical(to_json(plain(self.values) if identical else self.values).decode())
        if isinstance(key, str):
            return canonical(key)
        scope = self._scope()
        if not identical:
            return canonical(to_text(key.render(scope)))
        return identity_of(key.render(identity_scope(scope, key.references)))

    def started(
        self, way: connections.Way, number: int, input_: Input | None, history: History, *, resumed: bool = False,
        reads: Request | None = None, again: Collection[str] = (),
    ) -> RunStarted:  # fmt: skip
        """How a run of this job, or its dry run (number 0), announces itself."""
        recipe = self.project.recipe
        return RunStarted(
            run=number,
            recipe=recipe.name,
            target=self.target.name,
            rows=input_.row_count if input_ is not None else 1,
            lines=input_.line_count if input_ is not None else 0,
            dry_run=not number,
            resumed=resumed,
            writes_before=_done_before(history, way.account, recipe.name, input_),
            outputs=tuple(recipe.outputs),
            pace=connections.pace_text(way),
            search=self.search if input_ is None or input_.path.name == FOUND else "",
            reads=reads,
            again=tuple(again),
            left_out=len(input_.left_out) if input_ is not None else 0,
            previous=self.said_previous(history, way.account, number),
            agreed=input_.agreed if input_ is not None else "",
        )


ANOTHER_RUN = "use 'runner run': it finds by itself what is done, and goes on with the changes"


def refuse(message: str, *, remedy: str = ANOTHER_RUN) -> NoReturn:
    """Refuse to take up what is no longer what it was."""
    raise UsageError(message, remedy=remedy)


def _done_before(history: History, account: str, recipe: str, input_: Input | None) -> int:
    """How many writes of the rows of this input are done or found; of all, where there is no input."""
    counts = history.count_done(account, recipe)
    first = next(counts, None)
    if first is None:
        return 0
    asked = KeySet(input_.keys()) if input_ is not None else None
    return sum(count for key, count in (first, *counts) if asked is None or key in asked)
