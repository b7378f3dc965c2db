"""A scripted server, and what is run against it."""

from faults.fixtures import bench, project, server

__all__ = ["bench", "project", "server"]
