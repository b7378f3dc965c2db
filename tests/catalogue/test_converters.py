"""Arguments as functions of a schema: what comes out fits the schema, or is refused with its place."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalogue import violations
from runner.catalogue.values.converters import converter
from runner.catalogue.values.findings import Findings, texts_of
from runner.template import Unknown

SCALARS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from(["string", "integer", "number", "boolean"]).map(lambda kind: {"type": kind}),
    st.sampled_from([["string", "null"], ["integer", "string"], ["number", "boolean"]]).map(
        lambda of: {"type": of}
    ),
    st.just({"type": "integer", "minimum": 1, "maximum": 9}),
    st.just({"type": "string", "maxLength": 3, "enum": ["a", "7", "true"]}),
    st.just({}),
)
NAMES = st.sampled_from(["a", "b", "c"])
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(
            lambda properties, required, closed: {
                "type": "object", "properties": properties,
                "required": [name for name in properties if name in required], "additionalProperties": not closed,
            },
            st.dictionaries(NAMES, inner, max_size=3), st.sets(NAMES), st.booleans(),
        ),
        inner.map(lambda items: {"type": "array", "items": items}),
    ),
    max_leaves=5,
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        st.sampled_from(["7", "1.50", "true", "a", "", "é", "2026-01-31"]), st.integers(-3, 12), st.booleans(),
        st.decimals(-9, 9, places=2),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner | st.none(), max_size=3)),
    max_leaves=6,
)  # fmt: skip


def converted(schema: Mapping[str, Any], value: Any) -> tuple[Any, Findings]:
    findings = Findings()
    return converter(schema, ("it",), evidence="documented")(value, findings), findings


def plain(value: Any) -> Any:
    """A value as JSON has it, for whoever knows floats only: none of these loses a digit."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value


@given(SCHEMAS, VALUES)
def test_what_is_not_refused_fits_the_schema(schema: dict[str, Any], value: Any) -> None:
    found, findings = converted(schema, value)
    assert all(path[0] == "it" for path, _ in findings.problems)
    if not findings.problems and found is not None:
        assert not violations(schema, plain(found))


@given(SCHEMAS, VALUES)
def test_what_fits_already_stays_as_it_is(schema: dict[str, Any], value: Any) -> None:
    found, findings = converted(schema, value)
    if not findings.problems and found is not None:
        again, none = converted(schema, found)
        assert (repr(again), none.problems) == (repr(found), [])


@given(SCHEMAS, VALUES)
def test_whether_all_is_known_is_found_on_the_way(schema: dict[str, Any], value: Any) -> None:
    for given_ in (value, {"a": value, "b": Unknown("job.id")}, [Unknown("job.id"), value]):
        found, findings = converted(schema, given_)
        if not findings.problems and found is not None:
            assert findings.known is ("Unknown(" not in repr(found))


def test_what_is_found_inside_a_list_has_its_position() -> None:
    quantity = {"type": "integer", "x-runner-evidence": "inferred"}
    schema = {
        "type": "array",
        "items": {"type": "array", "items": {"type": "object", "properties": {"qty": quantity}}},
    }
    found, findings = converted(schema, [[{"qty": "1"}], [{"qty": 2, "more": 3}, {"qty": "x"}]])
    assert found == [[{"qty": 1}], [{"qty": 2, "more": 3}, None]]
    assert findings.problems == [(("it", 1, 1, "qty"), "'x' is not an integer")]
    assert texts_of(tuple(findings.notes)) == (
        "it[0][0].qty: inferred field", "it[1][0].qty: inferred field",
        "it[1][0].more: not in the API document, sent as it is",
    )  # fmt: skip


@pytest.mark.parametrize("nothing", [None, {"a": None}, {"a": {"b": None}}])
def test_nothing_has_no_place_in_a_list(nothing: Any) -> None:
    _, findings = converted({"type": "array"}, [1, nothing])
    assert findings.problems == [(("it", 1), "null cannot stand in a list")]


@pytest.mark.parametrize("value", [1.5, [1.5], {"a": 1.5}, {"a": [{"b": 1.5}]}])
def test_no_float_passes_wherever_it_stands(value: Any) -> None:
    _, findings = converted({}, value)
    assert [message for _, message in findings.problems] == [
        "1.5 is a binary float, which is not exact; use a decimal"
    ]
