"""Each recipe in tests/golden/err shows one mistake, beside what is said about it; those in ok have none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.catalogue import Catalogue
from runner.problems import InvalidError, draw_all
from runner.recipe import load

GOLDEN = Path(__file__).parent.parent / "golden"
CATALOGUE = Catalogue({"shop": Path(__file__).with_name("shop.openapi.yaml")})


def recipes(folder: str) -> list[Path]:
    return sorted((GOLDEN / folder).glob("*.yaml"))


@pytest.mark.parametrize("path", recipes("err"), ids=lambda path: path.stem)
def test_a_mistake_is_explained(path: Path, golden: Callable[[Path, str], None]) -> None:
    with pytest.raises(InvalidError) as caught:
        load(path, catalogue=CATALOGUE, name=path.name)
    golden(path.with_suffix(".out"), draw_all(caught.value.problems, total=caught.value.total))


@pytest.mark.parametrize("path", recipes("ok"), ids=lambda path: path.stem)
def test_nothing_is_said_about_a_recipe_that_is_right(path: Path) -> None:
    assert load(path, catalogue=CATALOGUE, name=path.name).warnings == ()


def test_there_is_an_output_for_each_mistake_and_no_other() -> None:
    assert {path.stem for path in (GOLDEN / "err").glob("*.out")} == {path.stem for path in recipes("err")}
