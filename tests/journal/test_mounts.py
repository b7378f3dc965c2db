"""Where a journal may not be: the types of file systems, as Linux lists them, and what is refused on some."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.journal.mounts import NETWORK, file_system_of

MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:31 / /mnt/team rw,relatime shared:2 master:7 - nfs4 server:/team rw,vers=4.2
41 40 254:1 / /mnt/team/local rw - xfs /dev/vdb rw
42 27 0:33 / /mnt/two\040words rw - cifs //server/share rw
43 27 0:34 / /home rw - autofs systemd-1 rw,fd=30
44 43 0:35 / /home rw - nfs server:/home rw
45 27 0:36 / /mnt/c rw - 9p C:\134 rw
46 27 0:37 / /media/key rw - fuse.sshfs a@b:/ rw
47 27 0:38 / /mnt/team2 rw - ext4 /dev/vdc rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/srv/project/runs", "ext4"),
        ("/mnt/team", "nfs4"),
        ("/mnt/team/project/runs", "nfs4"),
        ("/mnt/team/local/project", "xfs"),
        ("/mnt/team2/project", "ext4"),
        ("/mnt/two words/project", "cifs"),
        ("/home/ann/project", "nfs"),
        ("/mnt/c/Users/ann", "9p"),
        ("/media/key/runs", "fuse.sshfs"),
    ],
)
def test_the_type_is_that_of_the_mount_that_is_seen_there(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind


@pytest.mark.parametrize("text", ["", "garbage\n", "1 2 3 / /\n", "- - - -\n1 2 3:4 / /x rw - \n"])
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    assert file_system_of(Path("/x/project"), text) == ""


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "ceph", "lustre"])
def test_network_file_systems(kind: str) -> None:
    assert kind in NETWORK


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "9p", "virtiofs", "fuseblk", "zfs", "apfs"]
)
def test_file_systems_of_one_machine(kind: str) -> None:
    assert kind not in NETWORK


OPEN = """
import sys
from pathlib import Path
from runner.journal import Journal
Journal(Path(sys.argv[1])).__enter__()
"""


def test_a_journal_on_one_is_refused_and_nothing_is_made_there(tmp_path: Path) -> None:
    """A process that is shown another list of mounts, as the list of one that has the folder over NFS reads."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("unshare is not there or may make no mount namespace")
    (tmp_path / "runs").mkdir()
    listed = tmp_path / "mountinfo"
    text = "27 1 254:0 / / rw - ext4 /dev/vda rw\n40 27 0:31 / %s rw - nfs4 server:/team rw\n"
    listed.write_text(text % (tmp_path / "runs"))
    script = 'mount --bind "$1" /proc/$$/mountinfo && exec "$2" -c "$3" "$4"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", listed, sys.executable, OPEN, tmp_path / "runs"],
        capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "error"}, check=False,
    )  # fmt: skip
    if "mount:" in done.stderr:
        pytest.skip("no mount may be made over a file of /proc")
    assert done.returncode == 1
    assert f"StoppedError: {tmp_path / 'runs'} is on a network file system (nfs4)" in done.stderr
    assert list((tmp_path / "runs").iterdir()) == []
