"""The registry of this machine's journals: many processes at once, and what becomes of entries."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.journal import Journal
from runner.journal.registry import NAME, Registry, RegistryError, registry_folder

ORIGIN = "https://api.example.com:443"


def journal(folder: Path) -> tuple[str, Path]:
    with Journal(folder) as opened:
        return opened.identify(), opened.path.resolve()


def test_all_that_write_at_once_are_noted(tmp_path: Path) -> None:
    made = [journal(tmp_path / str(n)) for n in range(12)]

    def claim(number: int) -> None:
        id_, path = made[number]
        registry = Registry(tmp_path / "state")
        assert registry.claim(f"a{number}", [ORIGIN], id_=id_, journal=path, beside=False) == []

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(claim, range(12)))
    noted = json.loads((tmp_path / "state" / NAME).read_text())["journals"]
    assert {each["account"] for each in noted} == {f"a{n}" for n in range(12)}


def test_one_of_two_that_come_at_once_is_refused(tmp_path: Path) -> None:
    made = [journal(tmp_path / str(n)) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        refused = pool.map(
            lambda each: Registry(tmp_path / "state").claim(
                "acme", [ORIGIN], id_=each[0], journal=each[1], beside=False
            ),
            made,
        )
        assert sum(not others for others in refused) == 1


def test_other_accounts_and_origins_are_no_matter(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "state")
    (first, path), (second, other) = journal(tmp_path / "1"), journal(tmp_path / "2")
    assert not registry.claim("acme", [ORIGIN], id_=first, journal=path, beside=False)
    assert not registry.claim(
        "acme", ["http://127.0.0.1:1"], id_=second, journal=other, beside=False
    )
    assert not registry.claim("beta", [ORIGIN], id_=second, journal=other, beside=False)
    (found,) = registry.claim("acme", [ORIGIN], id_=second, journal=other, beside=False)
    assert (found.id, found.path) == (first, str(path))
    assert not registry.claim("acme", [ORIGIN], id_=second, journal=other, beside=True)
    for id_, place in ((first, path), (second, other)):
        assert not registry.claim("acme", [ORIGIN], id_=id_, journal=place, beside=False)


def test_a_journal_that_cannot_be_read_is_there(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "state")
    id_, path = journal(tmp_path / "1")
    registry.claim("acme", [ORIGIN], id_=id_, journal=path, beside=False)
    path.write_bytes(b"no journal" * 1000)
    other, place = journal(tmp_path / "2")
    assert registry.others("acme", [ORIGIN], id_=other, journal=place)
    path.unlink()
    assert not registry.others("acme", [ORIGIN], id_=other, journal=place)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"journals": [{"account": "a"}]}', "\udcff"])
def test_a_damaged_registry_is_an_error_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RegistryError, match=r"is damaged: remove it"):
        Registry(tmp_path).others("acme", [ORIGIN], id_="x", journal=tmp_path / "j")


def test_the_folder_is_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert registry_folder() == tmp_path / "recipe-runner"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert registry_folder().is_relative_to(tmp_path)
