"""A scripted server, and what is run against it."""

from faults.fixtures import bench, server

__all__ = ["bench", "server"]
