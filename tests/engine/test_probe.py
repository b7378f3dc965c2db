"""A probe asks a real server once for each read, and tells names and types of what differs, never values."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from runner.catalogue import Api, load_api
from runner.engine.context import Connection
from runner.probe.overlay import overlay_actions, overlay_text
from runner.probe.probe import ProbeResult, probe
from runner.problems import UsageError
from runner.report.probe import probe_text
from runner.transport.client import Transport

TODAY = dt.date(2027, 3, 15)
CUSTOMER = {"$ref": "#/components/schemas/Customer"}
CUSTOMERS = {
    "type": "object",
    "required": ["customers"],
    "properties": {"customers": {"type": "array", "items": CUSTOMER}, "total": {"type": "integer"}},
}
ADA = {
    "id": 71,
    "name": "Ada Secret",
    "email": "ada@example.com",
    "group": {"id": 5, "name": "Schools"},
}
BOB = {"id": 72, "name": "Bob Hidden", "email": "bob@example.com", "group": None}


def read(schema: Any, *parameters: Any, **more: Any) -> dict[str, Any]:
    """An operation that reads what `schema` says."""
    content = {"application/json": {"schema": schema}}
    return {
        "get": {"parameters": list(parameters), "responses": {"200": {"content": content}}, **more}
    }


def given(name: str, place: str = "path", kind: str = "integer", **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "schema": {"type": kind, **schema}}


def document(paths: Mapping[str, Any], **schemas: Any) -> dict[str, Any]:
    group = {"id": {"type": "integer"}, "name": {"type": "string"}}
    customer = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": "string"},
            "email": {"type": ["string", "null"]},
            "group": {"type": ["object", "null"], "properties": group},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "A shop", "version": "1"},
        "paths": dict(paths),
        "components": {"schemas": {"Customer": customer, **schemas}},
    }


LIST = {"/customers": read(CUSTOMERS, **{"x-runner-items": "customers"})}
GET = {"/customers/{customer_id}": read(CUSTOMER, given("customer_id"))}


@dataclass
class Server:
    """Answers paths as it is told (status and JSON or text), 404 to all others; keeps what it was asked."""

    answers: Mapping[str, Any]
    asked: list[str] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)
    url: str = ""

    def start(self) -> Callable[[], None]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                server.asked.append(self.path)
                server.methods.add(self.command)
                answer = server.answers.get(urlsplit(self.path).path, (404, {"message": "none"}))
                status, content = answer if isinstance(answer, tuple) else (200, answer)
                kind = "text/html" if isinstance(content, str) else "application/json"
                body = (
                    content.encode() if isinstance(content, str) else json.dumps(content).encode()
                )
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Location", f"{server.url}/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _take  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()

        def stop() -> None:
            listening.shutdown()
            thread.join()
            listening.server_close()

        return stop


@dataclass
class Bench:
    """A document, a server that answers as a test says, and the probe between them."""

    folder: Path
    server: Server

    def api(self, paths: Mapping[str, Any], *, overlay: str = "", **schemas: Any) -> Api:
        file = self.folder / "shop.openapi.json"
        file.write_text(json.dumps(document(paths, **schemas)))
        if not overlay:
            return load_api(file, name="shop")
        (self.folder / "overlay.yaml").write_text(overlay)
        return load_api(file, name="shop", overlay=self.folder / "overlay.yaml")

    def probe(self, api: Api, **answers: Any) -> dict[str, ProbeResult]:
        self.server.answers = {
            f"/{path.replace('__', '/')}": answer for path, answer in answers.items()
        }
        self.server.asked.clear()
        transport = Transport(base_url=self.server.url, auth=(), secrets={}, user_agent="t")
        connection = Connection(self.server.url, transport)
        return {
            each.operation.name: each
            for each in probe(api, connection, today=TODAY, wait=lambda _: None)
        }

    def again(
        self, paths: Mapping[str, Any], found: Mapping[str, ProbeResult], **answers: Any
    ) -> dict[str, ProbeResult]:
        """Probe again, with the overlay of the differences of the first probe."""
        before = self.api(paths)
        text = overlay_text(
            overlay_actions(list(found.values()), before.document), title="seen", version="1"
        )
        return self.probe(self.api(paths, overlay=text), **answers)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    server = Server({})
    stop = server.start()
    yield Bench(tmp_path, server)
    stop()


def told(probed: ProbeResult) -> list[tuple[str, str, str]]:
    return [(each.kind, each.at, each.found) for each in probed.differences]


def test_what_agrees(bench: Bench) -> None:
    api = bench.api({**LIST, **GET})
    found = bench.probe(api, customers={"customers": [ADA, BOB], "total": 2}, customers__71=ADA)
    assert {name: each.state for name, each in found.items()} == {
        "get_customers": "agrees",
        "get_customers_customer_id": "agrees",
    }
    assert bench.server.asked == ["/customers", "/customers/71"]
    assert bench.server.methods == {"GET"}
    assert found["get_customers"].items == 2


def test_fields_that_differ(bench: Bench) -> None:
    api = bench.api(LIST)
    odd = [
        {**ADA, "id": "71", "fax": "555-0100"},
        {"id": 72, "email": 5, "group": {"id": 5, "lead": None}},
    ]
    found = bench.probe(api, customers={"customers": odd, "total": 2.5})["get_customers"]
    assert found.state == "differs"
    assert told(found) == [
        ("type", "customers[].email", "integer"),
        ("unknown", "customers[].fax", "string"),
        ("unknown", "customers[].group.lead", "null"),
        ("type", "customers[].id", "string"),
        ("missing", "customers[].name", "not in 1 of 2"),
        ("type", "total", "number"),
    ]


def test_an_overlay_of_the_differences_makes_them_agree(bench: Bench) -> None:
    paths = {**LIST, **GET}
    odd = {**ADA, "id": "71", "fax": "555-0100", "tags": [{"t": 1}, {"t": 1.5, "u": None}]}
    odd["group"] = {"lead": {"a-b": 1}}
    bare = {"id": 72, "email": 5, "fax": None}
    answers = {
        "customers": {"customers": [odd, bare], "page": 1},
        "customers__71": {**odd, "fax": 5},
    }
    found = bench.probe(bench.api(paths), **answers)
    assert {each.state for each in found.values()} == {"differs"}
    again = bench.again(paths, found, **answers)
    assert [told(each) for each in again.values()] == [[], []]
    assert {each.state for each in again.values()} == {"agrees"}


def test_the_overlay_says_how_it_is_known(bench: Bench) -> None:
    api = bench.api(LIST)
    found = bench.probe(
        api, customers={"customers": [{**ADA, "fax": "x", "group": {"id": 5}}, {"id": 1}]}
    )
    text = overlay_text(
        overlay_actions(list(found.values()), api.document),
        title="shop as acme has it",
        version="1",
    )
    assert (
        text
        == """\
overlay: "1.0.0"
info: {title: shop as acme has it, version: "1"}
actions:
  - target: "$.components.schemas.Customer"
    description: "seen in get_customers: customers[].fax"
    update: {properties: {fax: {type: string, x-runner-evidence: observed}}}
  - target: "$.components.schemas.Customer.required[?@=='name']"
    description: "seen in get_customers: customers[].name"
    remove: true
"""
    )


def test_no_value_is_told(bench: Bench) -> None:
    api = bench.api({**LIST, **GET})
    odd = {
        "id": 71,
        "name": 12345,
        "note": "keep-this-secret",
        "by": {"ada@example.com": 1},
        "ada@example.org": "x",
    }
    found = bench.probe(api, customers={"customers": [odd, ADA]}, customers__71=odd)
    text = probe_text(list(found.values()))
    text += overlay_text(
        overlay_actions(list(found.values()), api.document), title="t", version="1"
    )
    for value in ("12345", "keep-this-secret", "example", "71", "Ada"):
        assert value not in text
    assert ("table", "customers[].*", "names that may be data") in told(found["get_customers"])


def test_the_list_in_another_envelope(bench: Bench) -> None:
    for answer in (
        [ADA, BOB],
        {"results": [ADA, BOB], "count": 2},
        {"results": [{**ADA, "fax": "1"}]},
    ):
        found = bench.probe(bench.api(LIST), customers=answer)
        assert found["get_customers"].differences[0].kind == "envelope"
        again = bench.again(LIST, found, customers=answer)
        assert told(again["get_customers"]) == []
        assert again["get_customers"].state == "agrees"
        assert again["get_customers"].items > 0


def test_a_bare_list_that_comes_in_an_envelope(bench: Bench) -> None:
    paths = {"/customers": read({"type": "array", "items": CUSTOMER})}
    answer = {"data": [ADA], "total": 1}
    found = bench.probe(bench.api(paths), customers=answer)
    assert told(found["get_customers"])[0] == ("envelope", "data", "an object with 'data'")
    assert bench.again(paths, found, customers=answer)["get_customers"].state == "agrees"


def test_an_object_that_comes_as_a_list(bench: Bench) -> None:
    paths = {"/me": read(CUSTOMER)}
    found = bench.probe(bench.api(paths), me=[ADA])
    assert told(found["get_me"]) == [("envelope", "", "a list")]
    assert bench.again(paths, found, me=[ADA])["get_me"].state == "agrees"


def test_an_envelope_that_nobody_can_guess(bench: Bench) -> None:
    found = bench.probe(bench.api(LIST), customers={"a": [ADA], "b": [BOB]})["get_customers"]
    assert told(found) == [("envelope", "", "an object with a, b")]


@pytest.mark.parametrize(
    ("answer", "state", "status"),
    [
        ((401, {}), "not allowed", 401),
        ((403, {}), "not allowed", 403),
        ((404, {}), "not there", 404),
        ((500, {}), "failed", 500),
        ((302, {}), "failed", 302),
        ((429, {}), "failed", 429),
        ((200, "<html>hello</html>"), "failed", 200),
        ((200, "not JSON"), "failed", 200),
        ((200, ""), "failed", 200),
    ],
)
def test_answers_that_are_none(bench: Bench, answer: Any, state: str, status: int) -> None:
    found = bench.probe(bench.api(LIST), customers=answer)["get_customers"]
    assert (found.state, found.status) == (state, status)
    assert len(bench.server.asked) == 1


def test_no_connection(bench: Bench, tmp_path: Path) -> None:
    api = bench.api({f"/{name}": LIST["/customers"] for name in "abcde"})
    gone = Server({})
    gone.start()()
    transport = Transport(base_url=gone.url, auth=(), secrets={}, user_agent="t")
    found = list(probe(api, Connection(gone.url, transport), today=TODAY, wait=lambda _: None))
    assert [(each.state, each.note) for each in found] == [
        *[("failed", "connection refused")] * 3,
        *[("not tried", "the host does not answer")] * 2,
    ]


def test_an_empty_list_shows_its_envelope_only(bench: Bench) -> None:
    found = bench.probe(bench.api({**LIST, **GET}), customers={"customers": []})
    assert (found["get_customers"].state, found["get_customers"].note) == (
        "agrees",
        "the list is empty",
    )
    assert (found["get_customers_customer_id"].state, found["get_customers_customer_id"].note) == (
        "not tried",
        "needs customer_id",
    )


def test_a_404_that_means_an_empty_list(bench: Bench) -> None:
    paths = {
        "/customers": read(CUSTOMERS, **{"x-runner-items": "customers", "x-runner-empty": [404]})
    }
    assert bench.probe(bench.api(paths))["get_customers"].state == "agrees"


def test_a_failure_that_the_document_declares(bench: Bench) -> None:
    failure = {"field": "state", "values": ["ERROR"], "code": "code", "credentials": [10003]}
    paths = {
        "/customers": read(
            CUSTOMERS, **{"x-runner-items": "customers", "x-runner-failure": failure}
        )
    }
    api = bench.api(paths)
    states = [
        bench.probe(api, customers={"state": "ERROR", "code": code})["get_customers"].state
        for code in (10003, 10004)
    ]
    assert states == ["not allowed", "failed"]


def test_a_search_that_has_to_have_dates_and_pages(bench: Bench) -> None:
    paths = {
        "/orders": read(
            {"type": "array"},
            given("date_from", "query", "string", format="date"),
            given("date_to", "query", "string", format="date"),
            given("changedSince", "query", "string", format="date-time"),
            given("status", "query", "string", enum=["open", "paid"]),
            given("page", "query"),
            given("size", "query"),
            **{
                "x-runner-pagination": {"page": "page", "count": "size", "size": 50},
                "x-runner-items": "*",
            },
        )
    }
    bench.probe(bench.api(paths), orders=[])
    assert parse_qs(urlsplit(bench.server.asked[0]).query) == {
        "date_from": ["2027-02-13"],
        "date_to": ["2027-03-15"],
        "changedSince": ["2027-02-13T00:00:00Z"],
        "status": ["open"],
        "page": ["1"],
        "size": ["1"],
    }


def test_ids_belong_together(bench: Bench) -> None:
    thing = {"type": "object"}
    paths = {
        "/jobs/{job_id}/orders/{order_id}": read(thing, given("job_id"), given("order_id")),
        "/jobs/{jobId}/orders/{order_id}/lines/{id}": read(
            thing, given("jobId"), given("order_id"), given("id")
        ),
        "/jobs/{job_id}/orders/{order_id}/lines": read(
            {"type": "array", "items": thing}, given("job_id"), given("order_id")
        ),
        "/jobs/{job_id}/orders": read({"type": "array", "items": thing}, given("job_id")),
        "/jobs": read({"type": "array", "items": thing}),
        "/categories/{category_id}": read(thing, given("category_id", kind="string")),
        "/things/{thing_id}": read(thing, given("thing_id")),
        "/reports": read(thing, given("job_id", "query")),
    }
    bench.probe(
        bench.api(paths),
        jobs=[{"id": 1, "category": {"id": "c/9"}}, {"id": 2}],
        jobs__1__orders=[{"order_id": 31}],
        jobs__1__orders__31__lines=[{"id": 7}],
    )
    assert set(bench.server.asked) == {
        "/jobs",
        "/jobs/1/orders",
        "/jobs/1/orders/31",
        "/jobs/1/orders/31/lines",
        "/jobs/1/orders/31/lines/7",
        "/categories/c%2F9",
        "/reports?job_id=1",
    }
    assert len(bench.server.asked) == 7


def test_only_what_reads_is_asked(bench: Bench) -> None:
    paths = {
        "/customers": {
            **LIST["/customers"],
            "post": {"responses": {"201": {"description": "made"}}},
        },
        "/search": {
            "post": {"x-runner-effect": "read", "responses": {"200": {"description": "found"}}}
        },
        "/undo": {
            "get": {"x-runner-effect": "update", "responses": {"200": {"description": "undone"}}}
        },
    }
    found = bench.probe(bench.api(paths), customers={"customers": []})
    assert found["post_search"].note == "it is a POST"
    assert set(found) == {"get_customers", "post_search"}
    assert bench.server.asked == ["/customers"]


def test_an_api_that_reads_nothing(bench: Bench) -> None:
    api = bench.api({"/customers": {"post": {"responses": {}}}})
    with pytest.raises(UsageError, match="no operation that reads"):
        bench.probe(api)


def test_schemas_that_are_composed(bench: Bench) -> None:
    named = {
        "allOf": [
            CUSTOMER,
            {"type": "object", "properties": {"vip": {"type": "boolean"}}, "required": ["vip"]},
        ]
    }
    tree = {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/Tree"}}}
    paths = {
        "/all": read(named),
        "/one": read({"oneOf": [{"$ref": "#/components/schemas/Tree"}, CUSTOMER]}),
        "/old": read({"type": "object", "properties": {"n": {"type": "string", "nullable": True}}}),
        "/map": read({"type": "object", "additionalProperties": {"type": "integer"}}),
        "/tree": read({"$ref": "#/components/schemas/Tree"}),
        "/any": read({}),
    }
    found = bench.probe(
        bench.api(paths, Tree=tree),
        all={**ADA, "vip": 1, "fax": 2},
        one=ADA,
        old={"n": None},
        map={"a": 1},
        tree={"inner": {"inner": {"x": 1}}},
        any=ADA,
    )
    assert told(found["get_all"]) == [("unknown", "fax", "integer"), ("type", "vip", "integer")]
    assert told(found["get_tree"]) == [("unknown", "inner.inner.x", "integer")]
    agreeing = {name for name, each in found.items() if each.state == "agrees"}
    assert agreeing == {"get_one", "get_old", "get_map", "get_any"}


def test_the_text(bench: Bench) -> None:
    paths = {**LIST, **GET, "/refunds/{refund_id}": read(CUSTOMER, given("refund_id"))}
    odd = {"id": 71, "fax": [], "name": None}
    found = bench.probe(bench.api(paths), customers={"customers": [ADA]}, customers__71=odd)
    assert (
        probe_text(list(found.values()))
        == """\
operation                  state      status  objects
get_customers              agrees        200        1
get_customers_customer_id  differs       200        1  2 differences
get_refunds_refund_id      not tried                   needs refund_id

get_customers_customer_id  GET /customers/{customer_id}
  fax   array  not in the document
  name  null   the document says string

1 agrees, 1 differs, 1 not tried
"""
    )
