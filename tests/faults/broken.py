"""Variants of the command that break one promise each, without killing anything: the harness has to find each of them.

spellings    keys are compared letter by letter         look-alikes  two keys that look alike are two
lost calls   what nothing asks for is passed over       contents     a create is never compared with others
was          a step is known by its present id only     key_was      a key is known by its present text only
values       a request that differs by a byte differs
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from runner import keys
from runner.engine.calls import diff
from runner.engine.calls.owners import Makers
from runner.engine.calls.planned import Planning
from runner.engine.past import former_keys, other_uses
from runner.engine.past.claims import Claims
from runner.journal import registry
from runner.project import journal_checks
from runner.project.destination import Destination
from runner.recipe.model import Step
from runner.rows.group import Keys
from runner.transport import adapter
from runner.transport.adapter import Adapter
from runner.transport.sockets import Connection
from runner.transport.wire import Answer


def _spellings() -> None:
    for each in (keys.canonical, keys.canonical_shared, keys.look_alike):
        _everywhere(each, lambda text: text)


def _look_alikes() -> None:
    _everywhere(keys.look_alike, lambda text: text)


def _lost_calls() -> None:
    _replace(Claims, "forgotten", lambda _, step=None: [])


def _contents() -> None:
    _replace(Planning, "_repeated", lambda _, use, request: None)


def _was() -> None:
    _replace(Step, "names", property(lambda step: (step.id,)))
    _replace(Step, "was", ())


def _key_was() -> None:
    _everywhere(former_keys.check_key, lambda history, account, recipe: None)
    _replace(Keys, "former", lambda _, values, key: ())


def _values() -> None:
    _everywhere(
        diff.difference,
        lambda prior, request, operation, *, numbers: (
            "" if prior.digest == request.digest() else "the request is another one"
        ),
    )


def _other_names() -> None:
    _everywhere(other_uses.others_of, lambda *_, **__: other_uses.Others())


def _first_run() -> None:
    _replace(Destination, "_ask_first_run", lambda _, path: None)


def _origins() -> None:
    _replace(Destination, "check_origins", lambda _, history: None)


def _lost_runs() -> None:
    _everywhere(journal_checks.refuse_lost_runs, lambda history, *, runs: None)


def _created() -> None:
    _replace(journal_checks, "_check_created", lambda *_: None)


def _copies() -> None:
    _replace(registry, "_others", lambda *_, **__: [])


def _ids() -> None:
    _replace(Makers, "doubt", lambda _, operation, record, answer: "")


def _connections() -> None:
    send = Adapter.send
    _replace(Adapter, "send", lambda *given, **named: send(*given, **{**named, "reuse": True}))
    _replace(Connection, "is_quiet", lambda _: True)
    _replace(Answer, "reusable", property(lambda _: True))
    _replace(adapter, "REST_SECONDS", 0)


VARIANTS: Mapping[str, Callable[[], None]] = {
    "spellings": _spellings,
    "look-alikes": _look_alikes,
    "lost calls": _lost_calls,
    "contents": _contents,
    "was": _was,
    "key_was": _key_was,
    "values": _values,
    "other names": _other_names,
    "first run": _first_run,
    "origins": _origins,
    "lost runs": _lost_runs,
    "created": _created,
    "copies": _copies,
    "connections": _connections,
    "ids": _ids,
}


def _replace(owner: Any, name: str, by: Any) -> None:
    assert hasattr(owner, name), f"{owner} has no {name}"
    setattr(owner, name, by)


def _everywhere(function: Callable[..., Any], by: Callable[..., Any]) -> None:
    """Replace a function in every module that has imported it."""
    for name, module in list(sys.modules.items()):
        for found, value in list(vars(module).items()) if name.startswith("runner.") else ():
            if value is function:
                setattr(module, found, by)
