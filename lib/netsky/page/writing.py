"""A page in its folder: written aside and renamed, so that nobody ever reads half of one."""

from __future__ import annotations

from pathlib import Path

from netsky.errors import OutputError
from netsky.files import replace_file

READABLE_BY_ALL = 0o644  # the web server is another user


def write_page(file: Path, text: str) -> None:
    """Put the page, or text, in the place of `file`; its folder is made. OutputError when it cannot be."""
    try:
        file.parent.mkdir(exist_ok=True)
        replace_file(file, text.encode(), mode=READABLE_BY_ALL)
    except OSError as error:
        raise OutputError(
            f"cannot write {file}: {error.strerror}: give a folder that this user may write to "
            "with --output"
        ) from error
