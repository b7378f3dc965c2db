"""A whole run against a server whose answers are odd: hints before answers, pauses with decimals, a 207."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from faults.actions import answer, hinted, throttle
from faults.server import Action, FaultServer

from runner.cli.main import run

DOCUMENT = """\
openapi: 3.0.3
info: {title: Odd, version: "1"}
servers: [{url: "https://odd.invalid"}]
paths:
  /orders:
    post:
      operationId: create_order
      x-runner-id: id
      requestBody: {content: {application/json: {schema: {type: object, properties: {ref: {type: string}}}}}}
      responses:
        "201":
          description: created
          content:
            application/json:
              schema: {type: object, properties: {id: {type: integer}, ref: {type: string}}}
  /orders/{order_id}/payments:
    post:
      operationId: create_payment
      x-runner-id: id
      x-runner-money: amount
      parameters: [{name: order_id, in: path, required: true, schema: {type: integer}}]
      requestBody:
        content:
          application/json: {schema: {type: object, properties: {amount: {type: number}, ref: {type: string}}}}
      responses:
        "201":
          description: created
          content: {application/json: {schema: {type: object, properties: {id: {type: integer}}}}}
"""
RECIPE = """\
recipe: 1
name: odd-orders
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns: {ref: {from: Ref, required: true}, amount: {from: Amount, type: decimal, required: true}}
steps:
  - {id: order, use: odd.create_order, with: {ref: "{{ row.ref }}"}}
  - {id: pay, use: odd.create_payment,
     with: {order_id: "{{ order.id }}", amount: "{{ row.amount }}", ref: "{{ row.ref }}"}}
outputs: {order_id: "{{ order.id }}"}
"""
ROWS = {"A": "100", "B": "200", "C": "300", "D": "400", "E": "500", "F": "600"}


@pytest.fixture
def home(tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "odd.openapi.yaml").write_text(DOCUMENT)
    (folder / "odd.yaml").write_text(RECIPE)
    lines = [f"{ref},{amount}\n" for ref, amount in ROWS.items()]
    (folder / "rows.csv").write_text("".join(["Ref,Amount\n", *lines]))
    target = f"{{base_url: '{server.url}', rate: {{requests_per_second: 500, burst: 50}}}}"
    (folder / "runner.yaml").write_text(
        f"apis: {{odd: odd.openapi.yaml}}\ntargets: {{live: {{account: t, apis: {{odd: {target}}}}}}}\n"
    )
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("nth", [1, None], ids=["the first answer", "every answer"])
@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_hint_before_an_answer_costs_no_row_its_own(
    home: Path, server: FaultServer, nth: int | None, workers: str
) -> None:
    server.on("POST", "/orders.*", hinted(), nth=nth)
    assert run(["run", "odd.yaml", "--target", "live", "--first-run", "--workers", workers]) == 0
    orders = {str(order["id"]): order["ref"] for order in server.shop.objects["/orders"]}
    payments = server.deliveries("POST", "/orders/.*")
    paid = {orders[each.path.split("/")[2]]: str(each.json()["amount"]) for each in payments}
    assert (len(payments), paid) == (len(ROWS), ROWS)
    with (home / "runs" / "1" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        results = list(csv.DictReader(file))
    assert {line["key"]: orders[line["order_id"]] for line in results} == {ref: ref for ref in ROWS}


def test_a_pause_of_an_hour_with_decimals_stops_the_run(
    home: Path, server: FaultServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.on("POST", "/orders", throttle("3600.0"), nth=1)
    assert run(["run", "odd.yaml", "--target", "live", "--first-run", "--workers", "1"]) == 8
    assert len(server.deliveries()) == 1
    assert "the API asks to wait 3600 s" in capsys.readouterr().err
    assert run(["resume", "1"]) == 0
    assert len(server.shop.objects["/orders"]) == len(ROWS)


UNLISTED: list[tuple[str, Action, int, str]] = [
    ("errors", answer(207, {"results": [], "errors": [{"message": "no such size"}]}), 4, "207 no such size"),
    ("both", answer(207, {"results": [{"id": 7}], "errors": [{"message": "no"}]}), 5, "lists no 207"),
    ("queued", answer(202, {"job": "abc", "status": "queued"}), 5, "lists no 202 for create_order"),
    ("nothing", answer(204, b""), 5, "lists no 204"),
    ("zero", answer(201, {"id": 0, "ref": "A"}), 5, "'0' as its 'id', which is no id"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("action", "code", "reason"), [row[1:] for row in UNLISTED], ids=[row[0] for row in UNLISTED]
)
def test_a_success_that_is_none_of_the_document(
    home: Path, server: FaultServer, action: Action, code: int, reason: str
) -> None:
    """It is no id for a payment, and nothing is sent again."""
    (home / "rows.csv").write_text("Ref,Amount\nA,100\n")
    server.on("POST", "/orders", action)
    assert run(["run", "odd.yaml", "--target", "live", "--first-run"]) == code
    assert reason in re.sub(r"\s+", " ", (home / "runs" / "1" / "results.csv").read_text())
    assert len(server.deliveries()) == 1
    assert run(["run", "odd.yaml", "--target", "live", "--first-run"]) == code
    assert len(server.deliveries()) == (2 if code == 4 else 1)


def paid(server: FaultServer) -> list[str]:
    return [each.path for each in server.deliveries("POST", "/orders/.*/payments")]


@pytest.mark.parametrize("workers", ["1", "4"])
def test_one_id_for_every_order(
    home: Path, server: FaultServer, workers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One order is believed; the others are unknown, and nothing is paid for them, now or later."""
    server.on("POST", "/orders", answer(201, {"id": 101, "ref": "x"}))
    command = ["run", "odd.yaml", "--target", "live", "--first-run", "--workers", workers]
    assert run(command) == 5
    assert paid(server) == ["/orders/101/payments"]
    with (home / "runs" / "1" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    (first,) = (line["key"] for line in lines if line["bucket"] == "done")
    unknown = [line["reason"] for line in lines if line["bucket"] == "unknown"]
    assert len(unknown) >= 3  # after three of them nothing more is sent
    assert all(f"(order of {first!r}, run 1)" in reason for reason in unknown)
    assert "x-runner-returns-existing" in capsys.readouterr().err
    assert run(command) == 5
    assert paid(server) == ["/orders/101/payments"]
    sent = [each.json()["ref"] for each in server.deliveries("POST", "/orders")]
    assert len(sent) == len(set(sent))


def test_an_api_that_answers_with_what_exists(home: Path, server: FaultServer) -> None:
    word = "      x-runner-id: id\n      x-runner-returns-existing: true\n"
    document = DOCUMENT.replace("      x-runner-id: id\n", word, 1)
    (home / "odd.openapi.yaml").write_text(document)
    server.on("POST", "/orders", answer(201, {"id": 101, "ref": "x"}))
    assert run(["run", "odd.yaml", "--target", "live", "--first-run"]) == 0
    assert paid(server) == ["/orders/101/payments"] * len(ROWS)
