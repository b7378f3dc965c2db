"""Loading an API document: what it becomes, and every way in which it can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from runner.catalogue import Auth, Catalogue, Pagination, load_api
from runner.catalogue.read_back import ReadBack
from runner.problems import InvalidError, Problem

DOCUMENT = """\
openapi: 3.1.0
info:
  title: Shop
  version: '1'
  x-runner-limits: {requests_per_second: 0.5, burst: 3, hits_per_day: 500, user_agent: optional}
servers: [{url: https://shop.example/api}]
security: [{token: []}]
paths:
  /orders/{order_id}:
    parameters:
      - {name: order_id, in: path, schema: {type: integer}}
    get:
      operationId: get_order
      responses: {}
    put:
      operationId: change_order
      requestBody: {$ref: '#/components/requestBodies/Order'}
      responses: {}
  /orders:
    get:
      operationId: find_orders
      x-runner-items: orders
      x-runner-empty: [404]
      x-runner-pagination: {page: page, count: size, size: 7, total: meta.all, next: meta.next}
      parameters:
        - $ref: '#/components/parameters/page'
        - {name: size, in: query, schema: {type: integer}, description: ' how many ', example: 5}
      responses:
        '200':
          description: orders
          content:
            application/json:
              schema:
                type: object
                properties:
                  orders: {type: array, items: {$ref: '#/components/schemas/Order'}}
    post:
      operationId: create_order
      summary: Create
      x-runner-id: id
      x-runner-money: amount
      x-runner-evidence: documented
      x-runner-source: the manual
      requestBody: {$ref: '#/components/requestBodies/Order'}
      responses:
        '2XX':
          description: made
          content: {application/json: {schema: {type: object, properties: {id: {type: integer}}}}}
components:
  securitySchemes:
    token: {type: apiKey, in: header, name: X-Token}
    unused: {type: apiKey, in: query, name: unused}
  parameters:
    page: {name: page, in: query, schema: {type: integer}, x-runner-evidence: observed}
  requestBodies:
    Order:
      content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
  schemas:
    Order:
      type: object
      required: [amount]
      properties:
        amount: {type: number, x-runner-evidence: documented}
        parent: {$ref: '#/components/schemas/Order', description: the one above}
        example: {type: string}
"""

Load = Callable[[str], list[Problem]]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "shop.openapi.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


@pytest.fixture
def problems(tmp_path: Path) -> Load:
    """The problems that a document has."""

    def load(text: str) -> list[Problem]:
        path = tmp_path / "shop.openapi.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidError) as caught:
            load_api(path)
        return list(caught.value.problems)

    return load


def test_an_api_is_named_after_its_file_and_says_how_it_is_reached(document: Path) -> None:
    api = load_api(document)
    assert (api.name, api.title, api.server) == ("shop", "Shop", "https://shop.example/api")
    assert api.auth == (Auth(secret="token", place="header", name="X-Token"),)
    assert (api.limits.requests_per_second, api.limits.burst, api.limits.hits_per_day) == (
        Decimal("0.5"),
        3,
        500,
    )
    assert not api.limits.user_agent_required
    assert load_api(document, name="other").operations["get_order"].full_name == "other.get_order"


def test_an_api_without_limits_is_called_gently(document: Path) -> None:
    line = "  x-runner-limits: {requests_per_second: 0.5, burst: 3, hits_per_day: 500, user_agent: optional}\n"
    document.write_text(DOCUMENT.replace(line, ""), encoding="utf-8")
    limits = load_api(document).limits
    assert (limits.requests_per_second, limits.burst, limits.hits_per_day) == (Decimal(2), 1, None)


def test_effects_follow_the_method_unless_the_document_says_otherwise(document: Path) -> None:
    operations = load_api(document).operations
    assert {name: each.effect for name, each in operations.items()} == {
        "get_order": "read",
        "change_order": "update",
        "find_orders": "read",
        "create_order": "create",
    }
    assert {name for name, each in operations.items() if each.repeatable} == {
        "get_order",
        "find_orders",
    }
    changed = (
        "operationId: change_order\n      x-runner-effect: create\n      x-runner-repeatable: true"
    )
    document.write_text(DOCUMENT.replace("operationId: change_order", changed), encoding="utf-8")
    change = load_api(document).operations["change_order"]
    assert (change.effect, change.repeatable) == ("create", True)


def test_a_search_knows_its_pages(document: Path) -> None:
    search = load_api(document).operations["find_orders"]
    assert search.pagination == Pagination(
        page="page", count="size", size=7, total="meta.all", next="meta.next"
    )
    assert (search.items, search.empty) == ("orders", frozenset({404}))
    assert search.parameters["size"].description == "how many"
    assert search.parameters["size"].example == 5
    assert search.parameters["page"].evidence == "observed"
    assert search.answer is not None
    assert "amount" in search.answer["properties"]["orders"]["items"]["properties"]


def test_a_create_knows_its_body_and_what_it_needs(document: Path) -> None:
    create = load_api(document).operations["create_order"]
    assert (create.method, create.path, create.summary) == ("POST", "/orders", "Create")
    assert (create.evidence, create.source) == ("documented", "the manual")
    assert (create.money, create.decimals, create.id_field) == ("amount", 2, "id")
    assert create.required == {"amount"}
    assert create.names == {"amount", "parent", "example"}
    assert create.open


def test_a_schema_inside_itself_ends(document: Path) -> None:
    body = load_api(document).operations["create_order"].body
    assert body is not None
    assert body["properties"]["parent"]["description"] == "the one above"
    assert body["properties"]["parent"]["properties"]["parent"].get("properties") is None


def test_parameters_of_the_path_hold_for_each_of_its_operations(document: Path) -> None:
    operations = load_api(document).operations
    assert operations["get_order"].required == {"order_id"}
    assert operations["change_order"].required == {"order_id", "amount"}


def test_a_catalogue_loads_a_document_when_it_is_asked_for(document: Path, tmp_path: Path) -> None:
    catalogue = Catalogue({"shop": document, "gone": tmp_path / "gone.openapi.yaml"})
    assert list(catalogue) == ["shop", "gone"]
    assert catalogue.operation("shop.get_order").name == "get_order"
    assert catalogue["shop"] is catalogue["shop"]
    for name in ("shop.nothing", "nothing.get_order", "get_order", ""):
        with pytest.raises(KeyError):
            catalogue.operation(name)
    with pytest.raises(InvalidError):
        catalogue["gone"]


CHANGE = "operationId: change_order\n"
BACK = CHANGE + "      x-runner-read-back: "


def test_a_write_knows_what_gives_it_back(document: Path) -> None:
    def read_back(text: str, name: str) -> ReadBack | None:
        document.write_text(text, encoding="utf-8")
        return load_api(document).operations[name].read_back

    assert read_back(DOCUMENT, "change_order") == ReadBack("get_order")
    assert read_back(DOCUMENT, "create_order") == ReadBack("get_order", {"order_id": "id"})
    assert read_back(DOCUMENT, "get_order") is None
    told = "{operation: get_order, answer: {order_id: order.id}, except: [parent.example]}"
    told_back = ReadBack("get_order", {"order_id": "order.id"}, frozenset({"parent.example"}))
    assert read_back(DOCUMENT.replace(CHANGE, f"{BACK}{told}\n"), "change_order") == told_back
    assert read_back(DOCUMENT.replace(CHANGE, f"{BACK}false\n"), "change_order") is None
    listed = "x-runner-id: id\n      x-runner-read-back: {operation: find_orders, entry: number}"
    in_a_list = ReadBack("find_orders", entry="number")
    assert read_back(DOCUMENT.replace("x-runner-id: id", listed), "create_order") == in_a_list
    listing = "operationId: get_order\n      x-runner-items: '*'"
    assert read_back(DOCUMENT.replace("operationId: get_order", listing), "change_order") is None
    dated = "      parameters: [{name: day, in: query, required: true, schema: {type: string}}]\n      responses"
    assert read_back(DOCUMENT.replace("      responses", dated, 1), "change_order") is None


CASES: list[tuple[str, str, str, str, str]] = [
    (
        CHANGE,
        f"{BACK}{{operation: get_ordr}}\n",
        "extension",
        "no operation is called 'get_ordr'",
        "get_ordr",
    ),
    (
        CHANGE,
        f"{BACK}{{operation: find_orders}}\n",
        "extension",
        "does not read one object",
        "find_orders",
    ),
    (
        CHANGE,
        f"{BACK}{{operation: find_orders, entry: id}}\n",
        "extension",
        "'entry' is for a create with x-runner-id",
        "read-back",
    ),
    (
        "x-runner-id: id",
        "x-runner-id: id\n      x-runner-read-back: {operation: get_order, answer: {order_id: id}, entry: id}",
        "extension",
        "'get_order' reads one object, and 'entry' is for a list",
        "get_order",
    ),
    (CHANGE, f"{BACK}true\n", "extension", "False was expected", "x-runner-read-back"),
    (
        "x-runner-id: id",
        "x-runner-read-back: {operation: get_order}",
        "extension",
        "needs 'order_id'",
        "read-back",
    ),
    (
        "x-runner-evidence: observed}",
        "x-runner-evidence: guessed}",
        "extension",
        "'guessed' is not one of",
        "page:",
    ),
    (
        "x-runner-money: amount",
        "x-runner-mony: amount",
        "extension",
        "unknown key 'x-runner-mony'",
        "x-runner-mony",
    ),
    (
        "x-runner-money: amount",
        "x-runner-money: example",
        "extension",
        "'example' is not a number",
        "money",
    ),
    (
        "x-runner-money: amount",
        "x-runner-money: total",
        "extension",
        "'total' is not a number in the body",
        "money",
    ),
    (
        "x-runner-money: amount",
        "x-runner-decimals: 0",
        "extension",
        "no money moves here",
        "x-runner-decimals",
    ),
    (
        "x-runner-money: amount",
        "x-runner-money: amount\n      x-runner-decimals: 13",
        "extension",
        "13 is greater than the maximum of 12",
        "x-runner-decimals",
    ),
    (
        "      x-runner-items: orders\n",
        "      x-runner-items: orders\n      x-runner-returns-existing: true\n",
        "extension",
        "nothing is created here",
        "x-runner-returns-existing",
    ),
    (
        "x-runner-id: id",
        "x-runner-id: number",
        "extension",
        "'number' is not a property of the answer",
        "x-runner-id",
    ),
    (
        "x-runner-items: orders",
        "x-runner-items: order",
        "extension",
        "'order' is not a property",
        "x-runner-items",
    ),
    ("      x-runner-items: orders\n", "", "extension", "pages of what?", "x-runner-pagination"),
    (
        "{page: page, count: size,",
        "{page: pag, count: size,",
        "extension",
        "'pag' is not a query parameter",
        "pag,",
    ),
    ("size: 7,", "size: 0,", "extension", "0 is less than the minimum", "size: 0"),
    ("total: meta.all", "total: .all", "extension", "'.all' does not match", "total: .all"),
    (
        "x-runner-empty: [404]",
        "x-runner-empty: [200]",
        "extension",
        "200 is less than",
        "x-runner-empty",
    ),
    ("burst: 3", "burst: many", "extension", "'many' is not of type integer", "burst"),
    (
        "  title: Shop\n",
        "  title: Shop\n  x-runner-effect: read\n",
        "extension",
        "unknown key",
        "x-runner-effect",
    ),
    (
        "components:\n",
        "components:\n  x-runner-limits: {}\n",
        "extension",
        "has no meaning here",
        "x-runner-limits",
    ),
    (
        "'#/components/parameters/page'",
        "'#/components/parameters/pages'",
        "reference",
        "points nowhere",
        "pages",
    ),
    (
        "'#/components/parameters/page'",
        "other.yaml#/page",
        "reference",
        "a file that is not there",
        "other.yaml",
    ),
    (
        "'#/components/parameters/page'",
        "../other.yaml#/page",
        "reference",
        "leads out of the document's",
        "other.yaml",
    ),
    (
        "'#/components/parameters/page'",
        "https://x.invalid/y#/page",
        "reference",
        "nothing is fetched",
        "x.invalid",
    ),
    (
        "operationId: get_order",
        "operationId: find_orders",
        "duplicate",
        "exists already at /orders",
        "find_orders",
    ),
    (
        "operationId: get_order",
        "operationId: find orders",
        "duplicate",
        "'find_orders' exists already",
        "find_orders",
    ),
    (
        "operationId: get_order",
        "operationId: 7",
        "document",
        "7 is not of type string",
        "operationId",
    ),
    (
        "openapi: 3.1.0",
        "openapi: 4.0.0",
        "document",
        "this is OpenAPI 4.0.0, which is not known",
        "openapi",
    ),
    ("openapi: 3.1.0", "asyncapi: 3.0.0", "document", "this is no OpenAPI document", "asyncapi"),
    ("openapi: 3.1.0", "swagger: '2.0'", "document", "this is Swagger 2.0, not OpenAPI", "swagger"),
    ("openapi: 3.1.0", "openapi: 3.1", "document", "3.1 is not of type string", "openapi"),
    ("paths:\n", "paths: []\nx-paths:\n", "document", "a list is not of type object", "paths"),
    (
        "{type: apiKey, in: header",
        "{type: key, in: header",
        "document",
        "'key' is not one of apiKey",
        "token",
    ),
    (
        "{type: apiKey, in: header",
        "{type: apiKey, in: body",
        "document",
        "'body' is not one of",
        "token",
    ),
    (
        "{page: page, count: size,",
        "{page: page, offset: size,",
        "extension",
        "page, with count where",
        "pagination",
    ),
    (
        "{page: page, count: size,",
        "{offset: page,",
        "extension",
        "or else offset and limit",
        "pagination",
    ),
    (
        "{page: page, count: size,",
        "{offset: size, limit: lim,",
        "extension",
        "'lim' is not a query",
        "pagination",
    ),
    (
        "name: size, in: query",
        "name: amount, in: query",
        "extension",
        "'size' is not a query parameter",
        "pagination",
    ),
    (
        "name: size, in: query",
        "name: size, in: body",
        "document",
        "'body' is not one of",
        "name: size",
    ),
    (
        "name: size, in: query",
        "name: size, required: true, in: cookie",
        "parameter",
        "cookies are not sent",
        "get:",
    ),
    (
        "name: size, in: query",
        "name: page, in: header",
        "collision",
        "two parameters are called 'page'",
        "get:",
    ),
    (
        "in: path, schema",
        "in: query, schema",
        "parameter",
        "'order_id' is in the path but no parameter",
        "get:",
    ),
    (
        "name: order_id, in: path",
        "name: amount, in: path",
        "collision",
        "'amount' is a parameter and a field",
        "put:",
    ),
]


@pytest.mark.parametrize(("old", "new", "kind", "message", "at"), CASES)
def test_what_is_wrong_is_told_with_its_place(
    problems: Load, old: str, new: str, kind: str, message: str, at: str
) -> None:
    text = DOCUMENT.replace(old, new, 1)
    assert text != DOCUMENT
    found = problems(text)
    told = [problem for problem in found if problem.kind == kind and message in problem.message]
    assert told, found
    assert any(at in problem.excerpt for problem in told), [problem.excerpt for problem in told]


def test_all_problems_are_told_at_once(problems: Load) -> None:
    text = DOCUMENT.replace("x-runner-id: id", "x-runner-idd: id")
    text = text.replace("x-runner-evidence: observed", "x-runner-evidence: no")
    text = text.replace("'#/components/parameters/page'", "'#/components/parameters/pag'")
    found = problems(text)
    assert [problem.kind for problem in found] == ["reference", "extension", "extension"]
    assert found[0].remedy == "did you mean 'page'?"
    assert found[1].remedy == "did you mean 'x-runner-id'?"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "text", "openapi: 3.1.0\npaths: []\n", "paths: {/a: 1}\n", DOCUMENT + "paths: {}\n"],
)
def test_a_document_that_is_none_is_refused(problems: Load, text: str) -> None:
    assert problems(text)


def test_data_in_a_document_is_not_read_as_part_of_it(document: Path) -> None:
    given = "example: {$ref: nowhere, x-runner-nothing: 1}"
    document.write_text(DOCUMENT.replace("example: 5", given), encoding="utf-8")
    assert (
        load_api(document).operations["find_orders"].parameters["size"].example["$ref"] == "nowhere"
    )
