"""No secret and no credential of an answer is written anywhere, whatever the command and however it ends."""

from __future__ import annotations

import base64
import html
import json
import re
import signal
import threading
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from .command import Command
from .stub import Answer, Sent, Stub

SECRET = 'k3y w/o"rd&1+z<7'
TOKEN = "tok/en+of&the<desk>'42"
PASSWORD = "hunter2-of-the-desk"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"

DESK = """\
openapi: 3.0.3
info: {title: Desk, version: "1"}
servers: [{url: "https://desk.invalid/v1"}]
security: [{key: []}]
paths:
  /login:
    post:
      operationId: signIn
      READ
      requestBody: {content: {application/json: {schema: {type: object, properties: {user: {type: string}}}}}}
      responses: {"200": {description: in, content: {application/json: {schema: {$ref: "#/components/schemas/Login"}}}}}
  /tickets:
    post:
      operationId: addTicket
      parameters: [{name: X-Session, in: header, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Ticket"}}}}
      responses:
        "201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Ticket"}}}}
    get:
      operationId: listTickets
      responses:
        "200":
          description: all
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Ticket"}}}}
  /tickets/{id}:
    get:
      operationId: getTicket
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses:
        "200": {description: one, content: {application/json: {schema: {$ref: "#/components/schemas/Ticket"}}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: x-api-key}}
  schemas:
    Login:
      type: object
      properties:
        id: {type: integer}
        token: {type: string}
        user: {type: object, properties: {login: {type: string}, pin: {type: string, format: password}}}
        desk_code: {type: string, x-runner-secret: true}
        jwt: {type: string}
    Ticket:
      type: object
      properties:
        id: {type: integer}
        subject: {type: string}
        via: {type: string}
        note: {type: string}
        token: {type: string, x-runner-secret: false}
"""
RECIPE = """\
recipe: 1
name: tickets
rows: {file: tickets.csv, key: "{{ row.ref }}", columns: {ref: {from: Ref}}}
steps:
  - id: login
    use: desk.signIn
    with: {user: anna}
  - id: ticket
    use: desk.addTicket
    with: {subject: "{{ row.ref }}", via: "{{ login.token }}", X-Session: "{{ login.jwt }}"}
outputs:
  token: "{{ login.token }}"
  pin: "{{ login.user.pin }}"
  ticket: "{{ ticket.id }}"
  kept: "{{ ticket.token }}"
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
notify:
  - {when: always, webhook: {url: {env: HOOK}}}
"""


def spellings(text: str) -> set[str]:
    """A secret as programs write it."""
    quoted = json.dumps(text)[1:-1]
    special = [each for each in text if not each.isalnum()]
    found = {
        text, quoted, json.dumps(quoted)[1:-1], quoted.replace("/", "\\/"), quote(text, safe=""), quote(text),
        quote_plus(text), quote(quote(text, safe=""), safe=""), html.escape(text), html.escape(text, quote=False),
        text.encode().hex(), text.encode().hex().upper(),
    }  # fmt: skip
    found |= {each.lower() for each in (quote(text, safe=""), quote_plus(text))}
    for way in (
        "\\u{:04x}",
        "\\u{:04X}",
        "\\\\u{:04x}",
        "&#{:d};",
        "&#x{:x};",
        "&#X{:X};",
        "%{:02x}",
    ):
        found.add("".join(way.format(ord(each)) for each in text))
        found.add("".join(way.format(ord(each)) if each in special else each for each in text))
    for before in ("", "a", "ab", "user:", "me:"):
        coded = base64.b64encode((before + text).encode()).decode()
        found |= {coded.rstrip("="), coded.translate(str.maketrans("+/", "-_")).rstrip("=")}
    return found


class Desk:
    """The API. It says everything that it was told, in a spelling of its own for each ticket."""

    def __init__(self) -> None:
        self.failing = ""
        self.hold: threading.Event | None = None
        self.held = threading.Event()
        self._echoes = sorted(spellings(SECRET))
        self._count = 0

    def __call__(self, sent: Sent) -> Answer:
        assert sent.key == SECRET
        if sent.path.endswith("/login"):
            return Answer(200, json.dumps({
                "id": 7, "token": TOKEN, "user": {"login": "anna", "pin": PASSWORD}, "desk_code": PASSWORD, "jwt": JWT,
            }).encode())  # fmt: skip
        echo = self._echoes[self._count % len(self._echoes)]
        self._count += 1
        if self.hold is not None and sent.method == "POST":
            self.held.set()
            self.hold.wait(60)
        if self.failing and sent.method == "POST":
            return Answer(422, self.failing.replace("ECHO", echo).encode())
        body = json.loads(sent.body) if sent.body else {}
        assert body.get("via", TOKEN) == TOKEN
        ticket = {
            "id": 41,
            "subject": body.get("subject", "A"),
            "via": TOKEN,
            "token": "a-token-of-no-secret",
        }
        text = (
            json.dumps(ticket)[:-1]
            + ', "note": "'
            + _inside(echo)
            + '", "'
            + _inside(echo)
            + '": 1}'
        )
        content = f"[{text}]" if sent.path.endswith("/tickets") and sent.method == "GET" else text
        return Answer(
            201 if sent.method == "POST" else 200, content.encode(), headers=(("X-Echo", SECRET),)
        )


def _inside(echo: str) -> str:
    """A spelling as the inside of a text of JSON: as it is where it is one already."""
    try:
        json.loads(f'"{echo}"')
    except ValueError:
        return json.dumps(echo)[1:-1]
    return echo


@pytest.fixture
def desk(runner: Command) -> Iterator[Desk]:
    api = Desk()
    stub = Stub(api)
    runner.write("desk.yaml", DESK.replace("READ", "x-runner-effect: read"))
    runner.write("runner.yaml", SETTINGS.replace("URL", stub.url))
    runner.write("tickets.yaml", RECIPE)
    runner.write("tickets.csv", "Ref\n" + "".join(f"T-{number}\n" for number in range(60)))
    yield api
    stub.close()


@pytest.fixture
def env(runner: Command) -> Mapping[str, str]:
    home = runner.folder / "home"
    home.mkdir()
    return {
        "DESK_KEY": SECRET, "HOOK": f"http://127.0.0.1:9/{TOKEN}", "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"), "XDG_CACHE_HOME": str(home / "cache"),
    }  # fmt: skip


def all_written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, packed parts of it unpacked."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield path.name, content
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                yield from ((f"{path.name}/{name}", book.read(name)) for name in book.namelist())
        for packed in (
            re.findall(rb">([A-Za-z0-9+/=]{40,})<", content) if path.suffix == ".html" else ()
        ):
            yield f"{path.name}, packed", zlib.decompress(base64.b64decode(packed))


def leaks(written: Iterator[tuple[str, bytes]]) -> list[tuple[str, str]]:
    needles = [each for text in (SECRET, TOKEN, PASSWORD, JWT) for each in spellings(text)]
    return [
        (name, needle)
        for name, content in written
        for needle in needles
        if needle.encode() in content
    ]


def test_every_command_however_it_ends(runner: Command, desk: Desk, env: Mapping[str, str]) -> None:
    said: list[tuple[str, bytes]] = []

    def call(*line: str, code: int = 0) -> str:
        done = runner(*line, code=code, env=env)
        said.append((" ".join(line), (done.out + done.err).encode()))
        return done.out

    live = ("--target", "live")
    call("validate", "tickets.yaml")
    call("ops", "desk.signIn")
    call("schema", "--apis")
    call("doctor")
    call(
        "plan", "tickets.yaml", *live, "--out", "plan.json", "--out", "plan.md", "--out", "plan.txt"
    )
    call("plan", "tickets.yaml", *live, "--lookups")
    call("probe", "desk", *live, "--write", "overlay.yaml", code=4)
    call(
        "run",
        "tickets.yaml",
        *live,
        "--first-run",
        "--verbose",
        "--xlsx",
        "--junit",
        "a.xml",
        "--out",
        "copies",
    )
    for body in (
        '{"message": "no ECHO"}',
        '{"errors": {"ECHO": ["ECHO"]}}',
        "<p>ECHO</p>",
        "ECHO",
        '{"a": "' + "x" * 280 + 'ECHO"',
    ):
        desk.failing = body
        call("run", "tickets.yaml", *live, "--new-identity", "--again", "T-1", "--why", "once more", "--only", "T-1",
             "--json", code=4)  # fmt: skip
    desk.failing = ""
    runner.write("tickets.csv", "Ref\nU-1\nU-2\n")
    for number in (signal.SIGINT, signal.SIGKILL):
        desk.hold, desk.held = threading.Event(), threading.Event()
        process = runner.start("run", "tickets.yaml", *live, "--workers", "1", "--verbose", env=env)
        assert desk.held.wait(60)
        process.send_signal(number)
        if number == signal.SIGINT:
            process.send_signal(number)
        out, err = process.communicate()
        desk.hold.set()
        said.append((f"killed by {number}", out + err))
        found = leaks(iter([*all_written(runner.folder), *said]))
        assert not found, found
    desk.hold = None
    call("settle", code=5)
    call("show", "7", "--key", "U-1")
    numbers = re.findall(r"^ *call (\d+)\b", runner("settle", code=5, env=env).out, re.MULTILINE)
    call("settle", "--done", "41", "--call", numbers[0], "--why", "seen", code=2)
    call("resume", "8", code=5)
    for run in ("1", "8"):
        call("report", run, "--html")
        call("show", run)
        call("show", run, "--key", "T-1" if run == "1" else "U-2")
    call("report", "8", "--xlsx", "--junit", "a.xml", "--out", "more")
    call("runs")
    call("notify", code=7)
    found = leaks(iter([*all_written(runner.folder), *said]))
    assert not found, found
    results = (runner.runs / "1" / "results.csv").read_text("utf-8-sig")
    assert "a-token-of-no-secret" in results


def test_what_a_later_step_needs_is_asked_for_again(
    runner: Command, desk: Desk, env: Mapping[str, str]
) -> None:
    """A sign-in that reads is sent again; of one that creates, what it gave is gone with the run that was given it."""
    desk.failing = '{"message": "no"}'
    runner.write("tickets.csv", "Ref\nT-1\n")
    line = ("run", "tickets.yaml", "--target", "live")
    runner(*line, "--first-run", code=4, env=env)
    desk.failing = ""
    runner(*line, env=env)
    runner.write("desk.yaml", DESK.replace("READ", "x-runner-effect: create"))
    runner.write("tickets.csv", "Ref\nT-2\n")
    desk.failing = '{"message": "no"}'
    runner(*line, code=4, env=env)
    desk.failing = ""
    told = runner(*line, code=4, env=env)
    assert (
        "ticket: via: a credential of an earlier answer is needed, and none is kept"
        in told.out + told.err
    )


@pytest.mark.parametrize("value", ["short", "1234567"])
def test_a_secret_that_cannot_be_told_from_data_is_refused(
    runner: Command, desk: Desk, env: Mapping[str, str], value: str
) -> None:
    told = runner(
        "run",
        "tickets.yaml",
        "--target",
        "live",
        "--first-run",
        code=7,
        env={**env, "DESK_KEY": value},
    )
    assert "key: DESK_KEY holds fewer than 8 characters" in told.err
    assert value not in told.err


@pytest.mark.parametrize("cell", [SECRET, f"see {SECRET}!", quote(SECRET)])
def test_a_secret_in_a_cell_is_refused(
    runner: Command, desk: Desk, env: Mapping[str, str], cell: str
) -> None:
    runner.write("tickets.csv", 'Ref\nT-1\n"' + cell.replace('"', '""') + '"\n')
    told = runner("run", "tickets.yaml", "--target", "live", "--first-run", code=7, env=env)
    assert "tickets.csv line 3 holds a secret of the target" in told.err
    assert not leaks(iter([("stderr", told.err.encode())]))


TOLD = """\
recipe: 1
name: told
vars: {NAME: {required: true}, count: 1}
steps:
  - {id: ticket, use: desk.addTicket, with: {subject: "{{ vars.NAME }}"}}
"""


@pytest.mark.parametrize(
    "name", ["token", "desk_token", "password", "smtp_passwd", "api_key", "jwt", "client_secret"]
)
def test_a_variable_that_is_called_a_secret_is_refused(
    runner: Command, desk: Desk, env: Mapping[str, str], name: str
) -> None:
    runner.write("told.yaml", TOLD.replace("NAME", name))
    runner.write("values.yaml", f"{name}: {PASSWORD}\n")
    for way in (["-v", f"{name}={PASSWORD}"], ["--vars-file", "values.yaml"]):
        for more in ([], ["--target", "live", "--first-run"], ["--dry-run"]):
            told = runner("run", "told.yaml", *way, *more, code=2, env=env)
            assert f"the value of {name!r} would stand in the journal" in told.err
            assert PASSWORD not in told.err
    assert not runner.runs.exists()


@pytest.mark.parametrize("name", ["key", "order_key", "tokens_left", "secretary", "passport"])
def test_a_variable_of_another_name_is_taken(
    runner: Command, desk: Desk, env: Mapping[str, str], name: str
) -> None:
    runner.write("told.yaml", TOLD.replace("NAME", name))
    runner("run", "told.yaml", "-v", f"{name}=PO-1", "--dry-run", env=env)


def test_a_secret_of_the_target_as_a_variable_is_refused(
    runner: Command, desk: Desk, env: Mapping[str, str]
) -> None:
    runner.write("told.yaml", TOLD.replace("NAME", "subject"))
    for spelling in (
        SECRET,
        f"see {SECRET}",
        quote(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
    ):
        told = runner(
            "run", "told.yaml", "-v", f"subject={spelling}", "--target", "live", "--first-run",
            code=7, env=env,
        )  # fmt: skip
        assert "the variable 'subject' holds a secret of the target" in told.err
        assert not leaks(iter([("stderr", told.err.encode())]))
    assert not runner.runs.exists()
