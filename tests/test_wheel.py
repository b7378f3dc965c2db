"""The wheel that is built from the tree: what is in it, and that it runs where the tree is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from cli.command import TIMEOUT, TREE

_OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_NO_INPUT": "1",
}


def _python(*arguments: str | Path, cwd: Path, **more: str) -> str:
    """Runs Python in a clean environment; what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **_OFFLINE, **more},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the tree: building leaves things behind, and other tests look at the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    left_out = shutil.ignore_patterns(
        ".*", "*.egg-info", "build", "dist", "demo", "runs", "tests", "__pycache__"
    )
    shutil.copytree(TREE, folder / "tree", ignore=left_out)
    _python(
        "-m",
        "pip",
        "wheel",
        ".",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        cwd=folder / "tree",
    )
    (found,) = folder.glob("recipe_runner-*.whl")
    return found


def test_it_carries_all_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for top, inside in (
        ("runner", "runner"),
        ("recipes", "runner/recipes"),
        ("schemas", "runner/schemas"),
    ):
        for path in (TREE / top).rglob("*"):
            hidden = any(
                part.startswith((".", "__pycache__")) for part in path.relative_to(TREE / top).parts
            )
            if path.is_file() and not hidden:
                assert f"{inside}/{path.relative_to(TREE / top).as_posix()}" in names, path
    strangers = [name for name in names if not name.startswith(("runner/", "recipe_runner-"))]
    assert strangers == []


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    """Built twice, at other moments and with other rights for new files."""
    built = []
    for name, umask in (("one", 0o022), ("two", 0o077)):
        before = os.umask(umask)
        try:
            _python(TREE / ".ci" / "dist.py", tmp_path / name, cwd=tmp_path)
        finally:
            os.umask(before)
        files = sorted((tmp_path / name).iterdir())
        built.append({file.name: file.read_bytes() for file in files})
    assert sorted(name.rpartition(".")[2] for name in built[0]) == ["gz", "whl"]
    assert built[0] == built[1]


IMPORT_ALL = """
import importlib, pkgutil, runner
for module in pkgutil.walk_packages(runner.__path__, "runner."):
    print(importlib.import_module(module.name).__file__)
"""


def test_it_runs_where_the_tree_is_not(wheel: Path, tmp_path: Path) -> None:
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    _python("-m", "pip", "install", "--no-deps", "--target", installed, wheel, cwd=tmp_path)
    # With -S no .pth file is read: an editable install of the tree is not there, its dependencies are.
    path = os.pathsep.join(
        [str(installed), *{sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}]
    )

    def python(*arguments: str) -> str:
        return _python("-S", *arguments, cwd=empty, PYTHONPATH=path)

    modules = python("-c", IMPORT_ALL).split()
    assert f"{installed}/runner/cli/main.py" in modules
    assert [module for module in modules if not module.startswith(f"{installed}/")] == []
    command = ("-c", "from runner.cli import main; main()", "run", "import-orders")
    assert python(*command, "--dry-run").endswith("DRY RUN  nothing was sent\n")
    assert list(empty.iterdir()) == []
    assert python(*command) == "results  runs/1/results.csv\ncreated  runs/1/created.csv\n"
    assert ",done," in (empty / "runs" / "1" / "results.csv").read_text("utf-8-sig")
