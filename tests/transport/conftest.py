"""A scripted server, what is run against it, and the memory that it takes."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest
from faults.fixtures import bench, server

__all__ = ["bench", "peak", "server"]


@pytest.fixture
def peak() -> Callable[[], int]:
    """The most memory this process has had so far, in bytes."""
    return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
