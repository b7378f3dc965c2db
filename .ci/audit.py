"""Run pip-audit over a file of versions: what it finds is a failure, a service that gives no answer is a notice.

python .ci/audit.py PIP-AUDIT FILE
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def main(audit: str, versions: str) -> int:
    """Return 1 where a weakness is known, 0 where none is or nothing could be asked."""
    command = [audit, "--format", "json", "--progress-spinner", "off", "--disable-pip"]
    done = subprocess.run(
        [*command, "--require-hashes", "-r", versions], capture_output=True, text=True, check=False
    )
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        _say(f"notice: nothing was audited, pip-audit had no answer: {said[:300]}")
        return 0
    asked = [each for each in found if "skip_reason" not in each]
    weak = [each for each in asked if each["vulns"]]
    for each in weak:
        _say(f"{each['name']} {each['version']}: {', '.join(map(_said, each['vulns']))}")
    if len(asked) < len(found):
        _say(
            f"notice: the service knows nothing of {len(found) - len(asked)} of {len(found)} packages"
        )
    _say(f"{len(asked)} packages audited, {len(weak)} with known weaknesses")
    return 1 if weak else 0


def _said(weakness: dict[str, Any]) -> str:
    fixed = ", ".join(weakness["fix_versions"]) or "no version"
    return f"{weakness['id']} (fixed in {fixed})"


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
