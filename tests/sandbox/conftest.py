"""A sandbox of a made-up shop on a free port, and a client for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from runner.sandbox.server import Server, serve

DOCUMENT = Path(__file__).with_name("shop.openapi.yaml")
DOCUMENTS: Mapping[str, Path] = {"shop": DOCUMENT}


def parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def deliveries(folder: Path) -> list[Any]:
    return [
        parsed(line)
        for line in (folder / "deliveries.jsonl").read_text(encoding="utf-8").splitlines()
    ]


@dataclass
class Client:
    """Speaks to an API, the shop; `expect` is the status that has to come back."""

    base_url: str
    api: str = "shop"
    session: requests.Session = field(default_factory=requests.Session)

    def send(self, method: str, path: str, *, expect: int, **more: Any) -> Any:
        headers = {"x-token": "t", **more.pop("headers", {})}
        answer = self.session.request(
            method, f"{self.base_url}/{self.api}{path}", headers=headers, timeout=30, **more
        )
        assert answer.status_code == expect, answer.text
        return parsed(answer.text)

    def get(self, path: str, *, expect: int = 200, **query: Any) -> Any:
        return self.send("GET", path, expect=expect, params=query)

    def post(self, path: str, body: Any, *, expect: int = 201) -> Any:
        return self.send("POST", path, expect=expect, json=body)

    def new(self, path: str, body: Any) -> int:
        return int(self.post(path, body)["id"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sandbox"


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    server = serve(folder, DOCUMENTS)
    yield server
    server.close()


@pytest.fixture
def shop(server: Server) -> Iterator[Client]:
    client = Client(server.base_url)
    yield client
    client.session.close()
