"""The package itself: its version, and `python -m runner`."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import runner


def test_the_package_has_the_version_of_its_metadata() -> None:
    assert runner.__version__ == version("recipe-runner")


def test_the_package_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runner", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"runner {version('recipe-runner')}\n"


def test_the_version_is_told_before_anything_is_imported() -> None:
    """Whoever asks for the version, as CI does at every start, does not wait for click."""
    program = (
        "import sys; from runner.__main__ import main; print(*sys.modules, flush=True); "
        "sys.argv[1:] = ['--version']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    imported, told = done.stdout.splitlines()
    assert told == f"runner {version('recipe-runner')}"
    assert not {"click", "runner.cli", "runner.problems"} & {*imported.split()}
