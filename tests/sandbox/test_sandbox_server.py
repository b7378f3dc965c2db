"""One server a folder: its state lives on, other processes find it, its log says what reached it."""

from __future__ import annotations

import os
import resource
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from runner.catalogue import shipped_apis
from runner.problems import ConfigError, InvalidError, LockedError
from runner.sandbox import instance_of
from runner.sandbox.server import Server, attach, serve
from runner.sandbox.state import Place, State

from .conftest import DOCUMENT, DOCUMENTS, Client, deliveries

CUSTOMERS = "/people/customers"
SERVE = """
import sys
from pathlib import Path
from runner.sandbox.server import serve
server = serve(Path(sys.argv[1]), {"shop": Path(sys.argv[2])})
print(server.port, flush=True)
sys.stdin.read()
server.close()
"""


@contextmanager
def served(folder: Path) -> Iterator[Client]:
    server = serve(folder, DOCUMENTS)
    client = Client(server.base_url)
    try:
        yield client
    finally:
        client.session.close()
        server.close()


@contextmanager
def served_elsewhere(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server in a process of its own, and its port."""
    command = [sys.executable, "-c", SERVE, str(folder), str(DOCUMENT)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_a_restart_keeps_the_state(folder: Path) -> None:
    with served(folder) as shop:
        key = shop.new(CUSTOMERS, {"name": "Riverside"})
        order = shop.new("/trade/orders", {"customer": {"id": key}})
        shop.new(f"/trade/orders/{order}/parcels", {})
        instance = instance_of(folder)
    with served(folder) as shop:
        assert instance_of(folder) == instance
        assert shop.get(f"{CUSTOMERS}/{key}")["name"] == "Riverside"
        assert shop.new(CUSTOMERS, {"name": "Lakeside"}) == key + 1
        shop.new(f"/trade/orders/{order}/parcels", {})
        assert [p["number"] for p in shop.get(f"/trade/orders/{order}/parcels")] == [1, 2]
    assert [line["n"] for line in deliveries(folder)] == list(range(1, 8))


def test_two_states_are_two_instances(tmp_path: Path) -> None:
    assert instance_of(tmp_path / "a") is None
    assert not (tmp_path / "a").exists()
    for name in "ab":
        State(tmp_path / name).close()
    assert None is not instance_of(tmp_path / "a") != instance_of(tmp_path / "b")


def test_the_folder_is_its_owners(folder: Path) -> None:
    with served(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "state.sqlite").stat().st_mode) == 0o600
        assert stat.S_IMODE((folder / "deliveries.jsonl").stat().st_mode) == 0o600


def test_only_loopback_is_listened_on(server: Server) -> None:
    assert server.base_url == f"http://127.0.0.1:{server.port}"
    with socket.socket() as other, pytest.raises(OSError):
        other.bind(("127.0.0.1", server.port))
    with socket.socket() as other:
        other.bind(("127.0.0.2", server.port))


def test_a_port_in_use(tmp_path: Path, server: Server) -> None:
    with pytest.raises(ConfigError) as error:
        serve(tmp_path / "other", DOCUMENTS, port=server.port)
    assert str(server.port) in error.value.message
    assert "--port 0" in error.value.remedy
    serve(tmp_path / "other", DOCUMENTS).close()


def test_a_wrong_document_leaves_the_folder_free(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("openapi: 3.1.0\n", encoding="utf-8")
    with pytest.raises(InvalidError):
        serve(tmp_path / "folder", {"wrong": tmp_path / "wrong.yaml"})
    serve(tmp_path / "folder", DOCUMENTS).close()


def test_attach_serves_when_nobody_does(folder: Path) -> None:
    server = attach(folder, DOCUMENTS)
    client = Client(server.base_url)
    client.new(CUSTOMERS, {"name": "A"})
    client.session.close()
    server.close()
    server.close()
    attach(folder, DOCUMENTS).close()


def test_attach_finds_the_server_of_another_process(folder: Path) -> None:
    with served_elsewhere(folder) as (process, port):
        server = attach(folder, DOCUMENTS)
        assert (server.port, server.instance) == (port, instance_of(folder))
        server.close()
        client = Client(server.base_url)
        assert client.new(CUSTOMERS, {"name": "A"}) == 5001
        client.session.close()
        with pytest.raises(LockedError):
            serve(folder, DOCUMENTS)
        process.communicate("")
    assert process.returncode == 0
    with served(folder) as shop:
        assert shop.new(CUSTOMERS, {"name": "B"}) == 5002


def test_attach_wants_its_apis_to_be_there(folder: Path, server: Server) -> None:
    assert server.instance == attach(folder, {}).instance
    with pytest.raises(ConfigError, match="does not serve 'bank'"):
        attach(folder, {"bank": DOCUMENT, **DOCUMENTS})


def test_a_killed_server_leaves_the_folder_to_the_next(folder: Path) -> None:
    with served_elsewhere(folder) as (process, port):
        client = Client(f"http://127.0.0.1:{port}")
        client.new(CUSTOMERS, {"name": "A"})
        client.session.close()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert (folder / "address").read_text(encoding="ascii") == f"{port}\n"
    server = attach(folder, DOCUMENTS)
    client = Client(server.base_url)
    assert client.new(CUSTOMERS, {"name": "B"}) == 5002
    client.session.close()
    server.close()
    assert [line["n"] for line in deliveries(folder)] == [1, 2]


def test_a_line_that_a_kill_kept_from_the_log_is_appended(folder: Path) -> None:
    with served(folder) as shop:
        shop.get(CUSTOMERS)
        shop.new(CUSTOMERS, {"name": "A"})
    log = folder / "deliveries.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole[: whole.index(b"\n") + 9])
    with served(folder) as shop:
        assert log.read_bytes() == whole
        shop.get(CUSTOMERS)
    assert [line["n"] for line in deliveries(folder)] == [1, 2, 3]


def test_what_was_not_recorded_is_undone(folder: Path) -> None:
    state = State(folder)
    place = Place("shop", "/things")
    with pytest.raises(KeyError), state.exclusive():
        state.put(place, state.next_id(place, 1), "{}")
        raise KeyError
    with state.exclusive():
        assert (state.find(place, 1), state.next_id(place, 1)) == (None, 1)
    state.close()


def test_a_full_disk_is_told_and_keeps_nothing(folder: Path) -> None:
    with served(folder) as shop:
        shop.new(CUSTOMERS, {"name": "A"})
        size = (folder / "deliveries.jsonl").stat().st_size
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (size + 10, before[1])
        )  # stands for a disk that is full
        try:
            told = shop.send("POST", CUSTOMERS, expect=507, data=b'{"name": "B"}')
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert told["message"].startswith("the sandbox cannot keep its state: ")
        assert (folder / "deliveries.jsonl").stat().st_size == size
        assert shop.new(CUSTOMERS, {"name": "C"}) == 5002
    assert [(line["n"], line["body"]["name"]) for line in deliveries(folder)] == [
        (1, "A"),
        (2, "C"),
    ]


def test_a_folder_without_room_for_the_state(folder: Path) -> None:
    command = [sys.executable, "-c", SERVE, str(folder), str(DOCUMENT)]
    limited = ["bash", "-c", 'ulimit -f 4; PYTHONDONTWRITEBYTECODE=1 exec "$@"', "-", *command]
    told = subprocess.run(
        limited, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=60
    )
    assert "runner.problems.StoppedError: the sandbox's folder " in told.stderr
    assert told.stdout == ""


def test_the_log_says_what_was_delivered(folder: Path, shop: Client) -> None:
    raw = b'{"name": "Zo\xc3\xab", "credit": 12.10}'
    shop.send(
        "POST",
        CUSTOMERS,
        expect=201,
        data=raw,
        headers={"User-Agent": "importer/1", "x-token": "p@ss"},
    )
    shop.get(CUSTOMERS, email="a@b.c")
    shop.post(CUSTOMERS, {}, expect=400)
    shop.send("POST", "/nowhere", expect=404, data=b"{}")
    first, second, third, fourth = deliveries(folder)
    assert first == {
        "n": 1,
        "api": "shop",
        "operation": "create_customer",
        "effect": "create",
        "method": "POST",
        "path": CUSTOMERS,
        "query": {},
        "body": {"name": "Zoë", "credit": first["body"]["credit"]},
        "status": 201,
        "id": 5001,
        "user_agent": "importer/1",
    }
    assert str(first["body"]["credit"]) == "12.10"
    assert (second["effect"], second["query"], second["id"]) == ("read", {"email": "a@b.c"}, None)
    assert (third["status"], third["body"], third["id"]) == (400, {}, None)
    assert (fourth["status"], fourth["effect"], fourth["operation"]) == (404, "write", None)
    assert "p@ss" not in (folder / "deliveries.jsonl").read_text(encoding="utf-8")


def test_parallel_creates_get_ids_of_their_own(
    folder: Path, server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    def create(worker: int) -> list[int]:
        client = Client(server.base_url)
        keys = [client.new(CUSTOMERS, {"name": f"{worker} {number}"}) for number in range(10)]
        client.session.close()
        return keys

    with ThreadPoolExecutor(40) as pool:
        keys = [key for found in pool.map(create, range(40)) for key in found]
    assert sorted(keys) == list(range(5001, 5401))
    log = deliveries(folder)
    assert [line["n"] for line in log] == list(range(1, 401))
    assert sorted(line["id"] for line in log) == sorted(keys)
    assert capfd.readouterr() == ("", "")


def test_the_shipped_documents_can_be_served(folder: Path) -> None:
    server = serve(folder, shipped_apis())
    client = Client(server.base_url)
    home = client.session.get(server.base_url, timeout=30).json()
    assert home == {
        "sandbox": server.instance,
        "apis": {name: f"{server.base_url}/{name}" for name in sorted(shipped_apis())},
        "hits": {},
    }
    client.session.close()
    server.close()


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{}", "127.0.0.1.evil.example:{}", "localhost", "[::2]:{}"],
)
def test_no_answer_to_another_name(server: Server, folder: Path, host: str) -> None:
    """A page whose name somebody has made to point here would read, and change, what is kept."""
    for path in ("/", "/shop/parts"):
        given = {"Host": host.format(server.port), "Origin": "http://evil.example", "x-token": "t"}
        answer = requests.get(server.base_url + path, headers=given, timeout=30)
        assert answer.status_code == 421
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert not deliveries(folder)


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "localhost:{}", "[::1]:{}"])
def test_its_own_names_are_answered_without_cors(server: Server, host: str) -> None:
    given = {"Host": host.format(server.port), "Origin": "http://evil.example"}
    for ask in (requests.get, requests.options):
        answer = ask(server.base_url + "/", headers=given, timeout=30)
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
