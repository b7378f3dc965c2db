"""Ids and keys that name nothing, or that a spreadsheet has changed."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import HEAD, Bench, columns, table
from faults.server import FaultServer

from runner.problems import InvalidError

LINE = """\
steps:
  - {id: line, use: shop.create_line, with: {order_id: "{{ row.order }}", sku: "x"}}
"""


@pytest.mark.parametrize("number", ["0", "-1", "000"])
def test_an_id_that_is_none_in_a_path(server: FaultServer, bench: Bench, number: str) -> None:
    sheet = table("ref,order", ("A", number))
    for way in (bench.plan, bench.run):
        row = way(LINE, sheet, head=columns(order="integer")).row
        assert row.bucket == "rejected"
        assert "is no id" in row.reason
    assert server.deliveries() == []


ORDER = """\
steps:
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}"}}
  - {id: line, use: shop.create_line, with: {order_id: "{{ order.id }}", sku: "x"}}
"""


def test_an_id_of_hundreds_of_digits(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(201, {"id": 10**400}))
    ran = bench.run(ORDER)
    assert ran.row.bucket == "unknown"
    assert "a number of too many digits" in ran.row.reason
    assert len(server.writes()) == 1


@pytest.mark.parametrize("name", ["AB12 ", "\u200bAB12", "AB\u00ad12", "\u00a0AB12"])
def test_an_id_that_looks_like_another(server: FaultServer, bench: Bench, name: str) -> None:
    server.on("POST", "/orders", actions.answer(201, {"id": name}))
    assert bench.run(ORDER).row.bucket == "unknown"
    assert len(server.writes()) == 1


@pytest.mark.parametrize("key", [" ", "\u00a0", "\u200b"])
def test_a_key_that_names_nothing(server: FaultServer, bench: Bench, key: str) -> None:
    with pytest.raises(InvalidError):
        bench.run(ORDER, f'ref\n"{key}"\n')
    with pytest.raises(InvalidError):
        bench.run(ORDER, f'ref\n"{key}"\n', head=HEAD.replace("{required: true}", "{}"))
    assert server.deliveries() == []


@pytest.mark.parametrize(
    ("first", "second"), [("00618", "'00618"), ("'00618", "00618"), ("00618", "\u2019618")]
)
def test_an_apostrophe_that_a_spreadsheet_has_kept(
    server: FaultServer, bench: Bench, first: str, second: str
) -> None:
    assert bench.run(ORDER, table("ref", first)).row.bucket == "done"
    for sheet in (table("ref", second), table("ref", "Z", "O'Neil", "'O'Neil")):
        with pytest.raises(InvalidError) as told:
            bench.run(ORDER, sheet)
        assert "looks like" in told.value.problems[0].message
    assert len(server.writes()) == 2


@pytest.mark.parametrize(
    "expect",
    [
        "result | length > 0 and row.depth > 3",
        "row.depth > 3 and result.id",
        "result.id and (row.depth > 3 and result.id > 0)",
    ],
)
def test_a_part_of_expect_that_the_row_alone_decides(
    server: FaultServer, bench: Bench, expect: str
) -> None:
    steps = ORDER.split("  - {id: line")[0].replace("}}\n", f'}}, expect: "{expect}"}}\n')
    for way in (bench.plan, bench.run):
        row = way(steps, table("ref,depth", ("A", 1)), head=columns(depth="integer")).row
        assert row.bucket == "rejected"
        assert "which no answer can change" in row.reason
    assert server.deliveries() == []
    assert (
        bench.run(steps, table("ref,depth", ("A", 4)), head=columns(depth="integer")).row.bucket
        == "done"
    )
