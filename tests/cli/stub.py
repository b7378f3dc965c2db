"""An API that answers as a test says, and keeps every byte that reached it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import NamedTuple

_ID = re.compile(rb'(?<="id":)[0-9]+|(?<="id": )[0-9]+')


class Sent(NamedTuple):
    """A request as it came in."""

    method: str
    path: str
    body: bytes
    key: str
    kind: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer; `status` 0 closes the connection without one."""

    status: int
    content: bytes = b"{}"
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Stub:
    """The server, at `url`. `answer` is called for each request, in a thread of its own.

    A 201 that was given before has the next id that none of them had, as each object of an API has its own.
    """

    def __init__(self, answer: Callable[[Sent], Answer]) -> None:
        self.answer = answer
        self.sent: list[Sent] = []
        self._ids: set[int] = set()
        self._lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                key, kind = (self.headers.get(name, "") for name in ("x-api-key", "Content-Type"))
                sent = Sent(self.command, self.path, body, key, kind)
                stub.sent.append(sent)
                self._give(stub.with_new_id(stub.answer(sent)))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _take  # noqa: N815 - the library's names

            def _give(self, answer: Answer) -> None:
                self.close_connection = answer.status == 0
                if answer.status == 0:
                    return
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v2"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def with_new_id(self, answer: Answer) -> Answer:
        """The answer, with an id of its own where it tells of something new."""
        found = _ID.search(answer.content) if answer.status == 201 else None
        if found is None:
            return answer
        with self._lock:
            new = next(number for number in count(int(found[0])) if number not in self._ids)
            self._ids.add(new)
        content = answer.content[: found.start()] + b"%d" % new + answer.content[found.end() :]
        return replace(answer, content=content)

    @property
    def writes(self) -> list[Sent]:
        """What was sent to change something."""
        return [sent for sent in self.sent if sent.method != "GET"]

    def settings(self) -> str:
        """A runner.yaml whose target `live` is this server, as fast as it goes."""
        return f"""\
targets:
  live:
    account: acme
    apis:
      syncore:
        base_url: {self.url}
        secrets: {{api_key: {{env: ACME_KEY}}}}
        rate: {{requests_per_second: 1000, burst: 1000}}
"""

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
