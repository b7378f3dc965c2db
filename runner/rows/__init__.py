"""Input files as typed, grouped, streamed rows."""

from runner.rows.contents import Spool
from runner.rows.group import Row
from runner.rows.index import Claimed
from runner.rows.input import Input
from runner.rows.mapping import folded, read_mapping
from runner.rows.read import Piped, open_input
from runner.rows.spelling import Names, names_not_found, spelled_otherwise

__all__ = [
    "Claimed", "Input", "Names", "Piped", "Row", "Spool", "folded", "names_not_found", "open_input", "read_mapping",
    "spelled_otherwise",
]  # fmt: skip
