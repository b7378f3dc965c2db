"""What YAML documents say is kept in the user's cache folder, and believed only where it surely belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from runner.catalogue import load_api, shipped_apis
from runner.catalogue.documents.cache import FOLDER, load, store
from runner.catalogue.documents.files import read_document
from runner.problems import InvalidError

TEXT = "a: 1.10\n"
DATA = {"a": Decimal("1.10"), "b": [True, None, 10**30, "ä\u2028"], "c": {}}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """An environment with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def the_file(environ: Mapping[str, str]) -> Path:
    (found,) = (Path(environ["XDG_CACHE_HOME"]) / FOLDER).iterdir()
    return found


def test_data_come_back_as_they_were_to_the_digit(tmp_path: Path, own: Mapping[str, str]) -> None:
    store(tmp_path / "x.yaml", TEXT, DATA, environ=own)
    found = load(tmp_path / "x.yaml", TEXT, environ=own)
    assert found == DATA
    assert repr(found) == repr(DATA)


@pytest.mark.parametrize("name", list(shipped_apis()))
def test_a_document_is_the_same_when_it_is_read_again(name: str, own: Mapping[str, str]) -> None:
    first, second = (read_document(shipped_apis()[name], ours=True) for _ in range(2))
    assert first.root is not None
    assert second.root is None, "it was parsed again"
    assert repr(second.data) == repr(first.data)
    assert the_file(own).stat().st_mode & 0o777 == 0o600


def test_another_text_or_path_is_not_believed(tmp_path: Path, own: Mapping[str, str]) -> None:
    store(tmp_path / "x.yaml", TEXT, DATA, environ=own)
    assert load(tmp_path / "x.yaml", TEXT + " ", environ=own) is None
    assert load(tmp_path / "y.yaml", TEXT, environ=own) is None


def test_a_document_takes_one_file_however_often_it_changes(
    tmp_path: Path, own: Mapping[str, str]
) -> None:
    for number in range(3):
        store(tmp_path / "x.yaml", f"a: {number}", {"a": number}, environ=own)
        assert load(tmp_path / "x.yaml", f"a: {number}", environ=own) == {"a": number}
    assert the_file(own).name.endswith(".json")


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_may_write_is_not_believed(
    tmp_path: Path, own: Mapping[str, str], mode: int
) -> None:
    store(tmp_path / "x.yaml", TEXT, DATA, environ=own)
    the_file(own).chmod(mode)
    assert load(tmp_path / "x.yaml", TEXT, environ=own) is None


@pytest.mark.parametrize("left", [0, 10, 70, -1])
def test_what_is_torn_is_not_believed(tmp_path: Path, own: Mapping[str, str], left: int) -> None:
    store(tmp_path / "x.yaml", TEXT, DATA, environ=own)
    the_file(own).write_bytes(the_file(own).read_bytes()[:left])
    assert load(tmp_path / "x.yaml", TEXT, environ=own) is None


def test_without_a_folder_nothing_is_kept_and_nothing_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    for environ in ({}, {"XDG_CACHE_HOME": str(blocked)}, {"HOME": str(blocked)}):
        store(tmp_path / "x.yaml", TEXT, DATA, environ=environ)
        assert load(tmp_path / "x.yaml", TEXT, environ=environ) is None
    assert list(tmp_path.iterdir()) == [blocked]


def test_what_is_wrong_with_a_document_is_told_at_its_place_both_times(
    tmp_path: Path, own: Mapping[str, str]
) -> None:
    path = tmp_path / "shop.openapi.yaml"
    path.write_text(
        "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\npaths:\n  /a:\n    get:\n      operationId: list\n"
        "      responses:\n        200:\n          $ref: '#/components/responses/None'\n",
        encoding="utf-8",
    )
    told = []
    for _ in range(2):
        with pytest.raises(InvalidError) as caught:
            load_api(path)
        told.append(caught.value.problems)
    assert the_file(own).exists()
    assert told[0] == told[1]
    assert [(each.line, each.kind, each.excerpt.strip()) for each in told[0]] == [
        (9, "reference", "$ref: '#/components/responses/None'")
    ]


def test_another_byte_is_not_believed(tmp_path: Path, own: Mapping[str, str]) -> None:
    store(tmp_path / "x.yaml", TEXT, DATA, environ=own)
    kept = the_file(own)
    kept.write_bytes(kept.read_bytes().replace(b"1.10", b"9.10"))
    assert load(tmp_path / "x.yaml", TEXT, environ=own) is None


def test_a_link_is_not_followed(tmp_path: Path, own: Mapping[str, str]) -> None:
    store(tmp_path / "x.yaml", TEXT, DATA, environ=own)
    kept = the_file(own)
    kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(tmp_path / "elsewhere")
    assert load(tmp_path / "x.yaml", TEXT, environ=own) is None


def test_nothing_is_kept_where_others_write(tmp_path: Path, own: Mapping[str, str]) -> None:
    folder = tmp_path / "cache" / FOLDER
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    store(tmp_path / "x.yaml", TEXT, DATA, environ=own)
    assert not list(folder.iterdir())
