"""YAML to data with positions: scalars, what is refused, hostile documents, and where everything stands."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from corpora import cases

from runner.problems import InvalidError, Problem
from runner.source import MAX_BYTES, MAX_DEPTH, Place, parse, read

SCALARS: list[tuple[str, Any]] = [
    ("NO", "NO"), ("no", "no"), ("yes", "yes"), ("y", "y"), ("on", "on"), ("Off", "Off"), ("NULL", None),
    ("012", "012"), ("00", "00"), ("02134", "02134"), ("-012", "-012"), ("00.5", "00.5"), ("0.5", Decimal("0.5")),
    ("0o14", 12), ("0x1F", 31), ("0b11", "0b11"), ("0o9", "0o9"), ("+0x1F", "+0x1F"),
    ("1_000", "1_000"), ("12:30", "12:30"), ("2024-01-01", "2024-01-01"), ("2024-01-01T00:00", "2024-01-01T00:00"),
    ("1e5", Decimal("1E+5")), ("1E-2", Decimal("0.01")), ("1.", Decimal(1)), (".5", Decimal("0.5")),
    ("-.5", Decimal("-0.5")),
    ("12.10", Decimal("12.10")), ("0.1", Decimal("0.1")), ("1.5e3", Decimal("1.5E+3")), ("1.2.3", "1.2.3"),
    ("1e", "1e"),
    ("+3", 3), ("-0", 0), ("0", 0), ("-17", -17), ("+", "+"), (".", "."),
    ("~", None), ("null", None), ("Null", None), ("nULL", "nULL"), ("", None), ("none", "none"),
    ("True", True), ("TRUE", True), ("true", True), ("tRUE", "tRUE"), ("False", False), ("FALSE", False),
    ("false", False),
    ("1234567890123456789", 1234567890123456789), ("12345678901234567890123", 12345678901234567890123),
    ('"00.5"', "00.5"), ("'5'", "5"), ('"true"', "true"), ("''", ""), ('"~"', "~"), ('"1e5"', "1e5"),
    ("=", "="), ("1 2", "1 2"), ("0x", "0x"), ("9" * 500, "9" * 500), ("\u0661", "\u0661"), ("1e99", Decimal("1E+99")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_scalars(text: str, expected: Any) -> None:
    actual = parse(f"a: {text}\n", file="f").data["a"]
    assert (type(actual), repr(actual)) == (type(expected), repr(expected))


@pytest.mark.parametrize("style", ["|", ">", "|-", ">-"])
def test_block_text_is_text(style: str) -> None:
    assert isinstance(parse(f"a: {style}\n  12\n", file="f").data["a"], str)


def problems_of(text: str) -> list[Problem]:
    with pytest.raises(InvalidError) as raised:
        parse(text, file="f")
    return raised.value.problems


REFUSED = [
    (".inf", 1, 4, ".inf is not a number that a request can carry", "quote it to send it as text: '.inf'"),
    ("-.INF", 1, 4, "-.INF is not a number that a request can carry", "quote it to send it as text: '-.INF'"),
    (".nan", 1, 4, ".nan is not a number that a request can carry", "quote it to send it as text: '.nan'"),
    ("1e999999", 1, 4, "1e999999 is not a number that a request can carry", "quote it to send it as text: '1e999999'"),
    ("1e99999999999999999999", 1, 4, "1e99999999999999999999 is not a number that a request can carry",
     "quote it to send it as text: '1e99999999999999999999'"),
    ("{b: 1, b: 2}", 1, 11, "'b' is already given on line 1", "keep one of the two"),
    ("1\nb: 2\n'a': 3", 3, 1, "'a' is already given on line 1", "keep one of the two"),
    ("&x 1", 1, 4, "anchors are not allowed", "write the value out"),
    ("*x", 1, 4, "aliases are not allowed", "write the value out"),
    ("{<<: {b: 1}}", 1, 5, "merge keys are not allowed", "write the values out"),
    ("!!str 5", 1, 4, "tag '!!str' is not allowed", "leave the tag out; quote a value to make it text"),
    ("!!python/object/apply:os.system ['id']", 1, 4, "tag '!!python/object/apply:os.system' is not allowed",
     "leave the tag out; quote a value to make it text"),
    ("!own 5", 1, 4, "tag '!own' is not allowed", "leave the tag out; quote a value to make it text"),
    ("! 5", 1, 4, "tag '!' is not allowed", "leave the tag out; quote a value to make it text"),
    ("{1: x}", 1, 5, "a key has to be text, not '1'", "quote it: '1'"),
    ("{true: x}", 1, 5, "a key has to be text, not 'true'", "quote it: 'true'"),
    ("{~: x}", 1, 5, "a key has to be text, not '~'", "quote it: '~'"),
    ("{1.5: x}", 1, 5, "a key has to be text, not '1.5'", "quote it: '1.5'"),
    ("{{ row.x }}", 1, 4, "a key has to be text", 'quote template brackets: "{{ ... }}"'),
    ("{[b]: c}", 1, 4, "a key has to be text", "write a word as the key"),
    ("{{ row.x }}-1", 1, 15, "not valid YAML: a key is needed here", 'quote template brackets: "{{ ... }}"'),
    ("[1, 2", 1, 4, "not valid YAML: this bracket is never closed, or a comma is missing", ""),
    ("{b: 1\nc: d", 1, 4, "not valid YAML: this bracket is never closed, or a comma is missing", ""),
    ("'text", 1, 4, "not valid YAML: the quote is never closed", ""),
    ("@x", 1, 4, "not valid YAML: nothing can begin with this character", "quote the text"),
    ("%x", 1, 4, "not valid YAML: nothing can begin with this character", "quote the text"),
    ("b: c", 1, 5, "not valid YAML: ':' is not allowed here", "check the indentation, or quote the text"),
    ("1\n b: 2", 2, 3, "not valid YAML: ':' is not allowed here", "check the indentation, or quote the text"),
    ("\n\t- x", 2, 1, "not valid YAML: nothing can begin with this character", "indent with blanks, not tabs"),
    ("1\nword", 2, 1, "not valid YAML: this line has no ':'", "write ': ' after the key"),
    ("\n  - x\n  y: 1", 3, 3, "not valid YAML: '- ' is needed here", "check the indentation"),
    ("1\n--- 2", 2, 1, "not valid YAML: a second document begins here", "keep each recipe in a file of its own"),
    ("\x01", 1, 4, "a character that YAML does not allow: '\\x01'", ""),
    ("é\n\n😀\x00", 3, 2, "a character that YAML does not allow: '\\x00'", ""),
    ("\ud800", 1, 4, "a character that YAML does not allow: '\\ud800'", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "message", "remedy"), REFUSED)
def test_refused(text: str, line: int, column: int, message: str, remedy: str) -> None:
    (problem,) = problems_of(f"a: {text}\n")
    assert (problem.message, problem.line, problem.column, problem.remedy) == (
        message,
        line,
        column,
        remedy,
    )


@pytest.mark.parametrize("case", cases("yaml"))
def test_what_is_more_than_data_is_refused(case: dict[str, str]) -> None:
    assert any(case["due"] in problem.message for problem in problems_of(case["text"]))


def test_everything_that_is_wrong_is_listed_at_once() -> None:
    found = problems_of("a: 1\nb: {c: .nan, c: 2}\na: 3\n5: x\nd: [{<<: 1}]\n")
    assert [(p.line, p.column, p.kind) for p in found] == [
        (2, 8, "number"), (2, 14, "duplicate-key"), (3, 1, "duplicate-key"), (4, 1, "key"), (5, 6, "alias"),
    ]  # fmt: skip


def test_a_key_may_be_called_null_and_a_quoted_merge_mark_is_a_key() -> None:
    assert parse("null: [TBD]\n'<<': 1\n'1': 2", file="f").data == {
        "null": ["TBD"],
        "<<": 1,
        "1": 2,
    }


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n...\n"])
def test_nothing_is_null(text: str) -> None:
    assert parse(text, file="f").data is None


def test_the_depth_limit() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse(deepest, file="f").data
    (problem,) = problems_of(f"[{deepest}]")
    assert (problem.message, problem.column) == (
        f"nested deeper than {MAX_DEPTH} levels",
        MAX_DEPTH + 1,
    )


def test_the_size_limit(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("a: " + "x" * (MAX_BYTES - 3), encoding="utf-8")
    assert len(read(path).data["a"]) == MAX_BYTES - 3
    path.write_text("a: " + "x" * (MAX_BYTES - 2), encoding="utf-8")
    with pytest.raises(InvalidError) as raised:
        read(path)
    assert raised.value.problems[0].message == "larger than 1024 KiB"
    assert read(path, max_bytes=MAX_BYTES + 1).data["a"].startswith("xxx")


def test_the_limit_of_values_grows_with_the_bytes_that_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text("[" + "1," * 60_000 + "]", encoding="utf-8")
    with pytest.raises(InvalidError) as raised:
        read(path)
    assert (raised.value.problems[0].message, raised.value.problems[0].remedy) == (
        "too many values",
        "split it up",
    )
    assert len(read(path, max_bytes=2 * MAX_BYTES).data) == 60_000


@pytest.mark.parametrize(
    ("content", "line", "column", "message"),
    [
        (b"a: 1\nb: \xe4\n", 2, 4, "not UTF-8 text (byte 0xe4)"),
        ("a: é😀".encode() + b"\xff", 1, 6, "not UTF-8 text (byte 0xff)"),
        (b"\xef\xbb\xbfa: \xff", 1, 4, "not UTF-8 text (byte 0xff)"),
        (b"a: 1\r\nb: \xff", 2, 4, "not UTF-8 text (byte 0xff)"),
        ("a: 1".encode("utf-16"), 1, 1, "not UTF-8 text (byte 0xff)"),
        ("a: 1".encode("utf-16-le"), 1, 2, "a character that YAML does not allow: '\\x00'"),
    ],
)
def test_other_encodings(
    tmp_path: Path, content: bytes, line: int, column: int, message: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidError) as raised:
        read(path, name="x.yaml")
    (problem,) = raised.value.problems
    assert (problem.file, problem.line, problem.column, problem.message) == (
        "x.yaml",
        line,
        column,
        message,
    )


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.yaml", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(InvalidError) as raised:
            read(path)
        assert raised.value.problems[0].message == f"cannot be read: {reason}"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    for source in (read(path), parse("\ufeffa: 1\n", file="f")):
        assert source.data == {"a": 1}
        assert source.key(("a",)) == Place(1, 1, 1)
        assert source.lines[0] == "a: 1"


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE: dict[str, bytes] = {
    "alias bomb": BOMB.encode(),
    "50,000 opening brackets": b"[" * 50_000,
    "50,000 opening braces": b"{a: " * 50_000,
    "deep block mappings": "".join(f"{' ' * depth}a:\n" for depth in range(1000)).encode(),
    "deep block sequences": b"- " * 50_000,
    "many keys in question": b"? " * 50_000,
    "a huge flow sequence": b"[" + b"a," * 500_000 + b"]",
    "a huge flow mapping": b"{" + b"".join(b"a%d: b," % n for n in range(80_000)) + b"}",
    "many lines": b"".join(b"a%d: \n" % n for n in range(100_000)),
    "many duplicate keys": b"a: 1\n" * 200_000,
    "NUL bytes": b"\x00" * 1000,
    "a NUL inside": b"a: b\x00c\n",
    "invalid UTF-8": b"a: \xc3\x28\n",
    "UTF-16": "a: 1\n".encode("utf-16"),
    "UTF-32": "a: 1\n".encode("utf-32"),
    "tabs": b"a:\n\tb: 1\n",
    "a code tag": b"a: !!python/object/apply:os.system ['id']\n",
    "a code tag by its whole name": b"a: !<tag:yaml.org,2002:python/name:os.system> x\n",
    "a tag of its own": b"%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.system x\n",
    "many merges": b"a: {" + b"<<: {a: b}, " * 50_000 + b"}",
    "unclosed quotes": b"a: '" + b"x\n" * 500_000,
    "many documents": b"---\n" * 200_000,
    "a huge number": b"a: 1e999999999\n",
    "half a surrogate pair": b'a: "\\ud800"\n',
    "too large": b"a: " + b"x" * (MAX_BYTES + 1),
}
RUN = """
import sys, time
from pathlib import Path
from runner.problems import InvalidError, draw_all
from runner.source import read
start = time.process_time()
try:
    read(Path(sys.argv[1]))
except InvalidError as error:
    shown = draw_all(error.problems, total=error.total)
    print(len(shown), time.process_time() - start)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused_quickly(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_bytes(HOSTILE[name])
    command = [sys.executable, "-c", RUN, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    shown, seconds = done.stdout.split()
    assert int(shown) < 50_000
    assert float(seconds) < 0.5


DOCUMENT = """\
name: first
steps:
  - id: one
    with: {x: "a b", 'y z': 5}
  - id: "two \\u00e9"
    when: |
      row.x
      and y
empty:
last: >-
  folded
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("name",), Place(1, 1, 4), Place(1, 7, 5)),
        (("steps",), Place(2, 1, 5), Place(3, 3, 1)),
        (("steps", 0), Place(3, 5, 1), Place(3, 5, 1)),
        (("steps", 0, "id"), Place(3, 5, 2), Place(3, 9, 3)),
        (("steps", 0, "with"), Place(4, 5, 4), Place(4, 11, 20)),
        (("steps", 0, "with", "x"), Place(4, 12, 1), Place(4, 15, 5)),
        (("steps", 0, "with", "y z"), Place(4, 22, 5), Place(4, 29, 1)),
        (("steps", 1, "id"), Place(5, 5, 2), Place(5, 9, 12)),
        (("steps", 1, "when"), Place(6, 5, 4), Place(6, 11, 1)),
        (("empty",), Place(9, 1, 5), Place(9, 7, 1)),
        (("last",), Place(10, 1, 4), Place(10, 7, 1)),
        (("steps", 0, "with", "none"), Place(4, 5, 4), Place(4, 11, 20)),
        (("steps", 9, "id"), Place(2, 1, 5), Place(3, 3, 1)),
        (("nope", "deeper"), Place(1, 1, 1), Place(1, 1, 1)),
        (("name", 0), Place(1, 1, 4), Place(1, 7, 5)),
    ],
)
def test_places(path: tuple[str | int, ...], key: Place, value: Place, end: str) -> None:
    source = parse(DOCUMENT.replace("\n", end), file="f")
    assert source.key(path) == key
    assert source.value(path) == value
    assert not any(set(line) & set("\r\n") for line in source.lines)


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        ("a: hello world", "world", Place(1, 10, 5)),
        ("a: 'it''s it'", "s it", Place(1, 9, 4)),
        ("a: 'it''s it'", "t's", Place(1, 6, 4)),
        ('a: "A\\x41A b"', "b", Place(1, 12, 1)),
        ('a: "A\\x41A b"', "A b", Place(1, 10, 3)),
        ('a: "\\U0001F600\\n\\\\\\"x"', "x", Place(1, 21, 1)),
        ('a: "one \\\n   two\\\n  three"', "three", Place(3, 3, 5)),
        ('a: "one\n\n\n  two"', "two", Place(4, 3, 3)),
        ("a: one\n  two\n\n  three", "three", Place(4, 3, 5)),
        ("a: one\n  two", "one two", Place(1, 4, 3)),
        ("a: |\n  one\n   two\n", "two", Place(3, 4, 3)),
        ("a: |2-\n    one\n  two\n", "two", Place(3, 3, 3)),
        ("a: |\n\n\n  one\n", "one", Place(4, 3, 3)),
        ("a: >\n  one\n  two\n\n   more\n   even\n\n\n  end", "even", Place(6, 4, 4)),
        ("a: >\n  one\n  two\n\n   more\n   even\n\n\n  end", "end", Place(9, 3, 3)),
        ("a: >\n  one\n\n  two\n\n\n  three", "two", Place(4, 3, 3)),
        ("a: >\n  one\n\n  two\n\n\n  three", "three", Place(7, 3, 5)),
        ("a: 漢字é😀 x", "x", Place(1, 9, 1)),
        ("a: 'e\u0301x'", "x", Place(1, 7, 1)),
        ("a: one\x85  two", "two", Place(2, 3, 3)),
        ("a: 'one\u2028  two'", "two", Place(2, 3, 3)),
    ],
)
def test_places_within_scalars(text: str, part: str, expected: Place) -> None:
    source = parse(text, file="f")
    value = source.data["a"]
    assert source.within(("a",), value.rindex(part), len(part)) == expected


def test_within_what_is_no_scalar_or_beyond_its_end() -> None:
    source = parse("a: {b: c}\nd: ''\n", file="f")
    assert source.within(("a",), 3, 1) == source.value(("a",))
    assert source.within(("a", "b"), 9, 5) == Place(1, 9, 1)
    assert source.within(("d",), 0, 1).line == 2


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_problem_carries_its_line_without_the_line_end(end: str) -> None:
    text = f"a: 1{end}b: 2{end}a: 3{end}"
    source = parse("x: 1" + end, file="f")
    assert source.problem(Place(1, 1), "m", "k").excerpt == "x: 1"
    assert source.problem(Place(9, 1), "m", "k").excerpt == ""
    assert [p.excerpt for p in problems_of(text)] == ["a: 3"]
    assert [p.excerpt for p in problems_of(f"a: 1{end}b: [1{end}")] == ["b: [1"]


def test_a_value_that_nobody_reads_is_shortened() -> None:
    source = parse(f"name: '{'x' * 100_000}'\n", file="a.yaml")
    message = f"'name' cannot be {source.data['name']!r}"
    found = source.problem(source.value(("name",)), message, "value", remedy="y" * 900)
    assert len(found.message) < 700
    assert found.message.startswith("'name' cannot be 'xxx")
    assert f"({len(message) - 600:,} more characters)" in found.message
    assert len(found.remedy) < 700
