"""What a command does not import: who only looks does not wait for what sends, nor for what other commands need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .command import TIMEOUT, Command, environment

RUN = "import sys; from runner.cli.main import run; code = run(sys.argv[1:]); print(*sys.modules); sys.exit(code)"

SENDS = {"requests", "urllib3", "h11", "http", "ssl", "filelock", "logging", "concurrent", "runner.transport.client",
         "runner.sandbox.server", "runner.sandbox.state", "runner.project.execution"}  # fmt: skip
"""What only a run needs, and whatever else writes a journal or answers."""

SHOWS = {
    "rich",
    "xlsxwriter",
    "xml",
    "zipfile",
    "python_calamine",
    "babel",
    "jsonschema",
    "runner.report.problems.junit",
}
"""What only some inputs, some outputs and some mistakes need."""

READS_ROWS = {
    "sqlite3",
    "csv",
    "runner.engine",
    "runner.rows",
    "runner.journal",
    "runner.transport",
    "runner.sandbox",
}
READS_RECIPES = {
    "jinja2",
    "yaml",
    "jsonschema_rs",
    "json",
    "runner.recipe",
    "runner.catalogue",
    "runner.config",
}

COMMANDS = {
    "--version": SENDS | SHOWS | READS_ROWS | READS_RECIPES - {"json"},
    "validate contacts.yaml": SENDS | SHOWS | READS_ROWS,
    "plan contacts.yaml": SENDS | SHOWS,
    "plan contacts.yaml --format json": SENDS | SHOWS | {"runner.report.plan.markdown"},
}
"""What each may not import."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_imports_nothing_that_it_has_no_use_for(contacts: Command, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, *command.split()],
        cwd=contacts.folder, env=environment(), capture_output=True, text=True, timeout=TIMEOUT, check=True,
    )  # fmt: skip
    imported = set(done.stdout.splitlines()[-1].split())
    assert "runner.cli.main" in imported
    assert not imported & COMMANDS[command]
