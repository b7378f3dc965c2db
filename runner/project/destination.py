"""The account that a run writes to, compared with what this journal, and this machine, know of it.

A run whose journal is not the one that knows the account would send what another has sent. So it is refused before its
first request where the account is on record at another origin, where another journal of this machine writes to it, and
where no run to it is on record at all; each with the ways on. The sandbox has its own account each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from runner.catalogue import Catalogue
from runner.config import SANDBOX, Target
from runner.journal import History, Journal, now
from runner.journal.registry import Entry, Registry, RegistryError, is_there, registry_folder
from runner.journal.store import NAME
from runner.problems import ConfigError, StoppedError
from runner.project import connections
from runner.project.journal_checks import refuse_lost_runs
from runner.project.streams import note
from runner.recipe.model import Recipe


class Declared(NamedTuple):
    """What a person declares of the past for a run, where its journal does not know it."""

    first_run: bool = False
    new_identity: bool = False
    separate_journal: bool = False


NOTHING = Declared()

_PORTS = {"http": 80, "https": 443}


Ask = Callable[[str], bool]
"""Puts a question to a person, and returns whether the answer is yes."""


class Destination(NamedTuple):
    """An account, and the origin of each API that a run uses there. `was` are origins that the target names as former
    ones; `writes` says whether the recipe changes anything.
    """

    target: str
    account: str
    origins: Mapping[str, str]
    was: Mapping[str, str]
    writes: bool

    def check_known(self, runs: Path, declared: Declared, ask: Ask | None) -> None:
        """Refuse, before there is a journal, an account that none knows. Raises StoppedError.

        `ask` puts a question to a person; None where nobody can answer.
        """
        if not self.writes:
            return
        with closing(History(runs)) as history:
            if history.writes_to(self.account):
                if declared.first_run:
                    text = f"--first-run: runs to {self.account!r} are on record here already; leave it out"
                    note(text)
                return
            if runs.exists():
                refuse_lost_runs(history, runs=runs)
            id_ = history.journal_id()
        if not declared.separate_journal:
            self._refuse_others(runs / NAME, id_)
        hints = self._hints(runs / NAME)
        if not declared.first_run:
            self._ask_first_run(runs / NAME, hints, ask)
        for hint in hints:
            note(f"note: {hint}")

    def check_origins(self, history: History) -> None:
        """Refuse an account that is on record at another origin. Raises ConfigError."""
        known = {api: origin_of(each) for api, each in history.origins(self.account).items()}
        for api, origin in self.origins.items():
            if known.get(api, origin) in (origin, self.was.get(api)):
                continue
            if not history.was_at(self.account, api):  # nothing was there: an address with a typo
                continue
            raise ConfigError(
                f"the account {self.account!r} is on record at {known[api]} ({api}), and the target "
                f"{self.target!r} leads to {origin}: what was sent there was not sent here; nothing was sent",
                remedy=f"if it is the same API that has moved, or has another name, write origin_was: {known[api]} "
                f"below targets.{self.target}.apis.{api}; only if it is another place, with nothing of what was sent, "
                "give it another account in runner.yaml",
            )

    def accounts(self, history: History) -> set[str]:
        """The accounts on record that are at one of these origins, however their addresses write it."""
        here = {place_of(origin) for origin in self.origins.values()}
        return {account for account, _, each in history.places() if place_of(each) in here}

    def beside(self, runs: Path) -> list[Path]:
        """The folders of the other journals of this machine that write to the account there."""
        try:
            entries = Registry(registry_folder()).at([*self.origins.values()])
        except RegistryError:
            return []
        own = (runs / NAME).resolve()
        paths = {Path(e.path) for e in entries if e.account == self.account and is_there(e)}
        return sorted(path.parent for path in paths if path.resolve() != own)

    def record(self, journal: Journal, history: History, declared: Declared) -> None:
        """Note the account's origins in the journal, and the journal in the registry. Raises StoppedError."""
        self.check_origins(history)
        if self.writes:
            self._claim(journal, history, declared)
        known, noted = history.origins(self.account), history.writes_to(self.account)
        for api, origin in self.origins.items():
            if known.get(api) == origin and (noted or not self.writes):
                continue  # nothing to commit
            journal.origin(self.account, api, origin, writes=self.writes, at=now())

    def _claim(self, journal: Journal, history: History, declared: Declared) -> None:
        id_ = history.journal_id() or journal.identify()
        path, beside = journal.path.resolve(), declared.separate_journal
        origins = set(self.origins.values())
        try:
            registry = Registry(registry_folder())
            others = registry.others(self.account, origins, id_=id_, journal=path)
            if others and beside and any(each.id == id_ for each in others):
                id_ = journal.identify()  # a copy becomes a journal of its own
            others = registry.claim(self.account, origins, id_=id_, journal=path, beside=beside)
        except RegistryError as error:
            _tell_unnoted(error, self.account)
            return
        if others:
            raise self._beside(others[0], id_)
        self._refuse_older(registry, history, id_)

    def _refuse_older(self, registry: Registry, history: History, id_: str) -> None:
        """Refuse a journal that lacks a run which it has begun: an older copy that was put back, with all around it."""
        last = max((run.id for run in history.runs()), default=0)
        noted = max(
            (e.run for e in registry.at([*self.origins.values()]) if e.id == id_), default=0
        )
        if noted > last:
            raise StoppedError(
                f"this journal knows of run {last} at most, and run {noted} was begun from it on this machine: it is "
                "an older copy, and what was sent since would be sent again; nothing was sent",
                remedy="restore the newer journal; else look up what was sent since, leave those rows out of the "
                f"next run, and remove this journal's entry from {registry.path}",
            )

    def note_run(self, history: History, run: int) -> None:
        """Note in the registry that a run has begun; one that cannot be used has been reported before."""
        if self.writes:
            with suppress(RegistryError):
                registry = Registry(registry_folder())
                registry.note_run(
                    self.account, set(self.origins.values()), id_=history.journal_id(), run=run
                )

    def _refuse_others(self, path: Path, id_: str) -> None:
        try:
            registry = Registry(registry_folder())
            others = registry.others(
                self.account, set(self.origins.values()), id_=id_, journal=path.resolve()
            )
        except RegistryError:
            return  # it is told when it is to be written
        if others:
            raise self._beside(others[0], id_)

    def _beside(self, other: Entry, id_: str) -> StoppedError:
        is_copy = "this journal is a copy of" if other.id == id_ else "its journal here is"
        return StoppedError(
            f"{is_copy} {other.path}, which writes to {self.account!r} at {other.origin}, and would "
            "not know what is sent from there; nothing was sent",
            remedy=f"run it in {Path(other.path).parent.parent}, or move that folder's runs/ here; where both are to "
            "write to the account, each for rows of its own: --separate-journal",
        )

    def _hints(self, path: Path) -> list[str]:
        """What this machine knows of the place: journals that are gone, and that write there to other accounts."""
        try:
            entries = Registry(registry_folder()).at([*self.origins.values()])
        except RegistryError:
            return []
        found: dict[str, str] = {}
        for each in entries:
            there = is_there(each)
            if each.account == self.account and not there:
                found[each.path] = f"{each.path}, which wrote to {self.account!r}, is gone"
            elif each.account != self.account and there and each.path != str(path.resolve()):
                found[each.path] = f"{each.path} writes to {each.account!r} at {each.origin}"
        return [*found.values()]

    def _ask_first_run(self, path: Path, hints: Sequence[str], ask: Ask | None) -> None:
        """Ask the person at a terminal whether nothing was sent before; refuse where there is none."""
        missing = "; ".join(
            [f"no run that writes to the account {self.account!r} is on record in {path}", *hints]
        )
        if ask is not None:
            note(f"{missing}: what was sent before would be sent again")
            if ask("is this the first run to it?"):
                return
        raise StoppedError(
            f"{missing}: what was sent before would be sent again; nothing was sent",
            remedy="if it is the first run to this account: --first-run; else run it where the runs/ folder of the "
            "earlier runs is, or bring that folder here",
        )


def destination_of(
    recipe: Recipe, target: Target, catalogue: Catalogue, way: connections.Way
) -> Destination | None:
    """Where a run goes; None for the sandbox."""
    if target.name == SANDBOX:
        return None
    writes = any(
        catalogue.operation(name).effect != "read" for name in connections.used_operations(recipe)
    )
    return _destination(target, way, writes=writes)


def check_reads(target: Target, way: connections.Way, history: History) -> None:
    """Refuse to read what was sent at another origin than it was sent to. Raises ConfigError."""
    if target.name != SANDBOX:
        _destination(target, way, writes=False).check_origins(history)


def _destination(target: Target, way: connections.Way, *, writes: bool) -> Destination:
    origins = {api: origin_of(each.base_url) for api, each in way.connections.items()}
    was = {api: origin_of(each.origin_was) for api, each in target.apis.items() if each.origin_was}
    return Destination(target.name, way.account, origins, was, writes)


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, in one form for one place: lower case, no dot at the end, ASCII."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        with suppress(ValueError):
            host = ip_address(host).compressed
        host = f"[{host}]"
    elif not host.isascii():
        with suppress(UnicodeError):
            host = host.encode("idna").decode()
    return f"{parts.scheme}://{host}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def place_of(url: str) -> str:
    """The origin of an address, the same for all names of this machine for itself: localhost, 127.0.0.1, ::1."""
    origin = origin_of(url)
    parts = urlsplit(origin)
    host = parts.hostname or ""
    own = host == "localhost" or host.endswith(".localhost")
    with suppress(ValueError):
        own = ip_address(host).is_loopback
    return f"{parts.scheme}://localhost:{parts.port}" if own else origin


def _tell_unnoted(error: RegistryError, account: str) -> None:
    text = (
        f"note: {error.message}; that this journal writes to {account!r} is not noted, and a copy of the "
        "project on this machine would not be found out"
    )
    note(text)
