"""Run a command as `nobody`, who may get to the folders, whatever closed ones are above them.

    unshare --mount python as_nobody.py FOLDER… -- COMMAND…

Closed folders on the way are covered, in this mount namespace, by some that hold FOLDERs only.
"""

import os
import subprocess
import sys
from pathlib import Path

NOBODY = 65534
ROOT = Path(__file__).resolve().parents[2]


def main(*arguments):
    end = arguments.index("--")
    open_way({ROOT, *map(Path, arguments[:end])})
    os.chdir(ROOT)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    command = arguments[end + 1 :]
    os.execvp(command[0], command)


def open_way(folders):
    closed = {folder: above for folder in folders if (above := closed_above(folder))}
    originals = {folder: os.open(folder, os.O_PATH) for folder in sorted(closed)}
    for above in set(closed.values()):
        mount("-t", "tmpfs", "-o", "mode=755", "none", above)
    for folder, original in originals.items():
        folder.mkdir(parents=True, exist_ok=True)
        mount("--rbind", f"/proc/self/fd/{original}", folder, pass_fds=[original])


def closed_above(folder):
    """The topmost folder on the way that not everybody may enter."""
    return next((each for each in folder.parents[::-1] if not each.stat().st_mode & 0o001), None)


def mount(*arguments, **options):
    subprocess.run(["mount", "--no-canonicalize", *arguments], check=True, **options)


main(*sys.argv[1:])
