"""Input files as typed, grouped, streamed rows."""

from runner.rows.group import Line, Row
from runner.rows.input import Input
from runner.rows.read import MAX_LINES, open_input

__all__ = ["MAX_LINES", "Input", "Line", "Row", "open_input"]
