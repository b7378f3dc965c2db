"""Credentials that requests hold are sent as they are, and are written nowhere."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .command import Command, Ended
from .stub import Answer, Sent, Stub

PASSWORD = "first-password-of-anna"
OTHER = "another-password-of-hers"

DESK = """\
openapi: 3.0.3
info: {title: Desk, version: "1"}
servers: [{url: "https://desk.invalid/v1"}]
security: [{key: []}]
paths:
  /users:
    post:
      operationId: addUser
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/User"}}}}
      responses:
        "201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Made"}}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: x-api-key}}
  schemas:
    User:
      type: object
      properties:
        name: {type: string}
        limit: {type: number}
        password: {type: string}
        pin: {type: string, format: password}
        nested: {type: object, properties: {apiKey: {type: string}}}
        client_token: {type: string}
        token: {type: string, x-runner-secret: false}
    Made: {type: object, properties: {id: {type: integer}, note: {type: string}}}
"""
RECIPE = """\
recipe: 1
name: NAME
rows:
  file: users.csv
  key: "{{ row.name }}"
  columns: {name: {from: Name}, password: {from: Password}, limit: {from: Limit, type: decimal}}
steps:
  - id: user
    use: desk.addUser
    with:
      name: "{{ row.name }}"
      limit: "{{ row.limit }}"
      password: "{{ row.password }}"
      pin: "{{ row.password }}-pin"
      nested: {apiKey: "{{ row.password }}-key"}
      client_token: "{{ row.name }}-once"
      token: "{{ row.name }}-shown"
outputs: {user: "{{ user.id }}", note: "{{ user.note }}"}
"""
SETTINGS = """\
apis: {desk: desk.yaml}
targets:
  live:
    account: acme
    apis:
      desk:
        base_url: URL
        secrets: {key: {env: DESK_KEY}}
        rate: {requests_per_second: 1000, burst: 1000}
"""
ENV = {"DESK_KEY": "the-key-of-the-desk"}


def _echo(sent: Sent) -> Answer:
    """Make a user, and repeat the password in a field of another name."""
    return Answer(201, json.dumps({"id": 41, "note": json.loads(sent.body)["password"]}).encode())


@pytest.fixture
def desk(runner: Command) -> Iterator[Stub]:
    stub = Stub(_echo)
    runner.write("desk.yaml", DESK)
    runner.write("runner.yaml", SETTINGS.replace("URL", stub.url))
    runner.write("users.yaml", RECIPE.replace("NAME", "users"))
    _write_rows(runner, PASSWORD)
    yield stub
    stub.close()


def _write_rows(runner: Command, password: str, limit: str = "8.40") -> None:
    runner.write("users.csv", f"Name,Password,Limit\nanna-of-the-desk,{password},{limit}\n")


def _run(runner: Command, *more: str, recipe: str = "users.yaml", code: int = 0) -> Ended:
    return runner("run", recipe, "--target", "live", *more, code=code, env=ENV)


def _journal(runner: Command) -> Path:
    return next(runner.runs.glob("*.sqlite*"))


def _bodies(runner: Command) -> list[Any]:
    with closing(sqlite3.connect(_journal(runner))) as journal:
        return [json.loads(body) for (body,) in journal.execute("SELECT body FROM calls")]


def _put_in_plain(runner: Command, body: bytes) -> None:
    """Make the journal what an earlier version has left: bodies as they were sent."""
    with closing(sqlite3.connect(_journal(runner))) as journal, journal:
        journal.execute("UPDATE calls SET body = ?", (body.decode(),))


def test_a_password_of_a_request_is_written_nowhere(runner: Command, desk: Stub) -> None:
    said = [
        runner("plan", "users.yaml", "--target", "live", "--out", f"plan.{form}", env=ENV)
        for form in ("json", "md", "txt")
    ]
    said.append(runner("plan", "users.yaml", "--target", "live", env=ENV))
    said.append(_run(runner, "--first-run", "--verbose", "--xlsx", "--junit", "a.xml"))
    said += [runner("show", "1"), runner("show", "1", "--key", "anna-of-the-desk")]
    said.append(runner("report", "1", "--html"))
    sent = json.loads(desk.writes[0].body)
    assert (sent["password"], sent["nested"]["apiKey"]) == (PASSWORD, f"{PASSWORD}-key")
    files = [
        path for path in runner.folder.rglob("*") if path.is_file() and path.name != "users.csv"
    ]
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
    assert not [each for each in said if PASSWORD in each.out + each.err]
    (kept,) = _bodies(runner)
    assert kept == {
        **sent, "pin": kept["pin"], "password": kept["pin"], "nested": {"apiKey": kept["pin"]},
    }  # fmt: skip
    assert kept["pin"] == "*** (a credential, not kept)"


@pytest.mark.parametrize("plain", [False, True], ids=["masked", "as earlier versions"])
def test_what_was_sent_with_a_password_is_known_again(
    runner: Command, desk: Stub, *, plain: bool
) -> None:
    """The same file, another spelling of a number, another password, another recipe's name: never sent twice."""
    _run(runner, "--first-run")
    if plain:
        _put_in_plain(runner, desk.writes[0].body)
    _run(runner)
    _write_rows(runner, PASSWORD, "8.4")
    _run(runner)
    _write_rows(runner, PASSWORD, "9")
    told = _run(runner, code=4)
    assert "limit was 8.40, now 9" in told.out + told.err
    assert "credential" not in told.out + told.err
    _write_rows(runner, OTHER)
    told = _run(runner, code=4)
    assert "a credential in it or its headers are not those that were sent" in told.out + told.err
    assert PASSWORD not in told.out + told.err
    assert OTHER not in told.out + told.err
    for password in (PASSWORD, OTHER):
        _write_rows(runner, password)
        again = RECIPE.replace("NAME", "again").replace('key: "', 'key: "x-')
        runner.write("again.yaml", again)
        told = _run(runner, recipe="again.yaml", code=8)
        assert "nothing was sent" in told.err
        assert PASSWORD not in told.out + told.err
        assert OTHER not in told.out + told.err
    assert len(desk.writes) == 1
