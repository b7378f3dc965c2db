"""A recipe in tests/golden/err shows one mistake, one in warn what may go wrong, beside what is said; ok is right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.catalogue import Catalogue, shipped_apis
from runner.problems import InvalidError, draw_all
from runner.recipe import load

GOLDEN = Path(__file__).parent.parent / "golden"
SHOP = Path(__file__).with_name("shop.openapi.yaml")
CATALOGUE = Catalogue({"shop": SHOP})
EVERY_API = Catalogue({**shipped_apis(), "shop": SHOP})


def catalogue(recipe: Path) -> Catalogue:
    """The shop alone, so that what is said does not hang on the documents of vendors, but where one is shown."""
    text = recipe.read_text(encoding="utf-8")
    vendors = any(f"use: {vendor}." in text for vendor in ("deconetwork", "syncore"))
    return EVERY_API if vendors else CATALOGUE


def recipes(folder: str) -> list[Path]:
    return sorted((GOLDEN / folder).glob("*.yaml"))


@pytest.mark.parametrize("path", recipes("err"), ids=lambda path: path.stem)
def test_a_mistake_is_explained(path: Path, golden: Callable[[Path, str], None]) -> None:
    with pytest.raises(InvalidError) as caught:
        load(path, catalogue=catalogue(path), name=path.name)
    golden(path.with_suffix(".out"), draw_all(caught.value.problems, total=caught.value.total))


@pytest.mark.parametrize("path", recipes("warn"), ids=lambda path: path.stem)
def test_what_may_go_wrong_is_told(path: Path, golden: Callable[[Path, str], None]) -> None:
    warnings = load(path, catalogue=catalogue(path), name=path.name).warnings
    assert warnings
    golden(path.with_suffix(".out"), draw_all(warnings))


@pytest.mark.parametrize("path", recipes("ok"), ids=lambda path: path.stem)
def test_nothing_is_said_about_a_recipe_that_is_right(path: Path) -> None:
    assert load(path, catalogue=EVERY_API, name=path.name).warnings == ()


@pytest.mark.parametrize("folder", ["err", "warn"])
def test_there_is_an_output_for_each_mistake_and_no_other(folder: str) -> None:
    assert {path.stem for path in (GOLDEN / folder).glob("*.out")} == {
        path.stem for path in recipes(folder)
    }
