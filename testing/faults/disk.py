"""A small disk of our own, in a mount namespace, that can be filled and freed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from testing.servers import program

_BLOCK = bytes(4096)


@dataclass(frozen=True)
class Disk:
    """Mounted at `folder`, for the processes that `command` runs only."""

    folder: Path
    holder: int  # the id of a process in that mount namespace

    def command(self, *command: str) -> list[str]:
        """`command` as it is run in the folder in which the disk's is."""
        enter = [program("nsenter"), f"--target={self.holder}", "--mount"]
        return [*enter, "sh", "-c", 'cd "$0" && exec "$@"', str(self.folder.parent), *command]

    def path(self, name: str = ".") -> Path:
        """A file of the disk as this process sees it."""
        return Path(f"/proc/{self.holder}/root{self.folder}") / name

    def copy(self, names: str, to: Path) -> None:
        """Copy files: SQLite follows the links in /proc to what is below the disk."""
        to.mkdir(exist_ok=True)
        for file in self.path().glob(names):
            shutil.copy(file, to)

    def fill(self, *, leave: int = 0) -> None:
        """Leave only so many bytes, of whole blocks, for others."""
        with self.path("filler").open("ab", buffering=0) as filler:
            with suppress(OSError):
                while True:
                    filler.write(_BLOCK)
            assert os.fstatvfs(filler.fileno()).f_bavail == 0
            filler.truncate(max(0, filler.tell() - leave))

    def free(self) -> None:
        self.path("filler").unlink()

    def make_read_only(self) -> None:
        remount = self.command(program("mount"), "-o", "remount,ro", str(self.folder))
        subprocess.run(remount, check=True)


@contextmanager
def mount_disk(folder: Path, *, size: str = "1M") -> Iterator[Disk]:
    """A tmpfs over `folder`, gone after the block; whatever was there is hidden by it."""
    script = f'mount -t tmpfs -o size={size},mode=755 tmpfs "$1" && echo mounted && exec cat'
    unshare = [program("unshare"), "--mount", "--propagation=private"]
    with subprocess.Popen(
        # It ends with its standard input, and that at the latest with this process.
        [*unshare, "sh", "-c", script, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == b"mounted\n"
            yield Disk(folder, holder.pid)
        finally:
            holder.stdin.close()
            holder.wait(10)
