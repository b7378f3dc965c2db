"""Input files as typed, grouped, streamed rows."""

from runner.rows.formats.decode import Spool
from runner.rows.group import Row
from runner.rows.index import Claimed
from runner.rows.input import Input
from runner.rows.lookup_file import folded, read_mapping
from runner.rows.lookup_names import Names, names_not_found, spelled_otherwise
from runner.rows.read import InputError, Piped, open_input, read_as
from runner.rows.wrong_rows import MOST_WRONG, OF_CELLS

__all__ = [
    "MOST_WRONG",
    "OF_CELLS",
    "Claimed",
    "Input",
    "InputError",
    "Names",
    "Piped",
    "Row",
    "Spool",
    "folded",
    "names_not_found",
    "open_input",
    "read_as",
    "read_mapping",
    "spelled_otherwise",
]
