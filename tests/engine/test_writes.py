"""Writes: journaled before they leave, sent again only where nothing can have landed, and the ends they lead to."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from faults import actions
from faults.bench import CANARY, Bench, columns, grouped, journal_bytes, table
from faults.server import Action, Delivery, FaultServer

from runner.journal import CallRecord, Journal
from runner.problems import StoppedError
from runner.rows import Input

ORDER = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""
PAYMENT = """\
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: 12.10, reference: "{{ row.ref }}"}
"""
PAID = ORDER + PAYMENT


def intents(folder: Path) -> dict[tuple[str, str], tuple[str, str, str]]:
    """(path, body) of every write on the disk, as another process sees it: its state, digest and amount."""
    connection = sqlite3.connect(f"file:{folder / 'journal.sqlite'}?mode=ro", uri=True)
    try:
        sql = "SELECT url, body, state, digest, amount FROM calls WHERE effect <> 'read'"
        found = connection.execute(sql).fetchall()
    finally:
        connection.close()
    return {(url, body): (state, digest, amount) for url, body, state, digest, amount in found}


def test_the_intent_of_every_write_is_on_the_disk_before_it_arrives(
    server: FaultServer, bench: Bench
) -> None:
    seen: list[tuple[str, str, str]] = []

    def look(delivery: Delivery) -> None:
        seen.append(intents(bench.folder)[delivery.path, delivery.body])

    server.on_receipt = look
    bench.run(PAID, table("ref", *range(30)), workers=8)
    assert len(seen) == 60
    assert {state for state, _, _ in seen} == {"intent"}
    assert {amount for _, _, amount in seen} == {"", "12.10"}
    assert {digest for _, digest, _ in seen} == {call.digest for call in bench.calls().values()}


def test_an_outcome_is_on_the_disk_before_the_next_write_of_its_row(
    server: FaultServer, bench: Bench
) -> None:
    def look(delivery: Delivery) -> None:
        if delivery.path != "/orders":
            reference = delivery.json()["reference"]
            assert intents(bench.folder)["/orders", f'{{"reference":"{reference}"}}'][0] == "done"

    server.on_receipt = look
    bench.run(PAID, table("ref", *range(30)), workers=8)
    assert server.errors == []


def test_the_journal_is_as_durable_as_it_says(bench: Bench) -> None:
    with bench.journal_class(bench.folder) as journal:
        assert journal._connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


ONCE: list[tuple[str, Action, str, int]] = [
    ("closed", actions.committed(actions.close()), "unknown", 5),
    ("reset", actions.committed(actions.reset()), "unknown", 5),
    ("500", actions.committed(actions.answer(500)), "unknown", 5),
    ("503", actions.answer(503, headers={"Retry-After": "1"}), "unknown", 5),
    ("408", actions.answer(408), "unknown", 5),
    ("html", actions.committed(actions.html()), "unknown", 5),
    ("truncated", actions.committed(actions.truncated(201)), "unknown", 5),
    ("redirect", actions.redirect(307, "/orders"), "unknown", 5),
    ("no id", actions.committed(actions.answer(201, {"job": 7})), "unknown", 5),
    ("garbage", actions.raw(b"garbage\r\n\r\n"), "unknown", 5),
    ("422", actions.answer(422), "rejected", 4),
    ("404", actions.answer(404), "rejected", 4),
    ("401", actions.answer(401), "not started", 7),
    ("403", actions.answer(403), "not started", 7),
]


@pytest.mark.parametrize(
    ("action", "bucket", "exit_code"), [row[1:] for row in ONCE], ids=[row[0] for row in ONCE]
)
@pytest.mark.parametrize("path", ["/orders", "/orders/1001/payments"])
def test_a_write_that_may_have_landed_is_sent_once(
    server: FaultServer, bench: Bench, action: Action, bucket: str, exit_code: int, path: str
) -> None:
    server.on("POST", path, action)
    ran = bench.run(PAID)
    assert len(server.deliveries("POST", path)) == 1
    assert (ran.row.bucket, ran.ended.exit_code) == (bucket, exit_code)
    if bucket == "unknown":
        bench.run(PAID)
        assert len(server.deliveries("POST", path)) == 1
        assert (
            bench.calls()["A", "order" if path == "/orders" else "payment", ""].state == "unknown"
        )


def test_a_write_that_was_not_sent_is_tried_again(server: FaultServer, tmp_path: Path) -> None:
    folder = tmp_path / "later"
    folder.mkdir()
    with FaultServer(folder) as gone:
        pass
    bench = Bench(folder, gone.url)
    ran = bench.run(ORDER, "ref\nA\nB\n")
    assert [call.state for call in ran.calls] == ["not sent"] * 3
    assert ran.buckets == {"not started": 2}
    assert ran.ended.exit_code == 8
    assert "connection refused" in ran.ended.stopped
    assert len(ran.stop.waits) >= 2
    assert bench.calls()["A", "order", ""].state == "not sent"
    bench.base_url = server.url
    assert bench.run(ORDER, "ref\nA\nB\n").buckets == {"done": 2}
    bench.close()


def test_rows_that_gave_up_are_no_success(server: FaultServer, bench: Bench) -> None:
    """Each row in between succeeds, so that no stop rule fires; the run is not done all the same."""
    server.on("GET", "/customers/1", actions.answer(500))
    seen = (
        "  - {id: seen, use: shop.get_customer, with: {customer_id: '{{ row.gate }}'}, retry: 1}\n"
    )
    steps = ORDER.replace("steps:\n", f"steps:\n{seen}")
    server.on("GET", "/customers/2", actions.answer(200, {"id": 2}))
    ran = bench.run(
        steps,
        table("ref,gate", ("A", 1), ("B", 2), ("C", 1), ("D", 2)),
        head=columns(gate="integer"),
    )
    assert ran.buckets == {"done": 2, "not started": 2}
    assert ran.ended.exit_code == 8
    assert ran.ended.stopped.startswith("2 rows could not go on")


PUT = """\
steps:
  - id: change
    use: shop.update_order
    with: {order_id: "7", notes: "{{ row.ref }}"}
"""


def test_a_repeatable_write_is_repeated(server: FaultServer, bench: Bench) -> None:
    server.on("PUT", "/orders/7", actions.close(), nth=1)
    server.on("PUT", "/orders/7", actions.answer(500), nth=2)
    assert bench.run(PUT).row.bucket == "done"
    assert len(server.writes()) == 3


LAST = [actions.throttle("9999"), actions.answer(401), actions.answer(422), actions.answer(500)]


@pytest.mark.parametrize("last", LAST, ids=["429", "401", "422", "500"])
def test_a_repeatable_write_that_may_have_landed_stays_unknown(
    server: FaultServer, bench: Bench, last: Action
) -> None:
    server.on("PUT", "/orders/7", actions.close(), nth=1)
    server.on("PUT", "/orders/7", last)
    ran = bench.run(PUT)
    assert (ran.row.bucket, ran.ended.exit_code) == ("unknown", 5)
    assert bench.calls()["A", "change", ""].state == "unknown"


def test_every_attempt_is_in_the_journal(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.throttle("1"), nth=1)
    server.on("POST", "/orders", actions.throttle(None), nth=2)
    bench.run(ORDER)
    connection = sqlite3.connect(bench.folder / "journal.sqlite")
    states = [state for (state,) in connection.execute("SELECT state FROM attempts ORDER BY rowid")]
    connection.close()
    assert states == ["throttled", "throttled", "done"]
    assert bench.calls()["A", "order", ""].attempts == 3


def test_secrets_are_nowhere(server: FaultServer, bench: Bench) -> None:
    faults = [actions.close(), actions.answer(422, {"message": "no"}), actions.redirect(302, "/x")]
    for nth, action in enumerate(faults, start=1):
        server.on("POST", "/orders", action, nth=nth)
    ran = bench.run(ORDER, table("ref", *range(5)), workers=2)
    assert server.deliveries()[0].headers["x-api-key"] == CANARY
    told = repr(ran.events) + repr(bench.calls()) + repr(bench.transports)
    kept = journal_bytes(bench.folder)
    for form in (
        CANARY,
        quote(CANARY),
        quote(CANARY, safe=""),
        quote_plus(CANARY),
        CANARY.replace('"', '\\"'),
    ):
        assert form not in told
        assert form.encode() not in kept


@pytest.mark.parametrize("workers", [1, 4])
def test_refused_credentials_end_the_run(server: FaultServer, bench: Bench, workers: int) -> None:
    server.on("POST", "/orders", actions.answer(401, {"message": "no such key"}))
    ran = bench.run(ORDER, table("ref", *range(50)), workers=workers)
    assert len(server.deliveries()) <= workers
    assert ran.ended.exit_code == 7
    assert "401 no such key" in ran.ended.stopped
    assert "runner resume" in ran.ended.remedy
    assert ran.buckets == {"not started": 50}


def test_three_failures_in_a_row_end_the_run(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(500), nth=2)
    for nth in (4, 5, 6):
        server.on("POST", "/orders", actions.answer(503), nth=nth)
    server.on("GET", "/customers", actions.answer(503))  # the read that is tried then
    ran = bench.run(ORDER, table("ref", *range(50)))
    assert (len(server.writes()), len(server.deliveries())) == (6, 7)
    assert ran.buckets == {"done": 2, "unknown": 4, "not started": 44}
    assert ran.ended.exit_code == 5
    assert ran.ended.stopped.startswith("3 requests in a row failed, the last one: 503")


def test_reads_that_fail_end_the_run_as_stopped(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/customers.*", actions.answer(502))
    steps = "steps:\n  - {id: seen, use: shop.get_customer, with: {customer_id: 1}}\n" + ORDER[7:]
    ran = bench.run(steps, table("ref", *range(9)))
    assert [get.path for get in server.deliveries()] == ["/customers/1"] * 3 + ["/customers"]
    assert (ran.ended.exit_code, ran.buckets) == (8, {"not started": 9})


def test_a_journal_that_cannot_be_written_ends_the_run_before_the_next_send(
    server: FaultServer, bench: Bench
) -> None:
    class Full(Journal):
        """The disk is full at the third intent."""

        count = 0

        def intend(self, call: CallRecord) -> None:
            Full.count += 1
            if Full.count == 3:
                self._connection.execute("PRAGMA max_page_count = 1")
                self._put_call(call._replace(operation="x" * 4_000_000))
            super().intend(call)

    bench.journal_class = Full
    with pytest.raises(
        StoppedError, match="cannot be written"
    ):  # the end of the run cannot be recorded either
        bench.run(ORDER, table("ref", *range(9)))
    assert len(server.deliveries()) == 2


LINES = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", notes: "{{ row.lines | length }}"}
  - id: lines
    use: shop.create_line
    for_each: row.lines
    with: {order_id: "{{ order.id }}", sku: "{{ row.ref }}/{{ item.sku }}"}
  - id: payment
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.lines | total('item.price') }}", reference: "{{ row.ref }}"}
outputs: {order: "{{ order.id }}"}
"""


def test_no_value_of_one_row_reaches_the_request_of_another(
    server: FaultServer, bench: Bench
) -> None:
    rows = [(f"R{n % 300}", f"s{n}", n) for n in range(900)]
    head = grouped("ref", {"sku": "string", "price": "integer"})
    ran = bench.run(LINES, table("ref,sku,price", *rows), head=head, workers=64)
    assert ran.buckets == {"done": 300}
    ids = {made["reference"]: made["id"] for made in server.shop.objects["/orders"]}
    assert {key: row.outputs["order"] for key, row in ran.rows.items()} == ids
    wanted = {ref: [sku for row, sku, _ in rows if row == ref] for ref in ids}
    sent: dict[str, list[Any]] = {}
    for write in server.writes():
        sent.setdefault(write.path, []).append(write.json())
    for ref, order in ids.items():
        assert [line["sku"] for line in sent[f"/orders/{order}/lines"]] == [
            f"{ref}/{sku}" for sku in wanted[ref]
        ]
        amount = sum(price for row, _, price in rows if row == ref)
        assert sent[f"/orders/{order}/payments"] == [{"amount": amount, "reference": ref}]
    assert server.repeated() == []


def test_every_row_is_in_one_bucket(server: FaultServer, bench: Bench) -> None:
    kinds = [actions.close(), actions.answer(422)]
    for nth in range(40):
        action = kinds[nth % 4] if nth % 4 < 2 else actions.answer(201, {"id": nth})
        server.on("POST", "/orders", action, nth=nth + 1)
    ran = bench.run(ORDER, table("ref", *range(40)), workers=2)
    assert sum(ran.ended.buckets.values()) == 40
    assert sum(ran.ended.line_buckets.values()) == 40
    assert ran.buckets == {"done": 20, "rejected": 10, "unknown": 10}


def test_rows_that_are_counted_twice_are_a_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input that gives more rows than it says it has stands for any fault that does."""
    monkeypatch.setattr(Input, "row_count", property(lambda _: 1))
    ran = bench.run(ORDER, "ref\nA\nB\n")
    assert ran.ended.exit_code == 1
