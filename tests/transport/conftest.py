"""A scripted server, what is run against it, and the memory that it takes."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from faults.fixtures import bench, server

__all__ = ["bench", "peak", "server"]


@pytest.fixture
def peak() -> Callable[[], int]:
    """The most memory this process has had so far, in bytes."""
    return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.fixture
def certificate(tmp_path: Path) -> Mapping[str, Path]:
    """A certificate that nobody vouches for, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, and without it there is no certificate to refuse")
    files = {"key": tmp_path / "key.pem", "certificate": tmp_path / "certificate.pem"}
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
        "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    out = ["-keyout", str(files["key"]), "-out", str(files["certificate"])]
    subprocess.run([*command.split(), *out], check=True, capture_output=True)
    return files
