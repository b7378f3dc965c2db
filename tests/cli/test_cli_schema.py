"""`runner schema`: the recipe schema with the operations of the APIs in use."""

from __future__ import annotations

import json

from .command import TREE, Command


def apis(printed: str) -> set[str]:
    """The APIs whose operations the schema offers."""
    offered = json.loads(printed)["$defs"]["operation"]["anyOf"]
    return {each["const"].partition(".")[0] for each in offered}


def test_those_of_a_recipe_or_all_of_them(contacts: Command) -> None:
    assert apis(contacts("schema", "contacts.yaml").out) == {"syncore"}
    assert apis(contacts("schema", "--apis").out) == {"syncore", "syncore_v1", "deconetwork"}


def test_half_a_recipe_is_enough(runner: Command) -> None:
    runner.write("half.yaml", "recipe: 1\nsteps:\n  - use: deconetwork.\n")
    assert apis(runner("schema", "half.yaml").out) == {"deconetwork"}
    runner.write("half.yaml", "recipe: 1\nsteps:\n  - use:\n")
    assert apis(runner("schema", "half.yaml").out) == {"syncore", "syncore_v1", "deconetwork"}
    runner.write("half.yaml", "recipe: [\n")
    assert "half.yaml:2:1: error:" in runner("schema", "half.yaml", code=3).err


def test_an_api_of_the_folder_is_among_them(runner: Command) -> None:
    runner.write("runner.yaml", "apis: {shop: shop.yaml}\n")
    runner.write("shop.yaml", (TREE / "tests" / "recipe" / "shop.openapi.yaml").read_text("utf-8"))
    assert "shop" in apis(runner("schema", "--apis").out)


def test_it_has_to_be_said_whose(runner: Command) -> None:
    for said in ((), ("import-orders", "--apis")):
        assert "name a recipe, or say --apis" in runner("schema", *said, code=2).err
    assert "cannot be read" in runner("schema", "nothing.yaml", code=3).err
