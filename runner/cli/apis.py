"""`sandbox`: the APIs on loopback."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from runner.catalogue import shipped_apis
from runner.cli import projects


@click.command(short_help="Serve the APIs on this machine, to try things out.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="The port.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where its state is kept, instead of runs/sandbox.")
def sandbox(*, port: int, folder: Path | None) -> int:
    """Serve the APIs on this machine until interrupted; runs with the target sandbox find it by themselves."""
    from runner.sandbox import serve

    where = folder if folder is not None else projects.current().runs / "sandbox"
    projects.make_folder(where)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = serve(where, shipped_apis(), port=port)
    try:
        for name in shipped_apis():
            click.echo(f"{name}  {server.base_url}/{name}")
        click.echo(f"state and deliveries are in {where}; ctrl-C ends it", err=True)
        ended.wait()
    finally:
        server.close()
    return 0
