"""The dry run: what it is shown as, what it is compared with, and the code it ends with."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, TextIO

from runner.config import SANDBOX
from runner.durable import WholeFile, stopping, unwritable
from runner.engine.events import Event, Reporter, RowFinished
from runner.engine.totals import EXIT_CHANGES
from runner.journal import History
from runner.problems import InvalidError, PlanError, Problem, StoppedError, draw_all
from runner.project import connections
from runner.project.plan_settings import OUT, Format, PlanOptions
from runner.project.streams import note, say
from runner.project.task import Job, Planning
from runner.report.plan.json import Header
from runner.report.plan.text import kind_of
from runner.rows import Input

if TYPE_CHECKING:
    from runner.report.plan.changes import Against


def dry_run(job: Job, input_: Input | None, shown: PlanOptions) -> int:
    """Show what would be sent, in every form that was asked for. Nothing in it can send."""
    with ExitStack() as files:
        planning = files.enter_context(job.planned(lookups=shown.lookups))
        if input_ is None and job.search and planning.lookups:
            input_ = job.look_up_rows(planning, Path(files.enter_context(TemporaryDirectory())))
        if input_ is not None or not job.search:
            _tell_other_names(job, input_, planning)
        header = header_of(job, input_, planning)
        warnings = job.project.loaded.warnings
        if warnings:
            say(draw_all(warnings).rstrip("\n"), to_stderr=True)
        show, changes = _Show(header, input_, shown, files, warnings=warnings), _Changes()
        reporters: list[Reporter] = [changes, show.reporter(shown.format, _stdout(shown.format))]
        reporters += [
            show.reporter(OUT[path.suffix.lower()], files.enter_context(written(path)))
            for path in shown.out
        ]
        ended = job.plan(input_, planning, reporters)
        changed = (
            changes.to_send if shown.against is None else any(each.any for each in show.compared)
        )
    return EXIT_CHANGES if shown.detailed and changed and not ended.exit_code else ended.exit_code


def _tell_other_names(job: Job, input_: Input | None, planning: Planning) -> None:
    """Say of a run that it would be refused, since its rows were sent under another name."""
    with closing(History(job.project.config.runs)) as history:
        try:
            again = job.asked_again(history, planning.way, input_)
            job.check_other_names(history, planning.way, input_, again)
        except StoppedError as error:
            note(f"note: a run is refused: {error.message}")
            note(f"      {error.remedy}")


def tell_problems(error: InvalidError, shown: PlanOptions) -> int:
    """Problems that leave nothing to plan, in the forms that the plan was asked for. Raises them again for people."""
    for path in shown.out:
        form = OUT[path.suffix.lower()]
        if form != "json":  # what is no plan must not look like one
            with written(path) as file:
                file.write(_problems(error, form))
    if shown.format == "text":
        raise error
    _stdout(shown.format).write(_problems(error, shown.format))
    return error.exit_code


def _problems(error: InvalidError, form: Format) -> str:
    if form == "markdown":
        from runner.report.plan.markdown import problems_markdown

        return problems_markdown(error.problems, total=error.total)
    from runner.report.problems.render import drawn

    head = "DRY RUN  nothing was planned and nothing was sent\n\n" if form == "text" else ""
    return head + drawn(error.problems, form, total=error.total)


def check_plan(job: Job, input_: Input | None, path: Path) -> None:
    """Raise PlanError unless what a run would send now is what the plan in a file says, to the byte."""
    from runner.report.plan.changes import PlanCheck
    from runner.report.plan.file import PlanFile

    if input_ is None and job.search:
        remedy = "plan and send what an earlier run has read: --rows runs/N/rows.jsonl"
        raise PlanError(
            "the rows come from an API, and nobody has reviewed what it will give", remedy=remedy
        )
    with (
        PlanFile(path) as plan,
        job.planned(lookups=plan.header.get("lookups") is True) as planning,
    ):
        check = PlanCheck(plan, header_of(job, input_, planning))
        ended = job.plan(input_, planning, [check])
    if ended.stopped:
        raise PlanError(ended.stopped, remedy=ended.remedy)


def header_of(job: Job, input_: Input | None, planning: Planning) -> Header:
    """What a plan of this job is made from."""
    recipe = job.project.recipe
    way, sandbox = planning.way, job.target.name == SANDBOX
    urls = {
        api: f"{connections.NO_HOST}/{api}" if sandbox else each.base_url
        for api, each in way.connections.items()
    }
    return Header(
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        target=job.target.name,
        account=way.account,
        date=job.date.isoformat(),
        values=job.values,
        input_name=input_.title if input_ is not None else "",
        search=job.search,
        input_digest=input_.digest if input_ is not None else "",
        left_out=len(input_.left_out) if input_ is not None else 0,
        announced=input_.announced if input_ is not None else {},
        limit=job.selection.limit,
        only=tuple(job.selection.only),
        apis={api: (url, job.catalogue[api].auth) for api, url in urls.items()},
        lookups=planning.lookups,
        previous=job.said_previous(History(job.project.config.runs), way.account, 0),
        searches={
            step.id: step.unless_found.operation
            for step in recipe.steps
            if step.unless_found is not None
        },
    )


class _Changes:
    """Notes whether there is something to send."""

    def __init__(self) -> None:
        self.to_send = False

    def __call__(self, event: Event) -> None:
        if isinstance(event, RowFinished) and not self.to_send:
            self.to_send = kind_of(event.result) == "to send"


class _Show:
    """Makes the reporters of a dry run. `compared` are the comparisons with a plan of before that they make."""

    def __init__(
        self,
        header: Header,
        input_: Input | None,
        shown: PlanOptions,
        files: ExitStack,
        *,
        warnings: Sequence[Problem] = (),
    ) -> None:
        self._header, self._input, self._shown, self._files = header, input_, shown, files
        self._warnings = warnings
        self.compared: list[Against] = []

    def reporter(self, form: Format, out: TextIO) -> Reporter:
        """What writes one form of the plan to `out`."""
        if form == "json":
            from runner.report.plan.json import PlanJson

            return PlanJson(out, self._header)
        if form == "github":
            from runner.report.problems.github import PlanGithub

            return PlanGithub(
                out, self._input.place if self._input is not None else lambda line: ("", line)
            )
        if form == "junit":
            from runner.report.problems.junit import JUnit

            return JUnit(out, self._input)
        against = self._against()
        if form == "markdown":
            from runner.report.plan.markdown import PlanMarkdown

            return PlanMarkdown(out, against=against, warnings=self._warnings)
        if against is not None:
            from runner.report.plan.changes import PlanChanges

            return PlanChanges(out, against, show_all=self._shown.show_all)
        from runner.report.plan.text import PlanText

        return PlanText(out, show_all=self._shown.show_all)

    def _against(self) -> Against | None:
        if self._shown.against is None:
            return None
        from runner.report.plan.changes import Against
        from runner.report.plan.file import PlanFile

        self.compared.append(
            Against(self._files.enter_context(PlanFile(self._shown.against)), self._header)
        )
        return self.compared[-1]


def _stdout(form: Format) -> TextIO:
    """Where a form is printed: JSON and XML are UTF-8 whatever the terminal speaks."""
    if form in ("json", "junit") and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    return sys.stdout


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """A file that is there, whole, when all went well, and is what it was before when not.

    Raises UsageError for its name, and StoppedError when the disk is full, also where it is written to.
    """
    try:
        with WholeFile(path, private=False) as file:
            text = _Text(file, path)
            yield text
            text.detach()  # flushed; closing it is up to the file
    except OSError as error:
        raise unwritable(path, error, remedy="name a file in a folder that is there") from None


class _Text(io.TextIOWrapper):
    """The text of a file, whose reporters raise what ends a run in order."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__(file, encoding="utf-8", newline="\n")
        self._path = path

    def write(self, text: str, /) -> int:
        with stopping(self._path):
            return super().write(text)
