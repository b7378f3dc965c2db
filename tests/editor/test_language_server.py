"""What people see who write a recipe in an editor: the real YAML language server, with the schema that we print."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.command import Command

from .language_server import SERVER, LanguageServer, language_server

RECIPE = """\
# yaml-language-server: $schema=recipe.schema.json
recipe: 1
name: orders
steps:
  - id: job
    use: syncore.create_job
    with:
      client: {id: twelve}
      descr
  - id: order
    use: syncore.creat_order
  - id: open
    use: deconetwork.find_purchase_orders
    with: {limits: 10}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `runner init` makes."""
    folder = tmp_path_factory.mktemp("editor")
    Command(folder)("init", ".")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LanguageServer]:
    if not os.environ.get("RUNNER_TESTS_NEED_ALL") and not (
        SERVER.is_file() and shutil.which("node")
    ):
        pytest.skip(
            "the YAML language server is not there: make test brings it, where there is npm"
        )
    with language_server(folder) as server:
        yield server


@pytest.fixture(scope="module")
def found(folder: Path, server: LanguageServer) -> list[dict[str, Any]]:
    """What is wrong with the recipe."""
    (folder / "wrong.yaml").write_text(RECIPE)
    return server.open(folder / "wrong.yaml")


def test_a_recipe_of_init_has_nothing_wrong(folder: Path, server: LanguageServer) -> None:
    assert (
        (folder / "orders.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=recipe.schema.json\n")
    )
    assert server.open(folder / "orders.yaml") == []


def test_what_is_wrong_is_underlined_where_it_stands(found: list[dict[str, Any]]) -> None:
    told = {problem["range"]["start"]["line"]: problem["message"] for problem in found}
    assert told[7] == "a whole number, or a template as in {{ row.quantity }}"
    assert '"syncore.create_sales_order"' in told[10]
    assert told[13] == "Property limits is not allowed."


@pytest.mark.usefixtures("found")
def test_operations_are_completed_with_what_they_do(folder: Path, server: LanguageServer) -> None:
    items = server.at("textDocument/completion", folder / "wrong.yaml", (10, 9))["items"]
    offered = {item["label"]: item["documentation"] for item in items}
    assert offered["syncore.create_sales_order"].startswith("Create a sales order in a job (create")
    assert "deconetwork.find_purchase_orders" in offered


@pytest.mark.usefixtures("found")
def test_the_fields_of_the_operation_are_completed_and_no_others(
    folder: Path, server: LanguageServer
) -> None:
    items = server.at("textDocument/completion", folder / "wrong.yaml", (8, 11))["items"]
    offered = {item["label"]: item.get("documentation") for item in items}
    assert offered["description"] == "What the job is. (inferred)"
    assert "limit" not in offered


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ((5, 14), "Create a job (create; inferred)"),
        ((7, 8), "The contact that the job is for. (inferred)"),
    ],
    ids=["use", "with"],
)
def test_hover_documents(
    folder: Path, server: LanguageServer, place: tuple[int, int], told: str
) -> None:
    hover = server.at("textDocument/hover", folder / "wrong.yaml", place)
    assert told in hover["contents"]["value"]
