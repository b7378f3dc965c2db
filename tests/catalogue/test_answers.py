"""Answers: exact, found in their envelope, or refused with a reason; refusals in one line."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalogue import (
    AnswerError,
    DeclaredFailure,
    Operation,
    Page,
    Pagination,
    describe_error,
    is_id,
    parse_json,
    read_answer,
    to_json,
)

JSON = "application/json; charset=utf-8"


def operation(**settings: Any) -> Operation:
    return Operation(
        **{
            "api": "shop",
            "name": "use",
            "method": "GET",
            "path": "/x",
            "summary": "",
            "description": "",
            "evidence": "",
            "parameters": {},
            "body": None,
            "answer": None,
            "effect": "read",
            "repeatable": True,
            **settings,
        }
    )


GET = operation()
CREATE = operation(method="POST", effect="create", repeatable=False, id_field="id")
UPDATE = operation(method="PUT", effect="update", repeatable=False)
BARE = operation(items="*")
SEARCH = operation(
    items="jobs",
    pagination=Pagination("page", "count", 25, total="total_results", next="links.next"),
)


def read(used: Operation, content: Any, *, content_type: str = JSON, status: int = 200) -> Any:
    raw = content if isinstance(content, bytes) else to_json(content)
    return read_answer(used, status=status, content_type=content_type, content=raw)


def refused(used: Operation, content: Any, *, content_type: str = JSON) -> str:
    with pytest.raises(AnswerError) as caught:
        read(used, content, content_type=content_type)
    return caught.value.reason


def test_a_write_answers_with_its_id() -> None:
    assert read(CREATE, {"id": 31000, "location": "x"}, status=201) == {
        "id": 31000,
        "location": "x",
    }
    assert read(CREATE, {"id": "A-1"}) == {"id": "A-1"}


@pytest.mark.parametrize("answer", [{}, {"id": None}, {"id": ""}, {"ID": 5}])
def test_a_create_without_an_id_is_no_success(answer: Any) -> None:
    assert refused(CREATE, answer) == "the answer has no 'id'"


IDS = [1, 31000, "7", "SO-7", "0x", "-a", "00123", 12345678901234567890123]
NO_IDS = [
    0,
    -1,
    "",
    " ",
    "0",
    "000",
    "-7",
    "null",
    "None",
    "undefined",
    None,
    "00000000-0000-0000-0000-000000000000",
]


@pytest.mark.parametrize(
    ("value", "known"),
    [
        *((value, True) for value in IDS),
        *((value, False) for value in (*NO_IDS, True, Decimal("7.5"), [1], {})),
    ],
)
def test_an_id_names_something(value: Any, known: bool) -> None:  # noqa: FBT001 - a row of the table
    assert is_id(value) == known
    if not known:
        for each in (CREATE, operation(method="POST", effect="create")):
            with pytest.raises(AnswerError):
                read_answer(each, status=201, content_type=JSON, content=to_json({"id": value}))


def listing(*statuses: str) -> Operation:
    return operation(
        method="POST", effect="create", id_field="id", successes=frozenset(statuses), name="add"
    )


@pytest.mark.parametrize(
    ("statuses", "status", "listed"),
    [
        ((), 207, True),
        (("2XX",), 207, True),
        (("200", "201"), 201, True),
        (("201",), 200, False),
        (("201",), 202, False),
        (("200", "201"), 207, False),
    ],
)
def test_a_success_that_the_document_does_not_list(
    statuses: tuple[str, ...],
    status: int,
    listed: bool,  # noqa: FBT001 - a row of the table
) -> None:
    each = listing(*statuses)
    if listed:
        answer = read_answer(each, status=status, content_type=JSON, content=b'{"id": 7}')
        assert answer == {"id": 7}
        return
    with pytest.raises(AnswerError, match=f"the document of shop lists no {status} for add"):
        read_answer(each, status=status, content_type=JSON, content=b'{"id": 7}')


REFUSED: list[tuple[Any, str]] = [
    ({"errors": [{"message": "no"}], "results": []}, "207 no"),
    ({"errors": {"zip": ["is too long"]}}, "207 zip: is too long"),
    ({"error": "no"}, "207 no"),
    ([{"status": 400, "id": None}, {"status": 422}], "207 with errors"),
    ({"results": [{"error": "no"}]}, "207 with errors"),
]
NOT_SAID: list[Any] = [
    {"errors": [{"message": "no"}], "id": 7},
    {"errors": [{"message": "no"}], "results": [{"id": 7}]},
    {"errors": []},
    {"results": [{"status": 200}, {"status": 400}]},
    [],
    [{"status": 200}],
    {},
    None,
    "no",
]


@pytest.mark.parametrize(("answer", "reason"), REFUSED)
def test_errors_under_a_status_that_is_not_listed_refuse(answer: Any, reason: str) -> None:
    with pytest.raises(DeclaredFailure) as caught:
        read_answer(listing("201"), status=207, content_type=JSON, content=to_json(answer))
    assert caught.value.reason == reason


@pytest.mark.parametrize("answer", NOT_SAID)
def test_what_may_have_done_a_part_under_such_a_status_is_not_refused(answer: Any) -> None:
    with pytest.raises(AnswerError) as caught:
        read_answer(listing("201"), status=207, content_type=JSON, content=to_json(answer))
    assert not isinstance(caught.value, DeclaredFailure)


@pytest.mark.parametrize("content", [b"", b"<p>ok</p>", b"ok"])
def test_no_json_under_such_a_status_is_not_refused(content: bytes) -> None:
    with pytest.raises(AnswerError, match="lists no 207"):
        read_answer(listing("201"), status=207, content_type=JSON, content=content)


@pytest.mark.parametrize("value", [True, {"id": 1}, [1], Decimal("1.5")])
def test_an_id_of_another_kind_is_no_id(value: Any) -> None:
    assert "as its 'id'" in refused(CREATE, {"id": value})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \r\n",
        b"<html><body>Sign in</body></html>",
        b"\xef\xbb\xbf\n<!DOCTYPE html>",
        b'{"id": 1',
        b'{"id": 1}{"id": 2}',
        b"{'id': 1}",
        b'{"id": 1, "id": 2}',
        b'{"a": {"b": 1, "b": 1}, "id": 1}',
        b'{"id": 1, "x": NaN}',
        b'{"id": 1, "x": -Infinity}',
        b'{"id": ' + b"9" * 5000 + b"}",
        b'{"id": 1, "x": 0.' + b"9" * 5000 + b"}",
        b'{"id": 1, "x": 1e999999999999999999999}',
        b'{"id": 1, "x": 1e5000}',
        b'{"id": 1, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"id": 1, "x": ' + b"[" * 100_000,
        b'{"id": 1, "x": "' + b'\\"' * 50_000 + b"{" * 200,
        b'{"id": 1, "x": "\xff"}',
        b"[]",
        b"5",
        b"null",
        b'"text"',
    ],
)
def test_a_success_that_cannot_be_read_is_told_apart(content: bytes) -> None:
    assert refused(CREATE, content)
    assert refused(CREATE, b'{"id": 1}', content_type="text/html")


def test_depth_is_counted_outside_of_texts() -> None:
    assert read(CREATE, {"id": 1, "x": "[{" * 500 + '"\\' + "[" * 500})["id"] == 1
    deep: Any = 1
    for _ in range(99):
        deep = [deep]
    assert read(CREATE, {"id": 1, "x": deep})["x"] == deep
    assert "deeper than 100" in refused(CREATE, {"id": 1, "x": [deep]})


def test_numbers_are_exact() -> None:
    answer = read(GET, b'{"a": 12.10, "b": 0.1, "c": 12345678901234567890, "d": 1e2}')
    assert [str(answer[name]) for name in "abcd"] == [
        "12.10",
        "0.1",
        "12345678901234567890",
        "1E+2",
    ]
    assert type(answer["c"]) is int
    assert type(answer["d"]) is Decimal


def test_half_a_character_becomes_the_replacement_character() -> None:
    answer = read(GET, b'{"cut\\ud83d": ["Jerseys \\ud83d", {"whole": "\\ud83d\\ude00"}]}')
    assert answer == {"cut\ufffd": ["Jerseys \ufffd", {"whole": "\U0001f600"}]}
    assert to_json(answer)


def test_an_update_may_answer_with_nothing_and_a_read_may_not() -> None:
    assert read(UPDATE, b"", status=204) == {}
    assert refused(GET, b"") == "the answer is empty"
    assert refused(CREATE, b"") == "the answer is empty"


def test_only_successes_are_read() -> None:
    with pytest.raises(ValueError, match="404"):
        read(GET, {}, status=404)


# --- lists


def test_a_list_in_an_envelope() -> None:
    page = read(
        SEARCH, {"jobs": [{"id": 1}], "total_results": 30, "links": {"next": "/jobs?page=2"}}
    )
    assert page == Page([{"id": 1}], 30, "/jobs?page=2")


@pytest.mark.parametrize(
    ("envelope", "total", "following"),
    [
        ({"total_results": -1, "links": None}, None, None),
        ({"total_results": None, "links": {"next": None}}, None, None),
        ({"total_results": "30", "links": {"next": ""}}, None, None),
        ({"total_results": True, "links": []}, None, None),
        ({"total_results": 0, "links": {"prev": "x"}}, 0, None),
        ({}, None, None),
    ],
)
def test_counts_and_links_may_be_missing(
    envelope: dict[str, Any], total: int | None, following: str | None
) -> None:
    assert read(SEARCH, {"jobs": [], **envelope}) == Page([], total, following)


def test_a_lone_object_where_a_list_is_due_is_a_list_of_one() -> None:
    assert read(SEARCH, {"jobs": {"id": 1}}).items == [{"id": 1}]
    assert read(BARE, {"id": 1}).items == [{"id": 1}]


def test_a_bare_list_is_a_list_wherever_one_is_due() -> None:
    assert read(BARE, [{"id": 1}, {"id": 2}]).items == [{"id": 1}, {"id": 2}]
    assert read(SEARCH, [{"id": 1}]) == Page([{"id": 1}], None, None)


def test_null_is_an_empty_list_unless_something_was_counted() -> None:
    assert read(SEARCH, {"jobs": None}).items == []
    assert refused(SEARCH, {"jobs": None, "total_results": 3})


@pytest.mark.parametrize("answer", [{}, {"Jobs": []}, {"message": "try later"}])
def test_an_answer_without_its_list_is_not_an_empty_list(answer: Any) -> None:
    assert refused(SEARCH, answer) == "the answer has no 'jobs'"


@pytest.mark.parametrize(
    "answer", [{"jobs": [1]}, {"jobs": "none"}, {"jobs": [[]]}, {"jobs": [None]}, "text", 5]
)
def test_a_list_holds_objects(answer: Any) -> None:
    assert refused(SEARCH, answer)


def test_an_envelope_that_the_document_does_not_know_is_not_taken_for_an_entry() -> None:
    assert "'client_groups'" in refused(BARE, {"client_groups": [{"id": 1}]})
    for answer in (None, "text", 5):
        assert refused(BARE, to_json(answer))


def test_a_list_where_one_object_is_due_is_refused() -> None:
    assert refused(GET, [{"id": 1}]) == "the answer is a list, not an object"


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_TREES)
def test_json_that_is_sound_is_read_as_it_is(tree: Any) -> None:
    text = json.dumps(tree)
    if "\\ud" not in text:
        assert parse_json(text.encode()) == tree


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for used in (GET, CREATE, SEARCH, BARE):
        try:
            read(used, content)
        except AnswerError as error:
            assert error.reason
    line = describe_error("", content)
    assert line
    assert len(line) <= 300


# --- refusals


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            {
                "title": "Bad Request",
                "errors": {"ship_to.country": ["country is over the max length of 2 characters"]},
            },
            "ship_to.country: country is over the max length of 2 characters",
        ),
        (
            {"errors": {"a": ["one", "two"], "b": "three", "": ["four"]}},
            "a: one; a: two; b: three; four",
        ),
        ({"errors": ["one", {"message": "two"}]}, "one; two"),
        ({"errors": {}, "title": "Bad Request"}, "Bad Request"),
        ({"title": "Bad Request", "detail": "no such job"}, "no such job"),
        ({"statusCode": 404, "message": "Resource not found"}, "Resource not found"),
        ({"error": "expired"}, "expired"),
        ("only text", "only text"),
        ({"code": 7}, '{"code":7}'),
    ],
)
def test_a_refusal_in_one_line(body: Any, line: str) -> None:
    assert describe_error(JSON, to_json(body)) == line


@pytest.mark.parametrize(
    ("content_type", "content", "line"),
    [
        ("text/plain", b"Resource\r\nnot found\n", "Resource not found"),
        ("text/html", b"whatever", "an HTML page"),
        ("", b"  <html>", "an HTML page"),
        ("", b"", "no explanation"),
        ("", b"\xff\xfe\x00", "3 bytes that are not text"),
        ("", b"\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("", "evil \u202e".encode(), "evil \\u202e"),
        ("", b"x" * 1000, "x" * 297 + "..."),
    ],
)
def test_refusals_of_other_kinds(content_type: str, content: bytes, line: str) -> None:
    assert describe_error(content_type, content) == line


@pytest.mark.parametrize("unit", [b"{},", b"1,", b"[],", b'{"a":1},'])
def test_an_answer_of_too_many_values_is_refused_before_it_is_read(unit: bytes) -> None:
    content = b"[" + unit * 1_000_000 + b"1]"
    with pytest.raises(AnswerError, match="more than 1,000,000 values"):
        parse_json(content)


def test_the_marks_in_a_text_are_no_values() -> None:
    assert parse_json(b'["' + b"{,[" * 500_000 + b'"]') == ["{,[" * 500_000]


INTEGER = operation(
    method="POST", effect="create", id_field="number",
    answer={"type": "object", "properties": {"number": {"type": ["integer", "null"]}}},
)  # fmt: skip


@pytest.mark.parametrize("number", [101, "101"])
def test_an_id_that_is_documented_as_a_whole_number(number: Any) -> None:
    """Whatever it is written as, it is that number, as the fields that take it have it."""
    found = read(INTEGER, {"number": number, "name": "x"})
    assert (type(found["number"]), found) == (int, {"number": 101, "name": "x"})


@pytest.mark.parametrize("number", ["0101", "+101", "101.0", "1e2", "1_01", "\uff11\uff10\uff11"])
def test_a_number_that_is_written_as_no_id_is(number: str) -> None:
    with pytest.raises(AnswerError, match="as its 'number', which is no id"):
        read(INTEGER, {"number": number})
    text = operation(method="POST", effect="create", id_field="number", answer={
        "type": "object", "properties": {"number": {"type": ["integer", "string"]}}})  # fmt: skip
    for used in (text, operation(method="POST", effect="create", id_field="number")):
        assert read(used, {"number": number})["number"] == number


def test_a_name_where_a_whole_number_is_documented() -> None:
    """The document is wrong about it, and it is a name all the same."""
    assert read(INTEGER, {"number": "AB12"})["number"] == "AB12"
