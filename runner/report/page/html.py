"""The page of a run: one HTML file that holds all it shows, runs its own script and nothing else, and loads nothing.

    <head>    what was asked, the summary as text, for viewers without script
    #head     everything but the calls, as deflated JSON
    #chunk-N  requests and answers, some hundred rows each, opened when one of them is unfolded

Its policy names the digests of its style and script: nothing else that gets into it runs, and it reaches no network.
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
    """The page as a file; with `live`, how often (seconds) it asks the command that serves it for what is new."""
    from jinja2 import Environment, StrictUndefined

    style, script = _text("page.css"), "\n".join(map(_text, SCRIPTS))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    content = environment.from_string(_text("page.html")).render(
        live=live, policy=policy(live=bool(live)), style=style, script=script,
        head=page.head, summary=page.summary, made=page.head["made"],
        packed="" if live else packed(page.head).decode("ascii"),
        chunks=[chunk.decode("ascii") for chunk in page.chunks],
    )  # fmt: skip
    return content.encode("utf-8", "backslashreplace")


@cache
def policy(*, live: bool = False) -> str:
    """What the browser may do with the page: its own style and script, and when live, ask where it comes from."""
    style, script = _digest(_text("page.css")), _digest("\n".join(map(_text, SCRIPTS)))
    asks = "connect-src 'self'; " if live else ""
    return f"default-src 'none'; {asks}style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


@cache
def _text(name: str) -> str:
    return resources.files("runner.report.page").joinpath(name).read_text(encoding="utf-8")
