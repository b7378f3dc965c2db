"""The command in an empty folder, with the small recipe, and an API that answers as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from faults.fixtures import server

from .command import RECIPE, ROWS, Command
from .stub import Answer, Sent, Stub

__all__ = ["server"]

StartStub = Callable[[Callable[[Sent], Answer]], Stub]


@pytest.fixture
def runner(tmp_path: Path) -> Command:
    """The command in a folder with nothing in it."""
    return Command(tmp_path)


@pytest.fixture
def contacts(runner: Command) -> Command:
    """The command in a folder with contacts.yaml and its rows.csv."""
    runner.write("contacts.yaml", RECIPE)
    runner.write("rows.csv", ROWS)
    return runner


@pytest.fixture
def start_stub(contacts: Command) -> Iterator[StartStub]:
    """Starts an API that answers with what a function says, as the target `live` of the folder."""
    with ExitStack() as running:

        def start(answer: Callable[[Sent], Answer]) -> Stub:
            stub = Stub(answer)
            running.callback(stub.close)
            contacts.write("runner.yaml", stub.settings())
            return stub

        yield start
