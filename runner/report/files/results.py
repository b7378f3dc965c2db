"""results.csv, one line for each line of the input, and the retry file with those that are still to be done.

    line,key,row,bucket,reason,ids,links,job_number
    2,PO-1042,1,done,,contact 1042; job 31987,https://app.example.com/jobs/31987,31987
    3,PO-1042,1,done,,contact 1042; job 31987,https://app.example.com/jobs/31987,31987
    61,PO-1077,2,rejected,job: 422 country is over the max length of 2 characters,contact 1043,,

The results are for people and their spreadsheets: UTF-8 with a byte order mark, text that a spreadsheet would take
for a formula with an apostrophe before it; as results.xlsx too, where that is asked for. The retry file is input
again: the header and the records of rows that were rejected or not started, byte for byte. Rows that are
unknown or changed, or rejected for an output after all of them was sent, are not in it: feeding them back is how things
get done twice.
"""

from __future__ import annotations

import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from heapq import merge
from pathlib import Path
from typing import IO, Any

from runner.catalogue import parse_own_json, to_json
from runner.durable import WholeFile, stopping
from runner.engine.events import SENT_WHOLE, Event, RowFinished, RowResult, RunEnded, RunStarted
from runner.problems import InvalidError, StoppedError, printable
from runner.recipe.model import FILE_COLUMN, RESULT_COLUMNS
from runner.report.files.cells import readable, record, storable
from runner.report.files.workbook import write_sheet
from runner.rows import Input

RESULTS = "results.csv"


def how_to_rebuild(run: int) -> str:
    """What to do when the files of a run could not be written at its end."""
    return f"make room or repair the folder, then: runner report {run} (it sends nothing)"


LEFT_OUT = "left out"
"""What the results say of a line that `where` of the recipe leaves out: it is no row, and in no bucket."""

_UNREACHED, _LEFT_OUT = -1, -2
"""In the place of what a line says, where it says nothing of its own."""

_LENGTH_BYTES = 4

Line = Sequence[Any]
"""A line of the results: its file where there are several, the values of RESULT_COLUMNS, and the outputs."""

WriteBook = Callable[[Sequence[str], Iterable[Line], RunEnded], Path]
"""Writes the columns and lines of a run to a workbook."""


class Files:
    """Keeps the results in `folder`. `input_` is None for a recipe without rows; `outputs` are the recipe's columns.

    What a line says waits in a nameless file in the folder; 17 bytes a line stay in memory. Raises StoppedError when
    the folder cannot be written. The paths are None until the end, and for what was not written.
    """

    def __init__(
        self,
        folder: Path,
        input_: Input | None,
        *,
        outputs: Sequence[str],
        book: WriteBook | None = None,
    ) -> None:
        self._folder, self._results = folder, folder / RESULTS
        self._input = input_
        self._outputs, self._book = tuple(outputs), book
        self._several = input_ is not None and len(input_.parts) > 1
        self._columns = [*((FILE_COLUMN,) if self._several else ()), *RESULT_COLUMNS, *outputs]
        left_out = input_.left_out if input_ is not None else ()
        self._numbers = array("Q", merge(input_.records(), left_out) if input_ is not None else [0])
        self._places = array("q", [_UNREACHED]) * len(self._numbers)
        for line in left_out:
            self._places[self._index(line)] = _LEFT_OUT
        self._to_do = bytearray(len(self._numbers))
        self._spool: IO[bytes] | None = None
        self._end = self._run = 0
        self.results_path: Path | None = None
        self.book_path: Path | None = None
        self.retry_path: Path | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._run = event.run
            self._open()
        elif isinstance(event, RowFinished):
            self._keep(event.result)
        elif isinstance(event, RunEnded):
            self._finish(event)

    def close(self) -> None:
        """Forget what was collected. Safe to call more than once."""
        if self._spool is not None:
            with suppress(OSError):  # on a full disk, which whoever wrote to it has told
                self._spool.close()
            self._spool = None

    def _open(self) -> IO[bytes]:
        """The nameless file, made before anything is sent so that an unwritable folder shows in time."""
        if self._spool is None:
            with stopping(self._results):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._spool = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by close
        return self._spool

    def _keep(self, result: RowResult) -> None:
        spool = self._open()
        content = self._cells(result)
        place = self._end
        with stopping(self._results):
            self._end += spool.write(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
        for line in result.lines or (0,):
            index = self._index(line)
            self._places[index] = place
            left = result.bucket in ("rejected", "not started")
            self._to_do[index] = left and SENT_WHOLE not in result.reason

    def _index(self, line: int) -> int:
        index = bisect_left(self._numbers, line)
        if index == len(self._numbers) or self._numbers[index] != line:
            raise ValueError(f"no record begins on line {line}")
        return index

    def _cells(self, result: RowResult) -> bytes:
        """What a line says after its number."""
        outputs = (result.outputs.get(name) for name in self._outputs)
        said = map(printable, (result.reason, result.ids, result.links))
        return to_json(
            [*map(storable, (result.key, result.number, result.bucket, *said, *outputs))]
        )

    def _finish(self, event: RunEnded) -> None:
        spool, missing = self._open(), ""
        try:
            self._add_unfinished()
        except InvalidError as error:
            missing = _why(error)
        try:
            with (
                stopping(self._results, remedy=how_to_rebuild(self._run)),
                WholeFile(self._results) as file,
            ):
                file.write("\ufeff".encode() + record(self._columns))
                lines = (map(readable, line) for line in self._lines(spool))
                file.writelines(record([*line]) for line in lines)
            self.results_path = self._results
            if self._book is not None:
                self.book_path = self._book(self._columns, self._lines(spool), event)
        finally:
            self.close()
        if self._input is not None:
            self._write_retry(self._input, missing)

    def _add_unfinished(self) -> None:
        """Rows that were not reached are not started, under their own key."""
        if self._input is None or _UNREACHED not in self._places:
            return
        for row in self._input.every_row():
            if self._places[self._index(row.lines[0])] < 0:
                self._keep(RowResult(row.number, row.key, row.lines, "not started"))

    def _lines(self, spool: IO[bytes]) -> Iterator[Line]:
        said = ("", "", "", *(None for _ in self._outputs))
        unreached = ["", None, "not started", *said]
        left_out = ["", None, LEFT_OUT, *said]
        for number, place in zip(self._numbers, self._places, strict=True):
            values = left_out if place == _LEFT_OUT else unreached
            if place >= 0:
                spool.seek(place)
                values = parse_own_json(
                    spool.read(int.from_bytes(spool.read(_LENGTH_BYTES), "big")).decode()
                )
            if self._input is not None and self._several:
                yield [*self._input.place(number), *values]
            else:
                yield [number or None, *values]

    def _write_retry(self, input_: Input, missing: str) -> None:
        """The records that are left to do; none, and no file of an earlier time, when nothing is left."""
        path = self._folder / f"retry{input_.retry_ending}"
        left = [
            number
            for number, to_do, place in zip(self._numbers, self._to_do, self._places, strict=True)
            if to_do or place == _UNREACHED
        ]
        if left and not missing:
            try:
                with stopping(path, remedy=how_to_rebuild(self._run)), WholeFile(path) as file:
                    if input_.sheet:
                        write_sheet(file, input_.sheet, input_.sheet_cells(left))
                    else:
                        input_.write_some(file, left)
                self.retry_path = path
            except InvalidError as error:
                missing = _why(error)
        if self.retry_path is None:
            _remove(path, keep=[part.path for part in input_.parts])
        if missing:
            remedy = f"what is left to do stands in {self.results_path}"
            raise StoppedError(f"{path} cannot be written: the input {missing}", remedy=remedy)


def _why(error: InvalidError) -> str:
    return error.problems[0].message if error.problems else error.message


def _remove(path: Path, *, keep: Iterable[Path]) -> None:
    """Take away what an earlier ending of the run left, unless it is the very input of this one."""
    with stopping(path):
        if path.exists() and not any(each.exists() and path.samefile(each) for each in keep):
            path.unlink()
