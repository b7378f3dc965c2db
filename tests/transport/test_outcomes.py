"""The table of outcomes: what happens on a real socket, and what it is taken for."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from corpora import cases
from faults import actions
from faults.bench import CATALOGUE, Bench
from faults.server import Action, FaultServer

from runner.catalogue import build_request
from runner.engine.sending.outcome import Outcome, classify
from runner.transport import Failure, Reply
from runner.transport.client import Transport

WRITE, READ = "shop.create_order", "shop.search_orders"
ARGUMENTS = {
    "shop.create_payment": {"order_id": "7", "amount": "1.10"},
    "shop.search_customers": {"name": "A"},
}


def exchanged(
    transport: Transport, base_url: str, *, name: str = WRITE
) -> tuple[Reply | Failure, Outcome]:
    operation = CATALOGUE.operation(name)
    request = build_request(operation, ARGUMENTS.get(name, {"reference": "A"}), base_url=base_url)
    exchange = transport.send(
        transport.prepare(request), write=operation.effect != "read", money=bool(operation.money)
    )
    return exchange, classify(operation, exchange)


def sent(bench: Bench, *, name: str = WRITE) -> tuple[Reply | Failure, Outcome]:
    return exchanged(bench.transport(), bench.base_url, name=name)


CREATED = b"HTTP/1.1 201 Created\r\n"
WHOLE = CREATED + b'Content-Length: 9\r\n\r\n{"id": 7}'
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
REFUSED = b"HTTP/1.1 422 No\r\nContent-Length: 18\r\n\r\n" + b'{"message": "no!"}'
JSON = b"\r\nContent-Type: application/json"
CUT = "422, but the answer was cut short"
NO_LENGTH: list[tuple[str, bytes, bytes, str, str]] = [
    ("whole", b"HTTP/1.0 422 No" + JSON, b'{"message": "no!"}', "rejected", "422 no"),
    ("cut", b"HTTP/1.0 422 No" + JSON, b'{"message": "n', "unknown", CUT),
    ("cut, 1.1", b"HTTP/1.1 422 No" + JSON, b'{"errors": [', "unknown", CUT),
    ("cut at once", b"HTTP/1.1 422 No" + JSON, b"", "unknown", CUT),
    ("cut, not declared", b"HTTP/1.1 422 No", b'[{"message": "n', "unknown", CUT),
    ("problem", b"HTTP/1.1 422 No\r\nContent-Type: application/problem+json", b'{"title"', "unknown", CUT),
    ("401", b"HTTP/1.1 401 No" + JSON, b'{"message": "n', "unknown", "401, but the answer was cut"),
    ("429", b"HTTP/1.1 429 No" + JSON, b'{"message": "n', "unknown", "429, but the answer was cut"),
    ("201", b"HTTP/1.1 201 No" + JSON, b'{"id": 7', "unknown", "201, but the answer was cut"),
    ("text", b"HTTP/1.1 422 No\r\nContent-Type: text/plain", b"no such s", "rejected", "422 no such s"),
    ("latin", b"HTTP/1.1 422 No" + JSON, b'{"message": "no\xe9"}', "rejected", "422 "),
    ("twice", b"HTTP/1.1 422 No" + JSON, b'{"message": 1, "message": 2}', "rejected", "422 "),
]  # fmt: skip
ANSWERS: list[tuple[str, Action, str, int, str]] = [
    ("200", actions.answer(200, {"id": 7}), "done", 200, ""),
    ("201", actions.answer(201, {"id": "SO-7"}), "done", 201, ""),
    ("html", actions.html(), "unknown", 200, "200, but the answer is an HTML page, not JSON"),
    (
        "204",
        actions.raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
        "unknown",
        204,
        "204, but the answer is empty",
    ),
    ("truncated", actions.truncated(201), "unknown", 201, "201, but the answer was cut short"),
    ("chunk", actions.broken_chunk(201), "unknown", 201, "201, but "),
    (
        "gzip",
        actions.bad_gzip(201),
        "unknown",
        201,
        "201, but the answer could not be decompressed",
    ),
    ("300", actions.answer(300), "unknown", 300, "300 scripted 300"),
    (
        "304",
        actions.raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        "unknown",
        304,
        "304 no explanation",
    ),
    ("400", actions.answer(400), "rejected", 400, "400 scripted 400"),
    ("404", actions.answer(404), "rejected", 404, "404 scripted 404"),
    ("409", actions.answer(409), "rejected", 409, "409 scripted 409"),
    (
        "422",
        actions.answer(422, {"errors": {"zip": ["is too long"]}}),
        "rejected",
        422,
        "422 zip: is too long",
    ),
    ("422 cut", actions.truncated(422), "unknown", 422, "422, but the answer was cut short"),
    ("422 gzip", actions.bad_gzip(422), "rejected", 422, "422 "),
    ("401", actions.answer(401), "denied", 401, "401 scripted 401"),
    ("403", actions.answer(403), "denied", 403, "403 scripted 403"),
    ("403 cut", actions.truncated(403), "unknown", 403, "403, but the answer was cut short"),
    ("429", actions.throttle("3"), "throttled", 429, "429 scripted 429"),
    ("429 cut", actions.truncated(429), "unknown", 429, "429, but the answer was cut short"),
    ("429 chunk", actions.broken_chunk(429), "unknown", 429, "429, but the answer is not HTTP"),
    ("408", actions.answer(408), "unknown", 408, "408 scripted 408"),
    ("425", actions.answer(425), "unknown", 425, "425 scripted 425"),
    ("500", actions.committed(actions.answer(500)), "unknown", 500, "500 scripted 500"),
    ("502", actions.html(502), "unknown", 502, "502 an HTML page"),
    ("503", actions.answer(503), "unknown", 503, "503 scripted 503"),
    ("504", actions.answer(504, b""), "unknown", 504, "504 no explanation"),
    ("103 alone", actions.raw(HINTS), "unknown", 0, "connection closed before an answer"),
    ("103 first", actions.raw(HINTS + WHOLE), "done", 201, ""),
    ("100 first", actions.raw(b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE), "done", 201, ""),
    (
        "many 1xx",
        actions.raw((HINTS + b"HTTP/1.1 102 Working\r\n\r\n") * 99 + WHOLE),
        "done",
        201,
        "",
    ),
    ("103, cut", actions.raw(HINTS + WHOLE[:20]), "unknown", 0, "the answer was cut short"),
    ("103, 422", actions.raw(HINTS + REFUSED), "rejected", 422, "422 no"),
    (
        "101",
        actions.raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" + WHOLE),
        "unknown",
        0,
        "the answer is not",
    ),
    ("two", actions.raw(WHOLE + WHOLE.replace(b"7", b"8")), "done", 201, ""),
    ("no reason phrase", actions.raw(WHOLE.replace(b" Created", b"")), "done", 201, ""),
    ("HTTP/1.0", actions.raw(b'HTTP/1.0 201 Created\r\n\r\n{"id": 7}'), "done", 201, ""),
    *(
        (
            f"no length, {name}",
            actions.raw(head + b"\r\n\r\n" + body),
            state,
            int(head[9:12]),
            reason,
        )
        for name, head, body, state, reason in NO_LENGTH
    ),
    ("status cut", actions.raw(b"HTTP/1.1 422 Unp"), "unknown", 0, "the answer was cut short"),
    (
        "header cut",
        actions.raw(b"HTTP/1.1 422 No\r\nContent-Le"),
        "unknown",
        0,
        "the answer was cut short",
    ),
    (
        "line cut",
        actions.raw(b"HTTP/1.1 422 No\r\nServer: x\r\n"),
        "unknown",
        0,
        "the answer was cut short",
    ),
    (
        "two lengths",
        actions.raw(WHOLE.replace(b"\r\n\r\n", b"\r\nContent-Length: 8\r\n\r\n")),
        "unknown",
        0,
        "the",
    ),
    (
        "br",
        actions.answer(201, b"{}", {"Content-Encoding": "br"}),
        "unknown",
        201,
        "201, but the answer could not be",
    ),
    ("closed", actions.close(), "unknown", 0, "connection closed before an answer"),
    ("reset", actions.reset(), "unknown", 0, "connection reset"),
    (
        "garbage",
        actions.raw(b"SSH-2.0-OpenSSH_9\r\n\r\n"),
        "unknown",
        0,
        "the answer is not HTTP",
    ),
    (
        "many headers",
        actions.raw(CREATED + b"X: y\r\n" * 200 + b"\r\n"),
        "unknown",
        201,
        "201, but the answer is empty",
    ),
    (
        "long header",
        actions.raw(CREATED + b"X: " + b"y" * 200_000 + b"\r\n\r\n"),
        "unknown",
        0,
        "the answer is not HTTP",
    ),
    ("half a line", actions.raw(b"HTTP/1.1 20"), "unknown", 0, "the answer was cut short"),
]


@pytest.mark.parametrize("row", ANSWERS, ids=[row[0] for row in ANSWERS])
def test_an_answer_to_a_write(
    server: FaultServer, bench: Bench, row: tuple[str, Action, str, int, str]
) -> None:
    _, action, state, status, reason = row
    server.on("POST", "/orders", action)
    exchange, outcome = sent(bench)
    assert (outcome.state, outcome.status) == (state, status)
    assert outcome.reason.startswith(reason)
    assert bool(outcome.reason) == (state != "done")
    assert len(server.deliveries()) == 1
    if isinstance(exchange, Failure):
        assert exchange.written


UNUSABLE: list[tuple[bytes, str]] = [
    (b"", "the answer is empty"),
    (b" ", "the answer is empty"),
    (b"<p>done</p>", "the answer is an HTML page, not JSON"),
    (b'{"job": 7}', "the answer has no 'id'"),
    (b'{"id": null}', "the answer has no 'id'"),
    (b'{"id": ""}', "the answer has no 'id'"),
    (b'{"id": 0}', "the answer has '0' as its 'id', which is no id"),
    (b'{"id": -7}', "the answer has '-7' as its 'id', which is no id"),
    (b'{"id": "0"}', "the answer has '0' as its 'id', which is no id"),
    (b'{"id": " "}', "the answer has '' as its 'id', which is no id"),
    (b'{"id": "null"}', "the answer has 'null' as its 'id', which is no id"),
    (
        b'{"id": "00000000-0000-0000-0000-000000000000"}',
        "the answer has '00000000-0000-0000-0000-000000000000' as its 'id', which is no id",
    ),
    (b'{"id": 7.0}', "the answer has a number as its 'id'"),
    (b'{"id": true}', "the answer has true or false as its 'id'"),
    (b"null", "the answer is null, not an object"),
    (b'[{"id": 7}]', "the answer is a list, not an object"),
    (b'{"id": NaN}', "the answer has NaN, which is not a JSON number"),
    (b'{"id": 1, "id": 2}', "the answer has the key 'id' twice"),
    (b"created", "the answer is not JSON: Expecting value at character 0"),
    (b'{"id": %s}' % (b"7" * 5000), "the answer has a number of too many digits"),
    (b"[" * 100_000, "the answer is nested deeper than 100 levels"),
    (b'{"id": "\xff"}', "the answer is not UTF-8 text"),
]


@pytest.mark.parametrize(
    ("content", "reason"), UNUSABLE, ids=[str(n) for n in range(len(UNUSABLE))]
)
def test_a_success_that_cannot_be_read_is_no_success(
    server: FaultServer, bench: Bench, content: bytes, reason: str
) -> None:
    server.on("POST", "/orders", actions.answer(201, content))
    _, outcome = sent(bench)
    assert (outcome.state, outcome.reason) == ("unknown", f"201, but {reason}")


@pytest.mark.parametrize("case", cases("answers"))
def test_what_an_answer_proves(server: FaultServer, bench: Bench, case: dict[str, str]) -> None:
    server.on("POST", "/orders", actions.answer(201, case["text"].encode()))
    _, outcome = sent(bench)
    assert outcome.state == case["due"]
    assert len(server.deliveries()) == 1


def test_a_connection_that_is_closed_before_it_is_read_may_have_taken_the_request(
    server: FaultServer, bench: Bench
) -> None:
    """Whether its end is there before the first byte is a race; what is known of the call follows from it."""
    server.greet(actions.close(), nth=1)
    exchange, outcome = sent(bench)
    assert isinstance(exchange, Failure)
    assert outcome.state == ("unknown" if exchange.written else "not sent")
    assert server.deliveries() == []


def test_a_connection_that_is_reset_before_it_is_read(server: FaultServer, bench: Bench) -> None:
    """Whether the reset is there before the first byte is a race; what is said of the call follows from it."""
    server.greet(actions.reset(), nth=1)
    exchange, outcome = sent(bench)
    assert isinstance(exchange, Failure)
    assert outcome.state == ("unknown" if exchange.written else "not sent")
    assert outcome.reason in (
        "connection reset", "connection closed before an answer", "connection closed, or answered, before the request"
    )  # fmt: skip
    assert server.deliveries() == []


@pytest.mark.parametrize("end", [actions.close(), actions.reset()], ids=["closed", "reset"])
def test_a_connection_that_ends_in_the_middle_of_a_request(
    server: FaultServer, bench: Bench, end: Action
) -> None:
    server.greet(lambda exchange: bool(exchange.connection.recv(1000)) and end(exchange), nth=1)
    operation, transport = CATALOGUE.operation(WRITE), bench.transport()
    large = build_request(
        operation, {"reference": "A", "notes": "x" * 15_000_000}, base_url=bench.base_url
    )
    exchange = transport.send(transport.prepare(large))
    assert isinstance(exchange, Failure)
    assert exchange.written
    assert classify(operation, exchange).state == "unknown"
    assert server.deliveries() == []


def test_nothing_is_sent_where_nobody_listens(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    exchange, outcome = exchanged(
        bench.transport(base_url=f"http://127.0.0.1:{port}"), f"http://127.0.0.1:{port}"
    )
    assert exchange == Failure(
        written=False, status=0, reason="connection refused", seconds=exchange.seconds
    )
    assert outcome.state == "not sent"


def test_nothing_is_sent_to_a_name_that_does_not_resolve(bench: Bench) -> None:
    url = "https://api.shop.invalid"
    exchange, outcome = exchanged(bench.transport(base_url=url), url)
    assert exchange == Failure(
        written=False, status=0, reason="the host's name is not known", seconds=exchange.seconds
    )
    assert outcome.state == "not sent"


def test_nothing_is_sent_while_the_backlog_is_full(bench: Bench) -> None:
    bench.deadline = 0.5
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(4):  # the kernel takes one or two and lets the others wait
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                filler.connect(address)
        url = f"http://127.0.0.1:{address[1]}"
        exchange, outcome = exchanged(bench.transport(base_url=url), url)
    assert exchange == Failure(
        written=False, status=0, reason="no connection in time", seconds=exchange.seconds
    )
    assert outcome.state == "not sent"


SLOW: list[tuple[str, Action, int]] = [
    ("status", actions.trickle(b"", b"HTTP/1.1 201 Created"), 0),
    ("headers", actions.trickle_headers(), 0),
    ("body", actions.trickle_body(), 201),
    ("continue", actions.trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), 0),
    (
        "chunks",
        actions.trickle(CREATED + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        201,
    ),
]


@pytest.mark.parametrize(
    ("action", "status"), [row[1:] for row in SLOW], ids=[row[0] for row in SLOW]
)
@pytest.mark.parametrize("name", [WRITE, "shop.create_payment"])
def test_the_deadline_is_for_the_whole_exchange(
    server: FaultServer, bench: Bench, action: Action, status: int, name: str
) -> None:
    server.on("POST", "/orders.*", action)
    bench.deadline = 0.5
    exchange, outcome = sent(bench, name=name)
    assert isinstance(exchange, Failure)
    assert (exchange.written, exchange.status, exchange.reason) == (
        True,
        status,
        "no answer in time",
    )
    assert outcome.state == "unknown"


def test_a_slow_answer_does_not_spoil_the_next(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.trickle_body(), nth=1)
    bench.deadline = 0.5
    transport = bench.transport()
    assert exchanged(transport, bench.base_url)[1].state == "unknown"
    transport._deadline = 30
    assert exchanged(transport, bench.base_url)[1].state == "done"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", [WRITE, READ])
def test_a_redirect_is_never_followed(
    server: FaultServer, bench: Bench, tmp_path: Path, status: int, name: str
) -> None:
    with FaultServer(tmp_path, name="elsewhere") as elsewhere:
        for method in ("GET", "POST"):
            server.on(method, "/orders", actions.redirect(status, f"{elsewhere.url}/orders"))
        _, outcome = sent(bench, name=name)
        assert (outcome.state, outcome.status) == ("unknown", status)
        assert elsewhere.connections == 0
    (delivery,) = server.deliveries()
    assert delivery.headers["x-api-key"]


def test_a_redirect_to_the_same_place_is_not_followed_either(
    server: FaultServer, bench: Bench
) -> None:
    server.on("POST", "/orders", actions.redirect(307, "/orders"))
    assert sent(bench)[1].state == "unknown"
    assert len(server.deliveries()) == 1


def test_an_answer_is_read_up_to_its_cap(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(201, {"id": 7, "padding": "0" * 5000}))
    exchange, outcome = exchanged(bench.transport(max_answer=4096), bench.base_url)
    assert isinstance(exchange, Failure)
    assert (outcome.state, outcome.reason) == (
        "unknown",
        "201, but the answer is larger than 4,096 bytes",
    )
    assert exchanged(bench.transport(max_answer=8192), bench.base_url)[1].state == "done"


def test_a_compressed_bomb_is_read_up_to_the_same_cap(
    server: FaultServer, bench: Bench, peak: Callable[[], int]
) -> None:
    server.on("POST", "/orders", actions.gzip_bomb(201, 150 * 1024 * 1024))
    before = peak()
    _, outcome = exchanged(bench.transport(max_answer=1024 * 1024), bench.base_url)
    assert (outcome.state, outcome.reason) == (
        "unknown",
        "201, but the answer is larger than 1,048,576 bytes",
    )
    assert peak() - before < 64 * 1024 * 1024


def test_a_read_that_is_not_answered_is_no_write_that_may_have_landed(
    server: FaultServer, bench: Bench
) -> None:
    server.on("GET", "/orders", actions.truncated(200), nth=1)
    server.on("GET", "/orders", actions.answer(500), nth=2)
    transport = bench.transport()
    assert exchanged(transport, bench.base_url, name=READ)[1].state == "unknown"
    assert exchanged(transport, bench.base_url, name=READ)[1].state == "unknown"
    assert exchanged(transport, bench.base_url, name=READ)[1].state == "done"


def test_a_status_that_means_an_empty_list(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/customers", actions.answer(404))
    _, outcome = sent(bench, name="shop.search_customers")
    assert (outcome.state, outcome.value.items) == ("done", [])
