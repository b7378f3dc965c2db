"""Shared file systems, to which other machines write too. A journal is refused there: neither locks nor WAL hold.

SQLite says so of its own: "WAL does not work over a network filesystem" (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from runner.problems import StoppedError

NETWORK = frozenset({
    "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.afp", "fuse.beegfs",
    "fuse.ceph", "fuse.ceph-fuse", "fuse.cephfs", "fuse.curlftpfs", "fuse.davfs", "fuse.davfs2",
    "fuse.gcsfuse", "fuse.geesefs", "fuse.glusterfs", "fuse.goofys", "fuse.juicefs", "fuse.moosefs",
    "fuse.mount-s3", "fuse.mountpoint-s3", "fuse.nfs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs",
    "fuse.sshfs", "fuse.weed", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "panfs", "pvfs2", "smb", "smb2", "smb3", "smbfs", "wekafs",
})  # fmt: skip
"""Types of file systems that several machines can share, as Linux lists them.

Not among them: what a virtual machine or a container has from its one host (9p, virtiofs, vboxsf, fuse.grpcfuse).
Containers have their root on such a type, and the locks of all that runs inside do hold. Where they do not, that is
seen when the lock is taken or WAL mode is asked for.
"""

_MOUNTS = Path("/proc/self/mountinfo")


def file_system_of(path: Path, mountinfo: str) -> str:
    """Return the type of the file system of the absolute `path`; empty if `mountinfo` does not list it.

    `mountinfo` is the text of Linux's /proc/self/mountinfo: of two mounts at one place the later one is seen.

        36 35 98:0 / /mnt/data rw,noatime shared:1 - ext4 /dev/sda1 rw
    """
    longest, found = -1, ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if len(fields) < 5 or not kinds[0]:
            continue
        place = Path(_unescaped(fields[4]))
        if len(place.parts) >= longest and path.is_relative_to(place):
            longest, found = len(place.parts), kinds[0]
    return found


def refuse_network(folder: Path) -> None:
    """Raise StoppedError for a folder that other machines may share; not where the types are not listed."""
    try:
        mounts = _MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return
    kind = file_system_of(Path(os.path.realpath(folder)), mounts)
    if kind in NETWORK:
        raise StoppedError(
            f"{folder} is on a network file system ({kind}), where a journal can be lost or written by two "
            "machines at once; nothing was sent",
            remedy="keep the project on a local disk",
        )


def _unescaped(field: str) -> str:
    r"""Return a field of mountinfo, in which a space is \040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
