"""A server on loopback that answers at once: what a client costs when the server costs nothing.

    python benchmarks/stub.py [MS [CERTIFICATE KEY]]

It prints its port and serves until it is killed; each answer takes MS milliseconds, over TLS with a certificate.
HTTP/1.1 with keep-alive. A POST is answered 201 with an id and a location, a GET with an empty list in every
shape a list may have; a GET of a list of types with a few entries, so that names are found. `GET /calls` gives
the number of requests since it was last asked, and is not counted itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import ssl
import sys

TYPES = [
    {"id": number, "name": name}
    for number, name in enumerate(("Check", "Credit Card", "ACH"), start=1)
]
ENVELOPE = {"contacts": [], "jobs": [], "salesorders": [], "total_results": 0, "links": {}}
BARE = ("/lineitems", "/payments")


class Stub:
    """Counts what it is asked, by method."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.calls = {"GET": 0, "POST": 0}
        self.ids = itertools.count(1_000_000_001)  # none that a prepared journal has

    def answer(self, method: str, path: str) -> bytes:
        """The whole answer to one request."""
        if path == "/calls":
            content, self.calls = self.calls, dict.fromkeys(self.calls, 0)
            return _answer("200 OK", content)
        self.calls[method] += 1
        if method == "POST":
            number = next(self.ids)
            return _answer("201 Created", {"id": number, "location": f"{path}/{number}"})
        path = path.partition("?")[0]
        if path.endswith("-types"):
            return _answer("200 OK", TYPES)
        return _answer("200 OK", [] if path.endswith(BARE) else ENVELOPE)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request after the other until the client leaves."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, path, _ = head.split(b" ", 2)
                await reader.readexactly(_length(head))
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(self.answer(method.decode(), path.decode()))
                await writer.drain()
        writer.close()


def _answer(status: str, content: object) -> bytes:
    body = json.dumps(content).encode()
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def main() -> None:
    """Serve on a free port of loopback."""
    delay = float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0
    tls = None
    if len(sys.argv) > 3:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[2], sys.argv[3])
    server = await asyncio.start_server(Stub(delay).serve, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
