"""Errors that nobody has thought of: one line for the user, the stack at -vv.

The text of such an error is never repeated: a driver may put a password into it.
"""

from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path

from netsky.text import one_line

log = logging.getLogger(__name__)

MOST_FRAMES = 50  # a function that calls itself without an end has a thousand


def describe(error: BaseException) -> str:
    """What kind of error it is and where it was raised; its stack goes to the log at -vv."""
    frames = [
        (frame.f_code.co_filename, line, frame.f_code.co_qualname)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    file, line, _ = frames[-1] if frames else ("?", 0, "")
    said = f"unexpected {_kind(error)} at {Path(file).name}:{line}"
    if not log.isEnabledFor(logging.DEBUG):
        return f"{said} (run again with -vv for where)"
    log.debug("stack of the %s, the newest call last:", said)
    for file, line, function in frames[-MOST_FRAMES:]:
        log.debug("  %s:%s in %s", file, line, function)
    return said


def _kind(error: BaseException) -> str:
    """Its name; of an error of the system also its number's meaning and the file that it names."""
    name = type(error).__name__
    if not isinstance(error, OSError) or error.errno is None:
        return name
    file = f", {one_line(error.filename)}" if isinstance(error.filename, str) else ""
    return f"{name} ({os.strerror(error.errno)}{file})"
