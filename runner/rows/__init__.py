"""Input files as typed, grouped, streamed rows."""

from runner.rows.group import Line, Row
from runner.rows.input import Input
from runner.rows.read import open_input
from runner.rows.spelling import spelled_otherwise

__all__ = ["Input", "Line", "Row", "open_input", "spelled_otherwise"]
