"""Arguments become a request: exact, encoded, converted without a loss, or refused with every reason."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from corpora import cases
from hypothesis import assume, example, given
from hypothesis import strategies as st

from runner.catalogue import ArgumentError, Operation, Parameter, Request, build_request, to_json
from runner.catalogue.request import MAX_GIVEN
from runner.catalogue.values.scalars import MAX_DIGITS
from runner.template import Unknown

BASE = "https://shop.example/v2"


def _parameter(
    name: str, place: str, kind: str, *, required: bool = False, **rules: Any
) -> Parameter:
    return Parameter(name, place, required, {"type": kind, **rules}, evidence="documented")


BODY: Mapping[str, Any] = {
    "type": "object",
    "required": ["client"],
    "x-runner-evidence": "documented",
    "additionalProperties": False,
    "properties": {
        "client": {
            "type": "object",
            "required": ["id"],
            "x-runner-evidence": "documented",
            "properties": {
                "id": {"type": "integer", "x-runner-evidence": "documented"},
                "name": {"type": "string"},
            },
        },
        "amount": {"type": "number", "x-runner-evidence": "documented"},
        "text": {"type": ["string", "null"], "maxLength": 5, "x-runner-evidence": "documented"},
        "guess": {"type": "string", "maxLength": 2, "x-runner-evidence": "inferred"},
        "flag": {"type": "boolean"},
        "either": {"type": ["integer", "string"]},
        "day": {"type": "string", "format": "date"},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "sku": {"type": "string"},
                    "quantity": {"type": "integer", "minimum": 1},
                },
            },
        },
        "anything": {},
    },
}
TAGS: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}
CREATE = Operation(
    api="shop",
    name="create",
    method="POST",
    path="/orders/{order_id}/lines",
    summary="",
    description="",
    evidence="documented",
    parameters={
        "order_id": _parameter("order_id", "path", "string", required=True),
        "page": _parameter("page", "query", "integer", minimum=1),
        "tag": Parameter("tag", "query", required=False, schema=TAGS, evidence="inferred"),
        "trace": _parameter("trace", "header", "string"),
    },
    body=BODY,
    answer=None,
    effect="create",
    repeatable=False,
    money="amount",
)
READ = replace(CREATE, method="GET", body=None, effect="read", money="")


def build(operation: Operation = CREATE, **arguments: Any) -> Request:
    needed: dict[str, Any] = {"order_id": "7"}
    if operation.body is not None:
        needed["client"] = {"id": 1}
    return build_request(operation, {**needed, **arguments}, base_url=BASE)


def refused(operation: Operation = CREATE, **arguments: Any) -> dict[str, str]:
    """What is wrong, by the path inside `with`."""
    with pytest.raises(ArgumentError) as caught:
        build(operation, **arguments)
    return {
        ".".join(str(part) for part in path): message for path, message in caught.value.problems
    }


# --- where things go


def test_names_of_parameters_go_there_and_all_others_into_the_body() -> None:
    request = build(page=2, tag=["a b", "c&d"], trace="x-1", text="hello")
    assert request.method == "POST"
    assert request.url == f"{BASE}/orders/7/lines?page=2&tag=a%20b&tag=c%26d"
    assert request.headers == {"trace": "x-1"}
    assert request.body == {"client": {"id": 1}, "text": "hello"}
    assert request.known


def test_a_read_has_no_body() -> None:
    request = build(READ, page=1)
    assert (request.body, request.content(), request.amount) == (None, None, None)


def test_a_create_without_fields_sends_an_empty_object() -> None:
    request = build_request(
        replace(CREATE, body={"type": "object"}), {"order_id": 1}, base_url=f"{BASE}/"
    )
    assert request.url == f"{BASE}/orders/1/lines"
    assert request.content() == b"{}"


def test_null_is_left_out_and_so_is_an_object_of_nulls() -> None:
    request = build(
        page=None, text=None, client={"id": 1, "name": None}, anything={"a": None, "b": {"c": None}}
    )
    assert request.url == f"{BASE}/orders/7/lines"
    assert request.body == {"client": {"id": 1}}
    assert build(anything={}).body == {"client": {"id": 1}, "anything": {}}


def test_what_is_missing_is_told_wherever_it_is_missing() -> None:
    with pytest.raises(ArgumentError) as caught:
        build_request(CREATE, {"order_id": None}, base_url=BASE)
    assert caught.value.problems == ((("client",), "is required"), (("order_id",), "is required"))
    assert refused(client={"name": "x"}) == {"client.id": "is required"}
    assert refused(client={"id": None}) == {"client": "is required"}
    assert refused(client=None) == {"client": "is required"}


def test_all_problems_are_told_at_once() -> None:
    found = refused(
        order_id="..", page="x", client={"id": "1.5"}, amount="1,5", nothing=1, trace="é"
    )
    assert set(found) == {"order_id", "page", "client.id", "amount", "nothing", "trace"}


def test_the_arguments_are_not_touched() -> None:
    arguments = {"order_id": 1, "client": {"id": "5", "name": None}, "lines": [{"quantity": "3"}]}
    before = json.dumps(arguments)
    build_request(CREATE, arguments, base_url=BASE)
    assert json.dumps(arguments) == before


# --- unknown names


def test_a_closed_documented_body_takes_no_other_field() -> None:
    message = refused(amout=1)["amout"]
    assert "no such field" in message
    assert "did you mean 'amount'?" in message
    assert "no such parameter" in refused(READ, pag=1)["pag"]


@pytest.mark.parametrize(
    "changes", [{"additionalProperties": True}, {"x-runner-evidence": "inferred"}]
)
def test_an_open_or_inferred_body_takes_any_field_with_a_note(changes: dict[str, Any]) -> None:
    operation = replace(CREATE, body={**BODY, **changes})
    request = build(operation, extra={"deep": [1, {"x": "y"}]}, client={"id": 1, "vat": "7"})
    assert request.body["extra"] == {"deep": [1, {"x": "y"}]}
    assert request.notes == (
        "client.vat: not in the API document, sent as it is",
        "extra: not in the API document, sent as it is",
    )


def test_inferred_fields_and_parameters_are_noted() -> None:
    assert build(guess="yes", tag=["a"]).notes == (
        "tag: inferred parameter",
        "guess: inferred field",
    )


def test_rules_refuse_only_where_they_are_better_than_inferred() -> None:
    assert build(guess="longer than two").body["guess"] == "longer than two"
    assert "longer than 5 characters" in refused(text="longer")["text"]
    assert "is less than 1" in refused(page=0)["page"]
    assert "is less than 1" in refused(lines=[{"quantity": 1}, {"quantity": 0}])["lines.1.quantity"]
    assert "not a date" in refused(day="01/02/2026")["day"]
    assert "not a date" in refused(day="2026-02-30")["day"]


# --- conversion


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("amount", "12.10", Decimal("12.10")),
        ("amount", "-0.5", Decimal("-0.5")),
        ("amount", 5, 5),
        ("amount", Decimal("1E+2"), Decimal("1E+2")),
        ("text", 12, "12"),
        ("day", dt.date(2026, 1, 2), "2026-01-02"),
        ("flag", "true", True),
        ("flag", False, False),
        ("either", "12", "12"),
        ("either", 12, 12),
        ("anything", "true", "true"),
        ("anything", dt.date(2026, 1, 2), "2026-01-02"),
        ("anything", (1, "2"), [1, "2"]),
        ("lines", [{"sku": 42, "quantity": "3"}], [{"sku": "42", "quantity": 3}]),
    ],
)
def test_what_is_the_same_without_a_loss_is_converted(name: str, value: Any, expected: Any) -> None:
    result = build(**{name: value}).body[name]
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "1,5"),
        ("amount", "1e5"),
        ("amount", " 5"),
        ("amount", "5 "),
        ("amount", "+5"),
        ("amount", "05"),
        ("amount", ".5"),
        ("amount", "5."),
        ("amount", "٣"),
        ("amount", "NaN"),
        ("amount", ""),
        ("amount", True),
        ("amount", 1.5),
        ("amount", Decimal("NaN")),
        ("amount", Decimal("Infinity")),
        ("amount", Decimal("1E+100000")),
        ("amount", Decimal("1E-100000")),
        ("amount", 10**500),
        ("amount", dt.date(2026, 1, 2)),
        ("client", "5"),
        ("client", [1]),
        ("text", Decimal("1.50")),
        ("text", True),
        ("text", {"a": 1}),
        ("text", "a\ud800"),
        ("flag", "True"),
        ("flag", "yes"),
        ("flag", 1),
        ("lines", {"sku": "1"}),
        ("lines", [None]),
        ("lines", "text"),
        ("anything", 0.5),
        ("anything", {"deep": [0.5]}),
        ("anything", object()),
    ],
)
def test_anything_else_is_refused(name: str, value: Any) -> None:
    (path,) = refused(**{name: value})
    assert path.split(".")[0] == name


@pytest.mark.parametrize(
    "value",
    ["02134", "-0", "1.0", "1e3", "0x1", "", " 1", "1_000", "9" * 500, Decimal("1.5"), True],
)
def test_an_integer_is_not_guessed(value: Any) -> None:
    assert set(refused(client={"id": value})) == {"client.id"}


def test_messages_say_what_was_given() -> None:
    assert refused(amount="1,5")["amount"] == "'1,5' is not a number"
    assert refused(client={"id": "x"})["client.id"] == "'x' is not an integer"
    assert refused(flag="yes")["flag"] == "'yes' is not true or false"
    assert refused(amount=True)["amount"] == "true is not a number"
    assert refused(client="x")["client"] == "'x' is not an object"


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_integers_keep_their_digits_whatever_they_come_as(number: int) -> None:
    expected = f'{{"client":{{"id":{number}}}}}'.encode()
    for value in (number, str(number), Decimal(number)):
        assert build(client={"id": value}).content() == expected


@given(st.text(max_size=20))
def test_a_text_becomes_an_integer_only_if_it_is_its_own_digits(text: str) -> None:
    try:
        result = build(client={"id": text}).body["client"]["id"]
    except ArgumentError:
        assert not re.fullmatch(r"0|-?[1-9][0-9]*", text)
    else:
        assert str(result) == text


# --- money


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.booleans())
def test_money_reaches_the_wire_digit_by_digit(amount: Decimal, as_text: bool) -> None:  # noqa: FBT001
    digits = format(amount, "f")
    request = build(amount=digits if as_text else amount)
    assert request.content() == f'{{"client":{{"id":1}},"amount":{digits}}}'.encode()
    assert request.amount == amount


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (Decimal("12.10"), "12.10"),
        ("12.10", "12.10"),
        (Decimal("0.1") + Decimal("0.2"), "0.3"),
        (Decimal("1e16"), "10000000000000000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("0.00"), "0.00"),
        (10**16, "10000000000000000"),
    ],
)
def test_money_digits(value: Any, digits: str) -> None:
    request = build(amount=value)
    assert request.content() == f'{{"client":{{"id":1}},"amount":{digits}}}'.encode()
    assert isinstance(request.amount, Decimal)
    assert request.amount == Decimal(digits)


def test_no_money_moves_without_an_amount() -> None:
    assert build().amount is None
    assert build(replace(CREATE, money=""), amount=5).amount is None


# --- path, query, header

_HOSTILE = st.sampled_from("/\\.%?#@:;&=+ \u00e9\u202e\x00\n")


@given(st.text(st.one_of(st.characters(), _HOSTILE), max_size=12))
def test_no_value_leads_out_of_its_segment(text: str) -> None:
    try:
        url = build(READ, order_id=text).url
    except ArgumentError as error:
        assert [path for path, _ in error.problems] == [("order_id",)]
        return
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == (
        "https",
        "shop.example",
        "",
        "",
    )
    segments = parts.path.split("/")
    assert len(segments) == 5
    assert (segments[1], segments[2], segments[4]) == ("v2", "orders", "lines")
    assert re.fullmatch(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+", segments[3])
    assert unquote(segments[3]) == text


@pytest.mark.parametrize("case", cases("segments"))
def test_a_segment_leads_nowhere_else(case: dict[str, str]) -> None:
    if case["due"] == "refused":
        assert set(refused(READ, order_id=case["text"])) == {"order_id"}
        return
    url = build(READ, order_id=case["text"]).url
    segment = url.removeprefix(f"{BASE}/orders/").removesuffix("/lines")
    assert re.fullmatch(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+", segment)
    assert unquote(segment) == case["text"]
    assert case["due"] in ("encoded", segment)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=3)
)
def test_queries_come_back_as_they_were(texts: list[str]) -> None:
    url = build(READ, tag=texts).url
    assert url.isascii()
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == [
        ("tag", text) for text in texts
    ]


@given(st.text(max_size=8))
def test_headers_are_printable_ascii(text: str) -> None:
    try:
        headers = build(READ, trace=text).headers
    except ArgumentError:
        assert not re.fullmatch(r"(?:[!-~](?:[ -~]*[!-~])?)?", text)
    else:
        assert headers == {"trace": text}
        assert re.fullmatch(r"[ -~]*", text)


@pytest.mark.parametrize("case", cases("headers"))
def test_a_header_is_one(case: dict[str, str]) -> None:
    if case["due"] == "refused":
        assert set(refused(READ, trace=case["text"])) == {"trace"}
    else:
        assert build(READ, trace=case["text"]).headers == {"trace": case["text"]}


def test_a_body_has_a_limit() -> None:
    """One text may stand in it many times, so that the body is far larger than all that was made for it."""
    text = "x" * 900_000
    assert "more than 16 MB of text" in refused(lines=[{"sku": text}] * 240)[""]
    assert build(lines=[{"sku": text}] * 10).known
    assert "more than 16 MB of text" in refused(anything={text: [text] * 30})[""]


# --- what is not known yet


def test_unknown_values_pass_and_are_shown() -> None:
    job = Unknown("job.id")
    client = {"id": Unknown("contact.id")}
    request = build(order_id=job, client=client, amount=Unknown("quote.total"), page=Unknown("p"))
    assert request.url == f"{BASE}/orders/(known after run: job.id)/lines?page=(known after run: p)"
    assert isinstance(request.body["client"]["id"], Unknown)
    assert isinstance(request.amount, Unknown)
    assert not request.known
    for method in (request.content, request.digest):
        with pytest.raises(ValueError, match="only known after the run"):
            method()


def test_an_unknown_object_or_list_satisfies_what_is_required() -> None:
    assert not build(client=Unknown("contact")).known
    assert not build(lines=[{"sku": Unknown("a.sku")}]).known
    assert not build(anything={"a": [Unknown("b")]}).known
    assert set(refused(client=Unknown("contact"), page="x")) == {"page"}


# --- what is kept from one request to the next

_GIVEN = st.dictionaries(
    st.sampled_from(
        ["anything", "amount", "text", "guess", "flag", "page", "tag", "trace", "extra"]
    ),
    st.sampled_from([None, "7", 5, True, "true", {"a": 1}, {"b": None}])
    | st.builds(Unknown, st.just("a.b")),
    max_size=5,
)
_MANY = _GIVEN.flatmap(
    lambda one: st.lists(_GIVEN | st.permutations(list(one.items())).map(dict), min_size=2)
)


def _outcome(operation: Operation, arguments: Mapping[str, Any]) -> Any:
    try:
        request = build_request(
            operation, {"order_id": 1, "client": {"id": 1}, **arguments}, base_url=BASE
        )
    except ArgumentError as error:
        return error.problems
    return (
        request.url,
        list((request.body or {}).items()),
        request.notes,
        request.headers,
        request.known,
    )


@given(_MANY)
def test_a_request_is_the_same_whatever_was_asked_for_before(many: list[dict[str, Any]]) -> None:
    operation = replace(CREATE, body={**BODY, "additionalProperties": True})
    for arguments in many:
        assert repr(_outcome(operation, arguments)) == repr(_outcome(replace(operation), arguments))


def test_what_is_known_of_names_does_not_grow_with_them() -> None:
    operation = replace(CREATE, body={"type": "object"})
    for number in range(3 * MAX_GIVEN):
        request = build_request(operation, {f"field{number}": "x", "order_id": 1}, base_url=BASE)
        assert (request.body, request.notes) == (
            {f"field{number}": "x"}, (f"field{number}: not in the API document, sent as it is",)
        )  # fmt: skip
    assert len(operation.builder.given) <= MAX_GIVEN


# --- the wire


def test_content_is_compact_utf8_and_keeps_the_order() -> None:
    request = build(text="Jürg", anything={"z": [True, 1], "a": '\u2028"\\\n'})
    content = request.content()
    assert (
        content
        == '{"client":{"id":1},"text":"Jürg","anything":{"z":[true,1],"a":"\\u2028\\"\\\\\\n"}}'.encode()
    )


def test_the_digest_covers_method_path_headers_and_content() -> None:
    request = build(amount="1.50")
    content = request.content()
    assert content is not None
    expected = hashlib.sha256(b"POST /orders/7/lines\n\n" + content).hexdigest()
    assert request.digest() == expected
    others = [build(amount="1.5"), build(amount="1.50", page=1), build(amount="1.50", trace="x")]
    others.append(replace(request, method="PUT"))
    assert len({expected, *(other.digest() for other in others)}) == 5


def test_the_digest_is_the_same_wherever_the_api_is_served() -> None:
    arguments = {"order_id": "7", "client": {"id": 1}, "page": 2}
    here, there = (
        build_request(CREATE, arguments, base_url=base) for base in (BASE, "http://127.0.0.1:8000")
    )
    assert here.url != there.url
    assert here.path == there.path == "/orders/7/lines?page=2"
    assert here.digest() == there.digest()


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
_TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3
    )
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(_TREES)
def test_json_reads_back_as_what_it_was(tree: Any) -> None:
    assert json.loads(to_json(tree), parse_float=Decimal) == tree


@pytest.mark.parametrize(
    "value", [0.5, [0.5], {"a": float("nan")}, Decimal("NaN"), Decimal("Infinity"), object()]
)
def test_json_is_never_written_from_what_is_not_exact(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        to_json(value)


@given(st.integers(1, 400), st.integers(-400, 380))
def test_no_number_grows_beyond_bounds(digits: int, exponent: int) -> None:
    amount = Decimal(10**digits - 1).scaleb(exponent)
    assume(amount.is_finite())
    try:
        content = build(amount=amount).content()
    except ArgumentError:
        return
    assert content is not None
    assert len(content) < 1000


@given(st.integers(1, 120), st.integers(-450, 450))
@example(1, MAX_DIGITS)
@example(1, MAX_DIGITS + 1)
@example(1, -MAX_DIGITS)
@example(1, -MAX_DIGITS - 1)
def test_a_number_is_refused_for_the_digits_it_needs_and_no_others(
    digits: int, exponent: int
) -> None:
    amount = Decimal((0, (9,) * digits, exponent))
    if digits + exponent - 1 > MAX_DIGITS or exponent < -MAX_DIGITS:
        assert refused(amount=amount) == {"amount": f"a number of more than {MAX_DIGITS} digits"}
    else:
        assert str(build(amount=amount).body["amount"]) == str(amount)


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("date", ["2026-01-31", "2024-02-29"], ["2026-02-29", "2026-1-31", "31.01.2026", ""]),
        (
            "date-time",
            ["2026-01-31T09:30:00Z", "2026-01-31T09:30:00.5+01:00"],
            ["2026-01-31", "2026-01-31T09:30:00", "2026-01-31 09:30", "2026-01-31T25:00:00Z"],
        ),
        (
            "email",
            ["ann@example.com", "a.b+c@x.example.co.uk"],
            ["ann", "ann@", "@example.com", "ann@@example.com", "ann@example.com, bob@example.com",
             "Ann <ann@example.com>", " ann@example.com", "ann example@com"],
        ),
        (
            "uuid",
            ["123e4567-e89b-12d3-a456-426614174000"],
            ["123e4567", "123e4567-e89b-12d3-a456-42661417400g"],
        ),
        ("uri", ["https://example.com/a?b=1", "mailto:ann@example.com"], ["example.com", "/a", "http://a b"]),
        ("int32", ["anything"], []),
        ("made-up", ["anything"], []),
    ],
)  # fmt: skip
def test_a_text_has_the_format_that_the_document_names(
    form: str, right: list[str], wrong: list[str]
) -> None:
    """A guess of a format is no reason to refuse a text."""

    def sent(text: Any, evidence: str) -> Any:
        schema = {"type": "string", "format": form, "x-runner-evidence": evidence}
        body = {"type": "object", "properties": {"field": schema}, "additionalProperties": False}
        operation = replace(CREATE, body=body, parameters={}, path="/things", money="")
        return build_request(operation, {"field": text}, base_url=BASE).body

    for text in right:
        assert sent(text, "documented") == {"field": text}
    for text in wrong:
        with pytest.raises(ArgumentError, match=r"field: .* is not an? "):
            sent(text, "documented")
        assert sent(text, "inferred") == {"field": text}
    assert isinstance(sent(Unknown("job.id"), "documented")["field"], Unknown)
