"""The `runner` command, also as `python -m runner`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from runner import __version__

if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command line, and end the process with its exit code.

    `--version` alone is answered before the rest is imported; where it cannot be written, the rest says so.
    """
    if sys.argv[1:] == ["--version"]:
        with suppress(OSError):
            os.write(1, f"runner {__version__}\n".encode())
            sys.exit(0)
    from runner.cli import main as run_command

    run_command()


if __name__ == "__main__":
    main()
