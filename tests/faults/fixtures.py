"""Fixtures for every folder of tests that talks to a scripted server; its conftest imports them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.bench import Bench
from faults.commands import Project
from faults.server import FaultServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultServer]:
    with FaultServer(tmp_path) as server:
        yield server


@pytest.fixture
def bench(server: FaultServer, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "project", server.url)
    bench.folder.mkdir()
    yield bench
    bench.close()


@pytest.fixture
def project(server: FaultServer, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "project", server)
    yield project
    project.close()
