"""The object that what an operation creates will be inside of."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.catalogue import Catalogue, collection_of, container_of, load_api
from runner.problems import InvalidError

DOCUMENT = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: http://127.0.0.1:1}]
paths:
  PATH:
    METHOD:
      operationId: use
      parameters: [PARAMETERS]
      requestBody:
        content: {application/json: {schema: {type: object, properties: {order_id: {type: integer}}}}}
      responses: {2XX: {description: ok}}
"""


def document(folder: Path, path: str, method: str = "post", more: str = "") -> Path:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = ", ".join(
        f"{{name: {name}, in: path, required: true, schema: {{type: integer}}}}" for name in names
    )
    text = DOCUMENT.replace("PATH", path).replace("METHOD", method)
    text = text.replace("PARAMETERS", parameters)
    text = text.replace("      operationId: use\n", f"      operationId: use\n{more}")
    file = folder / "shop.openapi.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("path", "method", "more", "container"),
    [
        ("/orders", "post", "", ""),
        ("/orders/{o}/lines", "post", "", "o"),
        ("/jobs/{j}/orders/{o}/lines", "post", "", "o"),
        ("/jobs/{j}/orders/{o}/tags/{tag}", "post", "", "o"),
        ("/orders/{o}", "post", "", "o"),
        ("/orders/{o}/lines/{l}", "put", "", ""),
        ("/orders/{o}/lines", "get", "", ""),
        ("/orders/{o}/close", "post", "      x-runner-effect: update\n", ""),
        ("/lines", "post", "      x-runner-inside: order_id\n", "order_id"),
        ("/shops/{s}/lines", "post", "      x-runner-inside: order_id\n", "order_id"),
    ],
)
def test_container(tmp_path: Path, path: str, method: str, more: str, container: str) -> None:
    api = load_api(document(tmp_path, path, method, more), name="shop")
    assert container_of(api.operations["use"]) == container


def test_a_container_that_is_no_argument_is_refused(tmp_path: Path) -> None:
    file = document(tmp_path, "/lines", more="      x-runner-inside: order\n")
    with pytest.raises(InvalidError) as caught:
        load_api(file, name="shop")
    (problem,) = caught.value.problems
    assert problem.message == "'order' is not a parameter or a field of the body"
    assert problem.remedy == "did you mean 'order_id'?"


def test_what_syncore_creates_inside_of_what() -> None:
    api = Catalogue()["syncore"]
    found = {
        name: container_of(each)
        for name, each in api.operations.items()
        if each.effect == "create" and container_of(each)
    }
    assert found == {
        "create_sales_order": "job_id",
        "create_purchase_order": "job_id",
        "create_sales_order_line_item": "salesorder_id",
        "create_sales_order_payment": "salesorder_id",
        "create_purchase_order_payment": "purchaseorder_id",
    }
    lines = api.operations["create_sales_order_line_item"]
    assert collection_of(lines) == "lineitems"
    listing = Catalogue().listing(lines)
    assert listing is not None and listing.name == "list_sales_order_line_items"
