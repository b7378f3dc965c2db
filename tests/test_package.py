"""The package itself: its version, and `python -m runner`."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import runner


def test_the_package_has_the_version_of_its_metadata() -> None:
    assert runner.__version__ == version("recipe-runner")


def test_an_attribute_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        getattr(runner, "no_such_name")  # noqa: B009 - mypy knows that it is not there


def test_the_package_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runner", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"runner {version('recipe-runner')}\n"
