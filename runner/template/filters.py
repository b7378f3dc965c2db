"""The filters of the expression language: importing this module registers all of them."""

from __future__ import annotations

from runner.template import dates, lists, numbers, texts
from runner.template.binding import accepts, applied, bound
from runner.template.lists import summed
from runner.template.numbers import NUMBER
from runner.template.registry import FILTERS, PLAIN
from runner.template.texts import MAX_TEXT

__all__ = ["FILTERS", "MAX_TEXT", "NUMBER", "PLAIN", "accepts", "applied", "bound", "summed"]

REGISTERED = (dates, lists, numbers, texts)
"""The modules that register the filters."""
