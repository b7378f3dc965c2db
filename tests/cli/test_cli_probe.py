"""`runner probe` against the sandbox and against a server that answers otherwise than the document says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runner.cli.main import run

from .stub import Answer, Sent, Stub

DOCUMENT = """\
openapi: 3.0.3
info: {title: A shop, version: "1"}
paths:
  /customers:
    get:
      operationId: search_customers
      x-runner-items: customers
      responses:
        "200":
          description: The customers.
          content:
            application/json:
              schema:
                type: object
                required: [customers]
                properties:
                  customers: {type: array, items: {$ref: "#/components/schemas/Customer"}}
  /customers/{customer_id}:
    get:
      operationId: get_customer
      parameters: [{name: customer_id, in: path, required: true, schema: {type: integer}}]
      responses:
        "200":
          description: The customer.
          content: {application/json: {schema: {$ref: "#/components/schemas/Customer"}}}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  schemas:
    Customer:
      type: object
      required: [id, name]
      properties: {id: {type: integer}, name: {type: string}, phone: {type: string}}
security: [{token: []}]
"""
CUSTOMER = {"id": 71, "name": "Ada Secret", "phone": None, "fax": "555-0100"}
Serve = Callable[[Callable[[Sent], Answer]], Stub]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an API of its own."""
    (tmp_path / "shop.openapi.yaml").write_text(DOCUMENT)
    (tmp_path / "runner.yaml").write_text("apis: {shop: shop.openapi.yaml}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_TOKEN", "t0ken-71")
    return tmp_path


@pytest.fixture
def serve(home: Path) -> Iterator[Serve]:
    """Starts an API that answers as a test says, as the target `live`."""
    with ExitStack() as running:

        def start(answer: Callable[[Sent], Answer]) -> Stub:
            stub = Stub(answer)
            running.callback(stub.close)
            settle(home, stub)
            return stub

        yield start


def settle(home: Path, stub: Stub, more: str = "") -> None:
    """A runner.yaml whose target `live` is the server."""
    (home / "runner.yaml").write_text(f"""\
apis: {{shop: shop.openapi.yaml}}
targets:
  live:
    account: acme
    apis:
      shop:
        base_url: {stub.url}
        secrets: {{token: {{env: SHOP_TOKEN}}}}
        rate: {{requests_per_second: 1000, burst: 1000}}
{more}""")


def shop(sent: Sent) -> Answer:
    one = {"/v2/customers": {"customers": [CUSTOMER]}, "/v2/customers/71": CUSTOMER}
    return Answer(200, json.dumps(one[sent.path]).encode())


def test_the_sandbox_agrees_with_its_own_document(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["probe", "syncore"]) == 0
    assert "differs" not in capsys.readouterr().out


def test_what_differs_and_the_overlay_that_mends_it(
    home: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = serve(shop)
    assert run(["probe", "shop", "--target", "live", "--write", "seen.yaml"]) == 4
    said = capsys.readouterr()
    assert (
        said.out
        == """\
operation         state    status  objects
search_customers  differs     200        1  2 differences
get_customer      differs     200        1  2 differences

search_customers  GET /customers
  customers[].fax    string  not in the document
  customers[].phone  null    the document says string

get_customer  GET /customers/{customer_id}
  fax    string  not in the document
  phone  null    the document says string

2 differs
"""
    )
    assert "targets.live.apis.shop.overlay" in said.err
    assert {sent.method for sent in stub.sent} == {"GET"}
    settle(home, stub, "        overlay: seen.yaml\n")
    assert run(["probe", "shop", "--target", "live", "--write", "more.yaml"]) == 0
    assert capsys.readouterr().out.endswith("\n2 agrees\n")
    assert not (home / "more.yaml").exists()


def test_a_second_overlay_holds_the_first(
    home: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = serve(shop)
    run(["probe", "shop", "--target", "live", "--write", "seen.yaml"])
    settle(home, stub, "        overlay: seen.yaml\n")
    one = json.dumps({**CUSTOMER, "since": "2027-01-01"})
    stub.answer = lambda sent: Answer(
        200, (f'{{"customers": [{one}]}}' if sent.path.endswith("s") else one).encode()
    )
    assert run(["probe", "shop", "--target", "live", "--write", "both.yaml"]) == 4
    settle(home, stub, "        overlay: both.yaml\n")
    assert run(["probe", "shop", "--target", "live"]) == 0
    assert "2027" not in (home / "both.yaml").read_text()


def test_the_secret_is_sent_and_never_shown(
    home: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(shop)
    run(["probe", "shop", "--target", "live", "--write", "seen.yaml"])
    said = capsys.readouterr()
    for text in (said.out, said.err, (home / "seen.yaml").read_text()):
        assert "t0ken-71" not in text
        assert "Ada" not in text


def test_nothing_is_allowed(home: Path, serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve(lambda _: Answer(401))
    assert run(["probe", "shop", "--target", "live"]) == 7
    assert "search_customers  not allowed     401" in capsys.readouterr().out


@pytest.mark.parametrize(
    "answer", [Answer(0), Answer(404), Answer(503), Answer(200, b"<html>", "text/html")]
)
def test_nothing_usable(home: Path, serve: Serve, answer: Answer) -> None:
    serve(lambda _: answer)
    assert run(["probe", "shop", "--target", "live"]) == 4


def test_some_is_not_allowed_and_the_rest_agrees(home: Path, serve: Serve) -> None:
    fine = {"id": 71, "name": "Ada"}
    listed = json.dumps({"customers": [fine]}).encode()
    serve(lambda sent: Answer(200, listed) if sent.path.endswith("customers") else Answer(403))
    assert run(["probe", "shop", "--target", "live"]) == 0


def test_the_requests_of_a_probe_are_of_those_of_the_day(
    home: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = serve(shop)
    settings = (home / "runner.yaml").read_text()
    (home / "runner.yaml").write_text(
        settings.replace("burst: 1000", "burst: 1000, hits_per_day: 1")
    )
    for _ in range(2):
        run(["probe", "shop", "--target", "live"])
        assert "1 requests to shop today, and its 1 a day are used up" in capsys.readouterr().out
        assert len(stub.sent) == 1


def test_a_file_that_is_there_is_kept(
    home: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = serve(shop)
    (home / "seen.yaml").write_text("mine")
    assert run(["probe", "shop", "--target", "live", "--write", "seen.yaml"]) == 2
    assert (home / "seen.yaml").read_text() == "mine"
    assert stub.sent == []
    assert "is there already" in capsys.readouterr().err


def test_an_api_that_is_not_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["probe", "shopp"]) == 2
    assert "did you mean 'shop'?" in capsys.readouterr().err


def test_a_redirect_is_not_followed(home: Path, serve: Serve) -> None:
    stub = serve(lambda _: Answer(302, headers=(("Location", "/v2/elsewhere"),)))
    assert run(["probe", "shop", "--target", "live"]) == 4
    assert [sent.path for sent in stub.sent] == ["/v2/customers"]
