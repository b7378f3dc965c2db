"""Notices of the end of a run: `notify` in `runner.yaml`, a list of webhooks and mails.

    notify:
      - when: trouble                       # always, trouble (exit code above 0) or unknown
        webhook: {url: {env: SLACK_URL}, body: slack}               # json, slack or teams
      - when: unknown
        text: "Look at run {{ run }} of {{ recipe }}: {{ unknown }} unknown"     # instead of the summary
        mail:
          to: [ops@example.com]
          from: runner@example.com
          host: smtp.example.com
          user: runner
          password: {env: SMTP_PASSWORD}
          attach: true                      # the results, as a workbook where there is one

A webhook's URL is a secret: anyone who knows it can post there. Both secrets have the sources of those of targets,
but for stdin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.config.address import is_host
from runner.config.reader import LOOPBACK, Reading
from runner.problems import nearest

if TYPE_CHECKING:
    from runner import source
    from runner.config.sources import SecretSource
    from runner.template import Template

WHEN = ("always", "trouble", "unknown")
BODIES = ("json", "slack", "teams")
TLS = ("starttls", "implicit", "none")
PORTS = {"starttls": 587, "implicit": 465, "none": 25}

NAMES = (
    "recipe", "target", "account", "run", "exit_code", "outcome", "stopped", "summary",
    "rows", "lines", "done", "found", "changed", "rejected", "unknown", "not_started",
)  # fmt: skip
"""Names in a text: facts of the run, its counts of rows, and the complete summary."""


@dataclass(frozen=True)
class Webhook:
    """An address that accepts a POST. `url` is the source of it, `body` the format of the body."""

    url: SecretSource
    body: str


@dataclass(frozen=True)
class Mail:
    """A mail by SMTP. `password` is the source of it; `tls` is starttls, implicit or none."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    tls: str
    user: str = ""
    password: SecretSource | None = None
    attach: bool = False


@dataclass(frozen=True)
class Notice:
    """A message about the end of a run, sent if `when` is true of it. The default `text` is the summary."""

    when: str
    channel: Webhook | Mail
    text: Template | str | None = None

    @property
    def name(self) -> str:
        """The name of the notice in messages, without a secret."""
        if isinstance(self.channel, Webhook):
            return f"webhook {self.channel.url.name}"
        return f"mail to {', '.join(self.channel.to)}"


def read_notices(reader: Reading, declared: Any) -> tuple[Notice, ...]:
    """Return the notices of a configuration; their problems are added to the reader."""
    if declared is None:
        return ()
    if not isinstance(declared, list):
        reader.wrong(("notify",), "notify is a list", remedy="begin each of them with a dash")
        return ()
    notices = [_notice(reader, value, ("notify", at)) for at, value in enumerate(declared)]
    return tuple(notice for notice in notices if notice is not None)


def _notice(reader: Reading, value: Any, path: source.TreePath) -> Notice | None:
    settings = reader.mapping(value, path, ("when", "text", "webhook", "mail"))
    when = reader.choice(settings, path, "when", choices=WHEN)
    text = _template(reader, settings.get("text"), (*path, "text"))
    if ("webhook" in settings) == ("mail" in settings):
        reader.wrong(
            path, "a notice has one of webhook and mail", remedy="write two notices for both"
        )
        return None
    if "webhook" in settings:
        place = (*path, "webhook")
        webhook = reader.mapping(settings["webhook"], place, ("url", "body"))
        url = _source(reader, webhook.get("url"), (*place, "url") if "url" in webhook else place)
        body = reader.choice(webhook, place, "body", choices=BODIES)
        return Notice(when, Webhook(url, body), text) if url is not None else None
    return Notice(when, _mail(reader, settings["mail"], (*path, "mail")), text)


def _mail(reader: Reading, value: Any, path: source.TreePath) -> Mail:
    keys = ("to", "from", "host", "port", "tls", "user", "password", "attach")
    settings = reader.mapping(value, path, keys)
    for key in ("to", "from", "host"):
        if not settings.get(key):
            remedy = "to, from and host have to be there"
            reader.wrong(path, f"the mail has no {key}", remedy=remedy, key=True)
    tls = reader.choice(settings, path, "tls", choices=TLS)
    host = reader.text(settings, path, "host")
    if host and not is_host(host) and host not in LOOPBACK:
        reader.wrong((*path, "host"), "host is not the name of a host", remedy="smtp.example.com")
    if tls == "none" and host and host not in LOOPBACK:
        remedy = "tls: starttls or implicit; none is for this machine only"
        reader.wrong((*path, "tls"), "the mail would go out unencrypted", remedy=remedy)
    secret = settings.get("password")
    password = _source(reader, secret, (*path, "password")) if secret is not None else None
    if ("user" in settings) != ("password" in settings):
        remedy = "password: {env: NAME_OF_A_VARIABLE}"
        reader.wrong(path, "user and password go together", remedy=remedy, key=True)
    return Mail(
        port=reader.whole(settings, path, "port", most=65_535) or PORTS[tls],
        to=_addresses(reader, settings, path),
        sender=reader.text(settings, path, "from"),
        host=host,
        tls=tls,
        user=reader.text(settings, path, "user"),
        password=password,
        attach=reader.flag(settings, path, "attach"),
    )


def _source(reader: Reading, where: Any, path: source.TreePath) -> SecretSource | None:
    """Return the source of a secret, which is read when a run has ended; None after a problem."""
    found = reader.secret_source(where, path)
    if found is not None and found.kind == "stdin":
        message = "nobody types a secret when a run has ended"
        reader.wrong(path, message, remedy="take it from env, keyring or command")
        return None
    return found


def _addresses(
    reader: Reading, settings: Mapping[str, Any], path: source.TreePath
) -> tuple[str, ...]:
    value = settings.get("to", [])
    addresses = value if isinstance(value, list) else [value]
    if not all(map(_is_mail_address, addresses)):
        message = "to is an address or a list of addresses"
        reader.wrong((*path, "to"), message, remedy="to: [ops@example.com]")
        return ()
    return tuple(addresses)


def _is_mail_address(value: Any) -> bool:
    return isinstance(value, str) and value.count("@") == 1 and value.isascii()


def _template(reader: Reading, text: Any, path: source.TreePath) -> Template | str | None:
    """Return the template of a text; each of its names has to be one of NAMES."""
    if text is None:
        return None
    # Imported on use: most configurations have no notices.
    from runner.template import TemplateError, compile_template

    if not isinstance(text, str):
        reader.wrong(path, "text has to be text", remedy="quote it")
        return None
    try:
        template = compile_template(text)
    except TemplateError as error:
        reader.wrong(path, str(error))
        return None
    for reference in () if isinstance(template, str) else template.references:
        if reference.root not in NAMES:
            remedy = nearest(reference.root, NAMES, noun="names")
            reader.wrong(path, f"no notice knows {reference.root!r}", remedy=remedy)
    return template
