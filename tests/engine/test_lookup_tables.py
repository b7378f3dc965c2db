"""How entries of lookups are found: exactly one, by one name or several, or it is said which there are."""

from __future__ import annotations

from typing import Any

import pytest

from runner.engine.lookups import table_of
from runner.recipe.model import Lookup
from runner.template import EvaluationError, compile_expression

ENTRIES: list[dict[str, Any]] = [
    {"id": 1, "name": "Check", "kind": "bank"},
    {"id": 2, "name": " check", "kind": "cash"},
    {"id": 3, "name": "Wire", "kind": "bank"},
    {"id": 4, "name": "Wire", "kind": "bank"},
    {"id": 5, "name": None, "kind": "bank"},
]


def evaluated(lookup: Lookup, text: str) -> object:
    return compile_expression(text).evaluate({"types": table_of(lookup, ENTRIES)})


def refused(lookup: Lookup, text: str) -> str:
    with pytest.raises(EvaluationError) as caught:
        evaluated(lookup, text)
    return str(caught.value)


def test_exactly_one_entry_or_all_that_it_could_be() -> None:
    lookup = Lookup("types", "a.b", {}, ("name",))
    assert (evaluated(lookup, "types['Check'].id"), evaluated(lookup, "types[' check'].id")) == (
        1,
        2,
    )
    message = refused(lookup, "types['Wire'].id")
    assert message.endswith(
        "2 entries of types are called 'Wire': id 3 name Wire kind bank; id 4 name Wire kind bank"
    )
    assert "did you mean 'Check'?" in refused(lookup, "types['Chek'].id")
    assert "'Wire' in types" and evaluated(lookup, "'Wire' in types") is True


@pytest.mark.parametrize("name", ["''", "' '", "'\\u200b'", "none"])
@pytest.mark.parametrize("fold", [True, False])
def test_no_entry_is_found_by_nothing(name: str, *, fold: bool) -> None:
    lookup = Lookup("types", "a.b", {}, ("name",), fold=fold)
    entries = [{"id": 6, "name": ""}, {"id": 7, "name": "\u200b "}, {"id": 8, "name": "None"}]
    table = {"types": table_of(lookup, entries)}
    with pytest.raises(EvaluationError, match="that it is asked for by has no value"):
        compile_expression(f"types[{name}].id").evaluate(table)
    assert compile_expression(f"{name} in types").evaluate(table) is False
    assert compile_expression("types | length").evaluate(table) == 1


def test_names_without_regard_to_case_and_blanks() -> None:
    lookup = Lookup("types", "a.b", {}, ("name",), fold=True)
    assert "2 entries of types are called 'CHECK'" in refused(lookup, "types['CHECK'].id")
    assert evaluated(lookup, "' WIRE' in types") is True
    assert "did you mean 'Wire'?" in refused(lookup, "types['wier'].id")


def test_entries_by_two_fields() -> None:
    lookup = Lookup("types", "a.b", {}, ("kind", "name"), fold=True)
    assert evaluated(lookup, "types['Cash']['Check'].id") == 2
    assert evaluated(lookup, "types['bank']['CHECK'].id") == 1
    assert "2 entries of types are called 'wire'" in refused(lookup, "types['bank']['wire'].id")
    assert "there is no 'card'; known keys: bank, cash" in refused(
        lookup, "types['card']['wire'].id"
    )


def test_lines_of_a_file_that_say_the_same() -> None:
    entries = [{"name": "XL", "id": "7"}, {"name": "XL", "id": "7"}]
    lookup = Lookup("sizes", "", {}, ("name",), file="sizes.csv")
    assert (
        compile_expression("sizes['XL'].id").evaluate({"sizes": table_of(lookup, entries)}) == "7"
    )
