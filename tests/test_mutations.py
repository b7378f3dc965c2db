"""Of recipes spoiled in one place validation finds nearly all; benchmarks/mutations.py makes and counts them."""

from __future__ import annotations

from collections import Counter
from types import ModuleType
from typing import Any

import pytest
from benchmark_scripts import load_script

from runner.catalogue import Catalogue
from runner.source import parse

EVERY = 30
FLOOR = 0.95


@pytest.fixture(scope="module")
def mutations() -> ModuleType:
    return load_script("mutations")


def test_nearly_all_mistakes_are_found_on_their_line(mutations: Any) -> None:
    verdicts, original = mutations.measured(every=EVERY)
    assert original == []
    missed = [each.mutation for each in verdicts if not each.said]
    assert len(missed) <= (1 - FLOOR) * len(verdicts), [mutation[:4] for mutation in missed]
    assert Counter(each.said for each in verdicts)["error"] > len(verdicts) / 2


def test_there_are_many_mistakes_of_every_kind_and_each_is_one(mutations: Any) -> None:
    made: Counter[str] = Counter()
    catalogue = mutations.every_api()
    for path in mutations.recipes():
        text = path.read_text(encoding="utf-8")
        for mutation in mutations.mutations(text, path.name, catalogue):
            made[mutation.kind] += 1
            assert mutation.text != text
        parse(
            mutation.text, file=path.name
        )  # still YAML: what is found is the mistake, and no damage
    assert set(made) == set(mutations.KINDS)
    assert min(made.values()) >= 15
    assert sum(made.values()) >= 1000


def test_what_is_not_found_counts_as_missed(mutations: Any) -> None:
    text = (mutations.RECIPES / "new-order.yaml").read_text(encoding="utf-8")
    nothing = mutations.Mutation("field", "new-order.yaml", "nothing", frozenset({1}), text)
    assert mutations.verdict(nothing, Catalogue()).said == ""
    (first, *_) = mutations.mutations(text, "new-order.yaml", Catalogue())
    elsewhere = first._replace(lines=frozenset({1}))
    assert mutations.verdict(first, Catalogue()).said == "error"
    assert mutations.verdict(elsewhere, Catalogue()).said == ""
