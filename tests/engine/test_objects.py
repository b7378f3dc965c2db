"""What a line of the results tells of what its row has made or found: ids by step, and where people see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.catalogue import Catalogue
from runner.engine.calls.objects import IDS_SHOWN, Objects

SHOP = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: "http://127.0.0.1:1"}]
paths:
  /orders:
    get: {operationId: list_orders, responses: {"200": {description: all}}}
    post:
      operationId: create_order
      x-runner-id: number
      x-runner-link: https://shop.example.com/orders/{number}
      responses: {"201": {description: made}}
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    path = tmp_path / "shop.openapi.yaml"
    path.write_text(SHOP)
    return Catalogue({"shop": path})


def test_ids_by_step_and_links_once(catalogue: Catalogue) -> None:
    objects, create = Objects(), catalogue.operation("shop.create_order")
    objects.add("order", create, {"number": 5})
    for number in ("a b", 7):
        objects.add("lines", create, {"number": number})
    objects.add("again", create, {"number": 5})
    objects.add("nameless", create, {"id": 8})
    objects.add("nothing", create, None)
    objects.add("seen", catalogue.operation("shop.list_orders"), {"id": 9})
    assert objects.ids == "order 5; lines a b, 7; again 5"
    assert objects.links == " ".join(
        f"https://shop.example.com/orders/{name}" for name in ("5", "a%20b", "7")
    )


def test_a_cell_stays_short(catalogue: Catalogue) -> None:
    objects = Objects()
    for number in range(1, IDS_SHOWN + 81):
        objects.add("lines", catalogue.operation("shop.create_order"), {"number": number})
    assert objects.ids.endswith(f", {IDS_SHOWN} and 80 more")
    assert objects.links.count("https://") == IDS_SHOWN
