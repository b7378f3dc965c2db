"""`probe`: comparison of a live API with its document. It reads, and changes nothing."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner import source
from runner.config import ApiTarget, Config, Target
from runner.durable import unwritable
from runner.problems import UsageError, nearest
from runner.project import connections, projects
from runner.project.apis import catalogue_for

if TYPE_CHECKING:
    from runner.engine.limits import Hits
    from runner.probe.probe import ProbeResult

EXIT_DIFFERS = 4
EXIT_NOT_ALLOWED = 7


@click.command(short_help="Compare what a live API answers with its document; reads only.")
@click.argument("api")
@click.option(
    "--target", "target_name", default="sandbox", show_default=True, help="Whose API (runner.yaml)."
)
@click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path),
    metavar="OVERLAY.YAML",
    help="Write what differs as an overlay to start from.",
)
def probe(*, api: str, target_name: str, file: Path | None) -> int:
    """Send one GET for each operation of API that reads, and compare the answers with its document.

    Ids that an operation needs are taken from the lists before it; what nothing is known of is not tried. Names and
    types are shown, values never. Ends with 0 when all agrees, 4 when something does not, 7 when nothing is allowed.
    """
    from runner.probe.overlay import overlay_actions
    from runner.probe.probe import probe as ask
    from runner.report.probe import probe_text

    config = projects.current()
    target = config.target(target_name)
    catalogue = catalogue_for(config, target)
    if api not in catalogue:
        raise UsageError(f"there is no API {api!r}", remedy=nearest(api, catalogue, noun="APIs"))
    if file is not None and file.exists():
        raise UsageError(f"{file} is there already", remedy="name another file, or move it away")
    today = dt.datetime.now().astimezone().date()
    with (
        connections.open_connections(config, (api,), target, catalogue) as way,
        _counted(config, way, api) as hits,
    ):
        found: list[ProbeResult] = []
        for each in ask(
            catalogue[api], way.connections[api], today=today, wait=time.sleep, hits=hits
        ):
            found.append(each)
            if sys.stderr.isatty():
                click.echo(f"{each.state:<12}{each.operation.name}", err=True)
    click.echo(probe_text(found), nl=False)
    if file is not None:
        actions = overlay_actions(found, catalogue[api].document)
        _write(file, actions, api=api, config=config, target=target)
    return exit_code(found)


@contextmanager
def _counted(config: Config, way: connections.Way, api: str) -> Iterator[Hits | None]:
    """Yield the daily quota of requests of an account; None if it is not limited."""
    from runner.engine.limits import Hits
    from runner.journal import History

    limit = way.connections[api].hits_per_day
    if limit is None:
        yield None
        return
    with projects.open_journal(config.runs) as journal, closing(History(config.runs)) as history:
        yield Hits(way.account, journal, history, limits={api: limit})


def exit_code(found: Sequence[ProbeResult]) -> int:
    """Return 0 if every allowed read agrees, 7 if none was allowed, and 4 otherwise."""
    states = {each.state for each in found if each.state != "not tried"}
    if states == {"not allowed"}:
        return EXIT_NOT_ALLOWED
    return 0 if states and states <= {"agrees", "not allowed"} else EXIT_DIFFERS


def _write(
    file: Path, actions: Sequence[dict[str, Any]], *, api: str, config: Config, target: Target
) -> None:
    """Write the overlay: the actions of the target's current overlay, then the new ones."""
    from runner.probe.overlay import overlay_text

    if not actions:
        click.echo("nothing differs that an overlay could say, so none was written", err=True)
        return
    before = target.apis.get(api, ApiTarget()).overlay
    old = source.read(config.home / before, number_keys=True).data["actions"] if before else []
    text = overlay_text([*old, *actions], title=f"{api} as {target.account} has it", version="1")
    try:
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except OSError as error:
        raise unwritable(file, error, remedy="name a file that is not there yet") from None
    click.echo(f"{file}: {len(actions)} actions; read it, then name it in runner.yaml:", err=True)
    click.echo(f"       targets.{target.name}.apis.{api}.overlay", err=True)
