"""A declarative batch runner for order-management APIs."""

from __future__ import annotations


def __getattr__(name: str) -> str:
    if name == "__version__":  # read on use: the package's metadata takes a while to find
        from importlib.metadata import version

        return version("recipe-runner")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
