"""The Jinja environment that texts are parsed in: none of its filters, tests or functions."""

from __future__ import annotations

from jinja2 import Environment

CONCAT = "concat of texts"
"""The filter that `~` becomes; no recipe can name it."""


def _environment() -> Environment:
    environment = Environment(keep_trailing_newline=True, cache_size=0)  # noqa: S701 - nothing is rendered by it
    environment.globals.clear()
    environment.filters.clear()
    environment.tests.clear()
    return environment


ENVIRONMENT = _environment()
