"""Build the wheel and the sdist of what is committed: the same commit gives the same bytes, wherever it is built.

python .ci/dist.py FOLDER, with setuptools installed. SOURCE_DATE_EPOCH is the moment that all files get;
without one it is that of the commit.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from setuptools import build_meta

ROOT = Path(__file__).resolve().parents[1]


def main(target: Path) -> None:
    """Build both into a folder."""
    target = target.resolve()
    target.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SOURCE_DATE_EPOCH", _git("log", "-1", "--format=%ct").strip())
    moment = int(os.environ["SOURCE_DATE_EPOCH"])
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary) / "tree"
        for name in _git("ls-files", "-z").split("\0"):
            if name:
                _copy(name, tree)
        os.chdir(tree)
        wheel = build_meta.build_wheel(str(target))
        sdist = target / build_meta.build_sdist(temporary)
        _pack(Path(temporary) / sdist.name, sdist, moment)
    sys.stderr.write(f"{target / wheel}\n{sdist}\n")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _copy(name: str, tree: Path) -> None:
    source, copy = ROOT / name, tree / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(source.read_bytes())
    copy.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def _pack(made: Path, target: Path, moment: int) -> None:
    """Pack an archive again, with one moment and no owner, and without a name or a moment in its gzip header."""
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=moment) as packed,
        tarfile.open(made) as old,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda each: each.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = moment, 0, 0, "", ""
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
