"""Documents of other people's making: OpenAPI 3.0, without x-runner-*, in several files, with names of their own."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.catalogue import (
    Api,
    ArgumentError,
    Auth,
    Catalogue,
    Page,
    build_request,
    load_api,
    read_answer,
)
from runner.problems import InvalidError
from runner.recipe.load import load_text

GALAXY = Path(__file__).parent / "data" / "galaxy.yaml"
GITHUB = Path(__file__).parent / "data" / "github.json.xz"
BASE = "https://shop.invalid"
SHOP = """\
openapi: 3.0.3
info: {title: Shop, version: '1'}
paths:
  /orders:
    get:
      parameters:
        - {name: session, in: cookie, schema: {type: string}}
        - {name: Accept, in: header, schema: {type: string}}
        - {name: filter, in: query, content: {application/json: {schema: {type: string}}}}
      responses:
        200:
          description: all
          content: {application/json; charset=utf-8: {schema: {type: array, items: {type: object}}}}
    post:
      operationId: orders/create
      requestBody:
        content:
          application/vnd.shop+json:
            schema:
              allOf:
                - $ref: '#/components/schemas/Named'
                - type: object
                  required: [amount]
                  properties:
                    amount: {type: number, minimum: 0, exclusiveMinimum: true}
                    size: {type: string, enum: [S, M], nullable: true}
      responses: {201: {description: made}}
  /orders/{id}/:
    delete:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {204: {description: gone}}
  /orders/{id}/picture:
    put:
      operationId: setPicture
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {required: true, content: {image/png: {schema: {type: string}}}}
      responses: {204: {description: set}}
components:
  schemas:
    Named:
      type: object
      required: [name]
      properties: {name: {type: string}, nullable: {type: string}, allOf: {type: string, nullable: true}}
"""
Write = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "shop.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def shop(written: Write) -> Api:
    return load_api(written(SHOP))


def test_operations_are_called_as_recipes_can_write_them(shop: Api) -> None:
    assert shop.name == "shop"
    assert list(shop.operations) == ["get_orders", "orders_create", "delete_orders_id"]
    assert shop.notes == (
        "left out, for a body that is neither JSON nor a form: setPicture",
        "called after method and path, for want of an operationId: get_orders and 1 more",
        "written otherwise in recipes: orders/create as orders_create",
    )


def test_what_a_document_does_not_say_is_taken_for_the_worst(shop: Api) -> None:
    said = {
        name: (each.effect, each.repeatable, each.money) for name, each in shop.operations.items()
    }
    assert said == {
        "get_orders": ("read", True, ""),
        "orders_create": ("create", False, ""),
        "delete_orders_id": ("update", False, ""),
    }
    assert shop.limits.requests_per_second == 2


def test_a_server_that_is_no_whole_address_is_left_to_the_configuration(written: Write) -> None:
    head = "openapi: 3.0.3\n"
    assert load_api(written(SHOP)).server == ""
    for servers, server in [
        ("[{url: /api/v3}]", ""),
        ("[]", ""),
        (
            "[{url: 'https://{region}.x.invalid', variables: {region: {default: eu}}}]",
            "https://eu.x.invalid",
        ),
        ("[{url: 'https://{region}.x.invalid'}]", ""),
    ]:
        assert load_api(written(SHOP.replace(head, f"{head}servers: {servers}\n"))).server == server


def test_a_bare_list_needs_no_extension(shop: Api) -> None:
    operation = shop.operations["get_orders"]
    assert operation.items == "*"
    assert read_answer(operation, status=200, content_type="", content=b'[{"a": 1}]') == Page(
        [{"a": 1}]
    )


def test_cookies_and_the_headers_of_the_transport_are_no_parameters(shop: Api) -> None:
    assert set(shop.operations["get_orders"].parameters) == {"filter"}


def test_the_words_of_openapi_3_0_are_understood(shop: Api) -> None:
    body = shop.operations["orders_create"].body
    assert body is not None
    assert body["properties"]["amount"] == {"type": "number", "exclusiveMinimum": 0}
    assert body["properties"]["size"] == {"type": ["string", "null"], "enum": ["S", "M", None]}
    assert body["properties"]["nullable"] == {"type": "string"}
    assert body["properties"]["allOf"] == {"type": ["string", "null"]}
    assert shop.operations["orders_create"].required == {"name", "amount"}


def test_requests_are_held_to_a_body_that_is_composed(shop: Api) -> None:
    operation = shop.operations["orders_create"]
    request = build_request(
        operation, {"name": "x", "amount": "12.10", "size": None}, base_url=BASE
    )
    assert request.content() == b'{"name":"x","amount":12.10}'
    with pytest.raises(ArgumentError, match="amount: 0 is not more than 0; name: is required"):
        build_request(operation, {"amount": 0}, base_url=BASE)


@pytest.mark.parametrize(
    ("scheme", "auth", "value"),
    [
        (
            "{type: http, scheme: bearer}",
            Auth("key", "header", "Authorization", "bearer"),
            "Bearer a:b",
        ),
        (
            "{type: oauth2, flows: {}}",
            Auth("key", "header", "Authorization", "bearer"),
            "Bearer a:b",
        ),
        (
            "{type: http, scheme: Basic}",
            Auth("key", "header", "Authorization", "basic"),
            "Basic YTpi",
        ),
        ("{type: apiKey, in: header, name: X-Key}", Auth("key", "header", "X-Key"), "a:b"),
        ("{type: apiKey, in: cookie, name: sid}", None, ""),
        ("{type: mutualTLS}", None, ""),
    ],
)
def test_the_ways_in_that_documents_declare(
    written: Write, scheme: str, auth: Auth | None, value: str
) -> None:
    text = SHOP.replace(
        "components:\n", f"components:\n  securitySchemes: {{key: {scheme}, other: {scheme}}}\n"
    )
    for security in ("security: [{key: []}, {other: []}]\n", "security: [{}, {key: []}]\n"):
        assert load_api(written(security + text)).auth == ((auth,) if auth else ())
    if auth:
        assert auth.value("a:b") == value


def test_where_only_operations_say_how_to_get_in_most_of_them_decide(written: Write) -> None:
    schemes = "components:\n  securitySchemes: {key: {type: http, scheme: bearer}}\n"
    text = SHOP.replace("components:\n", schemes).replace(
        "      operationId: orders/create\n",
        "      operationId: orders/create\n      security: [{key: []}]\n",
    )
    assert [auth.secret for auth in load_api(written(text)).auth] == ["key"]


def test_a_public_document_works_as_it_is() -> None:
    api = load_api(GALAXY)
    assert (api.name, api.title, api.server) == (
        "galaxy",
        "Scalar Galaxy",
        "https://galaxy.scalar.com",
    )
    assert {"getAllData", "createPlanet", "getPlanet", "updatePlanet", "deletePlanet"} <= set(
        api.operations
    )
    create = api.operations["createPlanet"]
    assert (create.effect, create.repeatable) == ("create", False)
    request = build_request(create, {"id": 1, "name": "Mars"}, base_url=api.server)
    assert (request.method, request.url) == ("POST", "https://galaxy.scalar.com/planets")
    request = build_request(api.operations["getPlanet"], {"planetId": "1"}, base_url=api.server)
    assert request.url == "https://galaxy.scalar.com/planets/1"


NAMES = """\
overlay: 1.0.0
info: {title: names that steps can tell apart, version: "1"}
actions:
  - target: $.components.parameters['variable-name']
    update: {x-runner-name: variable_name}
"""
ISSUES = """\
recipe: 1
name: issues
rows: {file: rows.csv, key: "{{ row.title }}", columns: {title: {required: true}}}
steps:
  - id: issue
    use: github.issues_create
    with: {owner: acme, repo: web, title: "{{ row.title }}", labels: [bug]}
    unless_found:
      use: github.issues_list-for-repo
      with: {owner: acme, repo: web, state: all}
      where: item.title == row.title
outputs: {number: "{{ issue.number }}"}
"""


def test_a_large_public_document_works_with_an_overlay_for_the_names_that_collide(
    tmp_path: Path,
) -> None:
    path, overlay = tmp_path / "github.json", tmp_path / "names.overlay.yaml"
    path.write_bytes(lzma.decompress(GITHUB.read_bytes()))
    overlay.write_text(NAMES, encoding="utf-8")
    catalogue = Catalogue({"github": path}, overlays={"github": overlay})
    assert len(catalogue["github"].operations) == 1223
    recipe = load_text(ISSUES, file="issues.yaml", catalogue=catalogue).recipe
    create = catalogue.operation(recipe.steps[0].operation)
    assert (create.effect, create.repeatable, create.money) == ("create", False, "")
    given = {"owner": "acme", "repo": "web", "title": "A", "labels": ["bug"]}
    request = build_request(create, given, base_url=catalogue["github"].server)
    assert (request.method, request.url) == ("POST", "https://api.github.com/repos/acme/web/issues")
    rename = catalogue.operation("github.actions_update-org-variable")
    assert {"variable_name", "name"} <= rename.names


def test_json_reads_like_yaml_and_its_problems_have_places(tmp_path: Path) -> None:
    document: dict[str, Any] = {
        "openapi": "3.0.0",
        "info": {"title": "A", "version": "1"},
        "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "x"}}}}},
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    assert list(load_api(path).operations) == ["a"]
    document["paths"]["/a"]["get"]["responses"] = {"200": {"$ref": "#/components/responses/No"}}
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    with pytest.raises(InvalidError) as caught:
        load_api(path)
    assert [(problem.line, problem.kind) for problem in caught.value.problems] == [
        (13, "reference")
    ]
    for text in (
        '{"openapi": "3.0.0", "openapi": "3.1.0"}',
        '{"openapi": ',
        '{"a": NaN}',
        "[" * 100_000,
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidError):
            load_api(path)


SEVERAL = {
    "../outside.yaml": "Order: {type: object}\n",
    "shop.yaml": """\
openapi: 3.1.0
info: {title: Shop, version: '1'}
paths:
  /orders: {$ref: 'parts/orders.yaml'}
components:
  schemas:
    Id: {type: integer}
""",
    "parts/orders.yaml": """\
post:
  operationId: create_order
  requestBody:
    content: {application/json: {schema: {$ref: 'order%20schema.yaml#/$defs/Order'}}}
  responses: {}
""",
    "parts/order schema.yaml": """\
$defs:
  Order:
    type: object
    properties:
      id: {$ref: '../shop.yaml#/components/schemas/Id'}
      parent: {$ref: '#/$defs/Order'}
      example: {$ref: '#/$defs/Example'}
  Example: {type: string, example: {$ref: nowhere}}
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A document in several files of one folder, one of which refers back to it and to itself."""
    (tmp_path / "shop" / "parts").mkdir(parents=True)
    for name, text in SEVERAL.items():
        (tmp_path / "shop" / name).write_text(text, encoding="utf-8")
    return tmp_path / "shop"


def test_a_document_may_lie_in_several_files_of_its_folder(folder: Path) -> None:
    body = load_api(folder / "shop.yaml").operations["create_order"].body
    assert body is not None
    assert body["properties"]["id"] == {"type": "integer"}
    assert body["properties"]["parent"]["properties"]["example"]["type"] == "string"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("../outside.yaml#/Order", "leads out of the document's folder"),
        ("parts/../../outside.yaml#/Order", "leads out of the document's folder"),
        ("/etc/hostname", "leads out of the document's folder"),
        ("linked.yaml#/Order", "leads out of the document's folder"),
        ("missing.yaml#/Order", "points to a file that is not there"),
        ("file:///etc/hostname", "nothing is fetched"),
        ("//x.invalid/a.yaml", "nothing is fetched"),
        ("parts/orders.yaml#/put", "points nowhere"),
        ("parts/broken.yaml", "not valid YAML"),
    ],
)
def test_references_stay_in_the_folder_and_point_somewhere(
    folder: Path, reference: str, message: str
) -> None:
    (folder / "linked.yaml").symlink_to(folder.parent / "outside.yaml")
    (folder / "parts" / "broken.yaml").write_text("a: [", encoding="utf-8")
    document = folder / "shop.yaml"
    text = document.read_text(encoding="utf-8").replace(
        "{type: integer}", f"{{$ref: '{reference}'}}"
    )
    document.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidError) as caught:
        load_api(document)
    assert any(message in problem.message for problem in caught.value.problems), (
        caught.value.problems
    )


def test_a_parameter_gets_another_name_where_its_own_is_taken(written: Write) -> None:
    text = SHOP.replace("  /orders/{id}/:\n    delete:\n", "  /orders/{id}/:\n    put:\n").replace(
        "      parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n      responses: {204",
        "      parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n"
        "      requestBody: {content: {application/json: {schema: {properties: {id: {type: integer}}}}}}\n"
        "      responses: {204",
    )
    with pytest.raises(InvalidError) as caught:
        load_api(written(text))
    [problem] = caught.value.problems
    assert (problem.kind, "x-runner-name" in problem.remedy) == ("collision", True)
    named = text.replace("[{name: id, in: path,", "[{name: id, x-runner-name: order_id, in: path,")
    operation = load_api(written(named)).operations["put_orders_id"]
    assert operation.required == {"order_id"}
    request = build_request(operation, {"order_id": "A", "id": 2}, base_url=BASE)
    assert (request.url, request.content()) == (f"{BASE}/orders/A/", b'{"id":2}')
