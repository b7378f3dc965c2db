"""Text in the encodings and dialects that spreadsheets write, packed or not: read, told, and handed back as it was."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

import pytest

from runner.recipe.model import Column
from runner.rows import Input
from runner.rows.formats import decode

from .conftest import Open, Refuse

TOWN = Column("a", "Nr"), Column("town", "Ort")
TEXT = 'Nr;Ort\r\n1;Köln\r\n2;"Mün\r\nster"\r\n3;Ærø\r\n'


def values(found: Input) -> list[tuple[object, ...]]:
    return [(*row.values.values(), row.lines[0]) for row in found]


def some(found: Input, *lines: int) -> bytes:
    file = io.BytesIO()
    found.write_some(file, lines)
    return file.getvalue()


@pytest.mark.parametrize(
    ("encoding", "mark", "warned"),
    [
        ("utf-8", "", 0),
        ("utf-8", "\ufeff", 0),
        ("utf-16-le", "\ufeff", 0),
        ("utf-16-be", "\ufeff", 0),
        ("cp1252", "", 1),
    ],
)
def test_what_excel_writes_is_read_and_some_of_it_written_as_it_was(
    opened: Open, encoding: str, mark: str, warned: int
) -> None:  # fmt: skip
    found = opened((mark + TEXT).encode(encoding), *TOWN)
    assert values(found) == [("1", "Köln", 2), ("2", "Mün\r\nster", 3), ("3", "Ærø", 5)]
    assert len(found.warnings) == warned
    again = some(found, 3)
    assert again == (mark + 'Nr;Ort\r\n2;"Mün\r\nster"\r\n').encode(encoding)
    assert values(opened(again, *TOWN)) == [("2", "Mün\r\nster", 2)]


def test_a_guess_is_told_with_its_line(opened: Open) -> None:
    (warning,) = opened(TEXT.encode("cp1252"), *TOWN).warnings
    assert (warning.line, warning.severity) == (2, "warning")
    assert warning.message == "is not UTF-8 text (byte 0xf6) and is read as Windows-1252"


def test_an_encoding_that_is_told_is_no_guess(opened: Open) -> None:
    found = opened("Nr;Ort\n1;Łódź\n".encode("cp1250"), *TOWN, encoding="windows-1250")
    assert values(found) == [("1", "Łódź", 2)]
    assert not found.warnings
    assert some(found, 2) == "Nr;Ort\n1;Łódź\n".encode("cp1250")
    assert values(opened("Nr;Ort\n1;Łódź\n".encode("utf-16-le"), *TOWN, encoding="utf-16")) == [
        ("1", "Łódź", 2)
    ]


def test_characters_that_a_chunk_divides(
    opened: Open, refused: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "CHUNK", 3)
    assert values(opened("Nr;Ort\n1;€€€\n".encode(), *TOWN)) == [("1", "€€€", 2)]
    assert values(opened("\ufeffNr;Ort\n1;€😀\n".encode("utf-16-le"), *TOWN)) == [("1", "€😀", 2)]
    assert opened("Nr;Ort\n1;x\n2;ü".encode("cp1252"), *TOWN).warnings[0].line == 3
    assert refused("Nr;Ort\n1;€\n2;".encode() + b"\xe2\x82", *TOWN).problems[0].line == 3


def test_a_packed_file_is_read_and_some_of_it_written_unpacked(opened: Open) -> None:
    packed = gzip.compress(TEXT.encode()[:20]) + gzip.compress(TEXT.encode()[20:]) + b"\0\0"
    found = opened(packed, *TOWN, ending=".csv.gz")
    assert values(found) == [("1", "Köln", 2), ("2", "Mün\r\nster", 3), ("3", "Ærø", 5)]
    assert found.retry_ending == ".csv"
    assert some(found, 5) == "Nr;Ort\r\n3;Ærø\r\n".encode()
    found = opened(gzip.compress(b'{"a": 1}\n{"a": 2}\n'), ending=".jsonl.gz")
    assert [row.key for row in found] == ["1", "2"]


def test_a_packed_file_in_an_old_encoding(opened: Open) -> None:
    found = opened(gzip.compress(TEXT.encode("cp1252")), *TOWN, ending=".csv.gz")
    assert some(found, 5) == "Nr;Ort\r\n3;Ærø\r\n".encode("cp1252")


@pytest.mark.parametrize(
    "damage", [lambda packed: packed[:-9], lambda packed: packed[:40] + b"xx" + packed[42:]]
)
def test_a_packed_file_that_is_damaged(refused: Refuse, damage: object) -> None:
    assert callable(damage)
    problem = refused(damage(gzip.compress(TEXT.encode() * 9)), *TOWN, ending=".csv.gz").problems[0]
    assert problem.message.startswith("is damaged: gzip says ")


def test_a_packed_file_that_unpacks_to_far_too_much(refused: Refuse) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1024**2)) for _ in range(80)) + packer.flush()
    problem = refused(bomb, *TOWN, ending=".csv.gz").problems[0]
    assert problem.message.startswith("unpacks to more than 65 MiB from ")


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_makes_the_headers_appear(opened: Open, sign: str) -> None:
    text = (
        "Nr,x;y|z\tw\n".replace(sign, "") + f"a{sign}Order, Nr; x|y\tz\n".replace(sign, "") + "\n"
    )
    found = opened(f"{text}Nr{sign}Ort{sign}c\n1{sign}x{sign}\n", *TOWN)
    assert values(found) == [("1", "x", 5)]
    assert found.layout.startswith("header on line 4")
    assert ("separated by" in found.layout) == (sign != ",")


def test_two_delimiters_that_would_do(refused: Refuse) -> None:
    (problem,) = refused("Nr;x|Nr\n1;2|3\n", Column("a", "Nr")).problems
    assert problem.message == "the cells may be separated by ';' or by '|'"
    assert problem.remedy == "say which with `delimiter` under `rows`"


def test_the_line_of_the_header_is_where_the_declared_headers_are(opened: Open) -> None:
    text = 'Orders of spring\n"Printed,\non Monday",x\nOrt,y\nNr,Ort\n1,Köln\n'
    found = opened(text, *TOWN)
    assert values(found) == [("1", "Köln", 6)]
    assert found.layout == "header on line 5"
    assert some(found, 6) == text.encode()
    assert values(opened("Nr,Ort\nNr,Ort\n1,x\n", *TOWN, header=2)) == [("1", "x", 3)]


def test_a_header_that_lacks_a_column_is_the_record_with_most_of_them(refused: Refuse) -> None:
    (problem,) = refused("Title\n\nNr,Order\n1,Köln\n", *TOWN).problems
    assert (problem.line, problem.message) == (3, "there is no column 'Ort' for town")


def test_a_header_told_to_be_beyond_the_end(refused: Refuse) -> None:
    assert refused("Nr,Ort\n1,x\n", *TOWN, header=9).problems[0].message == "is empty"


def test_a_file_that_is_another_when_it_is_read_again_from_what_was_kept(
    opened: Open, tmp_path: Path
) -> None:
    found = opened(gzip.compress(TEXT.encode()), *TOWN, ending=".csv.gz")
    (tmp_path / "orders.csv.gz").write_bytes(b"")
    assert len(values(found)) == 3
