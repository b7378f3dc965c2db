"""Hostile inputs as data files, each case with its reason, and a command that may not take long over one."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

RUNNER = Path(sys.executable).with_name("runner")
CPU_SECONDS = 60
"""What a command may use before the kernel ends it: what is quadratic in a hostile input takes far more."""


def cases(name: str) -> list[Any]:
    """The cases of a corpus as parameters of a test, each under its name."""
    found = yaml.safe_load(Path(__file__).with_name(f"{name}.yaml").read_text("utf-8"))
    return [pytest.param(case, id=case["name"]) for case in found]


def bounded_runner(*arguments: str, folder: Path, given: bytes = b"") -> tuple[int, str]:
    """Exit code and output of the command, whose CPU time is bounded: -24 when it used that up."""
    done = subprocess.run(
        [RUNNER, *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        check=False,
        preexec_fn=_bound,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
