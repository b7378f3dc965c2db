"""Page of a run: one self-contained HTML file, which loads nothing.

    <head>    the request and the summary as text, for viewers without script
    #head     everything but the calls, as compressed JSON
    #chunk-N  requests and answers of some hundred rows, read when one of them is unfolded

Its content security policy allows its own style and script by their digests: no injected script runs, and no network
request is made.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from importlib import resources

from runner.report.page.calls import packed
from runner.report.page.data import Page

SCRIPTS = ("page.js", "facts.js", "calls.js", "table.js", "start.js")


def page_html(page: Page, *, live: str = "") -> bytes:
    """Return the page as a file. With `live` (seconds), it polls the command that serves it."""
    # Imported on use: most commands write no page.
    from jinja2 import Environment, StrictUndefined

    style, script = _text("page.css"), "\n".join(map(_text, SCRIPTS))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    content = environment.from_string(_text("page.html")).render(
        live=live,
        policy=policy(live=bool(live)),
        style=style,
        script=script,
        head=page.head,
        summary=page.summary,
        made=page.head["made"],
        packed="" if live else packed(page.head).decode("ascii"),
        chunks=[chunk.decode("ascii") for chunk in page.chunks],
    )
    return content.encode("utf-8", "backslashreplace")


@cache
def policy(*, live: bool = False) -> str:
    """Return the content security policy: the page's own style and script, and if live, its own server."""
    style, script = _digest(_text("page.css")), _digest("\n".join(map(_text, SCRIPTS)))
    asks = "connect-src 'self'; " if live else ""
    return f"default-src 'none'; {asks}style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


@cache
def _text(name: str) -> str:
    return resources.files("runner.report.page").joinpath(name).read_text(encoding="utf-8")
