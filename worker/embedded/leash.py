"""Becomes a command that dies with its parent: `leash.py SIGNAL PARENT COMMAND...`.

It runs before the command and becomes it, because a hook between fork and exec isn't safe in a
process with threads. It imports nothing of the project, so that it starts in milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for the signal at the parent's death, then become the command."""
    signal, parent, *command = sys.argv[1:]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
    if os.getppid() != int(parent):
        # It died before the kernel was asked.
        raise SystemExit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
