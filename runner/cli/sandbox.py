"""`sandbox`: server of the APIs on loopback."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from runner.cli.whole_numbers import PORT
from runner.config import SANDBOX
from runner.project import projects
from runner.project.apis import catalogue_for, documents_of, overlays_of


@click.command(short_help="Serve the APIs on this machine, to try things out.")
@click.option("--port", type=PORT, default=0, show_default="a free one", help="The port.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where its state is kept, instead of runs/sandbox.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="KEY[:read|:write]",
    help="Accept only this key, for reading or writing only where it says so; user:password where an API has "
    "both. May be repeated.",
)
def sandbox(*, port: int, folder: Path | None, keys: tuple[str, ...]) -> int:
    """Serve the APIs on this machine until interrupted; runs with the target sandbox find it by themselves."""
    from runner.sandbox.server import serve

    current = projects.current()
    target = current.target(SANDBOX)
    # Raises for problems in the configuration's own APIs and overlays.
    catalogue_for(current, target)
    documents = documents_of(current)
    if folder is None:
        projects.make_folder(current.runs)
    where = folder if folder is not None else current.runs / "sandbox"
    projects.make_folder(where)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    permissions = dict(map(_permission, keys))
    server = serve(
        where, documents, overlays=overlays_of(current, target), port=port, keys=permissions
    )
    try:
        for name in documents:
            click.echo(f"{name}  {server.base_url}/{name}")
        click.echo(f"state and deliveries are in {where}; ctrl-C ends it", err=True)
        ended.wait()
    finally:
        server.close()
    return 0


def _permission(text: str) -> tuple[str, frozenset[str]]:
    """Return a key and its permissions: both, unless the text ends with :read or :write."""
    for right in ("read", "write"):
        if text.endswith(f":{right}"):
            return text.removesuffix(f":{right}"), frozenset({right})
    return text, frozenset({"read", "write"})
