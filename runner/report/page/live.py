"""Live page of a run: served on loopback to those who have its address, from the journal, read-only.

    GET /TOKEN/                 the page
    GET /TOKEN/data?seen=MARK   its current data; 204 if nothing has happened since MARK
    GET /TOKEN/calls?row=N      the calls of a row

The token excludes other programs and pages on this machine. A request with another Host is refused: it comes from a
name that resolves to loopback (DNS rebinding). http.server is sufficient for one reader on this machine.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from runner.catalogue import Catalogue
from runner.journal import History, RunRecord, now
from runner.problems import StoppedError
from runner.report.page.data import Page, calls_of_row, collect
from runner.report.page.html import page_html, policy

INTERVAL = 2
"""Seconds between two requests of the page; more if an answer takes long."""

_NAMES = ("127.0.0.1", "localhost", "[::1]")

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class LivePage:
    """Server of the page of run `number`, at `url` until closed; `open_history` is called for each request.

    It has threads of its own.
    """

    def __init__(
        self, open_history: Callable[[], History], number: int, catalogue: Catalogue
    ) -> None:
        token = secrets.token_urlsafe(24)

        # http.server creates a handler per request, and passes it no data but its class's.
        class Handler(_Handler):
            prefix = f"/{token}/"
            source = open_history, number, catalogue

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/{token}/"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    prefix = "/"
    source: tuple[Callable[[], History], int, Catalogue]
    timeout = 30

    def do_GET(self) -> None:
        """Answer a request of the page; any other gets a status without content."""
        url = urlsplit(self.path)
        port = self.connection.getsockname()[1]
        prefix = self.path.encode()[: len(self.prefix)]
        if self.headers.get("Host") not in [f"{name}:{port}" for name in _NAMES]:
            self._send(421, b"")
        elif not secrets.compare_digest(prefix, self.prefix.encode()):
            self._send(404, b"")
        else:
            self._answer(url.path.removeprefix(self.prefix), parse_qs(url.query))

    def _answer(self, name: str, query: Mapping[str, list[str]]) -> None:
        open_history, number, _ = self.source
        try:
            with closing(open_history()) as history:
                run = history.run(number)
                if run is None:
                    self._send(404, b"")
                else:
                    self._send_resource(history, run, name, query)
        except StoppedError as error:
            self._send(503, error.message.encode("utf-8", "backslashreplace"))

    def _send_resource(
        self, history: History, run: RunRecord, name: str, query: Mapping[str, list[str]]
    ) -> None:
        row = query.get("row", [""])[0]
        if name == "":
            content = page_html(self._page(history, run), live=str(INTERVAL))
            self._send(200, content, kind="text/html")
        elif name == "data":
            # The mark comes before the data: what happens in between is then sent again, not lost.
            mark = history.mark(run.id)
            if query.get("seen", [""])[0] == mark:
                self._send(204, b"")
            else:
                self._send_json({**self._page(history, run).head, "mark": mark})
        elif name == "calls" and row.isascii() and row.isdigit() and len(row) < 10:
            self._send_json(calls_of_row(history, run, int(row)))
        else:
            self._send(404, b"")

    def _page(self, history: History, run: RunRecord) -> Page:
        live = run.state == "running"
        return collect(history, run, self.source[2], made_at=now(), room=0, live=live)

    def _send_json(self, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        self._send(200, text.encode("utf-8", "backslashreplace"), kind="application/json")

    def _send(self, status: int, content: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        for name, text in _HEADERS.items():
            self.send_header(name, text)
        self.send_header("Content-Security-Policy", f"{policy(live=True)}; frame-ancestors 'none'")
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Log nothing: the standard error output belongs to the command."""
