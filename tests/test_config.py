"""Targets and secrets: what runner.yaml may say, what is refused, and that no secret is ever shown."""

from __future__ import annotations

import copy
import json
import os
import pickle
from decimal import Decimal
from pathlib import Path

import pytest

from runner.config import NAME, SANDBOX, ApiTarget, Config, Secret, Target, find_home, load
from runner.config.notices import Mail, Webhook
from runner.config.sources import variable
from runner.problems import ConfigError, InvalidError, Problem, UsageError, draw_all

CANARY = "p@ss-w0rd-canary-17"
WHOLE = """\
targets:
  production:
    account: acme-promo
    apis:
      syncore:
        base_url: https://api.syncore.app/v2/
        secrets: {api_key: {env: SYNCORE_API_KEY}}
        user_agent: acme-order-import/1.0
        rate: {requests_per_second: 2.5, burst: 3, hits_per_day: 20000}
        deadline: 30
        keep_alive: writes
  small:
    account: acme-test
    apis:
"""


def written(folder: Path, text: str) -> Config:
    (folder / NAME).write_text(text, encoding="utf-8")
    return load(folder)


def refused(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(InvalidError) as raised:
        written(folder, text)
    assert raised.value.exit_code == 7
    return raised.value.problems


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    config = written(tmp_path, WHOLE)
    api = ApiTarget(
        base_url="https://api.syncore.app/v2",
        secrets={"api_key": variable("SYNCORE_API_KEY")},
        user_agent="acme-order-import/1.0",
        requests_per_second=Decimal("2.5"),
        burst=3,
        hits_per_day=20000,
        deadline=Decimal(30),
        keep_alive="writes",
    )
    assert config.target("production") == Target("production", "acme-promo", {"syncore": api})
    assert config.target("small") == Target("small", "acme-test", {})
    assert config.runs == tmp_path / "runs"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "targets:\n", "targets: {}\n"])
def test_the_sandbox_needs_no_configuration(tmp_path: Path, text: str) -> None:
    for config in (load(tmp_path), written(tmp_path, text)):
        assert config.targets == {SANDBOX: Target(SANDBOX, SANDBOX, {})}


BASE = "base_url: https://api.syncore.app/v2\n        "
API = "targets:\n  production:\n    account: acme\n    apis:\n      syncore:\n        "
NO_SECRET = "{env: NAME_OF_A_VARIABLE}, and the secret in the environment or in .env"
PLAIN = "has to be plain text, without line breaks or accents"
RATE = "requests_per_second has to be a number from 0.001 to 100000"
NO_ADDRESS = "base_url is not an address of an API"
HTTPS = "write https://host/path"


@pytest.mark.parametrize(
    ("text", "place", "message", "remedy"),
    [
        ("- a", (1, 1), "a mapping is needed here", "name: value"),
        ("targets: x", (1, 10), "a mapping is needed here", "name: value"),
        ("target:\n  x: 1", (1, 1), "unknown key 'target'", "did you mean 'targets'?"),
        ("targets:\n  live: 5", (2, 9), "a mapping is needed here", "name: value"),
        ("targets:\n  live: {acount: x, account: y}", (2, 10), "unknown key 'acount'", "did you mean 'account'?"),
        ("targets:\n  live: {apis: {}}", (2, 3), "target 'live' has no account",
         "account: live, the name that calls are filed under: keep it for ever"),
        ("targets:\n  live: {account: 5}", (2, 19), f"account {PLAIN}", "quote it"),
        ("targets:\n  live: {account: é}", (2, 19), f"account {PLAIN}", ""),
        ("targets:\n  sandbox: {account: x}", (2, 13), "unknown key 'account'", "known keys: apis"),
        ("targets:\n  sandbox: {apis: {a: {base_url: x}}}", (2, 24), "unknown key 'base_url'", "known keys: overlay"),
        ("targets:\n  a: {account: x}\n  a: {}", (3, 3), "'a' is already given on line 2", "keep one of the two"),
        (API + "base_ur: x", (6, 9), "unknown key 'base_ur'", "did you mean 'base_url'?"),
        (API + "base_url: 5", (6, 19), f"base_url {PLAIN}", "quote it"),
        (API + "base_url: api.syncore.app", (6, 19), NO_ADDRESS, HTTPS),
        (API + "base_url: ftp://x", (6, 19), NO_ADDRESS, HTTPS),
        (API + "base_url: https://x:99999", (6, 19), NO_ADDRESS, HTTPS),
        (API + "base_url: https:///x", (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://exa mple/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://a..b/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://-a.b/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://a-.b/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://.a.b/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://a.b../v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://a_b!/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://x:/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://x:0/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://x:http/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://x:-1/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://x:65536/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://x:+80/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://999.1.1.1/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://1.2.3/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://[::1/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://[127.0.0.1]/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://::1/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://[x]/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://a<b/v1"', (6, 19), NO_ADDRESS, HTTPS),
        (API + "base_url: https://a\\b/v1", (6, 19), NO_ADDRESS, HTTPS),
        (API + f"base_url: https://{'a' * 64}.b", (6, 19), NO_ADDRESS, HTTPS),
        (API + f"base_url: https://{'a.' * 130}b", (6, 19), NO_ADDRESS, HTTPS),
        (API + 'base_url: "https://x/a b"', (6, 19), NO_ADDRESS, HTTPS),
        (API + 'origin_was: "https://a..b"', (6, 21), "origin_was is not an address of an API", HTTPS),
        (API + "base_url: http://api.syncore.app", (6, 19), "base_url is not encrypted",
         "write https://; http is for this machine only"),
        (API + f"base_url: https://me:{CANARY}@x", (6, 19), "base_url holds more than host and path",
         "a secret belongs under secrets:"),
        (API + f"base_url: https://x/?key={CANARY}", (6, 19), "base_url holds more than host and path",
         "a secret belongs under secrets:"),
        (API + "rate: 5", (6, 15), "a mapping is needed here", "name: value"),
        (API + "rate: {per_second: 5}", (6, 16), "unknown key 'per_second'", "did you mean 'requests_per_second'?"),
        (API + "rate: {requests_per_second: 0}", (6, 37), RATE, ""),
        (API + "rate: {requests_per_second: true}", (6, 37), RATE, ""),
        (API + "rate: {burst: 1.5}", (6, 23), "burst has to be a whole number", ""),
        (API + "rate: {hits_per_day: 1.5}", (6, 30), "hits_per_day has to be a whole number", ""),
        (API + "rate: {hits_per_day: 0}", (6, 30), "hits_per_day has to be a number from 1 to 1000000000", ""),
        (API + "keep_alive: always", (6, 21), "keep_alive is one of reads, writes, never", ""),
        (API + "deadline: -1", (6, 19), "deadline has to be a number from 0.001 to 86400", ""),
        (API + "deadline: '60'", (6, 19), "deadline has to be a number from 0.001 to 86400", ""),
        (API + "deadline: 1e20", (6, 19), "deadline has to be a number from 0.001 to 86400", ""),
        (API + "deadline: 1e-20", (6, 19), "deadline has to be a number from 0.001 to 86400", ""),
        (API + "rate: {requests_per_second: 1e20}", (6, 37),
         RATE, ""),
        (API + "rate: {requests_per_second: 1e-20}", (6, 37),
         RATE, ""),
        (API + "rate: {burst: 1000000000000000000000000000000}", (6, 23),
         "burst has to be a number from 1 to 1000000", ""),
        (API + "rate: {hits_per_day: 1e18}", (6, 30), "hits_per_day has to be a number from 1 to 1000000000", ""),
        (API + f"secrets: {CANARY}", (6, 18), "a mapping is needed here", "name: value"),
        (API + f"secrets: {{api_key: {CANARY}}}", (6, 28), "a secret is never written here", NO_SECRET),
        (API + "secrets: {api_key: 5551234}", (6, 28), "a secret is never written here", NO_SECRET),
        (API + "secrets: {api_key: }", (6, 28), "a secret is never written here", NO_SECRET),
        (API + f"secrets: {{api_key: {{env: {CANARY}}}}}", (6, 34), "env has to be the name of a variable", NO_SECRET),
        (API + "secrets: {api_key: {}}", (6, 28), "env has to be the name of a variable", NO_SECRET),
        (API + f"{BASE}secrets: {{api_key: {{evn: X, env: Y}}}}", (7, 29), "unknown key 'evn'", "did you mean 'env'?"),
        (API + f"secrets: {{api_key: !{CANARY} x}}", (6, 28), "tags are not allowed", ""),
        (API + "secrets: {api_key: 1e999999}", (6, 28), "not a number that can be used here", ""),
    ],
)  # fmt: skip
def test_refusals(
    tmp_path: Path, text: str, place: tuple[int, int], message: str, remedy: str
) -> None:
    problem = refused(tmp_path, text)[0]
    assert (problem.message, problem.remedy, (problem.line, problem.column)) == (
        message,
        remedy,
        place,
    )
    assert problem.file == str(tmp_path / NAME)


def test_everything_that_is_wrong_is_listed_at_once(tmp_path: Path) -> None:
    found = refused(
        tmp_path, "targets:\n  a: {x: 1}\n  b: {account: b, apis: {s: {rate: 1, deadline: 0}}}\n"
    )
    assert [problem.line for problem in found] == [2, 2, 3, 3]


@pytest.mark.parametrize(
    "text",
    [
        API + f"secrets: {{api_key: {CANARY}}}",
        API + f"secrets: {{api_key: {{env: {CANARY}}}}}",
        API + f"secrets: {{api_key: {{evn: {CANARY}}}}}",
        API + f"api_key: {CANARY}",
        API + f"base_url: https://me:{CANARY}@host",
        API + f"base_url: http://host/{CANARY}",
        API + f"{{secrets: {{api_key: {CANARY}}}, deadlin: 5}}",
        API + f"{{secrets: {{api_key: {CANARY}}}, deadline: 5, deadline: 6}}",
        API + f"{{secrets: {{api_key: {CANARY}}}, deadline: .nan}}",
        API + f"secrets: {{api_key: {CANARY}\n",
        API + f"secrets: {{api_key: '{CANARY}\n",
        API + f"secrets: {{api_key: &{CANARY} x}}",
        API + f"secrets: {{api_key: *{CANARY}}}",
        API + f"secrets: {{api_key: !{CANARY}}}",
        API + f"secrets: {{api_key: @{CANARY}}}",
        API + f"\tsecrets: {CANARY}",
        API + f"secrets: [{CANARY}]",
        f"{CANARY}",
    ],
)
def test_a_secret_written_into_the_file_is_not_echoed(tmp_path: Path, text: str) -> None:
    found = refused(tmp_path, text)
    assert CANARY not in draw_all(found)
    assert CANARY not in repr(found)


TARGET = Target(
    "live",
    "acme",
    {
        "syncore": ApiTarget(
            secrets={"api_key": variable("SYNCORE_API_KEY"), "other": variable("OTHER_KEY")}
        )
    },
)


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    config = Config(tmp_path, {})
    found = config.secrets(TARGET, "syncore", ("api_key",), environ={"SYNCORE_API_KEY": CANARY})
    assert list(found) == ["api_key"]
    assert found["api_key"].reveal() == CANARY
    assert config.secrets(TARGET, "syncore", (), environ={}) == {}


def dotenv(folder: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    path = folder / ".env"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)


def test_secrets_come_from_a_private_dotenv_file_and_the_environment_wins(tmp_path: Path) -> None:
    config = Config(tmp_path, {})
    dotenv(tmp_path, "SYNCORE_API_KEY='from $HOME file'\nOTHER_KEY=key-of-file\n")
    found = config.secrets(
        TARGET, "syncore", ("api_key", "other"), environ={"OTHER_KEY": "key-of-environment"}
    )
    assert {name: secret.reveal() for name, secret in found.items()} == {
        "api_key": "from $HOME file",
        "other": "key-of-environment",
    }


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601, 0o610])
def test_a_dotenv_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    dotenv(tmp_path, f"SYNCORE_API_KEY={CANARY}\n", mode=mode)
    with pytest.raises(ConfigError) as raised:
        Config(tmp_path, {}).secrets(TARGET, "syncore", ("api_key",), environ={})
    path = tmp_path / ".env"
    assert (raised.value.message, raised.value.remedy) == (
        f"{path} can be read by others",
        f"chmod 600 {path}",
    )


def test_a_dotenv_file_that_is_no_text_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    dotenv(tmp_path, b"SYNCORE_API_KEY=" + CANARY.encode() + b"\xff\n")
    with pytest.raises(ConfigError) as raised:
        Config(tmp_path, {}).secrets(TARGET, "syncore", ("api_key",), environ={})
    assert raised.value.message == f"{tmp_path / '.env'} cannot be read"
    assert raised.value.__suppress_context__


def test_missing_secrets_are_all_named_with_how_to_set_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        Config(tmp_path, {}).secrets(
            TARGET, "syncore", ("api_key", "other", "third"), environ={"OTHER_KEY": ""}
        )
    assert raised.value.message == "target 'live' lacks a secret of syncore"
    assert raised.value.remedy == (
        f"api_key: set SYNCORE_API_KEY in the environment or in {tmp_path / '.env'}; "
        f"other: set OTHER_KEY in the environment or in {tmp_path / '.env'}; "
        "third: say where it comes from in runner.yaml: targets.live.apis.syncore.secrets"
    )
    assert raised.value.exit_code == 7


@pytest.mark.parametrize("end", ["\n", "\r\nX-Evil: 1", "ö", "\0", "\x7f"])
def test_a_secret_that_a_header_cannot_carry_is_refused_and_not_shown(
    tmp_path: Path, end: str
) -> None:
    value = CANARY + end
    with pytest.raises(ConfigError) as raised:
        Config(tmp_path, {}).secrets(
            TARGET, "syncore", ("api_key",), environ={"SYNCORE_API_KEY": value}
        )
    expected = (
        "api_key: SYNCORE_API_KEY holds a line break or other characters that a header cannot carry"
    )
    assert raised.value.remedy == expected
    assert CANARY not in str(raised.value)


def test_a_secret_never_prints() -> None:
    secret = Secret(CANARY)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r}",
        f"{[secret]}",
        f"{ ({'a': secret}) }",
    ]
    assert all(CANARY not in text and "***" in text for text in shown)
    assert not hasattr(secret, "__dict__")
    for write in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as raised:
            write(secret)
        assert CANARY not in str(raised.value)


def test_an_unknown_target_gets_the_nearest(tmp_path: Path) -> None:
    config = written(tmp_path, WHOLE)
    with pytest.raises(UsageError) as raised:
        config.target("prodution")
    assert raised.value.message == "there is no target 'prodution'"
    assert raised.value.remedy == f"did you mean 'production'? or add it to {tmp_path / NAME}"
    with pytest.raises(UsageError) as raised:
        config.target("x")
    assert (
        raised.value.remedy
        == f"known targets: production, sandbox, small; add it to {tmp_path / NAME}"
    )


def test_the_home_is_the_nearest_folder_with_a_configuration(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / NAME).mkdir()
    assert find_home(deep) in (None, *tmp_path.parents)
    (tmp_path / NAME).touch()
    assert find_home(deep) == tmp_path
    assert find_home(tmp_path) == tmp_path
    (tmp_path / "a" / NAME).touch()
    assert find_home(deep) == tmp_path / "a"


def test_a_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(InvalidError) as raised:
        load(tmp_path)
    assert (raised.value.exit_code, raised.value.problems[0].message) == (
        7,
        "cannot be read: is a directory",
    )


NOTIFY = """\
notify:
  - when: trouble
    webhook: {url: {env: SLACK_URL}, body: slack}
  - text: "Run {{ run }}: {{ unknown }} unknown"
    mail: {to: ops@example.com, from: r@example.com, host: smtp.example.com, user: r, password: {env: PW}, attach: true}
"""


def test_who_is_told(tmp_path: Path) -> None:
    hook, mail = written(tmp_path, NOTIFY).notify
    assert (hook.when, hook.channel, hook.text) == (
        "trouble",
        Webhook(variable("SLACK_URL"), "slack"),
        None,
    )
    assert mail.when == "always"
    assert mail.channel == Mail(
        ("ops@example.com",), "r@example.com", "smtp.example.com", 587, "starttls", "r", variable("PW"), attach=True
    )  # fmt: skip
    assert (hook.name, mail.name) == ("webhook SLACK_URL", "mail to ops@example.com")
    assert load(tmp_path).secret(variable("PW"), environ={"PW": CANARY}).reveal() == CANARY
    with pytest.raises(ConfigError, match="PW is not set") as caught:
        load(tmp_path).secret(variable("PW"), environ={})
    assert "set PW in the environment" in caught.value.remedy


def test_what_a_command_prints_tells_where_to(tmp_path: Path) -> None:
    command = f"{{command: [printf, {CANARY}]}}"
    config = written(tmp_path, f"notify: [{{webhook: {{url: {command}}}}}]\n")
    (hook,) = config.notify
    assert hook.name == "webhook command printf"
    assert isinstance(hook.channel, Webhook)
    assert config.secret(hook.channel.url, environ=os.environ).reveal() == CANARY


MAIL = "notify: [{mail: {to: a@b.c, from: a@b.c, host: h"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            f"notify:\n  - webhook: {{url: https://hooks.example.com/{CANARY}}}\n",
            2,
            "a secret is never written here",
        ),
        ("notify:\n  - webhook: {body: slack}\n", 2, "a secret is never written here"),
        (
            "notify:\n  - webhook: {url: {stdin: true}}\n",
            2,
            "nobody types a secret when a run has ended",
        ),
        (
            "notify:\n  - webhook: {url: {env: U}, body: irc}\n",
            2,
            "body is one of json, slack, teams",
        ),
        (
            "notify:\n  - when: never\n    webhook: {url: {env: U}}\n",
            2,
            "when is one of always, trouble, unknown",
        ),
        ("notify:\n  - when: always\n", 2, "a notice has one of webhook and mail"),
        ("notify: {webhook: {url: {env: U}}}\n", 1, "notify is a list"),
        (f"{MAIL}, password: {CANARY}, user: x}}}}]\n", 1, "a secret is never written here"),
        (f"{MAIL}, user: x}}}}]\n", 1, "user and password go together"),
        (f"{MAIL}, tls: none}}}}]\n", 1, "the mail would go out unencrypted"),
        (f"{MAIL}, port: 2.5}}}}]\n", 1, "port has to be a whole number"),
        (f"{MAIL}, attach: often}}}}]\n", 1, "attach is true or false"),
        (
            "notify: [{mail: {to: [5], from: a@b.c, host: h}}]\n",
            1,
            "to is an address or a list of addresses",
        ),
        ("notify: [{mail: {from: a@b.c, host: h}}]\n", 1, "the mail has no to"),
        (
            "notify: [{text: '{{ unknwon }}', webhook: {url: {env: U}}}]\n",
            1,
            "no notice knows 'unknwon'",
        ),
        ("notify: [{text: '{{ ', webhook: {url: {env: U}}}]\n", 1, ""),
        ("notify: [{txt: a, webhook: {url: {env: U}}}]\n", 1, "unknown key 'txt'"),
    ],
)
def test_a_notice_that_is_refused(tmp_path: Path, text: str, line: int, message: str) -> None:
    problems = refused(tmp_path, text)
    assert any(message in problem.message and problem.line == line for problem in problems), (
        problems
    )
    assert CANARY not in draw_all(problems)
