"""The YAML language server that editors use, spoken to over its protocol: frames of JSON on its standard streams.

The protocol's Python clients bring an event loop and a plug-in of pytest for it; four requests need neither.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVER = Path(sys.prefix) / "node/node_modules/yaml-language-server/bin/yaml-language-server"
"""Where the Makefile puts it."""

TIMEOUT = 60.0
"""Seconds after which it hangs."""

SETTINGS = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}


class LanguageServer:
    """A running server. It is ended when it has not answered in time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._asked = 0

    def request(self, method: str, params: Any) -> Any:
        """What the server answers."""
        self._asked += 1
        number = self._asked
        self._send({"id": number, "method": method, "params": params})
        return self._wait(lambda message: message.get("id") == number and "method" not in message)[
            "result"
        ]

    def notify(self, method: str, params: Any) -> None:
        """Tell the server something."""
        self._send({"method": method, "params": params})

    def open(self, path: Path) -> list[dict[str, Any]]:
        """Open a file as an editor does; what the server finds wrong with it."""
        document = {
            "uri": path.as_uri(),
            "languageId": "yaml",
            "version": 1,
            "text": path.read_text(),
        }
        self.notify("textDocument/didOpen", {"textDocument": document})
        told = self._wait(
            lambda message: (
                message.get("method") == "textDocument/publishDiagnostics"
                and message["params"]["uri"] == path.as_uri()
            )
        )
        found: list[dict[str, Any]] = told["params"]["diagnostics"]
        return found

    def at(self, method: str, path: Path, place: tuple[int, int]) -> Any:
        """Ask about a place (line and character, both from 0) of an open file."""
        position = {"line": place[0], "character": place[1]}
        return self.request(method, {"textDocument": {"uri": path.as_uri()}, "position": position})

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
        self._process.stdin.flush()

    def _wait(self, wanted: Any) -> Any:
        """The next message that is wanted; what the server asks meanwhile is answered."""
        while not wanted(message := self._receive()):
            if "id" in message and "method" in message:
                asked = (
                    message["params"].get("items", ())
                    if message["method"] == "workspace/configuration"
                    else ()
                )
                settings = [SETTINGS if item.get("section") == "yaml" else {} for item in asked]
                self._send({"id": message["id"], "result": settings or None})
        return message

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        length = 0
        while (line := self._process.stdout.readline().strip()) or not length:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            assert self._process.poll() is None or line, "the language server has ended"
        return json.loads(self._process.stdout.read(length))


@contextmanager
def language_server(folder: Path) -> Iterator[LanguageServer]:
    """A server for the files of `folder`, initialised."""
    command = ["node", str(SERVER), "--stdio"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    watch = threading.Timer(TIMEOUT, process.kill)
    watch.start()
    try:
        server = LanguageServer(process)
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {
                "hover": {"contentFormat": ["plaintext"]},
                "completion": {"completionItem": {}},
            },
        }
        server.request(
            "initialize",
            {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities},
        )
        server.notify("initialized", {})
        yield server
    finally:
        watch.cancel()
        process.kill()
        process.communicate()
