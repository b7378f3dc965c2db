"""Files that cannot be used: each is refused with its place, the user's words and a remedy."""

from __future__ import annotations

import gzip
import io
import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from runner.problems import InvalidError, Problem, draw
from runner.recipe.model import Column, Rows
from runner.rows import open_input, read
from runner.rows.formats import lines
from runner.rows.formats.detect import kind_of
from runner.template import compile_template

from .conftest import Open, Refuse

KEYED = Rows(key=compile_template("{{ row.a }}"))
SAVE_AS = "save it as CSV UTF-8"


def only(error: InvalidError) -> Problem:
    assert len(error.problems) == error.total == 1, error.problems
    return error.problems[0]


def seen(problem: Problem) -> tuple[int, int, str, str]:
    return problem.line, problem.column, problem.message, problem.remedy


def refusal(path: Path) -> Problem:
    with pytest.raises(InvalidError) as caught:
        open_input(path, KEYED, scope={})
    return only(caught.value)


def test_no_such_file(tmp_path: Path) -> None:
    problem = refusal(tmp_path / "none.csv")
    assert problem.file == str(tmp_path / "none.csv")
    nothing = f"there is none in {tmp_path}"
    assert seen(problem) == (1, 1, "cannot be read: no such file", nothing)
    (tmp_path / "nine.csv").touch()
    assert refusal(tmp_path / "none.csv").remedy == "did you mean 'nine.csv'?"
    assert (
        refusal(tmp_path / "no" / "a.csv").remedy == f"there is no folder {tmp_path / 'no'} either"
    )


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").mkdir()
    assert refusal(tmp_path / "orders.csv").message == "cannot be read: it is a folder"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "orders.csv")
    message = "cannot be read: it is not a regular file, and it is read twice"
    assert refusal(tmp_path / "orders.csv").message == message


@pytest.fixture
def _unprivileged() -> Iterator[None]:
    """Root reads everything, so that it has to be somebody else."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


@pytest.mark.usefixtures("_unprivileged")
def test_a_file_without_permission() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        path.write_text("a\n1\n")
        path.chmod(0)
        assert refusal(path).message == "cannot be read: permission denied"


def test_a_link_that_goes_round(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").symlink_to("orders.csv")
    assert (
        refusal(tmp_path / "orders.csv").message
        == "cannot be read: too many levels of symbolic links"
    )


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        (".pdf", "files ending in .pdf are not supported"),
        ("", "a file without an ending is not supported"),
    ],
)
def test_an_ending_that_is_not_supported(refused: Refuse, ending: str, message: str) -> None:
    remedy = (
        "save it as .csv, .tsv, .tab, .jsonl, .ndjson, .json, .xlsx or .xlsm, or say what separates the cells with "
        "`delimiter`"
    )
    assert seen(only(refused("a\n1\n", ending=ending))) == (1, 1, message, remedy)


@pytest.mark.parametrize("delimiter", ["tab", '"', "\n", ";;"])
def test_a_delimiter_that_cannot_be_one(refused: Refuse, delimiter: str) -> None:
    assert (
        only(refused("a\n1\n", delimiter=delimiter)).message
        == f"the delimiter {delimiter!r} cannot separate cells"
    )


@pytest.mark.parametrize("content", ["", "\n", "\r\n\r\n", "\ufeff", ",,\n , \n"])
def test_an_empty_file(refused: Refuse, content: str) -> None:
    assert seen(only(refused(content))) == (
        1,
        1,
        "is empty",
        "it needs a header and a line for each record",
    )


@pytest.mark.parametrize("content", ["a,b", "a,b\n", "\ufeffa,b\r\n\r\n,\r\n"])
def test_a_header_and_nothing_else(refused: Refuse, content: str) -> None:
    assert seen(only(refused(content))) == (
        1,
        1,
        "has a header and no lines",
        "it needs a line for each record",
    )


def test_text_that_is_not_what_it_is_said_to_be_is_told_with_the_place_of_the_byte(
    refused: Refuse,
) -> None:
    problem = only(refused("a,town\n1,Köln\n2,Münster\n".encode("cp1252"), encoding="utf-8"))
    assert seen(problem) == (2, 4, "is not UTF-8 text (byte 0xf6)", SAVE_AS)
    assert problem.excerpt == "1,Köln"


def test_text_that_is_nearly_all_utf_8_is_damaged_and_no_other_encoding(refused: Refuse) -> None:
    problem = only(refused("a,town\n1,Köln\n2,M".encode() + b"\xfcnster\n"))
    assert seen(problem)[:3] == (3, 4, "is not UTF-8 text (byte 0xfc)")


def test_columns_are_counted_in_characters_and_without_the_byte_order_mark(refused: Refuse) -> None:
    assert only(refused(b"\xef\xbb\xbfa,\xff\n1,2\n")).column == 3
    assert only(refused(b"a,\xc3\xb6\xff\n1,2\n")).column == 4


def test_utf_16_that_is_said_to_be_utf_8(refused: Refuse) -> None:
    problem = only(refused("a,b\n1,2\n".encode("utf-16"), encoding="utf-8"))
    assert seen(problem) == (
        1,
        1,
        "is UTF-16 text, not UTF-8",
        "leave out `encoding`, or write utf-16",
    )


def test_bytes_that_an_encoding_does_not_have(refused: Refuse) -> None:
    problem = only(refused(b"a,b\n1,2\n3,\x81\n"))
    remedy = "say what it is with `encoding` under `rows`"
    assert seen(problem) == (3, 1, "is not windows-1252 text (byte 0x81)", remedy)
    assert only(refused(b"\xff\xfea\0\n\0\x00\xd8")).message.startswith(
        "is not utf-16 text (byte 0x"
    )


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_a_workbook_is_told_by_its_bytes(refused: Refuse, ending: str) -> None:
    problem = only(refused(b"PK\x03\x04\x14\x00", ending=ending))
    assert seen(problem) == (1, 1, "is a damaged workbook: file is not a zip file", "copy it again")


def test_a_nul_byte(refused: Refuse) -> None:
    assert seen(only(refused("a,b\n1,ö\0\n"))) == (
        2,
        4,
        "has a NUL byte, which no text has",
        SAVE_AS,
    )


def test_old_macintosh_line_ends(refused: Refuse) -> None:
    problem = only(refused("a,b\r1,2\r3,4\r"))
    assert problem.line == 1
    assert problem.message == "a carriage return stands alone in the middle of a line"
    assert (
        problem.remedy == "save the file with Windows or Unix line ends, or put the cell in quotes"
    )


def test_a_quote_that_is_never_closed_is_told_where_it_opens(refused: Refuse) -> None:
    problem = only(refused('a,b\n1,x\n2,"y\n3,z\n4,z\n'))
    assert seen(problem) == (
        3,
        3,
        "the quote that opens this cell is not closed",
        'close it with "',
    )
    assert draw(problem).splitlines()[2:4] == ['   3 | 2,"y', "     |   ^^"]


def test_a_quote_that_the_next_quoted_cell_closes(refused: Refuse) -> None:
    problem = only(refused('a,b\n1,"x\n2,y\n3,"z"\n4,\n5\n'))
    message = "the quote that opens this cell is closed on line 4, with more text behind it"
    assert seen(problem)[:3] == (2, 3, message)


def test_a_quote_that_swallows_lines_and_ends_well(refused: Refuse) -> None:
    problem = only(refused('a,b\n1,"x\n2,y\n3",z\n'))
    message = "has 3 cells where the header has 2, and runs on to line 4"
    assert seen(problem) == (4, 4, message, "look for a quote that is not closed")


def test_text_behind_a_closing_quote(refused: Refuse) -> None:
    error = refused('a,b\n1,"12" wide"\n2,"3" wide"\n3,4\n')
    message, remedy = (
        "text stands behind the closing quote of this cell",
        'a quote inside a quoted cell is written ""',
    )
    assert [seen(problem) for problem in error.problems] == [
        (2, 3, message, remedy),
        (3, 3, message, remedy),
    ]


def test_a_cell_that_is_too_long(refused: Refuse) -> None:
    problem = only(refused(f"a,b\n1,{'x' * 131_073}\n"))
    assert seen(problem) == (2, 3, "a cell is longer than 131,072 characters", "")


def test_a_cell_that_is_too_long_over_lines(refused: Refuse) -> None:
    problem = only(refused('a,b\n0,1\n1,"x' + "\n2,y" * 40_000))
    assert seen(problem) == (
        3,
        3,
        "a cell is longer than 131,072 characters",
        "look for a quote that is not closed",
    )


def test_the_longest_cell(opened: Open) -> None:
    assert [row.key for row in opened(f"a\n{'x' * 131_072}\n")] == ["x" * 131_072]


def test_a_record_without_an_end(refused: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_RECORD_BYTES", 2 * 1024**2)
    problem = only(refused("a\n1\n" + "x," * 1024**2 + "yyyy"))
    message = "the record that begins on line 3 is larger than 2 MiB"
    assert seen(problem) == (3, 1, message, "look for a quote that is not closed")


def test_a_temporary_folder_that_is_full_is_told(refused: Refuse) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    packed = gzip.compress("".join(f"{n:060}\n" for n in range(20_000)).encode())
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        problem = only(refused(packed, ending=".csv.gz"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert problem.message.startswith("cannot be read: ")


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".jsonl", ".json", ".xlsx"])
def test_a_file_that_grows_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refuse, ending: str
) -> None:  # fmt: skip
    content = (
        b"a\n1\n" if "csv" in ending else b'[{"a": 1}]' if ending == ".json" else b'{"a": 1}\n'
    )
    if ending == ".csv.gz":
        content = gzip.compress(content)
    elif ending == ".xlsx":
        book = io.BytesIO()
        with xlsxwriter.Workbook(book) as made:
            made.add_worksheet().write_column(0, 0, ["a", "1"])
        content = book.getvalue()

    def grow(*given: Any, **more: Any) -> str:
        with (tmp_path / f"orders{ending}").open("ab") as file:
            file.write(
                b"2\n" if "csv" in ending else b" \n" if ending == ".json" else b'{"a": 2}\n'
            )
        return kind_of(*given, **more)

    monkeypatch.setattr(read, "kind_of", grow)
    (problem,) = refused(content, ending=ending).problems
    assert problem.message == "changed while it was being read"
    assert problem.remedy == "start again with the file as it is now"


def test_ragged_lines(refused: Refuse) -> None:
    error = refused('a,b,c\n1,2\n1,2,3\n\n1,"2\n",3,4,5\n')
    assert [seen(problem) for problem in error.problems] == [
        (2, 4, "has 2 cells where the header has 3", "an empty cell has its delimiter too"),
        (
            6,
            5,
            "has 5 cells where the header has 3, and runs on to line 6",
            "look for a quote that is not closed",
        ),
    ]


def test_too_many_cells_point_at_the_first_one_too_many(refused: Refuse) -> None:
    problem = only(refused("a,b\n1,1,234.50\n"))
    remedy = "put a cell that holds the delimiter in quotes"
    assert seen(problem) == (2, 5, "has 3 cells where the header has 2", remedy)
    assert (problem.excerpt, problem.length) == ("1,1,234.50", 6)


def test_a_missing_column_with_the_nearest_header(refused: Refuse) -> None:
    error = refused(
        "a,Order Nr,Qty\n1,2,3\n",
        Column("a", "a"),
        Column("order", "Order No"),
        Column("price", "price"),
    )
    assert [seen(problem) for problem in error.problems] == [
        (1, 1, "there is no column 'Order No' for order", "did you mean 'Order Nr'?"),
        (1, 1, "there is no column 'price'", "known columns: Order Nr, Qty, a"),
    ]


@pytest.mark.parametrize(("delimiter", "said"), [(";", "';'"), ("\t", "a tab"), ("|", "'|'")])
def test_another_delimiter_is_suspected(refused: Refuse, delimiter: str, said: str) -> None:
    problem = only(refused(delimiter.join("ab") + "\n", Column("a", "a"), delimiter="~"))
    assert (
        problem.remedy
        == f"the cells seem to be separated by {said}: say so with `delimiter` under `rows`"
    )


def test_a_repeated_header_is_told_with_both_positions(refused: Refuse) -> None:
    problem = only(refused("a,Qty,b, Qty \n1,2,3,4\n", Column("a", "a")))
    message = "the header 'Qty' stands twice, in columns 2 and 4"
    assert seen(problem) == (1, 9, message, "give each column a name of its own")


def test_blank_headers_are_columns_that_nobody_can_use(opened: Open, refused: Refuse) -> None:
    assert [row.values for row in opened("a,,b,,\n1,x,2,y,z\n")] == [{"a": "1", "b": "2"}]
    assert (
        only(refused("a,,b,,\n1,x,2,y,z\n", Column("a", ""))).message
        == "there is no column '' for a"
    )


def test_grouping_by_a_column_that_is_not_there(refused: Refuse) -> None:
    problem = only(refused("a,order\n1,2\n", group_by="ordre"))
    assert seen(problem) == (
        1,
        1,
        "there is no column 'ordre' to group by",
        "did you mean 'order'?",
    )


def test_a_column_that_would_hide_the_lines_of_a_group(refused: Refuse, opened: Open) -> None:
    problem = only(refused("a,lines\n1,2\n", group_by="a"))
    assert problem.message.startswith("a column of a grouped input cannot be called 'lines'")
    assert [row.values["lines"] for row in opened("a,lines\n1,2\n")] == ["2"]


def test_all_problems_are_counted_and_fifty_are_kept(refused: Refuse) -> None:
    content = "a,qty\n" + "".join(f"{n},x\n" for n in range(70)) + "1\n"
    error = refused(content, Column("a", "a"), Column("qty", "qty", type="integer"))
    assert (error.total, len(error.problems)) == (71, 50)
    assert [problem.line for problem in error.problems] == list(range(2, 52))


def test_all_cells_of_a_line_are_checked(refused: Refuse) -> None:
    columns = (
        Column("a", "a"),
        Column("qty", "Qty", type="integer"),
        Column("day", "day", type="date"),
    )
    error = refused('day,a,Qty\n"1/2/2024","x\ny","1,5"\n', *columns)
    assert [seen(problem)[:3] for problem in error.problems] == [
        (2, 1, "day '1/2/2024' is not a date"),
        (3, 4, "qty (column 'Qty') '1,5' is not an integer"),
    ]
    assert [problem.excerpt for problem in error.problems] == ['"1/2/2024","x', 'y","1,5"']


@given(
    st.lists(
        st.sampled_from(
            [b"a", b",", b'"', b"\n", b"\r", b"\xff", b"\0", b"1", "\ufeff".encode(), b"ab,c\n"]
        )
    )
)
def test_whatever_the_bytes_are_the_answer_is_rows_or_problems(pieces: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        path.write_bytes(b"a,b\n1,2\n" + b"".join(pieces))
        try:
            found = open_input(path, KEYED, scope={})
        except InvalidError as error:
            size = path.read_bytes().count(b"\n") + 1
            assert error.total >= 1
            assert all(1 <= problem.line <= size and draw(problem) for problem in error.problems)
        else:
            assert sum(len(row.lines) for row in found) == found.line_count == found.row_count
