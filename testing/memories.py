"""Memories of targets, as if they had been learned for long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from netsky.targets import memory_file
from netsky.targets.memory import ALWAYS


def answered_always(file: Path) -> None:
    """Have all targets of that file usually alive, for more than a week."""
    memory = memory_file.read(file)
    always = np.full_like(memory.answered, ALWAYS)
    memory_file.write(file, replace(memory, answered=always, days=30), mode=0o600)
